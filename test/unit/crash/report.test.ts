import { expect, it } from 'vitest';

import { describeFailure, pairSummary, summary, type Outcome } from '../../crash/report.ts';

const wellLived: Outcome['result'] = {
  violations: [],
  points: [],
  times: [],
  stepsAfter: [],
  fired: 1,
  recovery: 1000,
  windows: { orders: [], stock: [] },
  states: [],
  pruned: false,
  trace: [],
};

const point = {
  number: 7,
  life: 'leases',
  server: 'tags-kept',
  followsWrite: false,
  name: 'POST lease orders #1',
} as const;

function outcomeOf(change: Partial<Outcome['result']>): Outcome {
  return { point, when: 'after-commit', result: { ...wellLived, ...change } };
}

function pairOf(change: Partial<Outcome['result']>): Outcome {
  const second = { point: 'POST secrets orders #1', when: 'before-sending' } as const;
  return { ...outcomeOf({ fired: 2, ...change }), second };
}

const wrong = { violations: [{ oracle: 'all is well', seen: 'it is not' }] };

it('sums single faults up', () => {
  expect(summary(1, [outcomeOf({ recovery: 2500 }), outcomeOf(wrong)])).toBe(
    'crash: points 1, runs 2, violations 1, slowest recovery 2.5 s',
  );
});

it('sums pairs up: a request that was not sent is no pass', () => {
  const firsts = [outcomeOf({ recovery: 3500 }), outcomeOf({ fired: 0 })];
  const pairs = [pairOf({}), pairOf({ pruned: true }), pairOf({ fired: 1 }), pairOf({ ...wrong, fired: 1 })];
  expect(pairSummary(5, firsts, pairs)).toBe(
    'crash pairs: states 5, pairs 4, pruned 1, not met 2, violations 1, slowest recovery 3.5 s',
  );
});

it.each([
  [
    outcomeOf(wrong),
    "npm run test:crash -- --life leases --point 'POST lease orders #1' --when after-commit --server tags-kept",
  ],
  [
    pairOf(wrong),
    "npm run test:crash -- --life leases --pairs --point 'POST lease orders #1' --when after-commit --then 'POST secrets orders #1' --then-when before-sending --server tags-kept",
  ],
])('says how to see a violation again', (outcome, command) => {
  expect(describeFailure(outcome)).toContain(`again: ${command}`);
});
