import { driftOf } from './change.ts';
import type { DecisionInput } from './input.ts';
import type { Change } from './plan.ts';
import { sameJson } from './same.ts';
import { ownerOf, shownAs } from './sightings.ts';
import type { Case, Verdict } from './verdict.ts';

/** What the last list shows otherwise than it is declared, where it shows ours. */
export function shownDrift({
  input,
  object,
  place,
  spec,
}: Pick<Case, 'input' | 'object' | 'place' | 'spec'>): Change | undefined {
  const { listing } = input.memory;
  const shown = listing && place && shownAs(listing, place);
  if (shown === undefined) return undefined;
  const owner = ownerOf(shown, object);
  return owner === 'ours' || owner === 'unknown' ? driftOf(shown, { spec, uid: object.uid }) : undefined;
}

/**
 * Whether this very correction was made a short while ago: the server does not take it, or somebody keeps undoing it.
 * It is not repeated for as long as a fault of the costliest class waits at most.
 */
export function isFutile({ memory, now, timing }: DecisionInput, drift: Change): boolean {
  const { corrected } = memory;
  return (
    corrected !== undefined &&
    now.elapsed < corrected.at + timing.rareBackoffCap &&
    sameJson(corrected.change, drift)
  );
}

/** What somebody has changed on the server is set right. */
export function judgeDrift(situation: Case): Verdict | undefined {
  const { input, place } = situation;
  const drift = shownDrift(situation);
  if (place === undefined || drift === undefined || isFutile(input, drift)) return undefined;
  return { step: { do: 'update', target: place, change: drift, why: 'drift' } };
}
