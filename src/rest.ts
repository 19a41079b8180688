import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import type { Clock } from './clock.ts';

/** Between two looks, in milliseconds. */
const LOOK = 5000;

/** The share of that time for which the event loop was busy, at most, where the process counts as at rest. */
const REST = 0.02;

/** A collection is worth it when the heap has grown by so much since the last one, in bytes. */
const WORTH = 8 * 2 ** 20;

/** What is looked at, and how memory is given back. */
export interface Heap {
  /** The share of the time since the last look for which the event loop was busy, from 0 to 1. */
  busy(): number;
  /** What the heap takes of the machine's memory, in bytes. */
  size(): number;
  /** Collects all garbage, and gives free pages back to the machine. Takes some 10 ms, and 10 more for each 1,000 leases. */
  collect(): void;
}

/**
 * Gives memory back when nothing is done: V8 keeps the pages that a start, a burst of work or a long list has left free, for as long
 * as the process lives (docs/adr/0019). Ends with the signal.
 */
export function giveBackAtRest(
  clock: Pick<Clock, 'after'>,
  signal: AbortSignal,
  heap: Heap = ownHeap(),
): void {
  let left = 0;
  const look = (): void => {
    if (heap.busy() <= REST && heap.size() >= left + WORTH) {
      heap.collect();
      left = heap.size();
    }
    timer = clock.after(LOOK, look);
  };
  let timer = clock.after(LOOK, look);
  signal.addEventListener('abort', () => timer.cancel(), { once: true });
}

/** The heap of this process. */
function ownHeap(): Heap {
  // A program may ask for a collection only where it was started so, or says so later.
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: Readonly<Record<string, string>>) => void;
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  return {
    busy() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    size: () => getHeapStatistics().total_heap_size,
    collect: () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
  };
}
