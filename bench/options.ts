import { parseArgs } from 'node:util';

/** The cases, by the names that the command line knows. */
export const CASES = ['cold', 'delete'] as const;
export type CaseName = (typeof CASES)[number];

export interface Options {
  readonly case: CaseName;
  /** How many DynamicSecretLeases there are. Default: 1000. */
  readonly leases: number;
  /** Over how many namespaces they are spread, each with a connection of its own. Default: 1. */
  readonly namespaces: number;
  /** How often the case is run, each time in a new world; the figures are the medians. Default: 1. */
  readonly runs: number;
  /** One JSON object instead of text. Default: no. */
  readonly json: boolean;
  /** The file that gets a line of JSON for each run, with what figures are drawn from. Default: none. */
  readonly save: string | undefined;
}

/** @throws TypeError for an unknown option, RangeError for a value that is none. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: 'string', default: 'cold' },
      leases: { type: 'string', default: '1000' },
      namespaces: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      save: { type: 'string' },
    },
  });
  const [leases, namespaces] = [wholeNumber(values.leases), wholeNumber(values.namespaces)];
  if (namespaces > leases) throw new RangeError('There are fewer leases than namespaces.');
  return {
    case: caseName(values.case),
    leases,
    namespaces,
    runs: wholeNumber(values.runs),
    json: values.json,
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
