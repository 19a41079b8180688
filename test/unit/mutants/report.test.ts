import { describe, expect, it } from 'vitest';

import { parseOptions } from '../../mutants/options.ts';
import type { Played } from '../../mutants/play.ts';
import { describeOutcome, summary, vitestReport, type Outcome } from '../../mutants/report.ts';

const ends: Readonly<Record<string, { played: Played; line: string }>> = {
  'a violation': {
    played: { end: 'violation', seed: 7, invariant: 'I4', message: 'It lives.', seconds: 1.23 },
    line: 'caught   I4, seed 7               1.2 s  It says no.',
  },
  'nothing in all seeds': {
    played: { end: 'nothing', seconds: 9 },
    line: 'SURVIVED no violation             9.0 s  It says no.',
  },
  'the deadline': {
    played: { end: 'late', seed: 3, seconds: 20 },
    line: 'SURVIVED too late, seed 3        20.0 s  It says no.',
  },
  'a simulation that broke': {
    played: { end: 'broken', message: 'it ended with code 1', seconds: 0.5 },
    line: 'SURVIVED the simulation broke     0.5 s  It says no.',
  },
};

function outcomeOf(played: Played): Outcome {
  return { name: 'It says no.', played };
}

describe('The line of a mutant names invariant, seed and seconds', () => {
  it.each(Object.entries(ends))('after %s', (_, { played, line }) => {
    expect(describeOutcome(outcomeOf(played))).toBe(line);
  });
});

describe('The result of the suite', () => {
  const outcomes = Object.values(ends).map(({ played }) => outcomeOf(played));

  it('counts as caught only what a violation ended', () => {
    expect(summary(outcomes)).toBe('mutants: 1 caught, 3 survived');
  });

  it('is reported as one test a mutant, and one for the sources as they are', () => {
    expect(JSON.parse(vitestReport(true, outcomes.slice(0, 2)))).toMatchObject({
      testResults: [
        {
          status: 'failed',
          assertionResults: [{ status: 'passed' }, { status: 'passed' }, { status: 'failed' }],
        },
      ],
    });
  });
});

describe('An option', () => {
  it('has its default where it is not given', () => {
    expect(parseOptions([])).toMatchObject({ mutant: undefined, deadline: 20, lanes: 2 });
  });

  it.each(['--seeds=0', '--deadline=soon', '--lanes=1.5'])(
    'that is no number from 1 on is refused: %s',
    (arg) => {
      expect(() => parseOptions([arg])).toThrow(RangeError);
    },
  );
});
