import type { ServerKind } from '../support/server-kind.ts';
import type { Recorder } from './recorder.ts';

/**
 * The leases that may live on a server though nobody names them. Where tags are kept: none. Where they are dropped:
 *
 * 1. those that a status has said to be unattested: only the Secret's record speaks for them, so they are left to end;
 * 2. those that no Secret was ever written with, as many as the objects' statuses have counted in `unaccounted`;
 * 3. the one that the very request made at which the process was killed, counted or not.
 */
export function pardonedLeases(server: ServerKind, recorder: Recorder): ReadonlySet<string> {
  if (server === 'tags-kept') return new Set();
  const { issued, secretWrites, unattested, unaccounted, madeByTheKilled } = recorder;
  const written = new Set(secretWrites.map(({ lease }) => lease));
  const unwritten = issued.map(({ id }) => id).filter((id) => !written.has(id) && id !== madeByTheKilled);
  const counted = [...unaccounted.values()].reduce((sum, count) => sum + count, 0);
  const killed = madeByTheKilled === undefined ? [] : [madeByTheKilled];
  return new Set([...unattested, ...unwritten.slice(0, counted), ...killed]);
}
