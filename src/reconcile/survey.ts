import { faultCodes } from '../errors.ts';
import { parseInstant } from '../instant.ts';
import type { LeaseEnd, LeaseSurvey } from '../telemetry.ts';
import type { LeaseRecord } from './ports.ts';

/** What the metrics tell of all lease objects: one pass over the store, without a request. */
export function surveyOf(leases: Iterable<LeaseRecord>): LeaseSurvey {
  const ends: LeaseEnd[] = [];
  let [retiring, revocationsFailing, unaccounted] = [0, 0, 0];
  for (const lease of leases) {
    retiring += lease.status.retiring?.length ?? 0;
    revocationsFailing += failingIn(lease);
    unaccounted += lease.status.unaccounted?.count ?? 0;
    const end = endOf(lease);
    if (end !== undefined) ends.push(end);
  }
  return { ends, retiring, revocationsFailing, unaccounted };
}

/** What was read of a record: records never change, and of most there is no other until the next scrape. */
const known = new WeakMap<LeaseRecord, LeaseEnd>();

/** Of an object that is suspended or being deleted nothing is told: nobody replaces its lease. */
function endOf(lease: LeaseRecord): LeaseEnd | undefined {
  const { namespace, name, deletedAt, spec, status } = lease;
  if (status.lease === undefined || deletedAt !== undefined) return undefined;
  if (spec.valid && spec.value.suspend === true) return undefined;
  const before = known.get(lease);
  if (before !== undefined) return before;
  const expiresAt = parseInstant(status.lease.expireAt);
  if (expiresAt === undefined) return undefined;
  const end = { namespace, name, expiresAt, rotateAt: parseInstant(status.rotateAt) };
  known.set(lease, end);
  return end;
}

const faults: ReadonlySet<string> = new Set(faultCodes);

/** Of an object that is being deleted the status says only that it is held up, not by how many leases. */
function failingIn({ deletedAt, status }: LeaseRecord): number {
  const reconciling = status.conditions?.find(({ type }) => type === 'Reconciling');
  if (deletedAt !== undefined) return faults.has(reconciling?.reason ?? '') ? 1 : 0;
  return (status.retiring ?? []).filter(({ attempts = 0 }) => attempts > 0).length;
}
