import { describe, expect, test } from 'vitest';

import { retries, type Retries } from '../../../../src/reconcile/nudge/retries.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';

const { backoffBase } = standardTiming;

/** Each wait is half of the longest that it may be. */
function start(): { tries: Retries; clock: ReturnType<typeof virtualClock> } {
  const clock = virtualClock({ random: [0.5] });
  return { clock, tries: retries(clock, standardTiming) };
}

describe('what was refused', () => {
  test('is tried again at once as long as nothing was', () => {
    expect(start().tries.untilNext('shop/a', 'lease-1')).toBe(0);
  });

  test('waits longer each time', () => {
    const { tries, clock } = start();
    const waits = [1, 2, 3].map(() => tries.next('shop/a', 'lease-1'));
    expect(waits).toEqual([backoffBase / 2, backoffBase, backoffBase * 2]);
    clock.advance(backoffBase / 2);
    expect(tries.untilNext('shop/a', 'lease-1')).toBe(backoffBase * 1.5);
    clock.advance(backoffBase * 10);
    expect(tries.untilNext('shop/a', 'lease-1')).toBe(0);
  });

  test('is no matter of another lease, nor of another object', () => {
    const { tries } = start();
    tries.next('shop/a', 'lease-1');
    tries.next('shop/a', 'lease-1');
    expect([tries.untilNext('shop/a', 'lease-2'), tries.untilNext('shop/b', 'lease-1')]).toEqual([0, 0]);
    expect(tries.next('shop/a', 'lease-2')).toBe(backoffBase / 2);
  });

  test('can be forgotten', () => {
    const { tries } = start();
    tries.next('shop/a', 'lease-1');
    tries.forget('shop/a');
    expect(tries.untilNext('shop/a', 'lease-1')).toBe(0);
    expect(tries.next('shop/a', 'lease-1')).toBe(backoffBase / 2);
  });
});
