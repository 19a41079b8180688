import { fault } from '../errors.ts';
import { adopt, judgeName } from './creation.ts';
import type { DecisionInput, Sighting } from './input.ts';
import { intervalOf, listingSince, ownerOf, renamedTo, shownAs, sightingOf, steadyFor } from './sightings.ts';
import { named } from './targets.ts';
import { acknowledge, at, list, look, refuse, type Case, type Verdict } from './verdict.ts';

/** Whether it is still where the status says. It is gone only when two looks, some time apart, say so. */
export function judgePresence(situation: Case): Verdict | undefined {
  const { input, place } = situation;
  if (place === undefined) return undefined;
  const sighting = sightingOf(input, place);
  if (sighting === undefined) return look(place);
  if (sighting.existence === 'present') return undefined;
  return judgeElsewhere(input, sighting) ?? judgeAbsence(situation, sighting);
}

/** Somebody may have renamed it on the server: its id or mark tells, where the list shows it. */
export function judgeElsewhere(input: DecisionInput, { target, since }: Sighting): Verdict | undefined {
  const listing = listingSince(input, since);
  if (listing === undefined) return list(target);
  const name = renamedTo(listing, target, input.object);
  return name === undefined ? undefined : acknowledge(named(target, name));
}

function judgeAbsence(situation: Case, sighting: Sighting): Verdict {
  const { timing, now, memory } = situation.input;
  if (steadyFor(sighting) >= timing.goneSecondLook) return judgeLoss(situation, sighting);
  // A look soon after a change may come from a replica that lags.
  const certain = memory.changedAt === undefined ? 0 : memory.changedAt + timing.goneMinimumAge;
  const again = Math.max(sighting.since + timing.goneSecondLook, certain);
  return at(again, now.elapsed, { do: 'look', target: sighting.target });
}

/**
 * It is gone. By the name that is declared it is made again; another name is no longer this object's, for whoever declares
 * that one.
 */
export function judgeLoss(situation: Case, { target }: Sighting): Verdict {
  const isDeclared = situation.spec.name === target.dynamicSecret;
  return isDeclared ? judgeName(situation) : { step: { do: 'forget', target } };
}

/** The moment of the next list, in elapsed milliseconds. A list right after a change may lag behind it. */
export function nextList(input: DecisionInput): number {
  const { listing, changedAt } = input.memory;
  return Math.max(
    listing === undefined ? 0 : listing.at + intervalOf(input),
    changedAt === undefined ? 0 : changedAt + input.timing.goneSecondLook,
  );
}

/** What the list shows now and then: status, drift, and whether it is still ours. */
export function judgeListing({ input, place }: Case): Verdict | undefined {
  return place !== undefined && nextList(input) <= input.now.elapsed ? list(place) : undefined;
}

/** Another one has come to have the name of ours. */
export function judgeReplaced(situation: Case): Verdict | undefined {
  const { input, object, place, spec } = situation;
  const { listing } = input.memory;
  if (place === undefined || listing === undefined) return undefined;
  const owner = ownerOf(shownAs(listing, place), object);
  const again = nextList(input) - input.now.elapsed;
  switch (owner) {
    case 'ours':
    case 'unknown':
      return undefined;
    case 'other':
      return refuse(fault('DynamicSecretOwned', place), again);
    case 'replaced':
      return spec.adoption === 'Adopt' && spec.name === place.dynamicSecret
        ? adopt(situation)
        : refuse(fault('DynamicSecretExists', place), again);
  }
}
