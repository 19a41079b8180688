import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import { jitterOf, rotationTime } from '../../src/lease/schedule.ts';
import { standardTiming } from '../../src/timing.ts';
import { endsOf, type Delivery } from './dead.ts';
import { instantOf, objectOf, quantile, type Report } from './progress.ts';

/**
 * When each lease came into its Secret: the last write of the Secret before the status that names the lease for the first
 * time. Secrets have the names of their leases.
 *
 * @param events a user's, in the order of the log
 */
export function deliveriesOf(events: readonly AuditEvent[], reports: readonly Report[]): readonly Delivery[] {
  const writes = new Map<string, number[]>();
  for (const event of events) {
    if (!isDelivery(event)) continue;
    const own = writes.get(objectOf(event)) ?? [];
    writes.set(objectOf(event), own);
    own.push(instantOf(event));
  }
  const seen = new Set<string>();
  return reports.flatMap(({ object, leaseId, at }) => {
    if (seen.has(leaseId)) return [];
    seen.add(leaseId);
    return [{ object, leaseId, at: writes.get(object)?.findLast((write) => write <= at) ?? at }];
  });
}

/** Whether a request has put credentials into a Secret. */
export function isDelivery({ verb, resource, responseCode = 0 }: AuditEvent): boolean {
  return resource === 'secrets' && (verb === 'create' || verb === 'patch') && responseCode < 300;
}

/** A lease that was replaced in its Secret. */
export interface Rotation {
  readonly object: string;
  /** When the successor was written, in milliseconds since 1970. */
  readonly at: number;
  /** The life that the replaced lease had left then, in seconds; below 0 it was dead. */
  readonly left: number;
  /** How long after it was due, in seconds. */
  readonly late: number;
}

/** @param before `rotation.before` of all objects */
export function rotationsOf(
  deliveries: readonly Delivery[],
  ledger: readonly LedgerEntry[],
  before?: string,
): readonly Rotation[] {
  const ends = endsOf(ledger);
  const due = duesOf(ledger, before);
  const held = new Map<string, string>();
  return deliveries.flatMap(({ object, leaseId, at }) => {
    const old = held.get(object);
    held.set(object, leaseId);
    if (old === undefined) return [];
    const left = ((ends.get(old) ?? Number.NaN) - at) / 1000;
    return [{ object, at, left, late: (at - (due.get(old) ?? Number.NaN)) / 1000 }];
  });
}

/**
 * When each lease was to be replaced, in milliseconds since 1970, by lease: the documented rule, applied to what the lease API
 * has written down. What the operator makes of it is not asked.
 */
export function duesOf(ledger: readonly LedgerEntry[], before?: string): ReadonlyMap<string, number> {
  const dues = new Map<string, number>();
  for (const { event, leaseId, at, expireAt, tag } of ledger) {
    if (event !== 'made' || leaseId === null || expireAt === null || tag === null) continue;
    const span = { createdAt: at, expireAt };
    dues.set(leaseId, rotationTime(span, before, jitterOf(tag.object), standardTiming));
  }
  return dues;
}

/** How far the lease API's and the operator's look at the clock may differ, in milliseconds: its `Date` has whole seconds. */
const SLACK = 1500;

/** How many leases were asked for before the one that the object had already was due. @param ledger from the beginning */
export function prematureOf(ledger: readonly LedgerEntry[], before?: string): number {
  const due = duesOf(ledger, before);
  const held = new Map<string, string>();
  let premature = 0;
  for (const { event, leaseId, at, tag } of ledger) {
    if (event !== 'made' || leaseId === null || tag === null) continue;
    const old = held.get(tag.object);
    held.set(tag.object, leaseId);
    if (old !== undefined && at < (due.get(old) ?? 0) - SLACK) premature += 1;
  }
  return premature;
}

/** What rotations have to say beside their rate. Seconds. */
export function punctuality(rotations: readonly Rotation[]): Readonly<Record<string, number>> {
  const at = (of: 'late' | 'left', share: number): number => {
    const ascending = rotations.map((one) => one[of]).toSorted((one, other) => one - other);
    return Number((quantile(ascending, share) ?? Number.NaN).toFixed(2));
  };
  return {
    lateSecondsP50: at('late', 0.5),
    lateSecondsP99: at('late', 0.99),
    lateSecondsMax: at('late', 1),
    leastLifeLeftSeconds: at('left', 0),
  };
}
