/**
 * Retry classes:
 *  - `backoff`: heals by itself; tried again with exponential waits of at most two minutes.
 *  - `slow`: somebody must mend it, outside the object, where we cannot watch; tried again every few minutes.
 *  - `rare`: as `slow`, but each try costs a lease: tried again after some minutes, and less and less often.
 *  - `change`: only a change of the object can mend it; tried again when the object changes.
 */
export type RetryClass = 'backoff' | 'slow' | 'rare' | 'change';

/** One row of the table: how a fault is retried, and its sentence, made of what it names. */
export interface Entry<Named> {
  readonly retry: RetryClass;
  readonly sentence: (details: Named) => string;
}

export function entry<Named = void>(retry: RetryClass, sentence: (details: Named) => string): Entry<Named> {
  return { retry, sentence };
}
