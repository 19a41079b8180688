import { ownFailures } from './holding.ts';
import type { DecisionInput, Sighting } from './input.ts';
import { sightingOf } from './sightings.ts';
import { placeTarget } from './targets.ts';

/** The word of the server for a removal, or a revocation, that did not succeed. */
export const FAILED = 'Failed to delete';

/** The word of the server for a removal that revokes the leases first. */
export const IN_PROCESS = 'Revocation in process';

/** The next DELETE, in elapsed milliseconds; 0 where none was sent. */
export function removalTime(input: DecisionInput): number {
  const { memory, timing } = input;
  const { removal } = memory;
  if (removal === undefined) return 0;
  // What the server has under way it is let finish.
  const isUnderWay = removal.answer === 'gone' || removal.answer === 'inProcess';
  if (isUnderWay && !listedAsFailed(input)) return removal.at + timing.slowBackoffCap;
  const growth = 2 ** Math.min(Math.max(removal.tries - 1, 0), 30);
  return removal.at + Math.min(timing.removalLook * growth, timing.backoffCap);
}

/** Whether a removal has failed, or a revocation that it waits for, and what it concerned is still there. */
export function removalFailed(input: DecisionInput, sighting: Sighting): boolean {
  const { removal, unrevoked } = input.memory;
  return (
    sighting.existence === 'present' &&
    (ownFailures(input)?.fault.code === 'RemovalFailed' ||
      removal?.answer === 'failed' ||
      listedAsFailed(input) ||
      isOverdue(input) ||
      sighting.leases.some((lease) => unrevoked?.has(lease) === true))
  );
}

/** The same, where its place is known and was looked at. */
export function hasRemovalFailed(input: DecisionInput): boolean {
  const { deletedAt, status } = input.object;
  if (deletedAt === undefined || status.place === undefined) return false;
  const sighting = sightingOf(input, placeTarget(status.place));
  return sighting !== undefined && removalFailed(input, sighting);
}

/** A list shows that it has failed, in this process or before it. */
function listedAsFailed({ memory: { listing, removal } }: DecisionInput): boolean {
  return listing?.state === 'shown' && listing.shown.status === FAILED && listing.at >= (removal?.at ?? 0);
}

/** It is under way for longer than can be. */
function isOverdue({ memory: { removal }, now, timing }: DecisionInput): boolean {
  return removal !== undefined && now.elapsed >= removal.at + timing.slowBackoffCap;
}
