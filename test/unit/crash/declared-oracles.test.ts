import { describe, expect, it } from 'vitest';

import type { AuditEvent } from '../../../sandbox/control-plane/audit.ts';
import type { LedgerEntry } from '../../../sandbox/lease-api/ledger.ts';
import type { Course } from '../../crash/declared/life.ts';
import { judge, type Evidence } from '../../crash/declared/oracles.ts';
import type { OpenSecret } from '../../crash/declared/tenant.ts';
import type { Recorder } from '../../crash/recorder.ts';

const uid = '7b2f7a3e-0000-4000-8000-000000000001';
const user = 'the operator';
const deletedAt = 100_000;

const stranger: OpenSecret = {
  id: 'other',
  name: 'stranger',
  type: 'in-memory',
  defaultTTL: '1h',
  maxTTL: null,
  status: null,
  metadata: [],
  inputs: {},
};

const ours: OpenSecret = {
  id: 'ours',
  name: 'db-renamed',
  type: 'sql-database',
  defaultTTL: '2h',
  maxTTL: '1d',
  status: null,
  metadata: [
    { key: 'team', value: 'shop' },
    { key: 'leaseholder-object', value: uid },
  ],
  inputs: { host: 'there', password: 'last' },
};

const steps = ['leased', 'ttl changed', 'password rotated', 'renamed', 'rotated', 'quiet'];

const course: Course = {
  logins: steps.map((step, index) => ({ step, lease: index < 4 ? 'one' : 'two', refused: undefined })),
  readyAt: 10_000,
  rotationAskedAt: 50_000,
  rolledOutAt: 51_000,
  workload: { generation: 2, lease: 'two' },
  before: [stranger],
  settled: {
    declared: { uid, status: { dynamicSecret: { id: 'ours' } } },
    lease: { uid: 'the lease object', status: { lease: { id: 'two' } } },
    secret: undefined,
  } as unknown as Course['settled'],
  folder: [stranger, ours],
  live: ['two'],
  defaultTTL: '2h',
  deletedAt,
  after: [stranger],
  left: [],
  strangerLives: true,
};

const write = (resource: string, name: string, at: number): AuditEvent =>
  ({
    user,
    verb: 'patch',
    resource,
    name,
    responseCode: 200,
    requestURI: '/',
    timestamp: new Date(at).toISOString(),
  }) as unknown as AuditEvent;

const entry = (event: LedgerEntry['event'], at: number, leaseId: string | null = null): LedgerEntry =>
  ({
    event,
    at,
    leaseId,
    expireAt: 1_000_000,
    tag: { object: 'the lease object' },
  }) as unknown as LedgerEntry;

const ledger = [
  entry('secret-made', 5000),
  entry('made', 8000, 'one'),
  entry('made', 51_000, 'two'),
  entry('revoked', 60_000, 'one'),
  entry('revoked', 101_000, 'two'),
  entry('secret-removed', 103_000),
];

const recorder = {
  processes: [['POST dynamic-secret db #1', 'PATCH dynamic-secret db #1']],
  secretWrites: [
    { name: 'shop', lease: 'one' },
    { name: 'shop', lease: 'two' },
  ],
  issued: [{ id: 'one', username: 'somebody', password: 'leased' }],
  sent: [
    { to: 'lease API', name: 'POST dynamic-secret db', body: 'first' },
    { to: 'Secret', name: 'POST secrets shop', body: 'leased' },
    { to: 'Kubernetes', name: 'PATCH dynamicsecrets/status db', body: '{"reason":"Declared"}' },
  ],
} as unknown as Recorder;

const evidence: Evidence = {
  course,
  server: 'tags-kept',
  pardoned: new Set(),
  tenant: {
    canaries: { admin: ['first', 'last'] },
    inputs: { host: 'there' },
    metadata: [{ key: 'team', value: 'shop' }],
    maxTTL: '1d',
  },
  recorder,
  audit: [
    write('secrets', 'shop', 9000),
    write('secrets', 'shop', 52_000),
    write('dynamicsecretleases', 'shop', 102_000),
    write('dynamicsecrets', 'db', 104_000),
  ],
  user,
  ledger,
  output: '',
  absences: [],
  deletedAt,
};

/** The sentences that do not hold. */
const brokenBy = (change: Partial<Evidence>): readonly string[] => [
  ...new Set(judge({ ...evidence, ...change }).map(({ oracle }) => oracle)),
];
const withCourse = (change: Partial<Course>): Partial<Evidence> => ({ course: { ...course, ...change } });
const withRecorder = (change: Partial<Recorder>): Partial<Evidence> => ({
  recorder: { ...recorder, ...change },
});
const sending = (to: 'Kubernetes' | 'Secret' | 'lease API', name: string, body: string): Partial<Evidence> =>
  withRecorder({ sent: [{ to, name, body }] });

describe('the oracles of the life that declares', () => {
  it('have nothing against a good life', () => {
    expect(judge(evidence)).toEqual([]);
  });

  it('let a lease that is pardoned live until its dynamic secret goes', () => {
    const late = ledger.map((one) => (one.at === 101_000 ? { ...one, at: 102_500 } : one));
    expect(brokenBy({ ledger: late, pardoned: new Set(['two']) })).toEqual([]);
  });

  it('know that servers of 2024 keep no metadata', () => {
    const { metadata: _, ...old } = ours;
    const folder = [stranger, old];
    expect(brokenBy({ server: 'tags-dropped', ...withCourse({ folder }) })).toEqual([]);
    expect(brokenBy(withCourse({ folder }))).toHaveLength(1);
  });

  const [leased, ...later] = course.logins;
  const settled = 'when settled it is there once, and is what the spec declares';
  const told = 'a password is sent to nobody who need not know it';
  const refused = 'what is our own is refused for nobody else’s, and is never lost';
  const touched = 'nothing of a stranger is touched';

  it.each<[string, Partial<Evidence>, string]>([
    [
      'a login that is refused',
      withCourse({ logins: [{ step: 'leased', lease: 'one', refused: 'no' }, ...later] }),
      'the credentials log in from the first Ready on',
    ],
    [
      'a lease that ends before the Secret names another',
      { ledger: ledger.map((one) => (one.event === 'revoked' ? { ...one, at: one.at - 9000 } : one)) },
      'a Secret names no dead lease',
    ],
    [
      'a lease that is made at the rename',
      { ledger: [...ledger, entry('made', 30_000, 'three'), entry('revoked', 31_000, 'three')] },
      'nothing but a rotation makes another lease',
    ],
    [
      'another lease at the rename',
      withCourse({
        logins: [leased, ...later.map((login) => ({ ...login, lease: 'two' }))].flatMap((one) => one ?? []),
      }),
      'a lease outlives the changes and the new name of its dynamic secret',
    ],
    [
      'a workload that was restarted twice',
      withCourse({ workload: { generation: 3, lease: 'two' } }),
      'a workload is restarted once for each lease that takes the place of another',
    ],
    [
      'a workload that was restarted for another lease',
      withCourse({ workload: { generation: 2, lease: 'one' } }),
      'a workload is restarted once for each lease that takes the place of another',
    ],
    [
      'a lease that is revoked before the pods are replaced',
      withCourse({ rolledOutAt: 61_000 }),
      'a replaced lease outlives the restarts for its successor',
    ],
    [
      'a dynamic secret that was made twice',
      { ledger: [entry('secret-made', 6000), ...ledger] },
      'the dynamic secret is made once, and by us',
    ],
    ['two of them', withCourse({ folder: [stranger, ours, { ...ours, name: 'db' }] }), settled],
    ['another TTL', withCourse({ folder: [stranger, { ...ours, defaultTTL: '1h' }] }), settled],
    [
      'the first password',
      withCourse({ folder: [{ ...ours, inputs: { host: 'there', password: 'first' } }] }),
      settled,
    ],
    ['another one of the name', withCourse({ folder: [stranger, { ...ours, id: 'third' }] }), settled],
    ['a refusal', sending('Kubernetes', 'PATCH dynamicsecrets/status db', '"DynamicSecretExists"'), refused],
    ['a loss', sending('Kubernetes', 'POST events', '"DynamicSecretLost"'), refused],
    ['a stranger’s lease that is gone', withCourse({ strangerLives: false }), touched],
    ['a stranger’s TTL that differs', withCourse({ after: [{ ...stranger, defaultTTL: '2h' }] }), touched],
    ['a request about it', withRecorder({ processes: [['GET leases stranger #1']] }), touched],
    ['a dynamic secret that is left', withCourse({ after: [stranger, ours] }), 'at the end nothing is left'],
    ['a role that is left', withCourse({ left: ['somebody'] }), 'at the end nothing is left'],
    [
      'a write in the quiet',
      { audit: [...evidence.audit, write('dynamicsecrets', 'db', deletedAt - 1000)] },
      'an unchanged world costs no write',
    ],
    [
      'a finalizer that goes before a revocation',
      { ledger: ledger.map((one) => (one.at === 101_000 ? { ...one, at: 102_500 } : one)) },
      'a finalizer goes after the last revocation',
    ],
    [
      'an object that goes before its dynamic secret',
      { ledger: ledger.map((one) => (one.event === 'secret-removed' ? { ...one, at: 105_000 } : one)) },
      'the DynamicSecret goes after its dynamic secret',
    ],
    ['the admin’s password in a lease', sending('lease API', 'POST lease db', 'first'), told],
    ['the admin’s password in a Secret', sending('Secret', 'PATCH secrets shop', 'last'), told],
    [
      'a lease’s password in a status',
      sending('Kubernetes', 'PATCH dynamicsecrets/status db', 'leased'),
      told,
    ],
    ['a password in the output', { output: 'first' }, 'a password is in no audit log and no output'],
  ])('see %s', (_, change, sentence) => {
    expect(brokenBy(change)).toEqual([sentence]);
  });
});
