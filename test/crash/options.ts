import { parseArgs } from 'node:util';

import { SERVERS, type ServerKind } from '../support/server-kind.ts';

/** The moment of a request at which the operator is killed. */
export const MOMENTS = ['before-sending', 'after-commit', 'after-answer'] as const;
export type Moment = (typeof MOMENTS)[number];

/** What is lived: leases of dynamic secrets that are there, or a dynamic secret that is declared, with a lease of it. */
export const LIVES = ['leases', 'declared'] as const;
export type LifeKind = (typeof LIVES)[number];

export interface Options {
  /** Of pairs only `leases`. */
  readonly lives: readonly LifeKind[];
  /** Only this point: its number, from 1 on for each life and server, or its name. */
  readonly point: string | undefined;
  /** Only the first so many lives with a fault; undefined: all. */
  readonly first: number | undefined;
  readonly moments: readonly Moment[];
  readonly servers: readonly ServerKind[];
  /** Pairs of faults, too. */
  readonly pairs: boolean;
  /** The one request of the second process at which it is killed; undefined: each write of its recovery. */
  readonly second: string | undefined;
  readonly secondMoments: readonly Moment[];
  /** How many lives go on side by side; undefined: as many as the machine has time for. */
  readonly lanes: number | undefined;
  /** Where a report in the form of Vitest's goes. */
  readonly report: string | undefined;
  /** Print what each run met, and the operators' logs of those that fail. */
  readonly trace: boolean;
}

/**
 * The moments of a second fault, unless others are asked for. What a process did lives on in the world alone, so two
 * kills differ by which of its writes were done: `after-commit` of each is every such world. `before-sending` is the
 * one after the write before; `after-answer` that, or the one after the next write.
 */
const SECOND_MOMENTS = ['after-commit'] as const;

const TEXTS = ['life', 'point', 'first', 'when', 'server', 'then', 'then-when', 'lanes', 'report'] as const;

/** @throws TypeError for an unknown option, RangeError for a value that is none. */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const texts = Object.fromEntries(TEXTS.map((name) => [name, text]));
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...(texts as Record<(typeof TEXTS)[number], typeof text>),
      pairs: { type: 'boolean' },
      trace: { type: 'boolean' },
    },
  });
  const pairs = values.pairs === true;
  const { then: second, 'then-when': secondWhen } = values;
  demand(pairs || (second ?? secondWhen) === undefined, 'A second fault needs --pairs.');
  demand(second === undefined || values.point !== undefined, '--then needs --point.');
  demand(!pairs || values.life !== 'declared', 'Pairs are made of the life of leases alone.');
  return {
    lives: pairs ? ['leases'] : oneOf(LIVES, values.life),
    point: values.point,
    first: numberOf(values.first),
    moments: oneOf(MOMENTS, values.when),
    servers: oneOf(SERVERS, values.server),
    pairs,
    second,
    secondMoments: secondWhen === undefined ? SECOND_MOMENTS : oneOf(MOMENTS, secondWhen),
    lanes: numberOf(values.lanes),
    report: values.report,
    trace: values.trace === true,
  };
}

function demand(holds: boolean, sentence: string): void {
  if (!holds) throw new RangeError(sentence);
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`"${text}" is no number from 1 on.`);
  return value;
}

/** All, or the one that is named. */
function oneOf<Word extends string>(words: readonly Word[], given: string | undefined): readonly Word[] {
  if (given === undefined) return words;
  const found = words.filter((word) => word === given);
  if (found.length === 0) throw new RangeError(`"${given}" is none of ${words.join(', ')}.`);
  return found;
}
