import assert from 'node:assert/strict';

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { lanes, type LanePlace } from '../../../src/controller/lanes.ts';
import { priorities, type Priority } from '../../../src/controller/priority.ts';

function place(lane: string, deadline = 0, priority: Priority = 'normal'): LanePlace {
  return { lane, deadline, priority };
}

type Step =
  | readonly ['put', string, LanePlace]
  | readonly ['move', string, LanePlace, LanePlace]
  | readonly ['take', string | undefined]
  | readonly ['done' | 'aside', string];

describe('lanes', () => {
  const limits = { most: 2, slowShare: 1 };
  const cases: Record<string, readonly Step[]> = {
    'serve the earliest deadline of a lane first': [
      ['put', 'late', place('A', 30)],
      ['put', 'early', place('A', 10)],
      ['take', 'early'],
      ['take', 'late'],
    ],
    'serve the first come of the same deadline first': [
      ['put', 'one', place('A')],
      ['put', 'two', place('A')],
      ['take', 'one'],
    ],
    'take turns, however many wait in one and whatever their deadlines': [
      ['put', 'a1', place('A', 1)],
      ['put', 'a2', place('A', 2)],
      ['put', 'b1', place('B', 90)],
      ['take', 'a1'],
      ['take', 'b1'],
      ['take', 'a2'],
    ],
    'serve a higher priority of any lane before a lower one of any': [
      ['put', 'a', place('A', 1, 'background')],
      ['put', 'b', place('B', 90, 'normal')],
      ['put', 'c', place('C', 99, 'urgent')],
      ['take', 'c'],
      ['take', 'b'],
      ['take', 'a'],
    ],
    'pass over a lane that has as many in service as it may': [
      ['put', 'a1', place('A')],
      ['put', 'a2', place('A')],
      ['put', 'a3', place('A')],
      ['take', 'a1'],
      ['take', 'a2'],
      ['take', undefined],
      ['put', 'b1', place('B')],
      ['take', 'b1'],
      ['done', 'a1'],
      ['take', 'a3'],
    ],
    'count a key that was set aside in its lane still': [
      ['put', 'a1', place('A')],
      ['put', 'a2', place('A')],
      ['put', 'a3', place('A')],
      ['take', 'a1'],
      ['aside', 'a1'],
      ['take', 'a2'],
      ['take', undefined],
      ['done', 'a1'],
      ['take', 'a3'],
    ],
    'give slow lanes their share before the others, and no more': [
      ['put', 'a1', place('A')],
      ['put', 'b1', place('B')],
      ['take', 'a1'],
      ['take', 'b1'],
      ['aside', 'a1'],
      ['aside', 'b1'],
      ['put', 'a2', place('A')],
      ['put', 'b2', place('B')],
      ['put', 'c1', place('C')],
      ['put', 'c2', place('C')],
      ['take', 'a2'],
      ['take', 'c1'],
      ['take', 'c2'],
      ['take', undefined],
      ['done', 'a2'],
      ['take', 'b2'],
    ],
    'take a lane for quick again when what was set aside is done': [
      ['put', 'a1', place('A')],
      ['put', 'b1', place('B')],
      ['take', 'a1'],
      ['take', 'b1'],
      ['aside', 'a1'],
      ['aside', 'b1'],
      ['put', 'a2', place('A')],
      ['put', 'b2', place('B')],
      ['take', 'a2'],
      ['take', undefined],
      ['done', 'b1'],
      ['take', 'b2'],
    ],
    'serve a key in the lane to which it was moved': [
      ['put', 'a1', place('A', 1)],
      ['put', 'a2', place('A', 2)],
      ['move', 'a2', place('A', 2), place('B', 2)],
      ['take', 'a1'],
      ['take', 'a2'],
      ['take', undefined],
    ],
    'serve a key sooner when its deadline or its priority was moved': [
      ['put', 'one', place('A', 1, 'background')],
      ['put', 'two', place('A', 2, 'background')],
      ['put', 'three', place('A', 3, 'background')],
      ['move', 'three', place('A', 3, 'background'), place('A', 0, 'background')],
      ['move', 'two', place('A', 2, 'background'), place('A', 2, 'normal')],
      ['take', 'two'],
      ['take', 'three'],
      ['done', 'two'],
      ['take', 'one'],
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, steps) => {
    const all = lanes(limits);
    const taken: (string | undefined)[] = [];
    for (const step of steps) {
      if (step[0] === 'put') all.put(step[1], step[2]);
      else if (step[0] === 'move') all.move(step[1], step[2], step[3]);
      else if (step[0] === 'take') taken.push(all.take());
      else if (step[0] === 'aside') all.setAside(step[1]);
      else all.done(step[1]);
    }
    expect(taken).toEqual(steps.filter(([action]) => action === 'take').map(([, key]) => key));
  });

  test('hold their limits, lose no key and keep no empty lane, whatever is asked of them', () => {
    const where = fc.record({
      lane: fc.constantFrom('A', 'B', 'C', 'D'),
      deadline: fc.integer({ min: 0, max: 5 }),
      priority: fc.constantFrom(...priorities),
    });
    const step = fc.oneof(
      fc.tuple(fc.constant('put' as const), where),
      fc.tuple(fc.constantFrom('take' as const, 'done' as const, 'aside' as const), where),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const world = new World();
        for (const [action, at] of steps) world.do(action, at);
        expect(world.finish()).toEqual({ lanes: 0, busy: 0 });
      }),
    );
  });
});

/** Lanes, and what must be true of them. */
class World {
  readonly #lanes = lanes({ most: 2, slowShare: 1 });
  readonly #waiting = new Map<string, LanePlace>();
  readonly #serving = new Map<string, { at: LanePlace; aside: boolean; slow: boolean }>();
  #number = 0;

  do(action: 'put' | 'take' | 'done' | 'aside', at: LanePlace): void {
    if (action === 'put') this.#put(at);
    else if (action === 'take') this.#take();
    else this.#end(action);
    const served = [...this.#serving.values()];
    assert.equal(this.#lanes.busy, served.filter(({ aside }) => !aside).length);
    const places = [...this.#waiting.values(), ...served.map((one) => one.at)];
    assert.equal(this.#lanes.size, new Set(places.map(({ lane }) => lane)).size);
  }

  /** Everything that waits is handed out in the end. */
  finish(): { readonly lanes: number; readonly busy: number } {
    while (this.#waiting.size > 0) {
      for (const key of this.#serving.keys()) this.#lanes.done(key);
      this.#serving.clear();
      this.#take();
      assert.equal(this.#serving.size, 1);
    }
    for (const key of this.#serving.keys()) this.#lanes.done(key);
    return { lanes: this.#lanes.size, busy: this.#lanes.busy };
  }

  #put(at: LanePlace): void {
    this.#number += 1;
    const key = `key-${String(this.#number)}`;
    this.#waiting.set(key, at);
    this.#lanes.put(key, at);
  }

  #take(): void {
    const key = this.#lanes.take();
    const may = [...this.#waiting].filter(([, at]) => this.#mayServe(at));
    if (key === undefined) {
      assert.deepEqual(may, []);
      return;
    }
    const at = this.#waiting.get(key);
    if (at === undefined) throw new Error(`${key} does not wait.`);
    assert.ok(may.some(([one]) => one === key));
    // The first of its lane: entries of a Map are in the order in which they came.
    const best = [...this.#waiting].filter(([, one]) => one.lane === at.lane);
    assert.equal(best.toSorted(([, one], [, other]) => rank(one) - rank(other))[0]?.[0], key);
    this.#waiting.delete(key);
    this.#serving.set(key, { at, aside: false, slow: this.#isSlow(at.lane) });
  }

  #end(action: 'done' | 'aside'): void {
    const [key, service] = [...this.#serving][0] ?? [];
    if (key === undefined || service === undefined) return;
    if (action === 'aside') {
      this.#lanes.setAside(key);
      service.aside = true;
    } else {
      this.#lanes.done(key);
      this.#serving.delete(key);
    }
  }

  #isSlow(lane: string): boolean {
    return [...this.#serving.values()].some(({ at, aside }) => aside && at.lane === lane);
  }

  #mayServe({ lane }: LanePlace): boolean {
    const served = [...this.#serving.values()];
    if (served.filter(({ at }) => at.lane === lane).length >= 2) return false;
    return !this.#isSlow(lane) || served.filter(({ slow, aside }) => slow && !aside).length < 1;
  }
}

function rank({ priority, deadline }: LanePlace): number {
  return priorities.indexOf(priority) * 10 + deadline;
}
