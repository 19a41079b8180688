import type { KubeError } from './kube-error.ts';

const MOST_TRIES = 5;
const FIRST_WAIT = 100;

/**
 * Whether a request that failed may be sent again, and when.
 *
 * @param method a GET may be sent again whatever became of it; anything else only after a 429, which says that nothing
 *   was done.
 * @param tries how often it was sent.
 * @param chance a number of [0, 1), for jitter.
 * @returns milliseconds to wait; undefined: not again.
 */
export function retryWait(
  failure: KubeError,
  method: string,
  tries: number,
  chance: number,
): number | undefined {
  if (tries >= MOST_TRIES || !isRetriable(failure, method)) return undefined;
  if (failure.retryAfter !== undefined) return failure.retryAfter * (1 + chance / 4);
  return FIRST_WAIT * 2 ** (tries - 1) * (0.5 + chance / 2);
}

function isRetriable({ status, reason }: KubeError, method: string): boolean {
  if (status === 429) return true;
  if (method !== 'GET') return false;
  return status === 503 || reason === 'Unreachable' || reason === 'NoAnswer';
}
