import { parseDuration } from '../api/duration.ts';
import { parseConfig, type Config } from '../config.ts';
import { shown } from '../config/flags.ts';
import { takeFlags } from '../config/own-flags.ts';

/** What the command line of a drain asks for. */
export type DrainCommand =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Milliseconds. */
      readonly timeout: number;
    }
  | { readonly ok: false; readonly faults: readonly string[] }
  | { readonly help: string }
  | { readonly version: true };

const DEFAULT_TIMEOUT = '15m';
const LONGEST_TIMEOUT = 24 * 3_600_000;

/**
 * Reads what stands behind `drain`: the flags of the operator, and `--timeout`. Nothing is served, and of the log only
 * warnings are printed where nothing else is asked for.
 */
export function parseDrain(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DrainCommand {
  const own = takeFlags(argv, [NAME]);
  const texts = own.texts.get(NAME) ?? [];
  const parsed = parseConfig(own.rest, { LEASEHOLDER_LOG_LEVEL: 'warn', ...env });
  if ('help' in parsed) return { help };
  if ('version' in parsed) return parsed;
  const timeout = readTimeout(texts);
  if (parsed.ok && timeout !== undefined)
    return { ok: true, config: { ...parsed.config, listen: 'off' }, timeout };
  const wrong = timeout === undefined ? [timeoutFault(texts)] : [];
  return { ok: false, faults: [...wrong, ...(parsed.ok ? [] : parsed.faults)] };
}

function readTimeout(texts: readonly string[]): number | undefined {
  const timeout = texts.length > 1 ? undefined : parseDuration(texts[0] ?? DEFAULT_TIMEOUT);
  return timeout !== undefined && timeout <= LONGEST_TIMEOUT ? timeout : undefined;
}

const NAME = '--timeout';

function timeoutFault(texts: readonly string[]): string {
  if (texts.length > 1) return `${NAME} is given more than once.`;
  const text = texts[0] ?? '';
  const given = text === '' ? 'empty' : shown(text);
  return `${NAME} must be a whole number and one of the units s, m, h (90s, not 1m30s), from 1s to 24h; it is ${given}.`;
}

const help = [
  'leaseholder drain: ends every lease before the operator is uninstalled.',
  '',
  'Usage: leaseholder drain [--timeout DURATION] [--namespaces NAME,NAME] [--shard NAME] [--flag VALUE ...]',
  '',
  'Deletes every DynamicSecretLease in scope and waits until its leases are revoked, then every',
  'DynamicSecret and waits until it is removed from the server, until no InfisicalConnection is kept for',
  'them, and until no Secret of theirs is left. Pods that read those Secrets lose their credentials. Where',
  'an operator works, that one revokes; otherwise this process does.',
  '',
  'Needs the operator\'s own rights and "delete" on dynamicsecretleases and dynamicsecrets (ClusterRole',
  'leaseholder-drain).',
  '',
  `  ${NAME} DURATION`,
  '      How long to wait, from 1s to 24h.',
  `      Default: ${DEFAULT_TIMEOUT}.`,
  '',
  'The other flags are those of leaseholder --help; --listen means nothing here. The election must be that of',
  'the operator: give --leader-election-namespace and --leader-election-name where it has others than the default.',
  '',
  'Exit code: 0 nothing is left; 1 something is, which is listed with the reason; 2 wrong flags.',
  '',
].join('\n');
