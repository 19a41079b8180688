import { fault, type Fault } from '../errors.ts';
import { pendingChange } from './change.ts';
import { judgeName, judgeOpenCreation } from './creation.ts';
import { judgeDrift } from './drift.ts';
import { heldBack } from './holding.ts';
import type { DecisionInput } from './input.ts';
import { judgeListing, judgePresence, judgeReplaced, nextList } from './presence.ts';
import { judgeOpenRename, judgeRename } from './renaming.ts';
import { sightingOf, untilStale } from './sightings.ts';
import { named } from './targets.ts';
import { earliest, look, refuse, wait, type Case, type Verdict } from './verdict.ts';

/** One row of the table: undefined = nothing to say, ask the next one. */
export interface Policy<Situation> {
  readonly name: string;
  readonly judge: (situation: Situation) => Verdict | undefined;
}

/** The policy that decides when no other has anything to say. */
export const ALL_IS_WELL = 'all is well';

/** What must be in order before the server is asked anything. */
export const preconditions: readonly Policy<DecisionInput>[] = [
  // From here on a dynamic secret may come to exist, and a deletion must not overtake it.
  {
    name: 'the finalizer comes before the dynamic secret',
    judge: (input) => {
      if (input.object.hasFinalizer) return undefined;
      const held = heldBack(input);
      return held > 0 ? wait(held) : { step: { do: 'claim' } };
    },
  },
  {
    name: 'the spec must be in order',
    judge: ({ object: { spec } }) => (spec.valid ? undefined : refuse(spec.fault)),
  },
  {
    name: 'the connection must be in order',
    judge: ({ connection }) =>
      connection.state === 'refused' ? refuse(connection.fault, connection.again) : undefined,
  },
  {
    name: 'the connection must lead to where it is',
    judge: (input) => {
      const elsewhere = elsewhereFault(input);
      return elsewhere && refuse(elsewhere);
    },
  },
  {
    name: 'the Secrets of the inputs must be in order',
    judge: ({ sources }) => (sources.state === 'refused' ? refuse(sources.fault, sources.again) : undefined),
  },
  { name: 'back off after a fault', judge: judgeBackoff },
];

/**
 * The life of a dynamic secret, once all is in order. The first policy with something to say decides; the order is the
 * safety argument. Deletion comes before all of them (see removal.ts).
 */
export const policies: readonly Policy<Case>[] = [
  { name: 'a lost answer is looked after', judge: judgeDoubt },
  // What a process before this one may have asked for is found out before anything else is.
  { name: 'an open creation', judge: judgeOpenCreation },
  { name: 'an open rename', judge: judgeOpenRename },
  {
    name: 'it must exist, and be ours',
    judge: (situation) => (situation.place === undefined ? judgeName(situation) : undefined),
  },
  { name: 'it must be where the status says', judge: judgePresence },
  { name: 'it is listed now and then', judge: judgeListing },
  { name: 'no other must have taken its place', judge: judgeReplaced },
  { name: 'its name follows the spec', judge: judgeRename },
  { name: 'it follows the spec and its Secrets', judge: judgeChange },
  { name: 'what others have changed is set right', judge: judgeDrift },
  { name: ALL_IS_WELL, judge: judgeWell },
];

/** It is, or may be, on another server than the connection leads to. */
export function elsewhereFault({ object: { status }, connection }: DecisionInput): Fault | undefined {
  const host = connection.identity?.host;
  const other = (status.place ?? status.intent)?.connection.host;
  return host === undefined || other === undefined || host === other
    ? undefined
    : fault('DynamicSecretElsewhere', { host, other });
}

function judgeBackoff(input: DecisionInput): Verdict | undefined {
  const held = heldBack(input);
  return held > 0 ? wait(held) : undefined;
}

function judgeDoubt({ input, object, place, declared }: Case): Verdict | undefined {
  if (!input.memory.doubtful) return undefined;
  const { intent } = object.status;
  return look(intent?.kind === 'Create' ? named(declared, intent.name) : (place ?? declared));
}

function judgeChange({ object, spec, sources, place }: Case): Verdict | undefined {
  const pending = pendingChange(object.status.applied, { spec, uid: object.uid, sources });
  return place && pending && { step: { do: 'update', target: place, ...pending } };
}

function judgeWell({ input, place }: Case): Verdict {
  const sighting = place && sightingOf(input, place);
  const stale = sighting && untilStale(input, sighting);
  return wait(earliest([stale, nextList(input) - input.now.elapsed]));
}
