import type { Clock } from '../../clock.ts';
import { backoff } from '../../controller/backoff.ts';
import type { Timing } from '../../timing.ts';

/** When pods that could not be nudged for a lease may be tried again. Nothing is known of two leases of one object. */
export interface Retries {
  /** Milliseconds until then; 0: now. */
  untilNext(key: string, lease: string): number;
  /** Counts one more failure. @returns milliseconds to wait. */
  next(key: string, lease: string): number;
  forget(key: string): void;
}

/** Makes {@link Retries}, with the usual backoff. */
export function retries(clock: Clock, { backoffBase, backoffCap }: Timing): Retries {
  const backoffs = backoff(clock, backoffBase, backoffCap);
  const waits = new Map<string, { readonly lease: string; readonly until: number }>();
  const forget = (key: string): void => {
    waits.delete(key);
    backoffs.reset(key);
  };
  return {
    untilNext(key, lease) {
      const wait = waits.get(key);
      return wait?.lease === lease ? Math.max(wait.until - clock.elapsed(), 0) : 0;
    },
    next(key, lease) {
      if (waits.get(key)?.lease !== lease) forget(key);
      const wait = backoffs.next(key);
      waits.set(key, { lease, until: clock.elapsed() + wait });
      return wait;
    },
    forget,
  };
}
