import { LONGEST_TIMER, type Clock, type Timer } from '../clock.ts';
import { heap } from './heap.ts';

/** Wake-ups, at most one a key, on a single timer. */
export interface Schedule {
  /**
   * Sets the wake-up of a key, instead of the one that it had.
   *
   * @param delay milliseconds from now, of any length; one of zero or below is due at once, though never within this
   *   call.
   * @throws RangeError when the delay is not a number: NaN must never become "now".
   */
  set(key: string, delay: number): void;
  /** Drops the wake-up of a key, if it has one. */
  cancel(key: string): void;
  /** Milliseconds until the wake-up of a key; undefined when it has none. */
  remaining(key: string): number | undefined;
  /** Drops every wake-up. */
  clear(): void;
  readonly size: number;
}

/**
 * Makes an empty {@link Schedule}.
 *
 * @param wake is called with each key when its time has come, the earliest first.
 */
export function schedule(clock: Clock, wake: (key: string) => void): Schedule {
  let wakeUps = heap();
  let armed: { readonly at: number; readonly timer: Timer } | undefined;

  const arm = (): void => {
    const at = wakeUps.first()?.at;
    if (at === armed?.at) return;
    armed?.timer.cancel();
    armed = at === undefined ? undefined : { at, timer: clock.after(delayUntil(at), ring) };
  };
  const delayUntil = (at: number): number => Math.min(Math.max(at - clock.elapsed(), 0), LONGEST_TIMER);
  const ring = (): void => {
    armed = undefined;
    const now = clock.elapsed();
    // What becomes due by a wake-up of this very round waits for the next one, or a round might never end.
    const due: string[] = [];
    for (let first = wakeUps.first(); first !== undefined && first.at <= now; first = wakeUps.first()) {
      wakeUps.delete(first.key);
      due.push(first.key);
    }
    arm();
    for (const key of due) wake(key);
  };

  return {
    set(key, delay) {
      if (Number.isNaN(delay)) throw new RangeError('A wake-up needs a delay in milliseconds, not NaN.');
      wakeUps.set(key, clock.elapsed() + Math.max(delay, 0));
      arm();
    },
    cancel(key) {
      wakeUps.delete(key);
      arm();
    },
    remaining(key) {
      const at = wakeUps.at(key);
      return at === undefined ? undefined : Math.max(at - clock.elapsed(), 0);
    },
    clear() {
      wakeUps = heap();
      arm();
    },
    get size() {
      return wakeUps.size;
    },
  };
}
