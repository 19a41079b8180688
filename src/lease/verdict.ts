import { fault, type Fault } from '../errors.ts';
import { parseInstant } from '../instant.ts';
import type { LeaseRef } from '../api/lease.ts';
import { hasEnded, rotateAtOf, type CurrentLease } from './current.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { isOver } from './lifetime.ts';
import type { LeaseCause, Step } from './plan.ts';
import { leaseHeldBack } from './unaccounted.ts';

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

/** A current lease that is believed. */
export type TrustedLease = CurrentLease & { readonly state: 'trusted' };

export const wait = (again?: number): Verdict => ({ step: { do: 'wait' }, again });
export const refuse = (why: Fault, again?: number): Verdict => ({
  step: { do: 'refuse', fault: why },
  again,
});

/** An act that is due at some moment, and a wait until then. */
export function at(moment: number, now: number, step: Step): Verdict {
  return moment <= now ? { step } : wait(moment - now);
}

/** The Secret's name: the spec's, or the object's own. */
export function secretNameOf(object: ObjectView): string {
  return (object.spec.valid ? object.spec.value.secret?.name : undefined) ?? object.name;
}

/** Whether the spec says that nothing is to be done. */
export function isSuspended({ spec }: ObjectView): boolean {
  return spec.valid && spec.value.suspend === true;
}

/** Causes that leave the present lease good: until it is due they wait while no more replaced leases can be listed. */
const patient: ReadonlySet<LeaseCause> = new Set(['target-changed', 'shape-changed', 'asked']);

/** A new lease, unless something holds it back: requests of unknown fate, or too many replaced leases that still live. */
export function lease(
  situation: Case,
  cause: LeaseCause,
  { replaced, look }: { readonly replaced: LeaseRef | undefined; readonly look: boolean },
): Verdict {
  const { input } = situation;
  const held = leaseHeldBack(input);
  if (held !== undefined) return refuse(held.fault, held.again);
  const alive = (input.object?.status.retiring ?? []).filter((ref) => stillAlive(input, ref) !== undefined);
  if (alive.length < MOST_RETIRING || replaced === undefined)
    return { step: { do: 'lease', cause, replaced, look, crowdedOut: undefined } };
  const [first] = alive.toSorted((one, other) => endOf(one) - endOf(other));
  const patience = patient.has(cause) ? untilDue(situation) : 0;
  if (patience > 0 && first !== undefined) {
    const again = Math.min(untilRoom(input, first), patience);
    return refuse(fault('RetiringFull', { most: MOST_RETIRING }), again);
  }
  return { step: { do: 'lease', cause, replaced, look, crowdedOut: first } };
}

/** Milliseconds until the current lease has to be replaced, whatever else is the case. */
function untilDue({ input, object, current }: Case): number {
  return current.state === 'trusted' ? Math.max(untilRotation(input, object, current.ref), 0) : 0;
}

function endOf(ref: LeaseRef): number {
  return parseInstant(ref.expireAt) ?? 0;
}

function untilRoom({ now, timing }: DecisionInput, first: LeaseRef): number {
  return Math.max(endOf(first) + timing.clockSlack - (now.lease ?? now.kube), timing.backoffBase);
}

/** A lease that has neither ended nor been revoked, as far as is known. */
export function stillAlive(input: DecisionInput, ref: LeaseRef): LeaseRef | undefined {
  return isOver(input, ref) ? undefined : ref;
}

/** A lease whose only witness is the Secret itself is not taken along: it could be anybody's, and is left to end. */
export function mayRevoke(current: TrustedLease): LeaseRef | undefined {
  return current.mayRevoke ? current.ref : undefined;
}

/** Whether the lease is to be replaced now: only the server's own time can say so. */
export function isDue(input: DecisionInput, object: ObjectView, ref: LeaseRef): boolean {
  return input.now.lease !== undefined && input.now.lease >= rotateAtOf(input, object, ref);
}

/**
 * Milliseconds until the lease is to be replaced. While the server's time is not known nothing is due by it: the wait
 * goes by the Kubernetes API's clock and is never nothing, so that it cannot become a busy loop.
 */
export function untilRotation(input: DecisionInput, object: ObjectView, ref: LeaseRef): number {
  const { now, timing } = input;
  const moment = rotateAtOf(input, object, ref);
  return now.lease === undefined ? Math.max(moment - now.kube, timing.backoffBase) : moment - now.lease;
}

/** Milliseconds until the lease in the Secret ends, so that the status says so in time though nothing else happens. */
export function untilEnd({ now }: DecisionInput, current: CurrentLease): number | undefined {
  if (current.state !== 'trusted' || hasEnded(current.ref, now, 0)) return undefined;
  return (parseInstant(current.ref.expireAt) ?? 0) - (now.lease ?? now.kube);
}
