import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import { isDoneWrite, timeOf } from '../support/audit.ts';
import type { Course } from './life.ts';
import type { Absence } from './operators.ts';
import type { Recorder } from './recorder.ts';
import { OBJECTS, type ObjectName } from './tenant.ts';
import { NOTICED_WITHIN, QUIET, timing } from './timing.ts';

/** What was seen of a life from outside, when it is over. */
export interface Evidence {
  readonly course: Course;
  readonly recorder: Recorder;
  /** What the API server was asked for the namespace. */
  readonly audit: readonly AuditEvent[];
  /** How the audit log calls the operator. */
  readonly user: string;
  /** What happened to the leases of the life. */
  readonly ledger: readonly LedgerEntry[];
  /** What the operators printed. */
  readonly output: string;
  readonly pardoned: ReadonlySet<string>;
  readonly absences: readonly Absence[];
}

export interface Violation {
  readonly oracle: string;
  readonly seen: string;
}

type Oracle = (evidence: Evidence) => readonly string[];

/** By the sentence that must hold. */
const oracles: Readonly<Record<string, Oracle>> = {
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
  'an unchanged world costs no write': ({ audit, user, course: { deletedAt } }) =>
    audit
      .filter((event) => event.user === user && isDoneWrite(event))
      .filter((event) => timeOf(event) > deletedAt - QUIET && timeOf(event) < deletedAt)
      .map(({ verb, resource, name }) => `${verb} ${resource} ${String(name)}`),
  'a finalizer goes after the last revocation': (evidence) =>
    OBJECTS.flatMap((name) => letGoTooEarly(evidence, name)),
  'a password is sent to nobody but the Secret': ({ recorder }) => recorder.leaks(),
  'a password is in no audit log and no output': ({ recorder, audit, output }) => {
    const texts = { audit: JSON.stringify(audit), output };
    const passwords = recorder.issued.flatMap(({ password }) => password ?? []);
    return Object.entries(texts).flatMap(([place, text]) =>
      passwords.some((password) => text.includes(password)) ? [place] : [],
    );
  },
};

export function judge(evidence: Evidence): readonly Violation[] {
  return Object.entries(oracles).flatMap(([oracle, look]) =>
    look(evidence).map((seen) => ({ oracle, seen })),
  );
}

/** For how long a Secret named a lease: from its write to the next one's, or to the deletion. */
interface Use {
  readonly lease: string;
  readonly from: number;
  readonly to: number;
}

/** What was written by the proxy's account, when it was by the API server's. */
function usesOf({ recorder, audit, user, course }: Evidence, object: ObjectName): readonly Use[] {
  const writes = recorder.secretWrites.filter(({ name }) => name === object);
  const times = audit
    .filter((event) => event.user === user && event.resource === 'secrets' && event.name === object)
    .filter((event) => isDoneWrite(event) && !event.requestURI.includes('dryRun'))
    .map((event) => timeOf(event))
    .sort((one, other) => one - other);
  if (writes.length !== times.length) {
    throw new Error(
      `The proxy saw ${String(writes.length)} writes of Secret ${object}, the API server ${String(times.length)}.`,
    );
  }
  const leases = writes.flatMap(({ lease }, index) => {
    const from = times[index];
    return lease === undefined || from === undefined ? [] : [{ lease, from }];
  });
  return leases.map((use, index) => ({ ...use, to: leases[index + 1]?.from ?? course.deletedAt }));
}

/** When a lease was no more: by the ledger, or by its own end. */
function endOf({ ledger }: Evidence, id: string): { readonly at: number; readonly event: string } {
  const entries = ledger.filter(({ leaseId }) => leaseId === id);
  const ended = entries.find(({ event }) => ['revoked', 'expired', 'dropped'].includes(event));
  const expireAt = entries.at(-1)?.expireAt ?? Infinity;
  if (ended !== undefined && ended.at < expireAt) return { at: ended.at, event: ended.event };
  return { at: expireAt, event: 'expired' };
}

/** How long before a lease's end the operator must have worked to be held to the rotation, in milliseconds. */
const ENOUGH = 2000;

function deadIn(evidence: Evidence, object: ObjectName): readonly string[] {
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

function endedEarlyIn(evidence: Evidence, object: ObjectName): readonly string[] {
  const { revokedElsewhere, deletedAt } = evidence.course;
  return usesOf(evidence, object).flatMap(({ lease, to }) => {
    const end = endOf(evidence, lease);
    if (end.event !== 'revoked' || lease === revokedElsewhere.id) return [];
    const lived = end.at - to;
    if (end.at >= deletedAt || lived >= timing.overlap - CLOCKS) return [];
    return [`${object}: lease ${lease} was revoked ${String(lived)} ms after the Secret named another`];
  });
}

/** When the API server took the finalizer, every lease of the object must have ended. */
function letGoTooEarly(evidence: Evidence, object: ObjectName): readonly string[] {
  const { audit, user, course, ledger, pardoned } = evidence;
  const letGoAt = audit
    .filter(
      (event) => event.user === user && event.resource === 'dynamicsecretleases' && event.name === object,
    )
    .filter((event) => isDoneWrite(event) && timeOf(event) > course.deletedAt)
    .map((event) => timeOf(event))
    .at(-1);
  if (letGoAt === undefined) return [`${object}: nobody took the finalizer`];
  const uid = course.settled[object].lease?.uid;
  const made = ledger.filter(({ event, tag }) => event === 'made' && tag?.object === uid);
  return made.flatMap(({ leaseId }) => {
    if (leaseId === null || pardoned.has(leaseId)) return [];
    const late = endOf(evidence, leaseId).at - letGoAt;
    return late <= 0 ? [] : [`${object}: lease ${leaseId} ended ${String(late)} ms after the finalizer went`];
  });
}
