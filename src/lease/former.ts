import type { LeaseRef } from '../api/lease.ts';
import { parseInstant } from '../instant.ts';
import type { DecisionInput, FormerSecret, ObjectView } from './input.ts';
import type { SeenSecret, Step } from './plan.ts';
import { earliest, untilEnded } from './revocations.ts';
import { stillAlive, type Case, type Verdict } from './verdict.ts';

/**
 * A Secret of a name that the spec has given up stays for as long as the lease that it holds: pods may still read it. It
 * goes when that one has ended, and never before the Secret of the new name holds a lease.
 */
export function judgeFormer({ input, object, current }: Case): Verdict | undefined {
  if (current.state !== 'trusted') return undefined;
  const due = input.formers.find((former) => untilRetired(input, object, former) === 0);
  return due && { step: partWith(object, due) };
}

/** Milliseconds until one of them is to go; undefined where nothing but an event can tell. */
export function untilFormer(input: DecisionInput, object: ObjectView): number | undefined {
  return earliest(input.formers.map((former) => untilRetired(input, object, former)));
}

function untilRetired(
  input: DecisionInput,
  { status }: ObjectView,
  { lease }: FormerSecret,
): number | undefined {
  if (lease === undefined) return 0;
  if (lease.id === status.lease?.id) return undefined;
  const listed = (status.retiring ?? []).find(({ id }) => id === lease.id);
  if (listed === undefined) return untilOver(input, lease);
  const alive = stillAlive(input, listed);
  return alive === undefined ? 0 : untilEnded(input, alive);
}

/** Of a lease that a process before this one could not write into the status any more, nothing but the Secret tells. */
function untilOver({ memory, now, timing }: DecisionInput, { id, expireAt }: LeaseRef): number {
  if (memory.settled.has(id)) return 0;
  return Math.max((parseInstant(expireAt) ?? 0) + timing.clockSlack - (now.lease ?? now.kube), 0);
}

/** How an object parts with a Secret of its own: as `spec.secret.deletionPolicy` says. */
export function partWith({ spec }: ObjectView, { name, uid, resourceVersion }: SeenSecret): Step {
  const retains = spec.valid && spec.value.secret?.deletionPolicy === 'Retain';
  return { do: retains ? 'releaseSecret' : 'deleteSecret', name, uid, resourceVersion };
}
