import { fault, type Fault } from '../errors.ts';
import { parseInstant } from '../instant.ts';
import type { LeaseRef } from '../api/lease.ts';
import { hasEnded, isAttested, leaseRefOf, rotateAtOf, untilUsed, type CurrentLease } from './current.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import type { LeaseCause, Step } from './plan.ts';
import { earliest } from './revocations.ts';
import { heldByStatus, ownFailures } from './holding.ts';
import { meets, targetOf } from './target.ts';

/** The most leases that `status.retiring` holds. */
export const MOST_RETIRING = 16;

/** What a policy says. `again`: milliseconds until it is worth looking again. */
export interface Verdict {
  readonly step: Step;
  readonly again?: number | undefined;
}

/** What the policies look at: the input, with its object (which is there) and the current lease, weighed. */
export interface Case {
  readonly input: DecisionInput;
  readonly object: ObjectView;
  readonly current: CurrentLease;
}

/** One row of the table: undefined = nothing to say, ask the next one. */
export interface Policy {
  readonly name: string;
  readonly judge: (situation: Case) => Verdict | undefined;
}

const wait = (again?: number): Verdict => ({ step: { do: 'wait' }, again });
const refuse = (why: Fault, again?: number): Verdict => ({ step: { do: 'refuse', fault: why }, again });

/** An act that is due at some moment, and a wait until then. */
function at(moment: number, now: number, step: Step): Verdict {
  return moment <= now ? { step } : wait(moment - now);
}

/** The policy that decides when no other has anything to say: whatever went wrong before is over. */
export const ALL_IS_WELL = 'all is well';

/**
 * The life of a lease, as the table of docs/architecture.md has it. The first policy with something to say decides;
 * the order is the safety argument. Deletion comes before all of them (see deletion.ts).
 */
export const policies: readonly Policy[] = [
  // What was given to us is delivered before anything else can go wrong with it.
  {
    name: 'deliver what is in hand',
    judge: ({ input: { memory, now } }) =>
      memory.inHand && at(memory.inHand.retryAt, now.elapsed, { do: 'deliver', inHand: memory.inHand }),
  },
  // A second request while the fate of the first is open could make two leases.
  {
    name: 'settle the open request',
    judge: ({ input: { memory, now } }) =>
      memory.open && at(memory.open.lookAt, now.elapsed, { do: 'settle', open: memory.open }),
  },
  {
    name: 'the spec must be in order',
    judge: ({ object }) => (object.spec.valid ? undefined : refuse(object.spec.fault)),
  },
  {
    name: 'the connection must be in order',
    judge: ({ input, current }) =>
      input.connection.state === 'refused'
        ? refuse(input.connection.fault, earliest([input.connection.again, untilEnd(input, current)]))
        : undefined,
  },
  // From here on a lease may come to exist, and a deletion must not overtake it.
  {
    name: 'the finalizer comes before the first lease',
    judge: ({ object }) => (object.hasFinalizer ? undefined : { step: { do: 'addFinalizer' } }),
  },
  {
    name: 'the Secret must be ours to write',
    judge: ({ input, object }) =>
      input.secret.state === 'foreign'
        ? refuse(fault('SecretConflict', { secret: secretNameOf(object) }))
        : undefined,
  },
  { name: 'back off after a fault', judge: judgeBackoff },
  // A refused delivery costs a dry run, not another lease.
  {
    name: 'try the refused write dry',
    judge: ({ input: { memory } }) => memory.blocked && { step: { do: 'tryDry', blocked: memory.blocked } },
  },
  { name: 'a record needs a witness', judge: judgeWitness },
  {
    name: 'the status follows the record',
    judge: ({ object, current }) =>
      current.state === 'trusted' && object.status.lease?.id !== current.ref.id
        ? { step: { do: 'repair' } }
        : undefined,
  },
  { name: 'there must be a live lease in the Secret', judge: judgeMissing },
  { name: 'the lease must be of what the spec targets', judge: judgeTarget },
  { name: 'a lease is replaced before its end', judge: judgeDue },
  // Somebody keeps editing the Secret? Then it is healed now and then, and its lease still replaced in time.
  { name: 'an edited Secret waits for its turn', judge: judgeContended },
  {
    name: 'labels and annotations follow the spec',
    judge: ({ input: { secret } }) =>
      secret.state === 'ours' && !secret.dressed ? { step: { do: 'dress' } } : undefined,
  },
  { name: ALL_IS_WELL, judge: judgeWell },
];

/** The Secret's name: the spec's, or the object's own. */
export function secretNameOf(object: ObjectView): string {
  return (object.spec.valid ? object.spec.value.secret?.name : undefined) ?? object.name;
}

function judgeBackoff({ input, object }: Case): Verdict | undefined {
  const failures = ownFailures(input, object);
  const left = failures === undefined ? heldByStatus(input, object) : failures.nextAt - input.now.elapsed;
  return left > 0 ? wait(left) : undefined;
}

function judgeWitness({ input: { memory, now }, current }: Case): Verdict | undefined {
  if (current.state !== 'unwitnessed') return undefined;
  const known = memory.attestations.get(current.record.lease.id);
  const due = known?.verdict === 'missing' ? known.lookAt : now.elapsed;
  return at(due, now.elapsed, { do: 'attest', record: current.record });
}

/** Drift, and everything else that leaves the Secret without a live lease. */
function judgeMissing(situation: Case): Verdict | undefined {
  const { input, object, current } = situation;
  if (current.state === 'trusted') return judgeTrusted(situation, current);
  const lastKnown = object.status.lease;
  if (lastKnown === undefined && input.secret.state === 'absent') return lease('first', undefined);
  const replaced = isAttested(lastKnown) ? stillAlive(input, leaseRefOf(lastKnown)) : undefined;
  return heal(situation, input.secret.state === 'absent' ? 'secret-deleted' : 'record-refused', replaced);
}

function judgeTrusted(situation: Case, current: CurrentLease & { state: 'trusted' }): Verdict | undefined {
  const { input } = situation;
  if (input.memory.settled.has(current.ref.id)) return lease('lost', undefined);
  if (hasEnded(current.ref, input.now, input.timing.clockSlack))
    return onceUsed(situation, current.ref, lease('expired', undefined));
  const heals = isEdited(input) && untilHealing(input) === 0;
  return heals ? lease('secret-edited', mayRevoke(current)) : undefined;
}

/** A lease that seems due or over though it has just been issued: the next one waits for a little while. */
function onceUsed({ input, object }: Case, ref: LeaseRef, verdict: Verdict): Verdict {
  const early = untilUsed(input, object, ref);
  return early > 0 ? wait(early) : verdict;
}

function isEdited({ secret }: DecisionInput): boolean {
  return secret.state === 'ours' && secret.edited;
}

/** Somebody keeps changing the Secret? Then one lease in a while, not one for each change. */
function heal({ input, object }: Case, cause: LeaseCause, replaced: LeaseRef | undefined): Verdict {
  const held = untilHealing(input);
  if (held === 0) return lease(cause, replaced);
  return refuse(fault('Contended', { secret: secretNameOf(object) }), held);
}

/** Milliseconds until drift may cost another lease. */
function untilHealing({ memory: { healedAt }, now, timing }: DecisionInput): number {
  return healedAt === undefined ? 0 : Math.max(healedAt + timing.driftInterval - now.elapsed, 0);
}

function lease(cause: LeaseCause, replaced: LeaseRef | undefined): Verdict {
  return { step: { do: 'lease', cause, replaced, look: true } };
}

function judgeTarget({ input, object, current }: Case): Verdict | undefined {
  if (current.state !== 'trusted' || !object.spec.valid || input.connection.state !== 'usable')
    return undefined;
  if (meets(current.ref, targetOf(object.spec.value), input.connection.identity.host)) return undefined;
  if (retiringCount(input) >= MOST_RETIRING)
    return refuse(fault('RetiringFull', { most: MOST_RETIRING }), untilRoom(input));
  return { step: { do: 'lease', cause: 'target-changed', replaced: mayRevoke(current), look: false } };
}

function judgeDue(situation: Case): Verdict | undefined {
  const { input, object, current } = situation;
  if (current.state !== 'trusted' || input.now.lease === undefined) return undefined;
  if (input.now.lease < rotateAtOf(input, object, current.ref)) return undefined;
  const step: Step = { do: 'lease', cause: 'due', replaced: mayRevoke(current), look: false };
  return onceUsed(situation, current.ref, { step });
}

function judgeContended({ input, object, current }: Case): Verdict | undefined {
  if (current.state !== 'trusted' || !isEdited(input)) return undefined;
  const again = Math.min(untilHealing(input), untilRotation(input, object, current.ref));
  return refuse(fault('Contended', { secret: secretNameOf(object) }), again);
}

function judgeWell({ input, object, current }: Case): Verdict {
  return wait(current.state === 'trusted' ? untilRotation(input, object, current.ref) : undefined);
}

/**
 * Milliseconds until the lease is to be replaced. While the server's time is not known nothing is due by it: the wait
 * goes by the Kubernetes API's clock and is never nothing, so that it cannot become a busy loop.
 */
function untilRotation(input: DecisionInput, object: ObjectView, ref: LeaseRef): number {
  const { now, timing } = input;
  const moment = rotateAtOf(input, object, ref);
  return now.lease === undefined ? Math.max(moment - now.kube, timing.backoffBase) : moment - now.lease;
}

/** Milliseconds until the lease in the Secret ends, so that the status says so in time though nothing else happens. */
function untilEnd({ now }: DecisionInput, current: CurrentLease): number | undefined {
  if (current.state !== 'trusted' || hasEnded(current.ref, now, 0)) return undefined;
  return (parseInstant(current.ref.expireAt) ?? 0) - (now.lease ?? now.kube);
}

/** A lease whose only witness is the Secret itself is not taken along: it could be anybody's, and is left to end. */
function mayRevoke(current: CurrentLease & { state: 'trusted' }): LeaseRef | undefined {
  return current.mayRevoke ? current.ref : undefined;
}

function stillAlive(input: DecisionInput, ref: LeaseRef): LeaseRef | undefined {
  return input.memory.settled.has(ref.id) || hasEnded(ref, input.now, input.timing.clockSlack)
    ? undefined
    : ref;
}

function retiringCount(input: DecisionInput): number {
  return (input.object?.status.retiring ?? []).filter((ref) => stillAlive(input, ref) !== undefined).length;
}

function untilRoom(input: DecisionInput): number {
  const ends = (input.object?.status.retiring ?? []).map(
    (ref) => parseInstant(ref.expireAt) ?? input.now.kube,
  );
  return Math.max(Math.min(...ends) - (input.now.lease ?? input.now.kube), input.timing.backoffBase);
}
