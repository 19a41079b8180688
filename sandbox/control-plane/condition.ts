import { setTimeout as delay } from 'node:timers/promises';

export interface ConditionOptions {
  /** What is awaited, for the error's text: "kube-apiserver to be ready". */
  readonly what: string;
  /** Milliseconds until it is given up. Default 60 s. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks. Default 20. */
  readonly intervalMs?: number;
}

/**
 * Looks until the probe gives something other than undefined or false, and returns that. A probe that throws ends
 * the waiting.
 *
 * @throws Error when the time is over
 */
export async function awaitCondition<T>(
  probe: () => Promise<T | undefined | false>,
  { what, timeoutMs = 60_000, intervalMs = 20 }: ConditionOptions,
): Promise<T> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > until) throw new Error(`Waited ${timeoutMs / 1000} s for ${what}.`);
    await delay(intervalMs);
  }
}
