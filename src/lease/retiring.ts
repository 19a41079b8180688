import type { LeaseStatus, RetiringLease } from '../api/dynamic-secret-lease.ts';
import { parseDuration } from '../api/duration.ts';
import type { LeaseRef } from '../api/lease.ts';
import { formatInstant, parseInstant } from '../instant.ts';
import { atLatest, isAttested, isForeign, leaseRefOf, type CurrentLease } from './current.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { isOver, mayBeLonger } from './lifetime.ts';
import { unique } from './revocations.ts';
import { MOST_RETIRING } from './verdict.ts';

/** How long a replaced lease lives on before it is revoked, when the spec does not say. */
export const DEFAULT_GRACE_PERIOD = '5m';

/** Replaced leases: those already listed, those that the last write replaced, those whose revocation failed at once. */
export function retiringOf(
  input: DecisionInput,
  object: ObjectView,
  current: CurrentLease,
): RetiringLease[] | undefined {
  const { status } = object;
  const replaced = replacedBy(input, current, status).map((ref) => leaving(input, object, ref));
  const currentId = current.state === 'trusted' ? current.ref.id : undefined;
  const open = (refs: readonly RetiringLease[]): readonly RetiringLease[] =>
    refs.filter((ref) => ref.id !== currentId && !input.memory.settled.has(ref.id));
  const listed = latestEnding(open(unique([...(status.retiring ?? []), ...replaced])));
  // Memory still holds these: where there is no room they wait, rather than make others leave unseen.
  const entries = unique([...listed, ...open(failedOf(input))])
    .slice(0, MOST_RETIRING)
    .toSorted(byEnd)
    .map((ref) => withProgress(input, withEnd(input, ref)));
  return entries.length === 0 ? undefined : entries;
}

/** Leases that reached no Secret, and whose revocation failed at once. */
function failedOf(input: DecisionInput): readonly RetiringLease[] {
  const revokeAfter = formatInstant(input.now.lease ?? input.now.kube);
  return input.memory.discarded
    .filter((ref) => (input.memory.revocations.get(ref.id)?.attempts ?? 0) > 0 && !isOver(input, ref))
    .map((ref) => ({ ...ref, revokeAfter }));
}

/** A lease that was just replaced: left to run out, or revoked when the pods have had time to take up its successor. */
function leaving(input: DecisionInput, { spec }: ObjectView, ref: LeaseRef): RetiringLease {
  const revocation = spec.valid ? spec.value.revocation : undefined;
  if (revocation?.onRotation !== 'Revoke') return leaseRefOf(ref);
  const grace = parseDuration(revocation.gracePeriod ?? DEFAULT_GRACE_PERIOD) ?? 0;
  const now = input.now.lease ?? input.now.kube;
  return { ...leaseRefOf(ref), revokeAfter: formatInstant(now + Math.max(grace, input.timing.overlap)) };
}

/**
 * What the last write of the Secret replaced, while the status does not know of it: the lease that the status still
 * names. The record's `previous`, and those of Secrets by former names, add what this process knows of itself, and nothing
 * else: an id that only a record names may be anybody's.
 */
function replacedBy(
  input: DecisionInput,
  current: CurrentLease,
  { lease }: LeaseStatus,
): readonly LeaseRef[] {
  if (current.state !== 'trusted' || lease?.id === current.ref.id) return [];
  const former = input.formers.flatMap(({ lease: held }) => held ?? []);
  const known = [...current.record.previous, ...former].flatMap(
    ({ id }) => input.memory.known.get(id)?.ref ?? [],
  );
  // The status may be behind a renewal.
  const reported = isAttested(lease) && !isForeign(input, lease.id) ? [atLatest(input, lease)] : [];
  return [...reported, ...known];
}

/**
 * Left to run out, a lease that may live longer than is known would be left for longer than was asked: it is revoked at
 * its known end.
 */
function withEnd(input: DecisionInput, entry: RetiringLease): RetiringLease {
  const bounded = entry.revokeAfter !== undefined || !mayBeLonger(input, entry);
  return bounded ? entry : { ...entry, revokeAfter: entry.expireAt };
}

/** How the revocation of a replaced lease goes. It changes when the reason does, not with each try. */
function withProgress(input: DecisionInput, entry: RetiringLease): RetiringLease {
  const progress = input.memory.revocations.get(entry.id);
  if (progress?.reason === undefined || progress.reason === entry.reason) return entry;
  return { ...entry, attempts: progress.attempts, reason: progress.reason };
}

/** At most as many as fit; the one that ends first is let run out, as the request that replaced one more has said. */
function latestEnding(entries: readonly RetiringLease[]): RetiringLease[] {
  return entries.toSorted(byEnd).slice(-MOST_RETIRING);
}

function byEnd(one: LeaseRef, other: LeaseRef): number {
  return (parseInstant(one.expireAt) ?? 0) - (parseInstant(other.expireAt) ?? 0);
}
