import { describe, expect, test } from 'vitest';

import type { LeaseStatus } from '../../../../src/api/dynamic-secret-lease.ts';
import type { LeaseSpec } from '../../../../src/api/dynamic-secret-lease.ts';
import { isInUse, usesOf, type UseView } from '../../../../src/reconcile/connection/in-use.ts';
import { connectionKey } from '../../../../src/reconcile/connection/key.ts';
import type { ConnectionRecord, DynamicSecretRecord, LeaseRecord } from '../../../../src/reconcile/ports.ts';
import {
  aConnection,
  aDynamicSecretRecord,
  aLeaseRecord,
  anIdentity,
  aReferringSpec,
  aRef,
  aSpec,
  invalidSpec,
  NOW,
  valid,
} from '../../../support/builders.ts';

const EU = 'https://eu.example.com';
const US = 'https://us.example.com';

const a = aConnection('a', { hostAPI: `${EU}/api` });
const b = aConnection('b', { hostAPI: EU });
const toUS = aConnection('to-us', { hostAPI: US });
const leaving = (one: ConnectionRecord): ConnectionRecord => ({ ...one, deletedAt: NOW });

const naming = (name: string): LeaseRecord['spec'] =>
  valid(aSpec({ connectionRef: { kind: 'InfisicalConnection', name } } satisfies Partial<LeaseSpec>));
/** Names a connection that does not exist, and holds a lease that was made through one. */
const holding = (uid: string, host: string, overrides: Partial<LeaseRecord> = {}): LeaseRecord =>
  aLeaseRecord({
    spec: naming('none'),
    status: { lease: { ...aRef({ connection: anIdentity({ uid, host }) }), createdAt: '' } },
    ...overrides,
  });
const retiring = (uid: string, host: string): LeaseStatus => ({
  retiring: [{ ...aRef({ connection: anIdentity({ uid, host }) }), reason: 'Rotated' }],
});

/** Which of the connections are in use. */
function used(
  connections: readonly ConnectionRecord[],
  leases: readonly LeaseRecord[],
  declared: readonly DynamicSecretRecord[] = [],
): readonly string[] {
  const view: UseView = {
    dynamicSecrets: {
      inNamespace: (namespace) => declared.filter((one) => one.namespace === namespace),
      usersOf: ({ key, uid }) =>
        declared.filter((one) => {
          const named = one.spec.valid && connectionKey(one.namespace, one.spec.value.connectionRef) === key;
          return named || one.status.place?.connection.uid === uid;
        }),
    },
    leases: {
      inNamespace: (namespace) => leases.filter((one) => one.namespace === namespace),
      usersOf: ({ key, uid }) =>
        leases.filter((one) => {
          const wanted = one.spec.valid ? one.spec.value.connectionRef : undefined;
          const named = wanted === undefined ? '' : connectionKey(one.namespace, wanted);
          const lenders = [one.status.lease, ...(one.status.retiring ?? [])].map(
            (ref) => ref?.connection.uid,
          );
          return named === key || lenders.includes(uid);
        }),
    },
    connections: { inNamespace: (namespace) => connections.filter((one) => one.namespace === namespace) },
  };
  return connections.filter((one) => isInUse(one, view)).map(({ name }) => name);
}

describe('in use is a connection', () => {
  test.each<[string, readonly ConnectionRecord[], readonly LeaseRecord[], readonly string[]]>([
    ['that an object names', [a, b], [aLeaseRecord({ spec: naming('a'), status: {} })], ['a']],
    [
      'that an object names which is new, and will lease',
      [a],
      [aLeaseRecord({ spec: naming('a'), status: {}, hasFinalizer: false })],
      ['a'],
    ],
    [
      'that an object names which is being deleted',
      [a],
      [aLeaseRecord({ spec: naming('a'), status: {}, deletedAt: NOW })],
      ['a'],
    ],
    [
      'not that of a DynamicSecret that an object refers to: the DynamicSecret keeps it',
      [a],
      [aLeaseRecord({ spec: valid(aReferringSpec()), status: {} })],
      [],
    ],
    [
      'that an object names beside a DynamicSecret',
      [a],
      [
        aLeaseRecord({
          spec: valid(aReferringSpec({ connectionRef: { kind: 'InfisicalConnection', name: 'a' } })),
          status: {},
        }),
      ],
      ['a'],
    ],
    ['through which a lease was made', [a, toUS], [holding(a.uid, EU)], ['a']],
    [
      'through which a replaced lease was made',
      [a, toUS],
      [aLeaseRecord({ spec: naming('to-us'), status: retiring(a.uid, EU) })],
      ['a', 'to-us'],
    ],
    ['of two to one server: the one through which the lease was made', [a, b], [holding(b.uid, EU)], ['b']],
    ['that replaces one which is gone: the first by name', [b, a], [holding('gone', EU)], ['a']],
    ['that replaces one which is being deleted', [leaving(a), b], [holding(a.uid, EU)], ['b']],
    [
      'that is being deleted, as long as no other replaces it',
      [leaving(a), toUS],
      [holding(a.uid, EU)],
      ['a'],
    ],
    ['of several that are being deleted', [leaving(a), leaving(b)], [holding(b.uid, EU)], ['b']],
    [
      'that holds a lease of an object whose spec cannot be read',
      [a],
      [holding(a.uid, EU, { spec: invalidSpec })],
      ['a'],
    ],
    [
      'that is named, though its own spec cannot be read',
      [{ ...a, spec: invalidSpec }],
      [aLeaseRecord({ spec: naming('a') })],
      ['a'],
    ],
  ])('%s', (_what, connections, leases, expected) => {
    expect(used(connections, leases)).toEqual(expected);
  });
});

describe('in use by a DynamicSecret is a connection', () => {
  const declaring = aDynamicSecretRecord({ connectionRef: { kind: 'InfisicalConnection', name: 'a' } });
  const { place } = declaring.status;
  const madeThrough = (connection: ConnectionRecord): DynamicSecretRecord => {
    const { name, uid } = connection;
    const identity = anIdentity({ name, uid, host: EU });
    const elsewhere = aDynamicSecretRecord({ connectionRef: { kind: 'InfisicalConnection', name: 'none' } });
    return { ...elsewhere, status: place === undefined ? {} : { place: { ...place, connection: identity } } };
  };
  const leavingIt = { deletedAt: NOW, hasFinalizer: false };

  test.each<[string, readonly ConnectionRecord[], DynamicSecretRecord, readonly string[]]>([
    ['that it names', [a, b], { ...declaring, status: {} }, ['a']],
    ['that it names, while it is being deleted', [a], { ...declaring, deletedAt: NOW }, ['a']],
    ['through which it was made', [a, b], madeThrough(b), ['b']],
    ['that replaces one through which it was made', [a], madeThrough({ ...b, uid: 'gone' }), ['a']],
    ['never, once it was let go', [a, b], { ...declaring, ...leavingIt }, []],
  ])('%s', (_what, connections, declared, expected) => {
    expect(used(connections, [], [declared])).toEqual(expected);
  });

  test('of the cluster that it names', () => {
    const shared: ConnectionRecord = {
      ...aConnection('shared'),
      kind: 'ClusterInfisicalConnection',
      key: 'shared',
      namespace: '',
    };
    const connectionRef = { kind: 'ClusterInfisicalConnection', name: 'shared' } as const;
    const declared = { ...aDynamicSecretRecord({ connectionRef }), status: {} };
    expect(used([shared], [], [declared])).toEqual(['shared']);
    expect(used([shared], [], [{ ...declared, ...leavingIt }])).toEqual([]);
  });
});

describe('in use is no connection', () => {
  test.each<[string, readonly ConnectionRecord[], readonly LeaseRecord[]]>([
    ['where there are no leases', [a, b], []],
    [
      'of another server, though the lease was made through it',
      [{ ...toUS, uid: a.uid }],
      [holding(a.uid, EU)],
    ],
    [
      'for an object that is on its way without our finalizer',
      [a],
      [holding(a.uid, EU, { spec: naming('a'), hasFinalizer: false, deletedAt: NOW })],
    ],
    ['for an object that names another', [a, toUS], [aLeaseRecord({ spec: naming('b'), status: {} })]],
    ['for an object that was never served', [a], [aLeaseRecord({ spec: invalidSpec, status: {} })]],
  ])('%s', (_what, connections, leases) => {
    expect(used(connections, leases)).toEqual([]);
  });
});

describe('what an object uses', () => {
  const one = holding(a.uid, EU);

  test.each<[string, LeaseRecord | undefined, LeaseRecord | undefined, boolean]>([
    [
      'is the same after a rotation',
      one,
      { ...one, status: { ...one.status, ...retiring(a.uid, EU) } },
      true,
    ],
    ['is the same when its deletion begins', one, { ...one, deletedAt: NOW }, true],
    ['is the same when it takes its finalizer', { ...one, hasFinalizer: false }, one, true],
    ['is other when it names another connection', one, { ...one, spec: naming('b') }, false],
    ['is other when a lease is made through another', one, holding(b.uid, EU), false],
    ['is other when it comes', undefined, one, false],
    [
      'is other when it is let go',
      { ...one, deletedAt: NOW },
      { ...one, deletedAt: NOW, hasFinalizer: false },
      false,
    ],
    ['is nothing once it was let go', undefined, { ...one, deletedAt: NOW, hasFinalizer: false }, true],
  ])('%s', (_what, before, after, same) => {
    expect(usesOf(before) === usesOf(after)).toBe(same);
  });
});
