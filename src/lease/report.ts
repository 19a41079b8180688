import type {
  CurrentLease as ReportedLease,
  LeaseStatus,
  RetiringLease,
} from '../api/dynamic-secret-lease.ts';
import type { LeaseRef } from '../api/lease.ts';
import type { Fault } from '../errors.ts';
import { formatInstant, parseInstant } from '../instant.ts';
import { conditionsOf, type Standing } from './conditions.ts';
import {
  currentLease,
  hasEnded,
  isAttested,
  leaseRefOf,
  rotateAtOf,
  spanOf,
  type CurrentLease,
} from './current.ts';
import { heldByStatus, ownFailures } from './holding.ts';
import type { DecisionInput, KnownLease, ObjectView } from './input.ts';
import { MOST_RETIRING, secretNameOf } from './policies.ts';
import { isPending, unique } from './revocations.ts';
import { overlapsTooLittle } from './schedule.ts';
import { meets, targetOf } from './target.ts';

/**
 * The status that is true of what the input shows (design section 3: status is a report rebuilt from the record).
 * Replaced leases that have ended are still in it: they leave with the next write, not by one of their own; see
 * {@link withoutEnded}.
 *
 * @param refusal what the plan refused for, if it did.
 */
export function report(input: DecisionInput, object: ObjectView, refusal: Fault | undefined): LeaseStatus {
  // Nothing new is known before the wait that the status speaks of is over.
  if (refusal === undefined && heldByStatus(input, object) > 0) return object.status;
  const current = currentLease(input);
  const fault = refusal ?? specFault(object) ?? ownFailure(input, object);
  const standing = standingOf(input, object, current, fault);
  return tidy({
    observedGeneration: object.generation,
    conditions: conditionsOf(standing, object.status.conditions ?? [], object.generation, input.now.kube),
    lease: current.state === 'trusted' ? reportedLease(input, object, current) : object.status.lease,
    dynamicSecret: reportedDynamicSecret(input, object, current),
    secret: reportedSecret(input, object),
    rotateAt:
      current.state === 'trusted'
        ? formatInstant(rotateAtOf(input, object, current.ref))
        : object.status.rotateAt,
    rotations: rotationsOf(object, current),
    retiring: retiringOf(input, object, current),
    attempts: attemptsOf(input, object),
  });
}

/** The same status without the replaced leases that have ended. */
export function withoutEnded(status: LeaseStatus, input: DecisionInput): LeaseStatus {
  const { retiring, ...rest } = status;
  const left = (retiring ?? []).filter((ref) => !hasEnded(ref, input.now, input.timing.clockSlack));
  return left.length === 0 ? rest : { ...rest, retiring: left };
}

/** What is wrong with the spec. An object that is being deleted is beyond that. */
function specFault({ spec, deletedAt }: ObjectView): Fault | undefined {
  return spec.valid || deletedAt !== undefined ? undefined : spec.fault;
}

function ownFailure(input: DecisionInput, object: ObjectView): Fault | undefined {
  return ownFailures(input, object)?.fault ?? input.memory.blocked;
}

function standingOf(
  input: DecisionInput,
  object: ObjectView,
  current: CurrentLease,
  fault: Fault | undefined,
): Standing {
  const live = current.state === 'trusted' && isLive(input, current.ref);
  const ready = live && object.spec.valid && isOnTarget(input, object, current.ref);
  return {
    ready,
    stalled: specFault(object) !== undefined || (fault?.retry === 'change' && !live),
    deleting: object.deletedAt !== undefined,
    tight: current.state === 'trusted' && isTight(input, object, current.ref),
    fault,
    pending: pendingOf(input, current, { live, ready }),
  };
}

function pendingOf(
  input: DecisionInput,
  current: CurrentLease,
  { live, ready }: { readonly live: boolean; readonly ready: boolean },
): Standing['pending'] {
  if (input.memory.inHand !== undefined) return 'Delivering';
  if (input.memory.open !== undefined) return 'Settling';
  if (ready) return undefined;
  return current.state === 'trusted' && !live ? 'LeaseExpired' : 'Leasing';
}

function isTight(input: DecisionInput, object: ObjectView, ref: LeaseRef): boolean {
  return overlapsTooLittle(spanOf(input, object, ref), rotateAtOf(input, object, ref), input.timing);
}

function isLive(input: DecisionInput, ref: LeaseRef): boolean {
  return !input.memory.settled.has(ref.id) && !hasEnded(ref, input.now, 0);
}

function isOnTarget(input: DecisionInput, object: ObjectView, ref: LeaseRef): boolean {
  if (!object.spec.valid) return false;
  // Where the connection is missing its server is not known; the lease's own is the best guess.
  const host = input.connection.identity?.host ?? ref.connection.host;
  return meets(ref, targetOf(object.spec.value), host);
}

/** One more each time that the reported lease makes way for another. */
function rotationsOf({ status }: ObjectView, current: CurrentLease): number {
  const replaces =
    current.state === 'trusted' && status.lease !== undefined && status.lease.id !== current.ref.id;
  return (status.rotations ?? 0) + (replaces ? 1 : 0);
}

function reportedLease(
  input: DecisionInput,
  object: ObjectView,
  { ref, mayRevoke }: CurrentLease & { state: 'trusted' },
): ReportedLease {
  const known = input.memory.known.get(ref.id);
  if (known !== undefined) return { ...ref, ...detailsOf(known) };
  if (object.status.lease?.id === ref.id) return object.status.lease;
  return mayRevoke ? ref : { ...ref, attested: false };
}

function detailsOf({ lease }: KnownLease): Partial<ReportedLease> {
  const hasConfig = lease.config !== undefined && Object.keys(lease.config).length > 0;
  return tidy({
    version: lease.version,
    externalEntityId: lease.externalEntityId,
    status: lease.status ?? undefined,
    statusDetails: lease.statusDetails ?? undefined,
    config: hasConfig ? { ...lease.config } : undefined,
    createdAt: lease.createdAt,
    updatedAt: lease.updatedAt,
  });
}

function reportedDynamicSecret(
  input: DecisionInput,
  object: ObjectView,
  current: CurrentLease,
): LeaseStatus['dynamicSecret'] {
  const known =
    current.state === 'trusted' ? input.memory.known.get(current.ref.id)?.dynamicSecret : undefined;
  if (known === undefined) return object.status.dynamicSecret;
  const { id, name, type, version, defaultTTL } = known;
  return tidy({
    id,
    name,
    type,
    version,
    defaultTTL,
    maxTTL: known.maxTTL ?? undefined,
    status: known.status ?? undefined,
    statusDetails: known.statusDetails ?? undefined,
  });
}

function reportedSecret(input: DecisionInput, object: ObjectView): LeaseStatus['secret'] {
  const { secret, memory } = input;
  if (secret.state !== 'ours') return object.status.secret;
  const name = secretNameOf(object);
  if (memory.written?.uid === secret.uid) return { name, ...memory.written };
  const reported = object.status.secret;
  // A Secret of a write that this process does not remember: as far as anybody knows, that write was the last.
  return reported?.uid === secret.uid
    ? reported
    : { name, uid: secret.uid, resourceVersion: secret.resourceVersion };
}

/** Replaced leases: those already listed, those that the last write replaced, those whose revocation failed at once. */
function retiringOf(
  input: DecisionInput,
  object: ObjectView,
  current: CurrentLease,
): RetiringLease[] | undefined {
  const { status } = object;
  const replaced = replacedBy(input, current, status);
  const failed = input.memory.discarded.filter(
    (ref) => (input.memory.revocations.get(ref.id)?.attempts ?? 0) > 0 && isPending(input, ref),
  );
  const revokeAfter = formatInstant(input.now.lease ?? input.now.kube);
  const listed = unique([
    ...(status.retiring ?? []),
    ...failed.map((ref): RetiringLease => ({ ...ref, revokeAfter })),
    ...replaced.map(leaseRefOf),
  ]);
  const currentId = current.state === 'trusted' ? current.ref.id : undefined;
  const entries = listed
    .filter((ref) => ref.id !== currentId && !input.memory.settled.has(ref.id))
    .map((ref) => withProgress(input, ref));
  return entries.length === 0 ? undefined : latestEnding(entries);
}

/**
 * What the last write of the Secret replaced, while the status does not know of it: the lease that the status still
 * names. The record's `previous` adds what this process knows of itself, and nothing else: an id that only a record
 * names may be anybody's.
 */
function replacedBy(
  input: DecisionInput,
  current: CurrentLease,
  { lease }: LeaseStatus,
): readonly LeaseRef[] {
  if (current.state !== 'trusted' || lease?.id === current.ref.id) return [];
  const known = current.record.previous.flatMap(({ id }) => input.memory.known.get(id)?.ref ?? []);
  return [...(isAttested(lease) ? [lease] : []), ...known];
}

/** How the revocation of a replaced lease goes. It changes when the reason does, not with each try. */
function withProgress(input: DecisionInput, entry: RetiringLease): RetiringLease {
  const progress = input.memory.revocations.get(entry.id);
  if (progress?.reason === undefined || progress.reason === entry.reason) return entry;
  return { ...entry, attempts: progress.attempts, reason: progress.reason };
}

/** At most as many as fit; those that end first are let run out. */
function latestEnding(entries: readonly RetiringLease[]): RetiringLease[] {
  return entries
    .toSorted((one, other) => (parseInstant(one.expireAt) ?? 0) - (parseInstant(other.expireAt) ?? 0))
    .slice(-MOST_RETIRING);
}

/**
 * Failures worth a write: a new reason, or a wait so long that a restart should know of it. A short wait of a known
 * reason stays in memory.
 */
function attemptsOf(input: DecisionInput, object: ObjectView): LeaseStatus['attempts'] {
  const failures = ownFailures(input, object);
  if (failures === undefined) return undefined;
  const written = object.status.attempts;
  const wait = failures.nextAt - input.now.elapsed;
  const sameReason = written?.reason === failures.fault.code;
  if (sameReason && (written.count >= failures.count || wait < input.timing.attemptsWorthWriting))
    return written;
  const nextAt = formatInstant(input.now.kube + Math.max(wait, 0));
  return { count: failures.count, reason: failures.fault.code, nextAt };
}

/** The same object without the keys whose value is undefined: JSON has none. */
function tidy<Value extends object>(value: Value): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> };
}
