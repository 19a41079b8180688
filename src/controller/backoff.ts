import type { Clock } from '../clock.ts';

/** 2 to this power is beyond every cap, and short of Infinity. */
const MOST_DOUBLINGS = 60;

/** How long to wait after failures, a key at a time. */
export interface Backoff {
  /**
   * Counts one more failure of a key.
   *
   * @returns milliseconds to wait: anything from 0 to `base` doubled with each failure, and to `cap` at most
   *   ("full jitter", so that keys which failed together do not come back together).
   */
  next(key: string): number;
  /** Forgets the failures of a key. */
  reset(key: string): void;
  /** How many failures of a key were counted since it was last reset. */
  failures(key: string): number;
}

/**
 * Makes a {@link Backoff}.
 *
 * @param base the longest first wait, in milliseconds.
 * @param cap the longest wait, in milliseconds.
 */
export function backoff(clock: Clock, base: number, cap: number): Backoff {
  const counts = new Map<string, number>();
  return {
    next(key) {
      const failures = counts.get(key) ?? 0;
      counts.set(key, failures + 1);
      return clock.random() * Math.min(cap, base * 2 ** Math.min(failures, MOST_DOUBLINGS));
    },
    reset: (key) => void counts.delete(key),
    failures: (key) => counts.get(key) ?? 0,
  };
}
