import type { LeaseRef } from '../api/lease.ts';
import { hasEnded } from './current.ts';
import type { DecisionInput, ObjectView } from './input.ts';

/** Whether the spec asks for renewals. */
export function wantsRenewal({ spec }: ObjectView): boolean {
  return spec.valid && spec.value.rotation?.strategy === 'Renew';
}

/**
 * Whether a lease may live longer than anybody here has heard: a renewal of it was asked for and not answered, or a
 * process before this one may have had an answer that it could no longer write down. Such a lease is over only when the
 * server says so.
 */
export function mayBeLonger({ memory, object }: DecisionInput, { id }: Pick<LeaseRef, 'id'>): boolean {
  if (memory.lengthening.has(id)) return true;
  return object !== undefined && wantsRenewal(object) && !memory.known.has(id) && !memory.sighted.has(id);
}

/** Whether a lease needs nothing any more: it is revoked or gone, or past its end and nothing can have moved that. */
export function isOver(input: DecisionInput, ref: LeaseRef): boolean {
  if (input.memory.settled.has(ref.id)) return true;
  return hasEnded(ref, input.now, input.timing.clockSlack) && !mayBeLonger(input, ref);
}
