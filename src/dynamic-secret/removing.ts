import type { Target } from '../api/lease.ts';
import { judgeArrival, onceSettled } from './creation.ts';
import type { DecisionInput, Sighting } from './input.ts';
import { judgeElsewhere } from './presence.ts';
import { removalFailed, removalTime } from './removal-failure.ts';
import { bothNames, judgeRenamed } from './renaming.ts';
import { agesAt, isRecent, listingSince, ownerOf, shownAs, sightingOf, steadyFor } from './sightings.ts';
import { declaredTarget, named, placeTarget } from './targets.ts';
import { at, list, look, takeBack, wait, type Verdict } from './verdict.ts';

/** Let the object go. */
export const drop = (left: 'declared' | 'timeout' | 'unreachable' | 'foreign' | undefined): Verdict => ({
  step: { do: 'dropFinalizer', left },
});

/** A removal whose connection is usable. `place`: where it is, or where it was asked for. */
export interface Leaving {
  readonly input: DecisionInput;
  readonly place: Target;
}

export function withTarget(
  judge: (leaving: Leaving) => Verdict | undefined,
): (input: DecisionInput) => Verdict | undefined {
  return (input) => {
    const { spec, status } = input.object;
    const declared = spec.valid ? declaredTarget(spec.value) : undefined;
    const place = status.place === undefined ? declared : placeTarget(status.place);
    return place && judge({ input, place });
  };
}

export function judgeDoubt({ input, place }: Leaving): Verdict | undefined {
  const { intent } = input.object.status;
  if (!input.memory.doubtful) return undefined;
  return look(intent?.kind === 'Create' ? named(place, intent.name) : place);
}

export function judgeCreation({ input, place }: Leaving): Verdict | undefined {
  const { intent } = input.object.status;
  if (intent?.kind !== 'Create') return undefined;
  const target = named(place, intent.name);
  const sighting = sightingOf(input, target);
  if (sighting === undefined) return look(target);
  return sighting.existence === 'present' ? judgeArrival(input, sighting) : onceSettled(input, sighting);
}

export function judgeRename({ input, place }: Leaving): Verdict | undefined {
  const { intent, place: known } = input.object.status;
  if (intent?.kind !== 'Rename') return undefined;
  if (known === undefined || intent.name === known.name) return takeBack;
  const names = bothNames(input, place, intent.name);
  if ('step' in names) return names;
  return judgeRenamed(input, names) ?? onceSettled(input, names.old);
}

export function judgeAbsence({ input, place }: Leaving): Verdict | undefined {
  const { memory, timing, now } = input;
  const sighting = sightingOf(input, place);
  if (sighting === undefined) return look(place);
  if (sighting.existence === 'present') return undefined;
  const { removal } = memory;
  if (removal?.answer === 'gone' || removal?.answer === 'absent') return drop(undefined);
  const elsewhere = removal === undefined ? judgeElsewhere(input, sighting) : undefined;
  if (elsewhere !== undefined) return elsewhere;
  if (steadyFor(sighting) >= timing.goneSecondLook) return drop(undefined);
  return at(sighting.since + timing.goneSecondLook, now.elapsed, { do: 'look', target: place });
}

/**
 * The server has said that it has removed it. What is there by that name is what a replica shows late, or has come since:
 * after a while it is taken for ours only where the list says so.
 */
export function judgeSuccessor({ input, place }: Leaving): Verdict | undefined {
  const { memory, now, timing, object } = input;
  const { removal } = memory;
  const sighting = sightingOf(input, place);
  if (removal?.answer !== 'gone' || sighting === undefined) return undefined;
  if (now.elapsed < removal.at + timing.goneMinimumAge)
    return at(agesAt(input, sighting, timing.removalLook), now.elapsed, { do: 'look', target: place });
  const listing = listingSince(input, removal.at + timing.goneMinimumAge);
  if (listing === undefined) return list(place);
  return ownerOf(shownAs(listing, place), object) === 'ours' ? undefined : drop('foreign');
}

export function judgeOwner({ input, place }: Leaving): Verdict | undefined {
  const sighting = sightingOf(input, place);
  if (sighting === undefined) return look(place);
  const { memory, timing } = input;
  const listing = listingSince(input, sighting.since);
  // What a deletion ends must be ours now, and not only when it was last looked at.
  const isSure =
    listing !== undefined && (memory.removal !== undefined || isRecent(input, listing, timing.removalLook));
  if (!isSure) return list(place);
  const owner = ownerOf(shownAs(listing, place), input.object);
  return owner === 'other' || owner === 'replaced' ? drop('foreign') : undefined;
}

export function judgeRemoval({ input, place }: Leaving): Verdict {
  const sighting = sightingOf(input, place);
  if (sighting === undefined) return look(place);
  const failed = removalFailed(input, sighting);
  if (input.object.forced && failed) return removeWhenDue(input, sighting, true);
  return revokeFirst(input, sighting) ?? removeWhenDue(input, sighting, false);
}

/** The leases that live there are revoked one by one, each again when its time has come. */
function revokeFirst(input: DecisionInput, sighting: Sighting): Verdict | undefined {
  const { memory, now, timing } = input;
  const { leases, target } = sighting;
  if (leases.length === 0) return undefined;
  const dues = leases.map((lease) => ({ lease, due: memory.revocations.get(lease) ?? 0 }));
  const [first] = dues.toSorted((one, other) => one.due - other.due);
  if (first === undefined || first.due > now.elapsed) return wait((first?.due ?? 0) - now.elapsed);
  if (!isRecent(input, sighting, timing.removalLook)) return look(target);
  return { step: { do: 'revoke', target, lease: first.lease } };
}

/** What the server has under way is looked at every few seconds, and asked for again only after a while. */
function removeWhenDue(input: DecisionInput, sighting: Sighting, forced: boolean): Verdict {
  const { memory, now, timing } = input;
  const { target } = sighting;
  const due = removalTime(input);
  const nextLook = agesAt(input, sighting, timing.removalLook);
  if (due <= now.elapsed)
    return nextLook <= now.elapsed ? look(target) : { step: { do: 'remove', target, forced } };
  if (memory.removal?.answer === 'failed') return wait(due - now.elapsed);
  if (nextLook <= now.elapsed) return look(target);
  const { listing } = memory;
  // Only a list tells that what was under way has failed.
  if (listing?.state === 'shown' && listing.at < sighting.at) return list(target);
  return wait(Math.min(nextLook, due) - now.elapsed);
}
