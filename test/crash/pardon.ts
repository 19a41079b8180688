import type { ServerKind } from '../support/server-kind.ts';
import type { Recorder } from './recorder.ts';

/**
 * The leases that may live on a server though nobody names them. Where tags are kept: none. Where they are dropped:
 *
 * 1. those that a status has said to be unattested: only the Secret's record speaks for them, so they are left to end;
 * 2. those that no Secret was ever written with, as many as the objects' statuses have counted in `unaccounted`;
 * 3. those that the very requests made at which a process was killed, counted or not;
 * 4. those that no Secret was ever written with, of its other requests that were under way then: the next process suspects
 *    them, and is counted on only as far as it lives to say so.
 */
export function pardonedLeases(
  server: ServerKind,
  recorder: Pick<
    Recorder,
    'issued' | 'secretWrites' | 'unattested' | 'unaccounted' | 'madeByTheKilled' | 'madeWhileDying'
  >,
): ReadonlySet<string> {
  if (server === 'tags-kept') return new Set();
  const { issued, secretWrites, unattested, unaccounted, madeByTheKilled, madeWhileDying } = recorder;
  const written = new Set(secretWrites.map(({ lease }) => lease));
  const lost = new Set([...madeByTheKilled, ...[...madeWhileDying].filter((id) => !written.has(id))]);
  const unwritten = issued.map(({ id }) => id).filter((id) => !written.has(id) && !lost.has(id));
  const counted = [...unaccounted.values()].reduce((sum, count) => sum + count, 0);
  return new Set([...unattested, ...unwritten.slice(0, counted), ...lost]);
}
