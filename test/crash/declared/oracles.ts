import { OBJECT_METADATA_KEY } from '../../../src/api/names.ts';
import { violationsOf, type Oracles, type Violation } from '../story.ts';
import type { ServerKind } from '../../support/server-kind.ts';
import { endOf, letGoAt, letGoTooEarly, tellsOf, usesOf, writesInQuiet, type Traces } from '../uses.ts';
import { passwordsOf } from '../wire.ts';
import type { Course } from './life.ts';
import { DECLARED, LEASE, NAMES, STRANGER, type Canaries, type DeclaredTenant } from './tenant.ts';

/** What was seen of a life from outside, when it is over. */
export interface Evidence extends Traces {
  readonly course: Course;
  readonly server: ServerKind;
  /** Leases that may live though nobody names them, until the dynamic secret goes. */
  readonly pardoned: ReadonlySet<string>;
  readonly tenant: Pick<DeclaredTenant, 'canaries' | 'inputs' | 'metadata' | 'maxTTL'>;
}

/** The faults that a creation, a rename or a removal must never be told of: what is there is our own. */
const REFUSALS = ['DynamicSecretExists', 'DynamicSecretOwned', 'DynamicSecretLost', 'DynamicSecretLeft'];

/** By the sentence that must hold. */
const oracles: Oracles<Evidence> = {
  'the credentials log in from the first Ready on': ({ course: { logins } }) =>
    logins.flatMap(({ step, refused }) => (refused === undefined ? [] : [`${step}: ${refused}`])),
  'a Secret names no dead lease': (evidence) =>
    usesOf(evidence, LEASE).flatMap(({ lease, to }) => {
      const end = endOf(evidence, lease);
      const dead = to - end.at;
      return dead <= 0
        ? []
        : [`lease ${lease} ${end.event} ${String(dead)} ms before the Secret named another`];
    }),
  'nothing but a rotation makes another lease': ({ ledger, course }) => {
    const { readyAt, rotationAskedAt } = course;
    return ledger
      .filter(({ event, at }) => event === 'made' && at > readyAt && at < rotationAskedAt)
      .map(({ leaseId }) => `lease ${String(leaseId)}`);
  },
  'a lease outlives the changes and the new name of its dynamic secret': ({ course: { logins } }) => {
    const [first, ...others] = logins.filter(({ step }) => step !== 'rotated' && step !== 'quiet');
    return others.filter(({ lease }) => lease !== first?.lease).map(({ step, lease }) => `${step}: ${lease}`);
  },
  'a workload is restarted once for each lease that takes the place of another': ({ course }) => {
    const { workload, settled } = course;
    const wanted = { generation: 2, lease: settled.lease?.status.lease?.id };
    return differences(wanted, workload);
  },
  'a replaced lease outlives the restarts for its successor': ({ ledger, course, recorder }) =>
    ledger
      .filter(({ event, at }) => event === 'revoked' && at < course.rolledOutAt)
      .filter(({ leaseId }) => recorder.secretWrites.some(({ lease }) => lease === leaseId))
      .map(({ leaseId }) => `lease ${String(leaseId)}`),
  'the dynamic secret is made once, and by us': ({ ledger }) => {
    const made = ledger.filter(({ event }) => event === 'secret-made');
    return made.length === 1 ? [] : [`made ${String(made.length)} times`];
  },
  'when settled it is there once, and is what the spec declares': (evidence) => settledAmiss(evidence),
  'what is our own is refused for nobody else’s, and is never lost': ({ recorder: { sent } }) =>
    sent
      .filter(({ to }) => to === 'Kubernetes')
      .flatMap(({ name, body }) =>
        REFUSALS.filter((reason) => body.includes(reason)).map((reason) => `${name}: ${reason}`),
      ),
  'nothing of a stranger is touched': ({ recorder: { processes }, course }) => [
    ...processes.flat().filter((point) => point.includes(STRANGER)),
    ...(course.strangerLives ? [] : ['its lease']),
    ...differences(shownOf(course.before, STRANGER), shownOf(course.after, STRANGER)),
  ],
  'at the end nothing is left': ({ course: { after, left } }) => [
    ...after.map(({ name }) => name).filter((name) => name !== STRANGER),
    ...left,
  ],
  'an unchanged world costs no write': (evidence) => writesInQuiet(evidence),
  'a finalizer goes after the last revocation': (evidence) =>
    letGoTooEarly(evidence, { name: LEASE, uid: evidence.course.settled.lease?.uid }, evidence.pardoned),
  'the DynamicSecret goes after its dynamic secret': (evidence) => {
    const at = letGoAt(evidence, 'dynamicsecrets', DECLARED);
    const removed = evidence.ledger.find(({ event }) => event === 'secret-removed')?.at;
    if (at === undefined) return ['nobody took the finalizer'];
    return removed !== undefined && removed <= at
      ? []
      : [`removed at ${String(removed)}, gone at ${String(at)}`];
  },
  'a password is sent to nobody who need not know it': ({ recorder: { issued, sent }, tenant }) =>
    sent
      .filter(({ to, name, body }) => {
        const admin = to === 'lease API' && / dynamic-secret /.test(name) ? [] : tenant.canaries.admin;
        const leased = to === 'Secret' ? [] : passwordsOf(issued);
        return [...admin, ...leased].some((password) => body.includes(password));
      })
      .map(({ name }) => name),
  'a password is in no audit log and no output': (evidence) =>
    tellsOf(evidence, [...evidence.tenant.canaries.admin, ...passwordsOf(evidence.recorder.issued)]),
};

export function judge(evidence: Evidence): readonly Violation[] {
  return violationsOf(oracles, evidence);
}

function settledAmiss({ course, server, tenant }: Evidence): readonly string[] {
  const ours = course.folder.filter(({ name }) => name !== STRANGER);
  const names = ours.map(({ name }) => name).join();
  if (names !== NAMES[1]) return [`there is ${names}`];
  const { settled, defaultTTL } = course;
  const mark = { key: OBJECT_METADATA_KEY, value: settled.declared?.uid };
  const [, password] = tenant.canaries.admin satisfies Canaries['admin'];
  const wanted = {
    type: 'sql-database',
    defaultTTL,
    maxTTL: tenant.maxTTL,
    status: null,
    inputs: { ...tenant.inputs, password },
    // Servers of 2024 know no metadata.
    metadata: server === 'tags-kept' ? [...tenant.metadata, mark] : undefined,
  };
  const [shown] = ours;
  const fields = Object.entries(wanted).flatMap(([key, value]) =>
    differences(value, shown?.[key]).map((what) => `${key}: ${what}`),
  );
  const known = settled.declared?.status.dynamicSecret?.id;
  return known === shown?.id ? fields : [...fields, `the status has the id ${String(known)}`];
}

function shownOf(folder: Course['before'], wanted: string): unknown {
  return folder.find(({ name }) => name === wanted);
}

/** Values that are JSON, the order of keys aside. */
function differences(wanted: unknown, seen: unknown): readonly string[] {
  const [one, other] = [sorted(wanted), sorted(seen)];
  return one === other ? [] : [`${String(other)} instead of ${String(one)}`];
}

function sorted(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
