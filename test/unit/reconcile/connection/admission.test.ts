import { describe, expect, test } from 'vitest';

import type { Grant } from '../../../../src/api/cluster-connection.ts';
import { fault } from '../../../../src/errors.ts';
import { admission, type Admission } from '../../../../src/reconcile/connection/admission.ts';
import type { ConnectionRecord, LeaseRecord } from '../../../../src/reconcile/ports.ts';
import { aConnection, aLeaseRecord, aSpec, invalidSpec, valid } from '../../../support/builders.ts';

const own = aConnection('infisical');
const shared = (grants: readonly Grant[]): ConnectionRecord => ({
  ...aConnection('shared'),
  kind: 'ClusterInfisicalConnection',
  key: 'shared',
  namespace: '',
  grants,
});

interface World {
  readonly connections?: readonly ConnectionRecord[];
  readonly scope?: 'cluster' | 'namespaces';
  readonly labels?: Readonly<Record<string, string>>;
}

function asked(
  lease: LeaseRecord,
  { connections = [], scope = 'cluster', labels }: World,
): Admission | undefined {
  const get = (key: string): ConnectionRecord | undefined => connections.find((one) => one.key === key);
  return admission({ connections: { ...none, get }, scope, labelsOf: () => labels }, lease);
}

const none = {
  inNamespace: () => [],
  look: () => Promise.reject(new Error('An admission asks nobody.')),
  patch: () => Promise.reject(new Error('An admission writes nothing.')),
  patchStatus: () => Promise.reject(new Error('An admission writes nothing.')),
};

const byOwn = aLeaseRecord();
const byShared = aLeaseRecord({
  spec: valid(aSpec({ connectionRef: { kind: 'ClusterInfisicalConnection', name: 'shared' } })),
});
const { dynamicSecret } = aSpec();
const target = {
  projectSlug: dynamicSecret.projectSlug,
  environmentSlug: dynamicSecret.environmentSlug,
  path: dynamicSecret.path,
  dynamicSecret: dynamicSecret.name,
};

describe('an object may use', () => {
  test('a connection of its namespace', () => {
    expect(asked(byOwn, { connections: [own] })).toEqual({ admitted: true, connection: own });
  });

  test('a cluster connection that grants it, by the labels of its namespace too', () => {
    const connection = shared([{ namespaceSelector: { matchLabels: { team: 'orders' } } }]);
    expect(asked(byShared, { connections: [connection], labels: { team: 'orders' } })).toEqual({
      admitted: true,
      connection,
    });
  });
});

describe('an object may not use', () => {
  const refused = shared([{ namespaces: ['shop'], environments: ['dev'] }]);
  const broken: ConnectionRecord = {
    ...shared([]),
    spec: {
      valid: false,
      fault: fault('ConnectionInvalid', { field: 'spec.auth', rule: 'is not in order' }),
    },
  };

  test.each<[string, LeaseRecord, World, Partial<Admission & { admitted: false }>]>([
    [
      'one that does not exist',
      byOwn,
      {},
      { fault: fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: 'infisical' }) },
    ],
    [
      'a cluster connection of the name of one of its namespace',
      byOwn,
      { connections: [{ ...shared([{ namespaces: ['shop'] }]), name: 'infisical', key: 'infisical' }] },
      { fault: fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: 'infisical' }) },
    ],
    [
      'a connection of its namespace in place of one of the cluster',
      byShared,
      { connections: [{ ...own, name: 'shared', key: 'shop/shared' }] },
      { fault: fault('ConnectionNotFound', { kind: 'ClusterInfisicalConnection', name: 'shared' }) },
    ],
    [
      'one that does not grant it: it is told what is lacking',
      byShared,
      { connections: [refused], labels: {} },
      {
        fault: fault('NotGranted', {
          ...target,
          connection: 'shared',
          namespace: 'shop',
          lacking: 'environment',
        }),
        connection: refused,
      },
    ],
    [
      'one whose spec cannot be read, whatever it may have granted',
      byShared,
      { connections: [broken] },
      { fault: fault('ConnectionInvalid', { field: 'spec.auth', rule: 'is not in order' }) },
    ],
    [
      'any of the cluster where the operator looks after some namespaces only',
      byShared,
      { connections: [shared([{ namespaces: ['shop'] }])], scope: 'namespaces' },
      { fault: fault('ClusterConnectionsOff', { name: 'shared' }) },
    ],
  ])('%s', (_what, lease, world, expected) => {
    expect(asked(lease, world)).toMatchObject({ admitted: false, ...expected });
  });
});

test('of an object whose spec cannot be read nothing is known', () => {
  expect(asked(aLeaseRecord({ spec: invalidSpec }), { connections: [own] })).toBeUndefined();
});
