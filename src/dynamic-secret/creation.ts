import { fault } from '../errors.ts';
import { wholeChange } from './change.ts';
import {
  isHeld,
  isRecent,
  lacksMark,
  listingSince,
  ownerOf,
  shownAs,
  sightingOf,
  steadyFor,
  untilStale,
} from './sightings.ts';
import type { DecisionInput, Sighting } from './input.ts';
import { named } from './targets.ts';
import {
  acknowledge,
  at,
  earliest,
  intend,
  list,
  look,
  refuse,
  takeBack,
  type Case,
  type Verdict,
} from './verdict.ts';

/**
 * The status says that a creation was asked for. A process that ended may have sent it, so what is there by that name
 * is ours, unless each request for it was surely refused, the server shows another object's mark, or another object's
 * status says that it is that one's.
 */
export function judgeOpenCreation(situation: Case): Verdict | undefined {
  const { input, object, spec, declared } = situation;
  const { intent } = object.status;
  if (intent?.kind !== 'Create') return undefined;
  const target = named(declared, intent.name);
  const sighting = sightingOf(input, target);
  if (sighting === undefined) return look(target);
  if (sighting.existence === 'present') return judgeArrival(input, sighting);
  if (intent.name === spec.name) return { step: { do: 'create', target } };
  return onceSettled(input, sighting);
}

/** Something is there by the name that was asked for. */
export function judgeArrival(input: DecisionInput, seen: Sighting): Verdict {
  if (input.memory.surelyRefused === true) return takeBack;
  const listing = listingSince(input, seen.since);
  if (listing === undefined) return list(seen.target);
  const shown = shownAs(listing, seen.target);
  const owner = ownerOf(shown, input.object);
  if (owner === 'ours') return acknowledge(seen.target);
  const isStrange = owner === 'other' || lacksMark(shown) || isHeld(input, seen.target);
  return isStrange ? takeBack : acknowledge(seen.target);
}

/**
 * What the spec has given up is taken back. A request of a process that has ended may still be under way: it is known
 * not to come any more when the looks have told the same for as long as a request can take.
 */
export function onceSettled(input: DecisionInput, sighting: Sighting): Verdict {
  const { memory, timing, now } = input;
  if (memory.surelyRefused === true || steadyFor(sighting) >= timing.settleAfter) return takeBack;
  return at(sighting.since + timing.settleAfter, now.elapsed, { do: 'look', target: sighting.target });
}

/**
 * It is nowhere, as far as is known: not made yet, or lost. What the declared name leads to is made, taken over or left
 * alone.
 */
export function judgeName(situation: Case): Verdict {
  const { input, declared, spec } = situation;
  const sighting = sightingOf(input, declared);
  if (sighting === undefined) return look(declared);
  if (sighting.existence === 'present') return judgeStranger(situation, sighting);
  // Whoever has it may just have lost it, and makes it again.
  if (isHeld(input, declared)) return heldElsewhere(situation, untilStale(input, sighting));
  const isSure = isRecent(input, sighting, input.timing.goneSecondLook);
  return isSure ? intend('Create', spec.name, situation) : look(declared);
}

function judgeStranger(situation: Case, sighting: Sighting): Verdict {
  const { input, object, spec, declared } = situation;
  const listing = listingSince(input, sighting.since);
  if (listing === undefined) return list(declared);
  const shown = shownAs(listing, declared);
  const again = earliest([untilStale(input, sighting), untilStale(input, listing)]);
  switch (ownerOf(shown, object)) {
    case 'ours':
      return acknowledge(declared);
    case 'other':
      return refuse(fault('DynamicSecretOwned', declared), again);
    case 'replaced':
    case 'unknown':
      break;
  }
  if (isHeld(input, declared)) return heldElsewhere(situation, again);
  if (spec.adoption !== 'Adopt') return refuse(fault('DynamicSecretExists', declared), again);
  if (shown !== undefined && shown.type !== spec.provider.type)
    return refuse(otherType(shown.type, spec.provider.type), again);
  return adopt(situation);
}

/** What another object of the cluster has is left to it, whatever the server shows. */
function heldElsewhere({ declared }: Case, again: number | undefined): Verdict {
  return refuse(fault('DynamicSecretOwned', { ...declared, held: true }), again);
}

const otherType = (shown: string, type: string): ReturnType<typeof fault> =>
  fault('InvalidSpec', {
    field: 'spec.provider.type',
    rule: `is ${type}, and the dynamic secret that spec.adoption would take over is of type ${shown}, which no update can change`,
  });

/** Takes over what is there: it is told all that is declared. */
export function adopt({ declared, spec, object }: Case): Verdict {
  const change = wholeChange({ spec, uid: object.uid });
  return { step: { do: 'update', target: declared, change, why: 'adopted' } };
}
