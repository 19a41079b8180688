import type { LeaseStatus } from '../api/dynamic-secret-lease.ts';
import type { LeaseRef } from '../api/lease.ts';
import type { Fault } from '../errors.ts';
import { formatInstant } from '../instant.ts';
import { conditionsOf, type Obstacle, type Standing } from './conditions.ts';
import { currentLease, hasEnded, isOnTarget, rotateAtOf, spanOf, type CurrentLease } from './current.ts';
import { heldByStatus, ownFailures } from './holding.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { reportedDynamicSecret, reportedLease, reportedSecret, tidy } from './observed.ts';
import { isOver, wantsRenewal } from './lifetime.ts';
import { renewalObstacle } from './renewal.ts';
import { restartOf } from './restarting.ts';
import { retiringOf } from './retiring.ts';
import { overlapsTooLittle } from './schedule.ts';
import { unaccountedOf } from './unaccounted.ts';
import { isSuspended, type TrustedLease } from './verdict.ts';

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
    unaccounted: unaccountedOf(input),
    restart: restartOf(input, object, current),
    attempts: attemptsOf(input, object),
  });
}

/** The same status without the replaced leases that have ended. */
export function withoutEnded(status: LeaseStatus, input: DecisionInput): LeaseStatus {
  const { retiring, ...rest } = status;
  const left = (retiring ?? []).filter((ref) => !isOver(input, ref));
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
  const ready = live && object.spec.valid && isWanted(input, object, current.ref);
  return {
    ready,
    stalled: specFault(object) !== undefined || (fault?.retry === 'change' && !live),
    deleting: object.deletedAt !== undefined,
    suspended: isSuspended(object),
    obstacles: current.state === 'trusted' ? obstaclesTo(input, object, current) : [],
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

function obstaclesTo(input: DecisionInput, object: ObjectView, current: TrustedLease): readonly Obstacle[] {
  const { spec } = object;
  const isUnheeded = spec.valid && spec.value.secret?.propagation === 'Nudge' && !input.nudgesPods;
  const renewal = renewalObstacleOf(input, object, current);
  return [...(renewal === undefined ? [] : [renewal]), ...(isUnheeded ? (['nudges'] as const) : [])];
}

/** Why the lease will be replaced though the spec asks to renew it. That it cannot be longer than the maximum is no news. */
function renewalObstacleOf(
  input: DecisionInput,
  object: ObjectView,
  current: TrustedLease,
): Obstacle | undefined {
  if (!wantsRenewal(object)) return undefined;
  const obstacle = renewalObstacle(input, object, current);
  if (obstacle === 'type') return 'type';
  return obstacle === 'refused' && input.memory.unrenewable.has(current.ref.id) ? 'refused' : undefined;
}

function isTight(input: DecisionInput, object: ObjectView, ref: LeaseRef): boolean {
  return overlapsTooLittle(spanOf(input, object, ref), rotateAtOf(input, object, ref), input.timing);
}

function isLive(input: DecisionInput, ref: LeaseRef): boolean {
  return !input.memory.settled.has(ref.id) && !hasEnded(ref, input.now, 0);
}

function isWanted(input: DecisionInput, object: ObjectView, ref: LeaseRef): boolean {
  const { wanted } = input.target;
  // What the spec targets cannot be found out now: what was said of it is still the best guess.
  if (wanted === undefined) return wasReady(object);
  // Where the connection is missing its server is not known; the lease's own is the best guess.
  const host = input.connection.identity?.host ?? ref.connection.host;
  return isOnTarget(input, object, ref, { wanted, host });
}

/** What the status says of this generation of the object. */
function wasReady({ status, generation }: ObjectView): boolean {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === generation;
}

/** One more each time that the reported lease makes way for another. */
function rotationsOf({ status }: ObjectView, current: CurrentLease): number {
  const replaces =
    current.state === 'trusted' && status.lease !== undefined && status.lease.id !== current.ref.id;
  return (status.rotations ?? 0) + (replaces ? 1 : 0);
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
