import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

import { parseDuration } from '../src/api/duration.ts';
import type { CaseOptions } from './cases/case.ts';

/** The cases, by the names that the command line knows. */
export const CASES = [
  'cold',
  'delete',
  'restart',
  'start',
  'steady',
  'storm',
  'idle',
  'noisy',
  'limited',
] as const;
export type CaseName = (typeof CASES)[number];

export interface Options extends CaseOptions {
  readonly case: CaseName;
  /** How often the case is run, each time in a new world; the figures are the medians. Default: 1. */
  readonly runs: number;
  /** One JSON object instead of text. Default: no. */
  readonly json: boolean;
  /** The file that gets a line of JSON for each run, with what figures are drawn from. Default: none. */
  readonly save: string | undefined;
}

export const USAGE = `npm run bench -- [--case NAME] [OPTION ...]

  --case NAME          ${CASES.join(', ')}. Default: cold
  --leases N           how many DynamicSecretLeases there are. Default: 1000
  --namespaces N       over how many namespaces they are spread, each with a connection of its own. Default: 1
  --runs N             how often the case is run, each time in a new world; the figures are the medians. Default: 1
  --json               one JSON object instead of text
  --save FILE          append a line of JSON for each run, with what figures are drawn from
  --ttl DURATION       steady: ttl of the leases, 1m or more. Default: 3m
  --window SECONDS     idle and steady: how long is looked. Default: 120, and twice the ttl
  --outage             storm: the lease API is away while the leases come due
  --write-limit N      limited: leases that the lease API gives in a minute. Default: 90
  --help               this text
`;

const flags = {
  case: { type: 'string', default: 'cold' },
  leases: { type: 'string', default: '1000' },
  namespaces: { type: 'string', default: '1' },
  runs: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  save: { type: 'string' },
  ttl: { type: 'string', default: '3m' },
  window: { type: 'string' },
  outage: { type: 'boolean', default: false },
  'write-limit': { type: 'string', default: '90' },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsOptionsConfig;

/** @returns undefined where help is asked for. @throws TypeError for an unknown option, RangeError for a value that is none. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({ args: [...args], options: flags });
  if (values.help) return undefined;
  const [leases, namespaces] = [wholeNumber(values.leases), wholeNumber(values.namespaces)];
  if (namespaces > leases) throw new RangeError('There are fewer leases than namespaces.');
  return {
    case: caseName(values.case),
    leases,
    namespaces,
    runs: wholeNumber(values.runs),
    json: values.json,
    ttl: timeToLive(values.ttl),
    window: values.window === undefined ? undefined : wholeNumber(values.window),
    outage: values.outage,
    writeLimit: wholeNumber(values['write-limit']),
    save: values.save,
  };
}

function caseName(text: string): CaseName {
  const found = CASES.find((one) => one === text);
  if (found === undefined) throw new RangeError(`"${text}" is none of the cases: ${CASES.join(', ')}.`);
  return found;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`"${text}" is no number from 1 on.`);
  return value;
}

function timeToLive(text: string): string {
  if ((parseDuration(text) ?? 0) < 60_000) throw new RangeError(`"${text}" is no duration from 1m on.`);
  return text;
}
