import { describe, expect, test } from 'vitest';

import { memoryStore } from '../../../../src/reconcile/lease/memory.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { MINUTE } from '../../../support/builders.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';

describe('an object that was let go', () => {
  test('is known for ten minutes, with the leases that were left', () => {
    const clock = virtualClock();
    const memories = memoryStore(clock, standardTiming);
    memories.update('shop/orders', 'uid', { tried: true });
    memories.forget('uid', ['left']);
    clock.advance(10 * MINUTE - 1);
    expect(memories.former('uid')).toMatchObject({ key: 'shop/orders', left: new Set(['left']) });
    clock.advance(1);
    expect(memories.former('uid')).toBeUndefined();
  });

  test('and is let go once more keeps what was left before', () => {
    const memories = memoryStore(virtualClock(), standardTiming);
    memories.update('shop/orders', 'uid', { tried: true });
    memories.forget('uid', ['one']);
    memories.update('shop/orders', 'uid', { released: true });
    memories.forget('uid', ['two']);
    expect(memories.former('uid')?.left).toEqual(new Set(['one', 'two']));
  });

  test('without anything that was remembered of it leaves nothing', () => {
    const memories = memoryStore(virtualClock(), standardTiming);
    memories.forget('uid');
    expect(memories.former('uid')).toBeUndefined();
  });
});
