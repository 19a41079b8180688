import { describe, expect, it } from 'vitest';

import { ASKED_ANNOTATION, FINALIZER, RECORD_ANNOTATION } from '../../../src/api/names.ts';
import { digestOf } from '../../../src/secret/render.ts';
import { stateOf, type World } from '../../crash/state.ts';
import type { ObjectName } from '../../crash/tenant.ts';

/** One life's own names and times. */
interface Names {
  /** Of ids: a UUID ends in the number that stands for what it names, behind this digit. */
  readonly digit: string;
  readonly at: string;
  readonly namespace: string;
  readonly host: string;
  readonly resourceVersion: string;
}

const one: Names = {
  digit: '1',
  at: '2026-01-02T03:04:05Z',
  namespace: 'life-1',
  host: 'http://127.0.0.1:4001',
  resourceVersion: '77',
};

const other: Names = {
  digit: '9',
  at: '2026-06-07T08:09:10.123Z',
  namespace: 'life-22',
  host: 'http://127.0.0.1:5002',
  resourceVersion: '901',
};

const idOf = ({ digit }: Names, number: number): string =>
  `${digit}0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** An object `orders` with a lease 3 in its Secret, and `stock` with nothing yet. Numbers stand for ids. */
const usual = {
  server: 'tags-kept' as World['server'],
  steps: ['orders ready'] as readonly string[],
  target: 'orders',
  finalizers: [FINALIZER] as readonly string[],
  asked: ['orders'] as readonly string[],
  isDeleting: false,
  /** The generation that the status speaks of, of 2. */
  observed: 2,
  message: 'a message',
  reason: 'LeaseActive',
  rotations: 0,
  retiring: [] as readonly { readonly id: number; readonly revokeAfter?: string }[],
  unaccounted: 0,
  /** The lease that the status names. */
  statusLease: 3,
  /** The Secret's version that the status names; undefined: the one that it has. */
  statusVersion: undefined as string | undefined,
  hasSecret: true,
  /** The lease of the Secret's record. */
  record: 3,
  isIssued: true,
  held: ['held'] as readonly string[],
  /** The leases that live, and of which object; in the order of the server's answer. */
  live: [{ id: 3, object: 1 }] as readonly { readonly id: number; readonly object: number }[],
};

/** What is otherwise. */
type Change = Partial<typeof usual>;

const refOf = (names: Names, number: number): object => ({
  id: idOf(names, number),
  expireAt: names.at,
  attempt: idOf(names, number + 100),
  connection: { kind: 'InfisicalConnection', name: 'infisical', uid: idOf(names, 200), host: names.host },
  projectSlug: names.namespace,
  dynamicSecret: 'orders',
});

function metadataOf(names: Names, name: string, number: number): object {
  const { namespace, resourceVersion, at } = names;
  return { name, namespace, uid: idOf(names, number), resourceVersion, creationTimestamp: at, generation: 2 };
}

function leaseOf(names: Names, made: typeof usual): object {
  const { at, namespace, resourceVersion } = names;
  const { observed: observedGeneration, reason, message, rotations, unaccounted: count } = made;
  const condition = { type: 'Ready', status: 'True', reason, message, lastTransitionTime: at };
  return {
    metadata: {
      ...metadataOf(names, 'orders', 1),
      finalizers: made.finalizers,
      annotations: { [ASKED_ANNOTATION]: JSON.stringify(made.asked) },
      ...(made.isDeleting ? { deletionTimestamp: at } : {}),
    },
    spec: { dynamicSecret: { name: made.target, projectSlug: namespace } },
    status: {
      observedGeneration,
      conditions: [{ ...condition, observedGeneration }],
      lease: { ...refOf(names, made.statusLease), externalEntityId: `role-of-${namespace}`, createdAt: at },
      secret: { uid: idOf(names, 2), resourceVersion: made.statusVersion ?? resourceVersion },
      rotateAt: at,
      rotations,
      retiring: made.retiring.map(({ id, ...rest }) => ({ ...refOf(names, id), ...rest })),
      unaccounted: { count, lastAt: at, until: at },
    },
  };
}

const passwordOf = ({ namespace }: Names): string => `password of ${namespace}`;

function secretOf(names: Names, { record }: typeof usual): object {
  const password = passwordOf(names);
  const checksum = digestOf(new Map([['DB_PASSWORD', password]]));
  const annotation = JSON.stringify({ lease: refOf(names, record), previous: [], digest: checksum });
  const annotations = { [RECORD_ANNOTATION]: annotation };
  const data = { DB_PASSWORD: Buffer.from(password).toString('base64') };
  return { metadata: { ...metadataOf(names, 'orders', 2), annotations }, data };
}

function worldOf(names: Names, change: Change): World {
  const made = { ...usual, ...change };
  const { at, namespace, host } = names;
  const stock = { metadata: metadataOf(names, 'stock', 11), spec: { dynamicSecret: 'stock' } };
  return {
    server: made.server,
    steps: made.steps,
    objects: [
      {
        name: 'orders',
        lease: leaseOf(names, made),
        secret: made.hasSecret ? secretOf(names, made) : undefined,
      },
      { name: 'stock', lease: stock, secret: undefined },
    ],
    connection: { metadata: { ...metadataOf(names, 'infisical', 200), finalizers: made.held } },
    live: made.live.map(({ id, object }) => ({
      leaseId: idOf(names, id),
      dynamicSecret: 'orders',
      dynamicSecretId: idOf(names, 300),
      externalEntityId: `role-of-${namespace}`,
      createdAt: Date.parse(at),
      expireAt: Date.parse(at),
      status: null,
      by: idOf(names, 400),
      tag: { install: namespace, object: idOf(names, object), attempt: idOf(names, id + 100) },
    })),
    issued: new Map(made.isIssued ? [[idOf(names, made.record), passwordOf(names)]] : []),
    names: { [namespace]: 'namespace', [host]: 'server' },
  };
}

const digest = (names: Names, change: Change): string => stateOf(worldOf(names, change)).digest;

const later = '2027-01-01T00:00:00Z';

describe('two worlds are the same state', () => {
  it.each<readonly [sentence: string, change: Change, otherChange: Change]>([
    ['when names, ids, versions and times alone differ', {}, {}],
    ['whatever the messages say', { message: 'one' }, { message: 'another' }],
    ['however many rotations were counted', { rotations: 1 }, { rotations: 2 }],
    ['in whatever order the steps were reached', { steps: ['a', 'b'] }, { steps: ['b', 'a'] }],
    [
      'whenever a retiring lease is to be revoked',
      { retiring: [{ id: 4, revokeAfter: one.at }] },
      { retiring: [{ id: 4, revokeAfter: later }] },
    ],
    [
      'in whatever order the server shows its leases',
      {
        live: [
          { id: 3, object: 1 },
          { id: 5, object: 1 },
        ],
      },
      {
        live: [
          { id: 6, object: 1 },
          { id: 3, object: 1 },
        ],
      },
    ],
  ])('%s', (_, change, otherChange) => {
    expect(digest(one, change)).toBe(digest(other, otherChange));
  });
});

describe('two worlds are two states', () => {
  it.each<readonly [sentence: string, change: Change]>([
    ['when another step was reached', { steps: ['orders ready', 'orders rotated'] }],
    ['when the server is of another kind', { server: 'tags-dropped' }],
    ['when the object is pointed at something else', { target: 'returns' }],
    ['when a finalizer is missing', { finalizers: [] }],
    ['when a deletion is asked for', { isDeleting: true }],
    ['when the status speaks of an older spec', { observed: 1 }],
    ['when a condition has another reason', { reason: 'Leasing' }],
    ['when a lease retires', { retiring: [{ id: 4 }] }],
    ['when a place was asked', { asked: ['orders', 'returns'] }],
    ['when a request is unaccounted for', { unaccounted: 1 }],
    ['when the status names another lease than the Secret', { statusLease: 4 }],
    ['when the Secret was written since the status', { statusVersion: '1' }],
    ['when there is no Secret', { hasSecret: false }],
    ['when the record names another lease than the status', { record: 4 }],
    ['when the data is not what was issued', { isIssued: false }],
    ['when the connection is not held', { held: [] }],
    ['when the lease is dead', { live: [] }],
    [
      'when a lease lives that nobody names',
      {
        live: [
          { id: 3, object: 1 },
          { id: 5, object: 1 },
        ],
      },
    ],
    ['when the lease that lives is not the one that is named', { live: [{ id: 5, object: 1 }] }],
    ['when a lease was made for another object', { live: [{ id: 3, object: 11 }] }],
  ])('%s', (_, change) => {
    expect(digest(one, change)).not.toBe(digest(one, {}));
  });

  it('tells a retiring lease that is to be revoked from one that is left to run out', () => {
    const revoked = { retiring: [{ id: 4, revokeAfter: one.at }] };
    expect(digest(one, revoked)).not.toBe(digest(one, { retiring: [{ id: 4 }] }));
  });
});

describe('the part of an object', () => {
  const partsOf = (change: Change): Readonly<Record<ObjectName, string>> =>
    stateOf(worldOf(one, change)).parts;

  it.each<readonly [sentence: string, change: Change]>([
    ['when its Secret is gone', { hasSecret: false }],
    ['when it has come a step farther', { steps: ['orders ready', 'orders rotated'] }],
    ['when one of its leases is dead', { live: [] }],
  ])('is another %s, and that of the other object is the same', (_, change) => {
    expect(partsOf(change).orders).not.toBe(partsOf({}).orders);
    expect(partsOf(change).stock).toBe(partsOf({}).stock);
  });

  it.each<readonly [sentence: string, change: Change]>([
    ['the connection is not held', { held: [] }],
    ['both have come a step farther', { steps: ['orders ready', 'settled'] }],
  ])('is another for both when %s', (_, change) => {
    expect(partsOf(change).orders).not.toBe(partsOf({}).orders);
    expect(partsOf(change).stock).not.toBe(partsOf({}).stock);
  });
});

it('shows no credential', () => {
  const { text } = stateOf(worldOf(one, {}));
  expect(text).not.toContain('password of');
  expect(text).not.toContain(Buffer.from('password of').toString('base64').slice(0, 8));
});
