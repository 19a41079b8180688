import { parseArgs } from 'node:util';

export interface Options {
  /** So many rotations are waited for. Default: 200. */
  readonly rotations: number;
  /** What the faults and acts are drawn from. Default: 1. */
  readonly seed: number;
  /** Where a report in the form of Vitest's goes. */
  readonly report: string | undefined;
}

/** @throws TypeError for an unknown option, RangeError for a value that is none. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { rotations: { type: 'string' }, seed: { type: 'string' }, report: { type: 'string' } },
  });
  return {
    rotations: wholeNumber(values.rotations ?? '200'),
    seed: wholeNumber(values.seed ?? '1'),
    report: values.report,
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`"${text}" is no number from 1 on.`);
  return value;
}
