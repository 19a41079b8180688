/** A lease to be replaced. Milliseconds since 1970. */
export interface Job {
  /** From when on. */
  readonly due: number;
  /** Until when. */
  readonly end: number;
}

/** What a server takes. */
export interface Limit {
  /** Requests in one window. */
  readonly most: number;
  readonly windowMs: number;
}

/**
 * How many leases can be replaced before their end at a server that takes so many requests in a window: in each window
 * those of the earliest end that are due before it is over. No other order replaces more. The windows follow one another
 * without a gap from the moment at which the first is due.
 */
export function optimumOnTime(jobs: readonly Job[], { most, windowMs }: Limit): number {
  let left = jobs.filter(({ due, end }) => due < end).toSorted((one, other) => one.end - other.end);
  let start = Math.min(...left.map(({ due }) => due));
  let onTime = 0;
  for (; left.length > 0; start += windowMs) {
    left = left.filter(({ end }) => end > start);
    const chosen = new Set(left.filter(({ due }) => due < start + windowMs).slice(0, most));
    onTime += chosen.size;
    left = left.filter((job) => !chosen.has(job));
  }
  return onTime;
}
