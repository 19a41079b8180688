import type { DynamicSecretStatus } from '../api/dynamic-secret.ts';
import type { Fault } from '../errors.ts';
import { formatInstant } from '../instant.ts';
import { known, mirrored, tidy } from './applied.ts';
import { conditionsOf } from './conditions.ts';
import { heldByStatus, ownFailures } from './holding.ts';
import type { DecisionInput } from './input.ts';
import type { Brought } from './plan.ts';
import { ownerOf, sightingOf } from './sightings.ts';
import { standingOf } from './standing.ts';
import { placeTarget } from './targets.ts';

/**
 * The status that is true of what the input shows and of what the last step has brought. The input is the one that the
 * step was decided on: what was sent is what its spec says.
 *
 * @param refusal what the plan refused for, if it did.
 * @param brought what came of the step; undefined where it concerns memory only.
 */
export function report(
  input: DecisionInput,
  refusal: Fault | undefined,
  brought?: Brought,
): DynamicSecretStatus {
  const { object, users } = input;
  const count = users.length;
  // Nothing new is known before the wait that the status speaks of is over.
  if (refusal === undefined && brought === undefined && heldByStatus(input) > 0)
    return { ...object.status, users: count };
  const after = afterwards(input, brought);
  const { conditions = [] } = object.status;
  const { generation } = object;
  return tidy({
    observedGeneration: generation,
    conditions: conditionsOf(standingOf(after, refusal), conditions, generation, input.now.kube),
    dynamicSecret: shownOf(after) ?? after.object.status.dynamicSecret,
    place: placeOf(after),
    intent: after.object.status.intent,
    applied: after.object.status.applied,
    users: count,
    removal: removalOf(after),
    attempts: attemptsOf(after),
  });
}

/**
 * The input with what a step has brought in its status. After a creation or a change the list that came before it
 * tells nothing any more.
 */
function afterwards(input: DecisionInput, brought: Brought | undefined): DecisionInput {
  const { place: _p, intent: _i, applied: _a, dynamicSecret: _d, ...rest } = input.object.status;
  const status = { ...rest, ...known(input, brought) };
  const object = { ...input.object, status };
  if (brought === undefined || brought.did === 'intended' || brought.did === 'acknowledged')
    return { ...input, object };
  const { failures } = input.memory;
  const seen = { listing: undefined, sighting: undefined, sightingOfNewName: undefined };
  const memory = {
    ...input.memory,
    ...seen,
    failures: brought.did === 'removed' ? failures : undefined,
  };
  return { ...input, object, memory };
}

/** Where it is. Another connection to the same server leads there as well as the one before it. */
function placeOf({ object, connection }: DecisionInput): DynamicSecretStatus['place'] {
  const { place } = object.status;
  return place !== undefined &&
    connection.state === 'usable' &&
    connection.identity.host === place.connection.host
    ? { ...place, connection: connection.identity }
    : place;
}

/** What the list shows of ours. */
function shownOf({ object, memory }: DecisionInput): DynamicSecretStatus['dynamicSecret'] {
  const { listing } = memory;
  const { place, intent } = object.status;
  if (listing?.state !== 'shown' || place === undefined || intent?.kind === 'Create') return undefined;
  const owner = ownerOf(listing.shown, object);
  const isOurs = owner === 'ours' || (owner === 'unknown' && listing.shown.name === place.name);
  return isOurs ? mirrored(listing.shown) : undefined;
}

/** How many leases are left to be revoked before a removal. */
function removalOf(input: DecisionInput): DynamicSecretStatus['removal'] {
  const { place } = input.object.status;
  if (input.object.deletedAt === undefined || place === undefined) return undefined;
  const sighting = sightingOf(input, placeTarget(place));
  return sighting === undefined ? input.object.status.removal : { leases: sighting.leases.length };
}

/**
 * Failures worth a write: a new reason, or a wait so long that a restart should know of it. A short wait of a known
 * reason stays in memory.
 */
function attemptsOf(input: DecisionInput): DynamicSecretStatus['attempts'] {
  const failures = ownFailures(input);
  if (failures === undefined) return undefined;
  const written = input.object.status.attempts;
  const wait = failures.nextAt - input.now.elapsed;
  const sameReason = written?.reason === failures.fault.code;
  if (sameReason && (written.count >= failures.count || wait < input.timing.attemptsWorthWriting))
    return written;
  const nextAt = formatInstant(input.now.kube + Math.max(wait, 0));
  return { count: failures.count, reason: failures.fault.code, nextAt };
}
