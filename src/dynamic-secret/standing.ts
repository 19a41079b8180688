import type { DynamicSecretSpec, DynamicSecretStatus } from '../api/dynamic-secret.ts';
import { fault, type Fault } from '../errors.ts';
import { droppedInputs, pendingChange } from './change.ts';
import type { Standing } from './conditions.ts';
import { isFutile, shownDrift } from './drift.ts';
import { ownFailures } from './holding.ts';
import type { DecisionInput } from './input.ts';
import { elsewhereFault } from './policies.ts';
import { hasRemovalFailed } from './removal-failure.ts';
import { ownerOf, shownAs, sightingOf } from './sightings.ts';
import { placeTarget } from './targets.ts';

/** How an object stands. Its status is the one that is about to be written, with what the last step has brought. */
export function standingOf(input: DecisionInput, refusal: Fault | undefined): Standing {
  const { object, users } = input;
  const deleting = object.deletedAt !== undefined;
  const why = refusal ?? specFault(input) ?? ownFailures(input)?.fault ?? removalFault(input);
  const declared = declaredStanding(input);
  const stuck = why?.retry === 'change' && !declared.ready && !deleting;
  return { ...declared, stalled: specFault(input) !== undefined || stuck, deleting, fault: why, users };
}

/** How far it is what the spec declares. */
function declaredStanding(input: DecisionInput): Pick<Standing, 'ready' | 'pending' | 'dropped' | 'futile'> {
  const { spec, status } = input.object;
  if (!spec.valid) return { ready: false, pending: 'Creating', dropped: [], futile: [] };
  const pending = pendingOf(input, spec.value);
  return {
    ready: pending === undefined && elsewhereFault(input) === undefined,
    pending,
    dropped: droppedInputs(status.applied, spec.value),
    futile: futileFields(input, spec.value),
  };
}

/** What is wrong with the spec. An object that is being deleted is beyond that. */
function specFault({ object: { spec, deletedAt } }: DecisionInput): Fault | undefined {
  return spec.valid || deletedAt !== undefined ? undefined : spec.fault;
}

function removalFault(input: DecisionInput): Fault | undefined {
  const { place } = input.object.status;
  return place !== undefined && hasRemovalFailed(input)
    ? fault('RemovalFailed', placeTarget(place))
    : undefined;
}

/** What has still to be done for it to exist as declared. Sources that cannot be looked at are taken to be unchanged. */
function pendingOf(input: DecisionInput, spec: DynamicSecretSpec): Standing['pending'] {
  const { object, sources } = input;
  const { place, intent, applied } = object.status;
  if (place === undefined || intent?.kind === 'Create' || !isThere(input, place)) return 'Creating';
  if (intent?.kind === 'Rename' || place.name !== spec.name) return 'Renaming';
  const known = sources.state === 'known' ? sources.sources : [];
  const changes = pendingChange(applied, { spec, uid: object.uid, sources: known }) !== undefined;
  return changes ? 'Updating' : undefined;
}

/** As far as the last looks tell. */
function isThere(input: DecisionInput, place: NonNullable<DynamicSecretStatus['place']>): boolean {
  const target = placeTarget(place);
  const { listing } = input.memory;
  const owner = ownerOf(listing && shownAs(listing, target), input.object);
  return sightingOf(input, target)?.existence !== 'absent' && (owner === 'ours' || owner === 'unknown');
}

function futileFields(input: DecisionInput, spec: DynamicSecretSpec): readonly string[] {
  const { object } = input;
  const place = object.status.place && placeTarget(object.status.place);
  const drift = shownDrift({ input, object, place, spec });
  if (drift === undefined || !isFutile(input, drift)) return [];
  const { inputs: _none, ...fields } = drift;
  return Object.keys(fields).toSorted();
}
