import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Priority } from '../../../src/controller/priority.ts';
import { queue, type Queue } from '../../../src/controller/queue.ts';

type Step = ['add', string, Priority?] | ['take', string | undefined] | ['done', string];

describe('queue', () => {
  const cases: Record<string, Step[]> = {
    'hands out keys in the order in which they came': [
      ['add', 'a'],
      ['add', 'b'],
      ['take', 'a'],
      ['take', 'b'],
      ['take', undefined],
    ],
    'serves urgent keys before normal ones, and those before the background': [
      ['add', 'slow', 'background'],
      ['add', 'usual'],
      ['add', 'soon', 'urgent'],
      ['take', 'soon'],
      ['take', 'usual'],
      ['take', 'slow'],
    ],
    'holds a key once however often it is added': [
      ['add', 'a'],
      ['add', 'a'],
      ['take', 'a'],
      ['take', undefined],
    ],
    'does not hand out a key that is being served': [
      ['add', 'a'],
      ['take', 'a'],
      ['add', 'a'],
      ['take', undefined],
    ],
    'serves a key once more when it was added while being served': [
      ['add', 'a'],
      ['take', 'a'],
      ['add', 'a'],
      ['add', 'a', 'background'],
      ['done', 'a'],
      ['take', 'a'],
      ['done', 'a'],
      ['take', undefined],
    ],
    'raises a waiting key to a higher priority': [
      ['add', 'a', 'background'],
      ['add', 'b'],
      ['add', 'a', 'urgent'],
      ['take', 'a'],
      ['take', 'b'],
      ['take', undefined],
    ],
    'never lowers the priority of a waiting key': [
      ['add', 'a', 'urgent'],
      ['add', 'b'],
      ['add', 'a', 'background'],
      ['take', 'a'],
    ],
    'gives a raised key no second place when it waits again': [
      ['add', 'a'],
      ['add', 'b'],
      ['add', 'a', 'urgent'],
      ['take', 'a'],
      ['done', 'a'],
      ['add', 'a'],
      ['take', 'b'],
      ['take', 'a'],
      ['take', undefined],
    ],
    'remembers the highest priority asked for while a key was being served': [
      ['add', 'a'],
      ['take', 'a'],
      ['add', 'a', 'background'],
      ['add', 'b'],
      ['add', 'a', 'urgent'],
      ['done', 'a'],
      ['take', 'a'],
      ['take', 'b'],
    ],
    'ignores a key that nobody has taken': [
      ['done', 'a'],
      ['take', undefined],
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, steps) => {
    const keys = queue();
    const taken: (string | undefined)[] = [];
    for (const step of steps) {
      if (step[0] === 'add') keys.add(step[1], step[2]);
      else if (step[0] === 'done') keys.done(step[1]);
      else taken.push(keys.take());
    }
    expect(taken).toEqual(steps.filter(([action]) => action === 'take').map(([, key]) => key));
  });

  test('does what a plain list would do, whatever is asked of it', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const priority = fc.constantFrom<Priority>('urgent', 'normal', 'background');
    const step = fc.oneof(
      fc.tuple(fc.constant('add' as const), key, priority),
      fc.tuple(fc.constant('take' as const), key, priority),
      fc.tuple(fc.constant('done' as const), key, priority),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const [keys, model] = [queue(), listQueue()];
        for (const [action, name, wish] of steps) {
          expect(apply(keys, action, name, wish)).toBe(apply(model, action, name, wish));
          expect(keys.waiting).toBe(model.waiting);
        }
      }),
    );
  });

  test('takes hardly more time for each of 100,000 keys than for each of 10,000', () => {
    handOut(10_000);
    const few = handOut(10_000);
    // Ten times as many, and a heap that is a little deeper; a hundred times as long if each looked at all the others.
    expect(handOut(100_000)).toBeLessThan(40 * few);
  });
});

/** Fills a queue with so many keys, and empties it. @returns the milliseconds that it took. */
function handOut(count: number): number {
  const began = performance.now();
  const keys = queue();
  for (let number = 0; number < count; number += 1) keys.add(`key-${String(number)}`);
  let taken = 0;
  for (let key = keys.take(); key !== undefined; key = keys.take()) {
    keys.done(key);
    taken += 1;
  }
  expect(taken).toBe(count);
  return performance.now() - began;
}

function apply(
  keys: Omit<Queue, 'setAside' | 'busy'>,
  action: 'add' | 'take' | 'done',
  key: string,
  priority: Priority,
): unknown {
  return { add: () => keys.add(key, priority), take: () => keys.take(), done: () => keys.done(key) }[
    action
  ]();
}

/** The queue as one would write it if time did not matter. */
function listQueue(): Omit<Queue, 'setAside' | 'busy'> {
  const ranks: Record<Priority, number> = { urgent: 0, normal: 1, background: 2 };
  let waiting: { key: string; rank: number }[] = [];
  const serving = new Map<string, number | undefined>();
  const enter = (key: string, rank: number): void => {
    const found = waiting.find((entry) => entry.key === key);
    if (found !== undefined && found.rank <= rank) return;
    waiting = waiting.filter((entry) => entry !== found);
    waiting.push({ key, rank });
  };
  return {
    add(key, priority = 'normal') {
      if (!serving.has(key)) enter(key, ranks[priority]);
      else serving.set(key, Math.min(serving.get(key) ?? 2, ranks[priority]));
    },
    take() {
      const [first] = waiting.toSorted((one, other) => one.rank - other.rank);
      if (first === undefined) return undefined;
      waiting = waiting.filter((entry) => entry !== first);
      serving.set(first.key, undefined);
      return first.key;
    },
    done(key) {
      const rank = serving.get(key);
      serving.delete(key);
      if (rank !== undefined) enter(key, rank);
    },
    get waiting() {
      return waiting.length + [...serving.values()].filter((rank) => rank !== undefined).length;
    },
    get taken() {
      return serving.size;
    },
  };
}
