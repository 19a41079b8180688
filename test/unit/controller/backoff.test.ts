import { expect, test } from 'vitest';

import { backoff } from '../../../src/controller/backoff.ts';
import { virtualClock } from '../../support/virtual-clock.ts';

test('doubles the wait with each failure of a key, up to the cap', () => {
  const waits = backoff(virtualClock({ random: [1] }), 1000, 10_000);
  expect([1, 2, 3, 4, 5, 6].map(() => waits.next('a'))).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('draws the wait from its whole range, so that keys do not come back together', () => {
  const waits = backoff(virtualClock({ random: [0, 0.25, 0.75] }), 1000, 10_000);
  expect([1, 2, 3].map(() => waits.next('a'))).toEqual([0, 500, 3000]);
});

test('counts the failures of each key apart, and forgets them when told', () => {
  const waits = backoff(virtualClock({ random: [1] }), 1000, 10_000);
  waits.next('a');
  waits.next('a');
  expect(waits.next('b')).toBe(1000);
  expect(waits.failures('a')).toBe(2);
  waits.reset('a');
  expect(waits.failures('a')).toBe(0);
  expect(waits.next('a')).toBe(1000);
});

test('stays at the cap after more failures than a number can double', () => {
  const waits = backoff(virtualClock({ random: [1] }), 1000, 10_000);
  let wait = 0;
  for (let failure = 0; failure < 5000; failure += 1) wait = waits.next('a');
  expect(wait).toBe(10_000);
});
