import { createHash } from 'node:crypto';

import type { ListedDynamicSecret, Target } from '../api/lease.ts';
import { OBJECT_METADATA_KEY } from '../api/names.ts';
import type { DecisionInput, DynamicSecretView, Listing, Sighting } from './input.ts';
import { sameTarget } from './targets.ts';

/** How much the interval of looks differs between objects, each way. */
const SPREAD = 0.1;

/** Between two looks at what is settled, in milliseconds: the object's own, so that not all look at once. */
export function intervalOf({ object: { uid }, timing }: DecisionInput): number {
  const chance = createHash('sha256').update(uid).digest().readUInt32BE(0) / 2 ** 32;
  return timing.inventoryInterval * (1 - SPREAD + 2 * SPREAD * chance);
}

/** What the last look at a name has told; undefined where that is too long ago to go by. */
export function sightingOf(input: DecisionInput, target: Target): Sighting | undefined {
  const { sighting, sightingOfNewName } = input.memory;
  const seen = [sighting, sightingOfNewName].find((one) => one && sameTarget(one.target, target));
  return seen !== undefined && untilStale(input, seen) > 0 ? seen : undefined;
}

/** Milliseconds until it is too long ago. */
export function untilStale(input: DecisionInput, { at }: Sighting | Listing): number {
  return at + intervalOf(input) - input.now.elapsed;
}

/**
 * Whether it was seen just now: what is about to be made must not meet what has come to be there since, and what is about
 * to be removed must still be ours.
 *
 * @param within milliseconds; see {@link agesAt}.
 */
export function isRecent(input: DecisionInput, seen: Sighting | Listing, within: number): boolean {
  return input.now.elapsed < agesAt(input, seen, within);
}

/**
 * When what was seen is so old, in elapsed milliseconds. The time that the server took for what was asked does not count,
 * that for the other looks of the same decision included: from a server that takes longer than `within` nothing would
 * ever be recent, and one look would follow another without end.
 */
export function agesAt({ memory }: DecisionInput, { at }: Sighting | Listing, within: number): number {
  const asked = [memory.sighting, memory.sightingOfNewName, memory.listing];
  return asked.reduce((sum, one) => sum + (one?.took ?? 0), at + within);
}

/** For how long the looks at a name have told the same, in milliseconds. */
export function steadyFor({ at, since }: Sighting): number {
  return at - since;
}

/**
 * The last list, where it is recent and made after what a look has told: one from before a creation or a loss tells
 * nothing of what is there now.
 */
export function listingSince(input: DecisionInput, since: number): Listing | undefined {
  const { listing } = input.memory;
  return listing !== undefined && listing.at >= since && untilStale(input, listing) > 0 ? listing : undefined;
}

/** What a list shows by that name; undefined where it is hidden or shown by another. */
export function shownAs(listing: Listing, target: Target): ListedDynamicSecret | undefined {
  return listing.state === 'shown' && listing.shown.name === target.dynamicSecret ? listing.shown : undefined;
}

/**
 * Whose it is. `ours`: it carries this object's mark, or is the one that the status knows. `other`: it carries another
 * object's mark. `replaced`: the status knows another id by that name. `unknown`: nothing tells, as always with a
 * server of 2024 or a list that does not show it.
 */
export type Owner = 'ours' | 'other' | 'replaced' | 'unknown';

export function ownerOf(shown: ListedDynamicSecret | undefined, object: DynamicSecretView): Owner {
  if (shown === undefined) return 'unknown';
  const mark = shown.metadata?.find(({ key }) => key === OBJECT_METADATA_KEY)?.value;
  if (mark !== undefined && mark !== '') return mark === object.uid ? 'ours' : 'other';
  const known = object.status.dynamicSecret?.id;
  if (known === undefined) return 'unknown';
  return known === shown.id ? 'ours' : 'replaced';
}

/** A server that keeps metadata would show our mark in that of our creation. One that shows none may not keep any. */
export function lacksMark(shown: ListedDynamicSecret | undefined): boolean {
  const { metadata = [] } = shown ?? {};
  return metadata.length > 0 && !metadata.some(({ key }) => key === OBJECT_METADATA_KEY);
}

/**
 * Whether another object of the cluster has what is there by that name, as far as its status tells: where the server keeps
 * no marks, or shows none, nothing else does.
 */
export function isHeld({ held }: DecisionInput, { dynamicSecret }: Target): boolean {
  return held.includes(dynamicSecret);
}

/** The name that somebody has given to ours on the server, where a list shows it by another than the one we know. */
export function renamedTo(listing: Listing, place: Target, object: DynamicSecretView): string | undefined {
  if (listing.state === 'hidden' || listing.shown.name === place.dynamicSecret) return undefined;
  return ownerOf(listing.shown, object) === 'ours' ? listing.shown.name : undefined;
}
