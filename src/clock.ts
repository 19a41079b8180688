import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';

/** The longest delay that a Node timer keeps, in milliseconds; a longer one would fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** A timer that has been set. `cancel` is harmless when it has already fired. */
export interface Timer {
  cancel(): void;
}

/**
 * Time and chance, as everything in leaseholder sees them. Decisions never read a clock: they take instants as
 * arguments. A wrong wall clock changes nothing but what people read in logs.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start. Never steps back, and counts the time that the machine slept. */
  elapsed(): number;
  /** Milliseconds since 1970 by this machine's wall clock. For logs and metrics only. */
  wall(): number;
  /**
   * Calls back once, `delay` milliseconds from now. A delay above {@link LONGEST_TIMER} fires at that bound (so that
   * the caller looks again), one below zero at once.
   *
   * @throws RangeError when the delay is not a number: NaN must never become "now".
   */
  after(delay: number, callback: () => void): Timer;
  /** A number of [0, 1) for jitter. */
  random(): number;
  /** A fresh UUID for attempts. */
  uuid(): string;
}

/** Of `os.uptime()`, in milliseconds. */
const UPTIME_TICK = 10;

/** Waits, and gives up with the signal's reason when it is aborted. */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal?.aborted === true) {
    reject(signal.reason as Error);
    return promise;
  }
  const onAbort = (): void => {
    timer.cancel();
    reject(signal?.reason as Error);
  };
  const timer = clock.after(delay, () => {
    signal?.removeEventListener('abort', onAbort);
    resolve();
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  return promise;
}

/**
 * The machine's own clock. `performance.now()` stands still while a machine is suspended and `os.uptime()` does not,
 * but ticks in hundredths of a second: elapsed time is whichever advanced further. So often the uptime is read, too, and no
 * more often: reading it costs a file of the system's.
 */
export function systemClock(): Clock {
  const startMonotonic = performance.now();
  const startUptime = uptime();
  let last = 0;
  let byUptime = 0;
  let nextReading = 0;
  return {
    elapsed() {
      const byMonotonic = performance.now() - startMonotonic;
      if (byMonotonic >= nextReading) {
        byUptime = (uptime() - startUptime) * 1000;
        nextReading = byMonotonic + UPTIME_TICK;
      }
      // The two differ by a tick of the coarser one; only a suspension is worth more than half a second.
      const now = byUptime > byMonotonic + 500 ? byUptime : byMonotonic;
      last = Math.max(last, now);
      return last;
    },
    wall: () => Date.now(),
    after(delay, callback) {
      if (Number.isNaN(delay)) throw new RangeError('A timer needs a delay in milliseconds, not NaN.');
      const handle = setTimeout(callback, Math.min(Math.max(delay, 0), LONGEST_TIMER));
      return { cancel: () => clearTimeout(handle) };
    },
    random: () => Math.random(),
    uuid: () => randomUUID(),
  };
}
