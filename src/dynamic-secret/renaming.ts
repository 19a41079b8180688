import type { Target } from '../api/lease.ts';
import { fault } from '../errors.ts';
import { onceSettled } from './creation.ts';
import type { DecisionInput, Sighting } from './input.ts';
import { judgeElsewhere, judgeLoss } from './presence.ts';
import {
  isHeld,
  isRecent,
  listingSince,
  ownerOf,
  shownAs,
  sightingOf,
  steadyFor,
  untilStale,
} from './sightings.ts';
import { named } from './targets.ts';
import { acknowledge, at, intend, list, look, refuse, takeBack, type Case, type Verdict } from './verdict.ts';

/** What the looks at both names of a rename have told. */
export interface BothNames {
  readonly old: Sighting;
  readonly fresh: Sighting;
}

/**
 * The status says that a rename was asked for: the old name is absent and the new one present if it has worked. What is
 * under way is found out before anything else, for it may still change which name is ours.
 */
export function judgeOpenRename(situation: Case): Verdict | undefined {
  const { object, place, input, spec } = situation;
  const { intent } = object.status;
  if (intent?.kind !== 'Rename') return undefined;
  if (place === undefined || intent.name === place.dynamicSecret) return takeBack;
  const names = bothNames(input, place, intent.name);
  if ('step' in names) return names;
  const known = judgeRenamed(input, names);
  if (known !== undefined) return known;
  const { old, fresh } = names;
  if (old.existence === 'absent') return judgeLost(situation, old);
  if (intent.name !== spec.name) return onceSettled(input, old);
  const change = { inputs: [], newName: fresh.target.dynamicSecret };
  return { step: { do: 'update', target: place, change, why: 'renamed' } };
}

/** What both names lead to, or the look that has to tell first. */
export function bothNames(input: DecisionInput, place: Target, newName: string): BothNames | Verdict {
  const old = sightingOf(input, place);
  if (old === undefined) return look(place);
  const target = named(place, newName);
  const fresh = sightingOf(input, target);
  return fresh === undefined ? look(target) : { old, fresh };
}

/** The rename has worked, or cannot work, because another has the name. */
export function judgeRenamed(input: DecisionInput, { old, fresh }: BothNames): Verdict | undefined {
  if (fresh.existence === 'absent') return undefined;
  const listing = listingSince(input, fresh.since);
  if (listing === undefined) return list(fresh.target);
  const owner = ownerOf(shownAs(listing, fresh.target), input.object);
  if (owner === 'ours') return acknowledge(fresh.target);
  if (old.existence === 'absent') {
    const isStrange = owner !== 'unknown' || isHeld(input, fresh.target);
    return isStrange ? takeBack : acknowledge(fresh.target);
  }
  const { goneSecondLook } = input.timing;
  // A look right after the rename may come from a replica that lags.
  return input.memory.surelyRefused === true || steadyFor(old) >= goneSecondLook
    ? takeBack
    : at(old.since + goneSecondLook, input.now.elapsed, { do: 'look', target: old.target });
}

/** Neither name leads to anything: it is gone, unless a list shows it by a third. */
function judgeLost(situation: Case, old: Sighting): Verdict {
  const { timing, now } = situation.input;
  return steadyFor(old) >= timing.goneSecondLook
    ? (judgeElsewhere(situation.input, old) ?? judgeLoss(situation, old))
    : at(old.since + timing.goneSecondLook, now.elapsed, { do: 'look', target: old.target });
}

/** It has another name than the spec asks for, and nothing is under way. */
export function judgeRename(situation: Case): Verdict | undefined {
  const { input, place, declared, spec } = situation;
  if (place === undefined || place.dynamicSecret === spec.name) return undefined;
  const sighting = sightingOf(input, declared);
  if (sighting === undefined) return look(declared);
  if (sighting.existence === 'present')
    return refuse(fault('DynamicSecretExists', declared), untilStale(input, sighting));
  const isSure = isRecent(input, sighting, input.timing.goneSecondLook);
  return isSure ? intend('Rename', spec.name, situation) : look(declared);
}
