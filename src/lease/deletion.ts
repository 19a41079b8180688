import { parseDuration } from '../api/duration.ts';
import type { LeaseRef } from '../api/lease.ts';
import { currentLease, isAttested, leaseRefOf, type CurrentLease } from './current.ts';
import { partWith } from './former.ts';
import { ownFailures } from './holding.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { isOver } from './lifetime.ts';
import type { LeftLease, Plan, Step } from './plan.ts';
import { dueAmong, earliest, nothingDue, unique, untilEnded, type DueRevocations } from './revocations.ts';
import { seekFirst } from './seeking.ts';
import { secretNameOf } from './verdict.ts';

/** How long a deletion waits for a confirmed revocation, when the spec does not say. */
export const DEFAULT_REVOCATION_TIMEOUT = '10m';

/**
 * Deleting means gone (I4): settle what is open, revoke everything in hand, delete the Secret, let the object go. The
 * finalizer goes when each lease is revoked, ended, left to run out as declared, or can no longer be revoked by
 * anybody; or when `revocation.timeout` is over.
 *
 * An object that another shard serves by now keeps its leases: what this process has in hand, or has asked for, is all that
 * it ends.
 */
export function decideDeletion(input: DecisionInput): Plan {
  const terms = termsOf(input);
  return (
    settleFirst(input, terms) ??
    findSecretFirst(input, terms) ??
    attestFirst(input, terms) ??
    accountFirst(input, terms) ??
    revokeFirst(input, terms) ??
    letGo(input, terms)
  );
}

/** How this deletion ends its leases: not at all as declared, or no longer because its time is over. */
interface Terms {
  readonly expires: boolean;
  readonly overdue: boolean;
}

function termsOf({ object, now }: DecisionInput): Terms {
  const declared = object?.spec.valid === true ? object.spec.value.revocation?.onDelete : undefined;
  return { expires: declared === 'Expire', overdue: object !== undefined && isOverdue(object, now.kube) };
}

/** An unanswered request may have made a lease: found out while somebody still waits for the answer. */
function settleFirst(input: DecisionInput, terms: Terms): Plan | undefined {
  const { open } = input.memory;
  if (open === undefined || terms.expires || terms.overdue) return undefined;
  const again = Math.max(open.lookAt - input.now.elapsed, 0);
  const step: Step = again === 0 ? { do: 'settle', open } : { do: 'wait' };
  return plan(
    'settle before letting go',
    step,
    pendingRevocations(input, terms),
    earliest([again, deadline(input)]),
  );
}

/** A Secret that came from another shard may be released, or name a lease that nothing else does. */
function findSecretFirst(input: DecisionInput, terms: Terms): Plan | undefined {
  const verdict = input.object === undefined || terms.overdue ? undefined : seekFirst(input, input.object);
  if (verdict === undefined) return undefined;
  const looks = earliest([verdict.again, deadline(input)]);
  return plan('find the Secret before letting go', verdict.step, pendingRevocations(input, terms), looks);
}

/** A lease that only the Secret's record names is revoked when the server says that it is ours. */
function attestFirst(input: DecisionInput, terms: Terms): Plan | undefined {
  const current = currentLease(input);
  if (current.state !== 'unwitnessed' || terms.expires || terms.overdue) return undefined;
  const again = untilAsked(input, current.record.lease);
  if (again === 'never') return undefined;
  const asks = input.connection.state === 'usable' && again === 0;
  const step: Step = asks ? { do: 'attest', record: current.record } : { do: 'wait' };
  const looks = earliest([again, deadline(input)]);
  return plan('attest before letting go', step, pendingRevocations(input, terms), looks);
}

/**
 * Milliseconds until the server can be asked about a lease; undefined: an event will tell. A connection that does not
 * work just now is waited for, but not one that is gone for good, nor when no object is left that could wait. After a
 * fault its backoff is waited for: a deletion has no policy of its own that does.
 */
function untilAsked(input: DecisionInput, ref: LeaseRef): number | undefined | 'never' {
  const { object, connection, memory, now, unreachable } = input;
  if (connection.state === 'refused') {
    return object === undefined || unreachable.has(ref.id) ? 'never' : connection.again;
  }
  const known = memory.attestations.get(ref.id);
  const look = known?.verdict === 'missing' ? known.lookAt : 0;
  const failures = object === undefined ? undefined : ownFailures(input, object);
  return Math.max(Math.max(look, failures?.nextAt ?? 0) - now.elapsed, 0);
}

/**
 * A process before this one may have asked for a lease that nothing names. What the server has for the object is listed
 * once, so that it is revoked with the rest.
 */
function accountFirst(input: DecisionInput, terms: Terms): Plan | undefined {
  const { object } = input;
  if (object === undefined || !mayBeUnaccounted(input, object, terms)) return undefined;
  const again = Math.max((ownFailures(input, object)?.nextAt ?? 0) - input.now.elapsed, 0);
  const step: Step = again === 0 ? { do: 'account' } : { do: 'wait' };
  const looks = earliest([again, deadline(input)]);
  return plan('account for every lease before letting go', step, pendingRevocations(input, terms), looks);
}

/** Where nobody leads to a server there is nobody to ask. */
function mayBeUnaccounted({ memory, connection }: DecisionInput, object: ObjectView, terms: Terms): boolean {
  const matters = object.hasFinalizer && !memory.accounted && !terms.expires && !terms.overdue;
  return matters && (connection.state === 'usable' || connection.identity !== undefined);
}

function revokeFirst(input: DecisionInput, terms: Terms): Plan | undefined {
  const toRevoke = leasesToRevoke(input, terms);
  if (toRevoke.length === 0) return undefined;
  // A lease that ends by itself meanwhile needs no revocation any more, whenever the next try of one would be.
  const looks = [deadline(input), ...toRevoke.map((ref) => untilEnded(input, ref))];
  return plan('revoke before letting go', { do: 'wait' }, dueAmong(input, toRevoke), earliest(looks));
}

function leasesToRevoke(input: DecisionInput, terms: Terms): readonly LeaseRef[] {
  return pendingLeases(input).filter((ref) => leave(input, ref, terms).length === 0);
}

function leftOf(input: DecisionInput, terms: Terms): readonly LeftLease[] {
  return pendingLeases(input).flatMap((ref) => leave(input, ref, terms));
}

function pendingLeases(input: DecisionInput): readonly LeaseRef[] {
  return leasesOf(input).filter((ref) => !isOver(input, ref));
}

function plan(policy: string, step: Step, due: DueRevocations, again: number | undefined): Plan {
  return { policy, step, revocations: due.now, again: earliest([due.again, again]) };
}

/** Why a lease is not revoked, if it is not. */
function leave(input: DecisionInput, ref: LeaseRef, terms: Terms): LeftLease[] {
  if (terms.expires) return [{ ref, why: 'declared' }];
  if (terms.overdue) return [{ ref, why: 'timeout' }];
  if (input.unreachable.has(ref.id)) return [{ ref, why: 'unreachable' }];
  return speaksForItself(input, ref) ? [{ ref, why: 'unattested' }] : [];
}

/** Only the Secret's record says that this lease is ours: by what was found out now, or before a restart. */
function speaksForItself({ object, memory }: DecisionInput, { id }: LeaseRef): boolean {
  if (memory.known.has(id)) return false;
  const reported = object?.status.lease;
  return (
    memory.attestations.get(id)?.verdict === 'unattested' || (reported?.id === id && !isAttested(reported))
  );
}

/** The last steps. Only the Kubernetes API can fail them, and then its backoff is waited for. */
function letGo(input: DecisionInput, terms: Terms): Plan {
  const failures = input.object === undefined ? undefined : ownFailures(input, input.object);
  const failed = failures?.fault.code === 'KubernetesUnavailable' ? failures : undefined;
  const again = isUnclear(input)
    ? input.timing.backoffBase
    : Math.max((failed?.nextAt ?? 0) - input.now.elapsed, 0);
  if (again > 0) return plan('let go', { do: 'wait' }, nothingDue, again);
  return plan('let go', farewell(input, terms, failed !== undefined), nothingDue, undefined);
}

/** Its Secrets, finalizer, memory. When time is over a Secret that cannot be deleted is left to the garbage collector. */
function farewell(input: DecisionInput, terms: Terms, failed: boolean): Step {
  const { object, secret, formers } = input;
  const left = leftOf(input, terms);
  if (object === undefined) return parting(input, left);
  const own = secret.state === 'ours' ? [{ name: secretNameOf(object), ...secret }] : [];
  const [next] = [...own, ...formers];
  if (next !== undefined && !(terms.overdue && failed)) return partWith(object, next);
  return { do: object.hasFinalizer ? 'dropFinalizer' : 'forget', left };
}

/** Nobody could be asked whether the object is gone: it is looked for again. */
function isUnclear({ object, absence }: DecisionInput): boolean {
  return object === undefined && absence === 'unclear';
}

function parting({ absence, memory: { inHand } }: DecisionInput, left: readonly LeftLease[]): Step {
  if (absence !== 'moved') return { do: 'forget', left };
  // It may have reached the Secret: whoever serves the object now finds out.
  const doubtful = inHand?.doubtful === true ? [{ ref: inHand.ref, why: 'moved' } as const] : [];
  return { do: 'leave', left: [...left, ...doubtful] };
}

/** Whether the leases that status and Secret may name are this process' to end. */
function mayEndNamed({ object, absence = 'gone' }: DecisionInput): boolean {
  return object !== undefined || absence === 'gone';
}

/**
 * Every lease that is this object's to end. A record that nothing vouches for names none, and what a trusted one says
 * of a lease comes after what memory and status say of it: a tenant may have changed the words around an id.
 */
export function leasesOf(input: DecisionInput): readonly LeaseRef[] {
  const { object, memory } = input;
  const mayReachSecret = memory.inHand?.doubtful === true && !mayEndNamed(input);
  const inHand = memory.inHand === undefined || mayReachSecret ? [] : [memory.inHand.ref];
  if (!mayEndNamed(input)) return unique([...inHand, ...memory.discarded]);
  const known = [...memory.known.values()].map(({ ref }) => ref);
  const fromStatus = object?.status.lease === undefined ? [] : [leaseRefOf(object.status.lease)];
  const retiring = (object?.status.retiring ?? []).map(leaseRefOf);
  const fromRecord = leasesOfRecord(currentLease(input));
  return unique([...inHand, ...memory.discarded, ...known, ...fromStatus, ...retiring, ...fromRecord]);
}

/**
 * A record vouches for no other lease than its own: what it replaced is in the status or in memory too, and an id that
 * is only in the record may be anybody's.
 */
function leasesOfRecord(current: CurrentLease): readonly LeaseRef[] {
  if (current.state !== 'trusted') return [];
  return [current.ref];
}

function pendingRevocations(input: DecisionInput, terms: Terms): DueRevocations {
  return dueAmong(input, leasesToRevoke(input, terms));
}

function timeoutOf(object: ObjectView): number {
  const declared = object.spec.valid ? object.spec.value.revocation?.timeout : undefined;
  return parseDuration(declared ?? DEFAULT_REVOCATION_TIMEOUT) ?? 0;
}

function isOverdue(object: ObjectView, kubeNow: number): boolean {
  return object.deletedAt !== undefined && kubeNow >= object.deletedAt + timeoutOf(object);
}

/** Milliseconds until the deletion stops waiting. */
function deadline(input: DecisionInput): number | undefined {
  const { object } = input;
  if (object?.deletedAt === undefined) return undefined;
  return Math.max(object.deletedAt + timeoutOf(object) - input.now.kube, 0);
}
