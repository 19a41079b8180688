import { isExpired, KubeError } from './kube-error.ts';

/** How a watch came to its end, as the metrics name it. */
export type EndingCause = 'ended' | 'silent' | 'expired' | 'error';

/** What is to follow. */
export interface Ending {
  readonly cause: EndingCause;
  /** Go on with a list: the place where the watch stopped is of no use. */
  readonly relist: boolean;
  /** Go on after a wait, of at least so many milliseconds; undefined: at once. */
  readonly wait: number | undefined;
}

/** A watch that the server ends sooner, without an event, must not be reopened in a loop. */
const SHORT_WATCH = 1000;

/** A watch from this place was refused, or ended without a word, so many times in a row: the place may be the fault. */
const MOST_FUTILE = 3;

/** What a watch did before it ended. */
export interface Course {
  /** How long it lasted, in milliseconds. */
  readonly lasted: number;
  /** Whether an event or a bookmark came. */
  readonly fruitful: boolean;
  /** How many before it ended without a fruit and not for want of a connection. */
  readonly futile: number;
}

/**
 * Judges the end of a watch.
 *
 * A place that lies in the server's future (its data was restored from a backup) is not refused: such a watch is open
 * and silent, without so much as a bookmark, and in the end is ended in due form. A good place is confirmed by a
 * bookmark each minute and just before the end.
 *
 * @param failure what broke it; undefined when the server ended it in due form.
 */
export function judgeEnding(failure: unknown, course: Course): Ending {
  const { lasted, fruitful, futile } = course;
  const unlessFruitful = fruitful ? undefined : 0;
  const relist = !fruitful && isFutile(failure) && futile + 1 >= MOST_FUTILE;
  if (failure === undefined) {
    return { cause: 'ended', relist, wait: lasted >= SHORT_WATCH ? undefined : unlessFruitful };
  }
  if (isExpired(failure)) return { cause: 'expired', relist: true, wait: unlessFruitful };
  if (isSilent(failure)) return { cause: 'silent', relist: !fruitful, wait: undefined };
  return { cause: 'error', relist, wait: retryAfterOf(failure) ?? 0 };
}

function retryAfterOf(failure: unknown): number | undefined {
  return failure instanceof KubeError ? failure.retryAfter : undefined;
}

/** An answer, or an end without a word, that the place from which the watch was asked for may have caused. */
export function isFutile(failure: unknown): boolean {
  if (failure === undefined) return true;
  if (!(failure instanceof KubeError) || failure.status === undefined) return false;
  return ![401, 403, 429, 503].includes(failure.status);
}

/**
 * The server does not stream lists (WatchList): it refuses the parameters, or says nothing more before the list is
 * whole.
 */
export function isStreamUseless(failure: unknown): boolean {
  if (isSilent(failure)) return true;
  return failure instanceof KubeError && [400, 405, 406, 415, 422].includes(failure.status ?? 0);
}

function isSilent(failure: unknown): boolean {
  return failure instanceof KubeError && failure.reason === 'Silent';
}
