import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';

/** A lease in a Secret: which object's, from when on. */
export interface Delivery {
  readonly object: string;
  readonly leaseId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * For how long Secrets held credentials that did not work any more, in seconds, summed over the objects: from the end of a
 * lease until its successor was written, or until `now`.
 *
 * @param deliveries in order of time
 */
export function deadSeconds(
  deliveries: readonly Delivery[],
  ledger: readonly LedgerEntry[],
  now: number,
): number {
  const ends = endsOf(ledger);
  const held = new Map<string, readonly Delivery[]>();
  for (const delivery of deliveries)
    held.set(delivery.object, [...(held.get(delivery.object) ?? []), delivery]);
  let dead = 0;
  for (const own of held.values()) {
    for (const [index, { leaseId }] of own.entries()) {
      const until = own[index + 1]?.at ?? now;
      dead += Math.max(0, until - (ends.get(leaseId) ?? Number.POSITIVE_INFINITY));
    }
  }
  return dead / 1000;
}

/** When each lease stops working: its end, unless it was revoked before. */
export function endsOf(ledger: readonly LedgerEntry[]): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const { event, leaseId, at, expireAt } of ledger) {
    if (leaseId === null) continue;
    if ((event === 'made' || event === 'renewed') && expireAt !== null) ends.set(leaseId, expireAt);
    if (event === 'revoked' || event === 'dropped') ends.set(leaseId, Math.min(at, ends.get(leaseId) ?? at));
  }
  return ends;
}
