import { settled } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

/** Waits for a promise while timers that are due now run, without moving time on. */
export async function pump<Result>(clock: VirtualClock, promise: Promise<Result>): Promise<Result> {
  const state = { pending: true };
  const finished = promise.finally(() => {
    state.pending = false;
  });
  finished.catch(() => undefined);
  while (state.pending) {
    clock.advance(0);
    await settled();
  }
  return finished;
}

/** The error that a promise rejects with; throws where it does not. */
export async function rejection<Kind extends Error>(
  promise: Promise<unknown>,
  kind: abstract new (...args: never[]) => Kind,
): Promise<Kind> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof kind) return outcome;
  throw new Error(`Expected a ${kind.name}, got ${String(outcome)}.`);
}
