import type { Clock } from '../clock.ts';
import type { Timing } from '../timing.ts';

/** So many events of one object, and of all together, may be written at once; what is spent comes back with time. */
export const BURST_OF_OBJECT = 10;
export const BURST_OF_ALL = 100;

/** How often the budget of all comes back faster than that of one object. */
const ALL_TO_ONE = 300;

/** So many objects are remembered, at most; one that is forgotten early has its whole budget again. */
const MOST_OBJECTS = 4096;

/** Keeps events from becoming a load of their own: the objects of a cluster share its store with them. */
export interface EventBudget {
  /** Takes one write of an event of this object. @returns false where the budget does not allow it. */
  take(uid: string): boolean;
}

interface Bucket {
  level: number;
  at: number;
}

/** Token buckets: one for each object, and one for all. */
export function eventBudget(clock: Clock, { eventRefill }: Pick<Timing, 'eventRefill'>): EventBudget {
  const ofAll: Bucket = { level: BURST_OF_ALL, at: clock.elapsed() };
  const ofObject = new Map<string, Bucket>();

  function bucketOf(uid: string): Bucket {
    const known = ofObject.get(uid);
    const bucket = known ?? { level: BURST_OF_OBJECT, at: clock.elapsed() };
    // The one that was asked for last comes last.
    ofObject.delete(uid);
    ofObject.set(uid, bucket);
    for (const [oldest] of ofObject) {
      if (ofObject.size <= MOST_OBJECTS) break;
      ofObject.delete(oldest);
    }
    return bucket;
  }

  return {
    take(uid) {
      const bucket = bucketOf(uid);
      const now = clock.elapsed();
      fill(bucket, now, { most: BURST_OF_OBJECT, each: eventRefill });
      fill(ofAll, now, { most: BURST_OF_ALL, each: eventRefill / ALL_TO_ONE });
      if (bucket.level < 1 || ofAll.level < 1) return false;
      bucket.level -= 1;
      ofAll.level -= 1;
      return true;
    },
  };
}

/** Adds what time has brought: one for each `each` milliseconds. */
function fill(
  bucket: Bucket,
  now: number,
  { most, each }: { readonly most: number; readonly each: number },
): void {
  bucket.level = Math.min(most, bucket.level + (now - bucket.at) / each);
  bucket.at = now;
}
