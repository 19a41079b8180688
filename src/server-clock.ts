import type { Clock } from './clock.ts';
import { parseInstant } from './instant.ts';

/** One second: the resolution of an HTTP `Date` header. */
const DATE_RESOLUTION = 1000;

/**
 * What time it is on a server, learnt from the `Date` headers of its answers and counted on by elapsed time, so that
 * this machine's wall clock never matters.
 *
 * An answer that carries second D was made between the moment its request was sent and the moment it arrived, in
 * [D, D + 1 s): each answer bounds the server's clock from both sides, and the bounds of many answers are intersected.
 * When they contradict each other the server's clock was set, and the newest answer alone counts.
 */
export interface ServerClock {
  /** Milliseconds since 1970 by the server, the middle of what is possible; undefined before the first answer. */
  now(): number | undefined;
  /**
   * Notes one answer.
   *
   * @param dateHeader the `Date` header; anything that is no date is ignored.
   * @param sentAt elapsed milliseconds when the request was sent.
   */
  note(dateHeader: string | undefined, sentAt: number): void;
}

interface Bounds {
  /** Server time minus elapsed time, in milliseconds, at least and at most. */
  readonly least: number;
  readonly most: number;
}

export function serverClock(clock: Clock): ServerClock {
  let bounds: Bounds | undefined;
  return {
    now: () => (bounds === undefined ? undefined : clock.elapsed() + (bounds.least + bounds.most) / 2),
    note(dateHeader, sentAt) {
      const date = parseInstant(dateHeader);
      if (date === undefined) return;
      const fresh = { least: date - clock.elapsed(), most: date + DATE_RESOLUTION - sentAt };
      bounds = bounds === undefined ? fresh : intersect(bounds, fresh);
    },
  };
}

function intersect(known: Bounds, fresh: Bounds): Bounds {
  const least = Math.max(known.least, fresh.least);
  const most = Math.min(known.most, fresh.most);
  return least <= most ? { least, most } : fresh;
}
