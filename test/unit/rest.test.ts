import { describe, expect, test } from 'vitest';

import { giveBackAtRest } from '../../src/rest.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const MIB = 2 ** 20;

/** A heap that shrinks to 20 MiB when it is collected. */
function heapOf(start: number): { busy: number; size: number; collected: number } {
  return { busy: 0, size: start * MIB, collected: 0 };
}

function watch(state: ReturnType<typeof heapOf>): {
  clock: ReturnType<typeof virtualClock>;
  end: AbortController;
} {
  const clock = virtualClock();
  const end = new AbortController();
  giveBackAtRest(clock, end.signal, {
    busy: () => state.busy,
    size: () => state.size,
    collect() {
      state.collected += 1;
      state.size = 20 * MIB;
    },
  });
  return { clock, end };
}

describe('memory is given back', () => {
  test('once after a start, and not again while nothing comes', () => {
    const heap = heapOf(36);
    const { clock } = watch(heap);
    clock.advance(4999);
    expect(heap.collected).toBe(0);
    clock.advance(1);
    expect(heap.collected).toBe(1);
    clock.advance(3_600_000);
    expect(heap.collected).toBe(1);
  });

  test('again when the heap has grown by 8 MiB since, and not by less', () => {
    const heap = heapOf(36);
    const { clock } = watch(heap);
    clock.advance(5000);
    heap.size = 28 * MIB - 1;
    clock.advance(60_000);
    expect(heap.collected).toBe(1);
    heap.size = 28 * MIB;
    clock.advance(5000);
    expect(heap.collected).toBe(2);
  });

  test('not while the process works, but at the first look at which it rests', () => {
    const heap = { ...heapOf(300), busy: 0.021 };
    const { clock } = watch(heap);
    clock.advance(60_000);
    expect(heap.collected).toBe(0);
    heap.busy = 0.02;
    clock.advance(5000);
    expect(heap.collected).toBe(1);
  });

  test('no more once the process ends', () => {
    const heap = heapOf(300);
    const { clock, end } = watch(heap);
    end.abort();
    clock.advance(60_000);
    expect([heap.collected, clock.timers]).toEqual([0, 0]);
  });

  test('by the heap of this process', () => {
    const clock = virtualClock();
    const end = new AbortController();
    giveBackAtRest(clock, end.signal);
    expect(clock.timers).toBe(1);
    clock.advance(5000);
    expect(clock.timers).toBe(1);
    end.abort();
    expect(clock.timers).toBe(0);
  });
});
