import { parseInstant } from '../instant.ts';
import type { Timing } from '../timing.ts';
import type { ObjectView } from './input.ts';

/**
 * By when an object should have been served, in milliseconds since 1970: the order in which objects wait for the same
 * server, and nothing else.
 *
 * Where a lease is in use, its end. Else a patience after the object began to wait: what has no lease yet goes before
 * leases that have long to live, never before those that are about to end, however many new objects come at once. The
 * same holds for a deletion, from when it was asked for.
 *
 * @param now by the Kubernetes API; an object that says nothing of itself begins to wait now.
 */
export function deadlineOf(
  { deletedAt, status }: Pick<ObjectView, 'deletedAt' | 'status'>,
  now: number,
  { firstLeasePatience }: Pick<Timing, 'firstLeasePatience'>,
): number {
  if (deletedAt !== undefined) return deletedAt + firstLeasePatience;
  const end = parseInstant(status.lease?.expireAt);
  if (end !== undefined) return end;
  const unready = status.conditions?.find(({ type, status: holds }) => type === 'Ready' && holds !== 'True');
  return (parseInstant(unready?.lastTransitionTime) ?? now) + firstLeasePatience;
}
