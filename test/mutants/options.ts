import { parseArgs } from 'node:util';

export interface Options {
  /** Only mutants with this text in their name. */
  readonly mutant: string | undefined;
  /** Every mutant, and the control run, plays the seeds from 1 to this one. */
  readonly seeds: number;
  /** After so many seconds a mutant has survived. */
  readonly deadline: number;
  /** How many processes of the simulation go on side by side. */
  readonly lanes: number;
  /** Where a report in the form of Vitest's goes. */
  readonly report: string | undefined;
  /** Tell what was violated, not only which invariant. */
  readonly trace: boolean;
}

/** @throws TypeError for an unknown option, RangeError for a value that is no number from 1 on. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mutant: { type: 'string' },
      seeds: { type: 'string' },
      deadline: { type: 'string' },
      lanes: { type: 'string' },
      report: { type: 'string' },
      trace: { type: 'boolean' },
    },
  });
  return {
    mutant: values.mutant,
    seeds: numberOf(values.seeds ?? '124'),
    deadline: numberOf(values.deadline ?? '20'),
    lanes: numberOf(values.lanes ?? '2'),
    report: values.report,
    trace: values.trace === true,
  };
}

function numberOf(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`"${text}" is no number from 1 on.`);
  return value;
}
