import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  startController,
  type Controller,
  type LaneOptions,
  type Outcome,
} from '../../../src/controller/controller.ts';
import type { Log, LogFields, ReconcileResult } from '../../../src/telemetry.ts';
import { settled, virtualClock, type VirtualClock } from '../../support/virtual-clock.ts';

interface Setup {
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
  readonly workers?: number;
  readonly lanes?: LaneOptions;
  readonly signal?: AbortSignal;
}

interface Running {
  readonly clock: VirtualClock;
  readonly controller: Controller;
  readonly results: ReconcileResult[];
  readonly lines: { message: string; fields: LogFields | undefined }[];
  /** How long each key that was served had waited, in seconds. */
  readonly waits: number[];
  depth: number;
}

function start({ reconcile, workers = 2, lanes, signal }: Setup): Running {
  const clock = virtualClock({ random: [1] });
  const results: ReconcileResult[] = [];
  const lines: Running['lines'] = [];
  const line = (message: string, fields?: LogFields): void => void lines.push({ message, fields });
  const log: Log = { debug: line, info: line, warn: line, error: line, with: () => log };
  const controller = startController({
    name: 'test',
    workers,
    reconcile,
    clock,
    timing: { backoffBase: 1000, backoffCap: 120_000, slowAfter: 2000 },
    log,
    metrics: {
      queueDepth: (_name, depth) => void (running.depth = depth),
      queueWaited: (_name, seconds) => void running.waits.push(seconds),
      reconciled: (_name, result) => void results.push(result),
    },
    ...(lanes === undefined ? {} : { lanes }),
    ...(signal === undefined ? {} : { signal }),
  });
  const running: Running = { clock, controller, results, lines, waits: [], depth: 0 };
  return running;
}

/** A reconcile function whose runs end when the test says so. */
function gate() {
  const begun: string[] = [];
  const ends: ((outcome: Outcome) => void)[] = [];
  return {
    begun,
    reconcile: (key: string): Promise<Outcome> => {
      begun.push(key);
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      ends.push(resolve);
      return promise;
    },
    end: async (outcome: Outcome = {}): Promise<void> => {
      ends.shift()?.(outcome);
      await settled();
    },
  };
}

describe('controller', () => {
  test('serves as many keys at once as it has workers', async () => {
    const { begun, reconcile, end } = gate();
    const running = start({ reconcile, workers: 2 });
    for (const key of ['a', 'b', 'c']) running.controller.enqueue(key);
    await settled();
    expect(begun).toEqual(['a', 'b']);
    expect(running.controller.depth).toBe(1);
    expect(running.depth).toBe(1);
    await end();
    expect(begun).toEqual(['a', 'b', 'c']);
    expect(running.depth).toBe(0);
  });

  test('tells how long each key has waited since it was due, by an event or by its wake-up', async () => {
    const { reconcile, end } = gate();
    const { clock, controller, waits } = start({ reconcile, workers: 1 });
    controller.enqueue('a');
    controller.enqueueAfter('b', 1000);
    await settled();
    expect(waits).toEqual([0]);
    clock.advance(500);
    controller.enqueue('a');
    clock.advance(1000);
    controller.enqueue('a');
    await end();
    await end();
    // "a" was asked for again after half a second, "b" due after one; the worker came after one and a half.
    expect(waits).toEqual([0, 0.5, 1]);
  });

  test('serves a key again when it is enqueued while being served, and never twice at once', async () => {
    const { begun, reconcile, end } = gate();
    const { controller } = start({ reconcile });
    controller.enqueue('a');
    await settled();
    controller.enqueue('a');
    controller.enqueue('a');
    await settled();
    expect(begun).toEqual(['a']);
    await end();
    expect(begun).toEqual(['a', 'a']);
    await end();
    await controller.idle();
    expect(begun).toEqual(['a', 'a']);
  });

  test('serves a key again after the time that its outcome names', async () => {
    const served: number[] = [];
    const { clock, controller, results } = start({
      reconcile: async () => {
        served.push(clock.elapsed());
        return served.length < 3 ? { again: 5000 } : {};
      },
    });
    controller.enqueue('a');
    await clock.run(60_000);
    expect(served).toEqual([0, 5000, 10_000]);
    expect(results).toEqual(['requeued', 'requeued', 'done']);
    expect(clock.timers).toBe(0);
  });

  test('drops the wake-up of a key that an event has served first', async () => {
    const served: number[] = [];
    const outcomes: Outcome[] = [{ again: 10_000 }, { again: 20_000 }, {}];
    const { clock, controller } = start({
      reconcile: async () => {
        served.push(clock.elapsed());
        return outcomes.shift() ?? {};
      },
    });
    controller.enqueue('a');
    await clock.run(4000);
    controller.enqueue('a');
    await clock.run(60_000);
    expect(served).toEqual([0, 4000, 24_000]);
  });

  test('drops the wake-up when the new outcome waits for an event', async () => {
    let served = 0;
    const { clock, controller } = start({
      reconcile: async () => {
        served += 1;
        return served === 1 ? { again: 10_000 } : {};
      },
    });
    controller.enqueue('a');
    await settled();
    controller.enqueue('a');
    await clock.run(60_000);
    expect(served).toBe(2);
  });

  test('keeps a wake-up that is set while the key is being served, if it is the earlier one', async () => {
    const { begun, reconcile, end } = gate();
    const { clock, controller } = start({ reconcile });
    controller.enqueue('a');
    await settled();
    controller.enqueueAfter('a', 3000);
    await end({ again: 10_000 });
    await clock.run(2999);
    expect(begun).toEqual(['a']);
    await clock.run(1);
    expect(begun).toEqual(['a', 'a']);
  });

  test('serves a key by the earlier of two times, where one is only the latest that will do', async () => {
    const { begun, reconcile } = gate();
    const { clock, controller } = start({ reconcile });
    controller.enqueueWithin('a', 3000);
    controller.enqueueWithin('a', 10_000);
    controller.enqueueAfter('b', 10_000);
    controller.enqueueWithin('b', 3000);
    await clock.run(2999);
    expect(begun).toEqual([]);
    await clock.run(1);
    expect(begun).toEqual(['a', 'b']);
  });

  test('waits longer after each failure in a row, and starts anew after a success', async () => {
    const served: number[] = [];
    const { clock, controller, results } = start({
      reconcile: async () => {
        served.push(clock.elapsed());
        if (served.length === 4) return { again: 1 };
        if (served.length === 6) return {};
        throw new TypeError('no');
      },
    });
    controller.enqueue('a');
    await clock.run(600_000);
    expect(served).toEqual([0, 1000, 3000, 7000, 7001, 8001]);
    expect(results).toEqual(['crashed', 'crashed', 'crashed', 'requeued', 'crashed', 'done']);
  });

  test('logs the name of what was thrown, and nothing that it says', async () => {
    const { controller, lines } = start({
      reconcile: () => Promise.reject(new TypeError('password is hunter2')),
    });
    controller.enqueue('ns/a');
    await controller.idle();
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toEqual({ controller: 'test', key: 'ns/a', error: 'TypeError', failures: 1 });
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  test('survives a reconcile function that throws before it returns a promise', async () => {
    const { controller, results } = start({
      reconcile: () => {
        throw new Error('at once');
      },
    });
    controller.enqueue('a');
    await controller.idle();
    expect(results).toEqual(['crashed']);
  });

  test('takes an outcome of NaN for a failure, not for now', async () => {
    let served = 0;
    const { clock, controller, results } = start({
      reconcile: async () => {
        served += 1;
        return served === 1 ? { again: Number.NaN } : {};
      },
    });
    controller.enqueue('a');
    await clock.run(999);
    expect(results).toEqual(['crashed']);
    await clock.run(1);
    expect(results).toEqual(['crashed', 'done']);
  });

  test('counts a faulted outcome as such', async () => {
    const { controller, results } = start({ reconcile: async () => ({ again: 5, faulted: true }) });
    controller.enqueue('a');
    await controller.idle();
    expect(results).toEqual(['faulted']);
  });

  test('drains: what runs finishes, nothing more begins, no timer is left', async () => {
    const { begun, reconcile, end } = gate();
    const { clock, controller } = start({ reconcile, workers: 1 });
    controller.enqueue('a');
    controller.enqueue('b');
    controller.enqueueAfter('c', 10);
    await settled();
    let drained = false;
    const draining = controller.drain().then(() => {
      drained = true;
      return drained;
    });
    await clock.run(1000);
    expect(drained).toBe(false);
    await end({ again: 5 });
    await draining;
    await clock.run(1000);
    expect(begun).toEqual(['a']);
    expect(clock.timers).toBe(0);
  });

  test('drains at once when nothing runs', async () => {
    const { controller } = start({ reconcile: async () => ({}) });
    await controller.drain();
    controller.enqueue('a');
    await settled();
    expect(controller.depth).toBe(1);
  });

  test('tells what runs when everything is to stop, and begins nothing more', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const { clock, controller } = start({
      workers: 1,
      signal: stop.signal,
      reconcile: (key, signal) => {
        seen.push(key);
        const { promise, reject } = Promise.withResolvers<Outcome>();
        signal.addEventListener('abort', () => reject(new Error('stopped')));
        return promise;
      },
    });
    controller.enqueue('a');
    controller.enqueue('b');
    await settled();
    stop.abort();
    await controller.drain();
    await clock.run(1_000_000);
    expect(seen).toEqual(['a']);
    expect(clock.timers).toBe(0);
  });

  test('serves every key after its last event, never twice at once, whatever happens in between', async () => {
    const event = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      wait: fc.integer({ min: 0, max: 30 }),
      takes: fc.integer({ min: 0, max: 20 }),
      fails: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 20 }), async (events) => {
        const enqueued = new Map<string, number>();
        const servedAt = new Map<string, number>();
        const serving = new Set<string>();
        const plans = events.map(({ takes, fails }) => ({ takes, fails }));
        const { clock, controller } = start({
          workers: 2,
          reconcile: async (key) => {
            expect(serving.has(key)).toBe(false);
            serving.add(key);
            servedAt.set(key, clock.elapsed());
            const { takes, fails } = plans.shift() ?? { takes: 0, fails: false };
            const { promise, resolve } = Promise.withResolvers<void>();
            clock.after(takes, resolve);
            await promise;
            serving.delete(key);
            if (fails) throw new Error('as planned');
            return {};
          },
        });
        for (const { key, wait } of events) {
          await clock.run(wait);
          enqueued.set(key, clock.elapsed());
          controller.enqueue(key);
        }
        await clock.run(300_000);
        for (const [key, at] of enqueued) expect(servedAt.get(key)).toBeGreaterThanOrEqual(at);
        expect(controller.depth).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

/** The lane of `a-1` is `a`. */
function laneOf(key: string): { lane: string; deadline: number } {
  return { lane: key.split('-')[0] ?? '', deadline: 0 };
}

describe('controller with lanes', () => {
  test('begins with the most urgent of all that is enqueued together', async () => {
    const { begun, reconcile } = gate();
    const deadlines: Record<string, number> = { late: 30, early: 10, later: 40 };
    const placeOf = (key: string): { lane: string; deadline: number } => ({
      lane: '',
      deadline: deadlines[key] ?? 0,
    });
    const { controller } = start({ reconcile, workers: 2, lanes: { placeOf } });
    for (const key of Object.keys(deadlines)) controller.enqueue(key);
    await settled();
    expect(begun).toEqual(['early']);
  });

  test('gives half of its workers to one lane, and the others to the rest', async () => {
    const { begun, reconcile } = gate();
    const { controller } = start({ reconcile, workers: 4, lanes: { placeOf: laneOf } });
    for (const key of ['dead-1', 'dead-2', 'dead-3', 'dead-4', 'well-1']) controller.enqueue(key);
    await settled();
    expect(begun).toEqual(['dead-1', 'well-1', 'dead-2']);
  });

  test('has workers for the others however many lanes wait for servers that do not answer', async () => {
    const { begun, reconcile } = gate();
    const { clock, controller } = start({ reconcile, workers: 4, lanes: { placeOf: laneOf } });
    for (const number of [1, 2, 3]) {
      for (const lane of ['a', 'b', 'c', 'd', 'e', 'f']) controller.enqueue(`${lane}-${String(number)}`);
    }
    await settled();
    expect(begun).toEqual(['a-1', 'b-1', 'c-1', 'd-1']);
    await clock.run(2000);
    // Of what is known to be slow one key is served at a time; two lanes were not known.
    expect(begun.slice(4)).toEqual(['a-2', 'e-1', 'f-1', 'e-2']);
    await clock.run(2000);
    controller.enqueue('well-1');
    await settled();
    // The second of f came before its first was known to be slow.
    expect(begun.slice(8)).toEqual(['b-2', 'f-2', 'well-1']);
  });

  test('serves no more than eight times its workers, the slow ones included', async () => {
    const { begun, reconcile } = gate();
    const { clock, controller } = start({ reconcile, workers: 1, lanes: { placeOf: laneOf } });
    for (let number = 0; number < 20; number += 1) controller.enqueue(`${String(number)}-dead`);
    await clock.run(60_000);
    expect(begun).toHaveLength(8);
  });

  test('waits at its end for what was set aside too', async () => {
    const { reconcile, end } = gate();
    const { clock, controller } = start({ reconcile, workers: 1, lanes: { placeOf: laneOf } });
    controller.enqueue('slow-1');
    await clock.run(5000);
    let drained = false;
    const drain = controller.drain().then(() => (drained = true));
    await settled();
    expect(drained).toBe(false);
    await end();
    await drain;
    expect(clock.timers).toBe(0);
  });
});
