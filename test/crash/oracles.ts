import type { Course } from './life.ts';
import { violationsOf, type Oracles, type Violation } from './story.ts';
import { OBJECTS, type ObjectName } from './tenant.ts';
import { NOTICED_WITHIN, timing } from './timing.ts';
import { endOf, letGoTooEarly, tellsOf, usesOf, writesInQuiet, type Traces } from './uses.ts';
import { passwordsOf } from './wire.ts';

/** What was seen of a life from outside, when it is over. */
export interface Evidence extends Omit<Traces, 'deletedAt'> {
  readonly course: Course;
  readonly pardoned: ReadonlySet<string>;
}

/** By the sentence that must hold. */
const oracles: Oracles<Evidence & Traces> = {
  'when settled, Secret and status name the same live lease': ({ course: { settled, live } }) =>
    OBJECTS.flatMap((name) => {
      const { lease, secret } = settled[name];
      const id = lease?.status.lease?.id;
      const good = id !== undefined && secret?.lease === id && live.includes(id);
      return good
        ? []
        : [`${name}: status ${String(id)}, Secret ${String(secret?.lease)}, live ${live.join()}`];
    }),
  'at the end no lease lives that nobody names': ({ course: { left } }) => [...left],
  'a Secret names no dead lease': (evidence) => OBJECTS.flatMap((name) => deadIn(evidence, name)),
  'a replaced lease outlives its successor’s write by the overlap': (evidence) =>
    OBJECTS.flatMap((name) => endedEarlyIn(evidence, name)),
  'an unchanged world costs no write': (evidence) => writesInQuiet(evidence),
  'a finalizer goes after the last revocation': (evidence) =>
    OBJECTS.flatMap((name) => {
      const uid = evidence.course.settled[name].lease?.uid;
      return letGoTooEarly(evidence, { name, uid }, evidence.pardoned);
    }),
  'a password is sent to nobody but the Secret': ({ recorder: { issued, sent } }) =>
    sent
      .filter(({ to }) => to !== 'Secret')
      .filter(({ body }) => passwordsOf(issued).some((password) => body.includes(password)))
      .map(({ name }) => name),
  'a password is in no audit log and no output': (evidence) =>
    tellsOf(evidence, passwordsOf(evidence.recorder.issued)),
};

export function judge(evidence: Evidence): readonly Violation[] {
  return violationsOf(oracles, { ...evidence, deletedAt: evidence.course.deletedAt });
}

/** How long before a lease's end the operator must have worked to be held to the rotation, in milliseconds. */
const ENOUGH = 2000;

function deadIn(evidence: Evidence & Traces, object: ObjectName): readonly string[] {
  const { revokedElsewhere } = evidence.course;
  return usesOf(evidence, object).flatMap(({ lease, to }) => {
    const end = endOf(evidence, lease);
    const dead = to - end.at;
    const allowed = lease === revokedElsewhere.id ? NOTICED_WITHIN + absence(evidence, end.at, to) : 0;
    if (dead <= allowed || wasAway(evidence, end)) return [];
    return [`${object}: lease ${lease} ${end.event} ${String(dead)} ms before the Secret named another`];
  });
}

/** A lease that ran out while no process worked, or one had hardly begun to. */
function wasAway({ absences }: Evidence, end: { readonly at: number; readonly event: string }): boolean {
  return (
    end.event === 'expired' &&
    absences.some(({ killedAt, readyAt = Infinity }) => killedAt < end.at && readyAt > end.at - ENOUGH)
  );
}

/** For how long no process worked between two instants. */
function absence({ absences }: Evidence, from: number, to: number): number {
  const lengths = absences.map(({ killedAt, readyAt = Infinity }) =>
    Math.max(Math.min(readyAt, to) - Math.max(killedAt, from), 0),
  );
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** The status holds whole seconds, and a server's time is known to a second. */
const CLOCKS = 2000;

function endedEarlyIn(evidence: Evidence & Traces, object: ObjectName): readonly string[] {
  const { revokedElsewhere, deletedAt } = evidence.course;
  return usesOf(evidence, object).flatMap(({ lease, to }) => {
    const end = endOf(evidence, lease);
    if (end.event !== 'revoked' || lease === revokedElsewhere.id) return [];
    const lived = end.at - to;
    if (end.at >= deletedAt || lived >= timing.overlap - CLOCKS) return [];
    return [`${object}: lease ${lease} was revoked ${String(lived)} ms after the Secret named another`];
  });
}
