import { describe, expect, test } from 'vitest';

import type { Grant } from '../../../../src/api/cluster-connection.ts';
import { fault } from '../../../../src/errors.ts';
import { admission, type Admission } from '../../../../src/reconcile/connection/admission.ts';
import type { ConnectionRecord, DynamicSecretRecord, LeaseRecord } from '../../../../src/reconcile/ports.ts';
import {
  aConnection,
  aDynamicSecretRecord,
  aLeaseRecord,
  aReferringSpec,
  aSpec,
  invalidSpec,
  valid,
} from '../../../support/builders.ts';

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
  readonly declared?: readonly DynamicSecretRecord[];
  readonly scope?: 'cluster' | 'namespaces';
  readonly labels?: Readonly<Record<string, string>>;
}

function asked(
  lease: LeaseRecord,
  { connections = [], declared = [], scope = 'cluster', labels }: World,
): Admission | undefined {
  const get = (key: string): ConnectionRecord | undefined => connections.find((one) => one.key === key);
  const dynamicSecrets = {
    get: (key: string): DynamicSecretRecord | undefined => declared.find((one) => one.key === key),
  };
  return admission({ connections: { ...none, get }, dynamicSecrets, scope, labelsOf: () => labels }, lease);
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

const naming = (name: string): LeaseRecord =>
  aLeaseRecord({ spec: valid(aReferringSpec({ connectionRef: { kind: 'InfisicalConnection', name } })) });

describe('an object that refers to a DynamicSecret', () => {
  const referring = aLeaseRecord({ spec: valid(aReferringSpec()) });
  const declared = aDynamicSecretRecord();
  const far = aConnection('far', { hostAPI: 'https://eu.example.com' });
  const near = aConnection('near');

  test('uses the connection of that', () => {
    expect(asked(referring, { connections: [own], declared: [declared] })).toEqual({
      admitted: true,
      connection: own,
    });
  });

  test('uses a connection of its own to the same server', () => {
    const world = { connections: [own, near], declared: [declared] };
    expect(asked(naming('near'), world)).toEqual({ admitted: true, connection: near });
  });

  test('uses none of its own to another server', () => {
    expect(asked(naming('far'), { connections: [own, far], declared: [declared] })).toEqual({
      admitted: false,
      connection: far,
      fault: fault('ConnectionElsewhere', { connection: 'far', name: 'orders' }),
    });
  });

  test('uses the connection that made the dynamic secret, when that of the DynamicSecret leads elsewhere by now', () => {
    const moved = aDynamicSecretRecord({ connectionRef: { kind: 'InfisicalConnection', name: 'far' } });
    expect(asked(referring, { connections: [own, far], declared: [moved] })).toEqual({
      admitted: true,
      connection: own,
    });
    expect(asked(referring, { connections: [far], declared: [moved] })).toMatchObject({
      admitted: false,
      fault: fault('ConnectionElsewhere', { connection: 'far', name: 'orders', declaredBy: 'orders' }),
    });
  });

  test('is told whose connection does not exist', () => {
    expect(asked(referring, { declared: [declared] })).toMatchObject({
      fault: fault('ConnectionNotFound', {
        kind: 'InfisicalConnection',
        name: 'infisical',
        declaredBy: 'orders',
      }),
    });
  });

  test('needs a grant of what the DynamicSecret has on the server', () => {
    const declaredByShared = aDynamicSecretRecord({
      connectionRef: { kind: 'ClusterInfisicalConnection', name: 'shared' },
    });
    const given = shared([{ namespaces: ['shop'], projects: ['store'] }]);
    expect(asked(referring, { connections: [given], declared: [declaredByShared] })).toMatchObject({
      fault: fault('NotGranted', { ...target, connection: 'shared', namespace: 'shop', lacking: 'project' }),
    });
  });

  test('may use nothing while no place of it is known', () => {
    expect(asked(referring, { connections: [own] })).toBeUndefined();
  });
});
