import { parseArgs } from 'node:util';

import { SERVERS, type ServerKind } from '../support/server-kind.ts';

/** The moment of a request at which the operator is killed. */
export const MOMENTS = ['before-sending', 'after-commit', 'after-answer'] as const;
export type Moment = (typeof MOMENTS)[number];

export interface Options {
  /** Only this point: its number, from 1 on for each server, or its name. */
  readonly point: string | undefined;
  readonly moments: readonly Moment[];
  readonly servers: readonly ServerKind[];
  /** How many lives go on side by side. */
  readonly lanes: number;
  /** Where a report in the form of Vitest's goes. */
  readonly report: string | undefined;
  /** Print what each run met, and the operators' logs of those that fail. */
  readonly trace: boolean;
}

/** @throws TypeError for an unknown option, RangeError for a value that is none. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      point: { type: 'string' },
      when: { type: 'string' },
      server: { type: 'string' },
      lanes: { type: 'string' },
      report: { type: 'string' },
      trace: { type: 'boolean' },
    },
  });
  return {
    point: values.point,
    moments: oneOf(MOMENTS, values.when),
    servers: oneOf(SERVERS, values.server),
    lanes: numberOf(values.lanes ?? '14'),
    report: values.report,
    trace: values.trace === true,
  };
}

function numberOf(text: string): number {
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
