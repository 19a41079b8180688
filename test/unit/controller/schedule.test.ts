import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { LONGEST_TIMER } from '../../../src/clock.ts';
import { schedule, type Schedule } from '../../../src/controller/schedule.ts';
import { virtualClock, type VirtualClock } from '../../support/virtual-clock.ts';

const DAY = 86_400_000;

function start(): { clock: VirtualClock; wakeUps: Schedule; woken: string[] } {
  const clock = virtualClock();
  const woken: string[] = [];
  const wakeUps = schedule(clock, (key) => woken.push(`${key}@${String(clock.elapsed())}`));
  return { clock, wakeUps, woken };
}

describe('schedule', () => {
  test('wakes each key at its time, the earliest first', () => {
    const { clock, wakeUps, woken } = start();
    wakeUps.set('late', 300);
    wakeUps.set('early', 100);
    wakeUps.set('middle', 200);
    clock.advance(250);
    expect(woken).toEqual(['early@100', 'middle@200']);
    clock.advance(50);
    expect(woken).toEqual(['early@100', 'middle@200', 'late@300']);
    expect(wakeUps.size).toBe(0);
  });

  test('needs one timer for any number of keys, and none when there is nothing to wait for', () => {
    const { clock, wakeUps } = start();
    for (let number = 0; number < 1000; number += 1) wakeUps.set(`key-${String(number)}`, 1000 - number);
    expect(clock.timers).toBe(1);
    wakeUps.clear();
    expect(clock.timers).toBe(0);
  });

  test('knows one wake-up a key: the latest one set, be it earlier or later', () => {
    const { clock, wakeUps, woken } = start();
    wakeUps.set('a', 100);
    wakeUps.set('a', 500);
    wakeUps.set('b', 500);
    wakeUps.set('b', 200);
    expect(wakeUps.remaining('a')).toBe(500);
    clock.advance(1000);
    expect(woken).toEqual(['b@200', 'a@500']);
  });

  test('forgets a wake-up that is cancelled', () => {
    const { clock, wakeUps, woken } = start();
    wakeUps.set('a', 100);
    wakeUps.set('b', 200);
    wakeUps.cancel('a');
    wakeUps.cancel('unknown');
    expect(wakeUps.remaining('a')).toBeUndefined();
    clock.advance(1000);
    expect(woken).toEqual(['b@200']);
  });

  test('keeps a wake-up that is further away than any timer can be', () => {
    const { clock, wakeUps, woken } = start();
    wakeUps.set('far', 60 * DAY);
    clock.advance(LONGEST_TIMER + 1);
    expect(woken).toEqual([]);
    clock.advance(60 * DAY - LONGEST_TIMER);
    expect(woken).toEqual([`far@${String(60 * DAY)}`]);
  });

  test('refuses NaN, and keeps the wake-up that was there', () => {
    const { clock, wakeUps, woken } = start();
    wakeUps.set('a', 100);
    expect(() => wakeUps.set('a', Number.NaN)).toThrow(RangeError);
    clock.advance(100);
    expect(woken).toEqual(['a@100']);
  });

  test('treats a delay below zero as now, though not within the call', () => {
    const { clock, wakeUps, woken } = start();
    wakeUps.set('a', -5);
    expect(woken).toEqual([]);
    clock.advance(0);
    expect(woken).toEqual(['a@0']);
  });

  test('never fires for a delay without end', () => {
    const { clock, wakeUps, woken } = start();
    wakeUps.set('never', Number.POSITIVE_INFINITY);
    clock.advance(100 * DAY);
    expect(woken).toEqual([]);
  });

  test('lets a key that is woken set itself again', () => {
    const clock = virtualClock();
    let times = 0;
    const wakeUps = schedule(clock, (key) => {
      times += 1;
      wakeUps.set(key, 10);
    });
    wakeUps.set('a', 10);
    clock.advance(100);
    expect(times).toBe(10);
  });

  test('does what a plain list would do, whatever is asked of it', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    const step = fc.tuple(
      fc.constantFrom('set', 'set', 'set', 'cancel', 'advance'),
      key,
      fc.integer({ min: 0, max: 50 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const { clock, wakeUps, woken } = start();
        const model = new Map<string, number>();
        const expected: string[] = [];
        const forget = (): void => {
          const due = [...model].filter(([, at]) => at <= clock.elapsed());
          for (const [dueKey, at] of due.sort((one, other) => one[1] - other[1])) {
            expected.push(`${dueKey}@${String(at)}`);
            model.delete(dueKey);
          }
        };
        for (const [action, name, ms] of steps) {
          if (action !== 'advance') model.delete(name);
          if (action === 'set') model.set(name, clock.elapsed() + ms);
          if (action === 'set') wakeUps.set(name, ms);
          else if (action === 'cancel') wakeUps.cancel(name);
          else clock.advance(ms);
          if (action === 'advance') forget();
          expect(woken).toEqual(expected);
          expect(wakeUps.size).toBe(model.size);
          expect(clock.timers).toBe(model.size > 0 ? 1 : 0);
        }
      }),
    );
  });
});
