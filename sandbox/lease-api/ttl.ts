import ms from 'ms';
import type { Profile } from './refusal.ts';

export const MINUTE = 60_000;
/** The ceilings of a TTL, in milliseconds. Both ends are allowed. */
export const CEILING: Record<Profile, number> = { current: ms('10y'), '2024': ms('1d') };

/**
 * A TTL in milliseconds, exactly as the npm package `ms` reads it, traps included: a bare number is milliseconds and
 * `1M` is one minute.
 *
 * @returns NaN for text that `ms` cannot read: the empty string, `1h30m`, `PT1H`, surrounding spaces.
 */
export function parseTtl(text: string): number {
  return readable(text) ? (optional(ms(text)) ?? Number.NaN) : Number.NaN;
}

/** `ms` throws for an empty string; everything else it answers. */
function readable(text: string): text is ms.StringValue {
  return text !== '';
}

/** The types of `ms` leave out that it returns undefined for text outside its grammar. */
function optional(milliseconds: number): number | undefined {
  return milliseconds;
}

export interface TtlRules {
  readonly profile: Profile;
  /** What a TTL outside the grammar meets: the real server's hole (it passes) or a refusal. */
  readonly garbage: 'accepted' | 'refused';
  /** The wording of the kubernetes route differs by one word. */
  readonly route?: 'generic' | 'kubernetes';
}

/** Why the server's validation refuses a TTL; undefined if it lets it pass. The empty string means "not given". */
export function ttlFault(
  text: string,
  { profile, garbage, route = 'generic' }: TtlRules,
): string | undefined {
  if (text === '') return undefined;
  const milliseconds = parseTtl(text);
  if (Number.isNaN(milliseconds)) return garbage === 'refused' ? 'Invalid TTL' : undefined;
  if (milliseconds < MINUTE) return `TTL must be ${route === 'generic' ? 'a ' : ''}greater than 1min`;
  if (milliseconds <= CEILING[profile]) return undefined;
  return profile === '2024' ? 'TTL must be less than a day' : 'TTL must be less than 10 years';
}
