import type { Random } from '../random.ts';

/** What kind of world a seed is, as far as dynamic secrets are declared in it. */
export interface DeclaredProfile {
  /** Acts an hour. */
  readonly acts: number;
  /** Of them, those that others do on the server. */
  readonly mischief: number;
  /** Whether the identity may see dynamic secrets in the list of their folder. */
  readonly hidden: boolean;
  /** How long reads of dynamic secrets lag behind, in milliseconds. */
  readonly lag: number;
  /** When the provider cannot be reached. */
  readonly outages: readonly { readonly from: number; readonly until: number }[];
}

const [SECOND, HOUR] = [1000, 3_600_000];

/** @param busy how long troubles last, in milliseconds. */
export function drawDeclaredProfile(random: Random, busy: number): DeclaredProfile {
  const count = random.chance(0.4) ? 0 : Math.round((random.next() * 6 * busy) / HOUR);
  return {
    acts: random.between(6, 40),
    mischief: random.chance(0.4) ? 0 : random.next() * 0.4,
    hidden: random.chance(0.3),
    lag: random.chance(0.6) ? 0 : random.between(0, 8) * SECOND,
    outages: Array.from({ length: count }, () => {
      const from = random.next() * busy;
      return { from, until: Math.min(from + random.between(5, 300) * SECOND, busy) };
    }),
  };
}
