import { inspect, isDeepStrictEqual } from 'node:util';

/** Something was not as it should be. */
export class ExpectationFailed extends Error {
  override readonly name = 'ExpectationFailed';
  readonly expected: string;
  readonly found: string;

  /** @param sentence what should hold, as the reader of the demo would say it */
  constructor(sentence: string, expected: string, found: string) {
    super(sentence);
    this.expected = expected;
    this.found = found;
  }
}

/**
 * Tells that something holds.
 *
 * @throws ExpectationFailed when what was found is not, in every part, what was expected
 */
export type Check = <T>(sentence: string, found: T, expected: T) => void;

/** @param holds receives the sentence of each check that held */
export function createCheck(holds: (sentence: string) => void): Check {
  return (sentence, found, expected) => {
    if (!isDeepStrictEqual(found, expected)) {
      throw new ExpectationFailed(sentence, inspect(expected), inspect(found));
    }
    holds(sentence);
  };
}
