import { parseArgs } from 'node:util';

export interface Options {
  /** The first seed, and how many. */
  readonly first: number;
  readonly seeds: number;
  /** No further seed is begun after so many minutes. */
  readonly minutes: number;
  /** Print all that happened. */
  readonly trace: boolean;
  /** Where a report in the form of Vitest's goes. */
  readonly report: string | undefined;
  readonly workers: number;
}

/** Enough for more than a million steps. */
const SEEDS = 600;

/** @throws TypeError for an unknown option, RangeError for a value that is no number. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      first: { type: 'string' },
      seeds: { type: 'string' },
      minutes: { type: 'string' },
      trace: { type: 'boolean' },
      report: { type: 'string' },
      workers: { type: 'string' },
    },
  });
  const single = values.seed !== undefined;
  return {
    first: numberOf(values.seed ?? values.first ?? '1'),
    seeds: single ? 1 : numberOf(values.seeds ?? String(SEEDS)),
    minutes: numberOf(values.minutes ?? '20'),
    trace: values.trace === true,
    report: values.report,
    workers: single ? 1 : numberOf(values.workers ?? '2'),
  };
}

function numberOf(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`"${text}" is no number.`);
  return value;
}
