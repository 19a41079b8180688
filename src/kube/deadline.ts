import type { Clock, Timer } from '../clock.ts';

/** What an abort of {@link deadline} means. */
export type Stop = 'deadline' | 'caller';

/** An abort signal that joins a caller's with a time limit. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Why the signal was aborted; undefined while it was not. */
  readonly stopped: Stop | undefined;
  /** Sets the time limit anew: `ms` milliseconds from now. Costs next to nothing where it is moved on. */
  reset(ms: number): void;
  /** Milliseconds that are left. */
  readonly left: number;
  /** Must be called when the work is over; lets go of the timer and of the caller's signal. */
  end(): void;
}

/**
 * Sets a time limit. `AbortSignal.timeout` would not do: it keeps real time.
 *
 * @param ms milliseconds from now.
 * @param caller is passed on when it is aborted.
 */
export function deadline(clock: Clock, ms: number, caller?: AbortSignal): Deadline {
  const controller = new AbortController();
  let stopped: Stop | undefined;
  let due = clock.elapsed() + ms;

  const stop = (cause: Stop): void => {
    if (stopped !== undefined) return;
    stopped = cause;
    controller.abort();
  };
  const arm = (): { readonly rings: number; readonly timer: Timer } => ({
    rings: due,
    timer: clock.after(due - clock.elapsed(), look),
  });
  const look = (): void => {
    // The limit may have moved on since the timer was set: with every byte of a watch.
    if (due <= clock.elapsed()) stop('deadline');
    else armed = arm();
  };
  const onAbort = (): void => stop('caller');

  let armed = arm();
  if (caller?.aborted === true) onAbort();
  caller?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    get stopped() {
      return stopped;
    },
    get left() {
      return Math.max(due - clock.elapsed(), 0);
    },
    reset(anew) {
      due = clock.elapsed() + anew;
      if (due >= armed.rings) return;
      armed.timer.cancel();
      armed = arm();
    },
    end() {
      armed.timer.cancel();
      caller?.removeEventListener('abort', onAbort);
    },
  };
}
