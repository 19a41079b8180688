import { expect, test } from 'vitest';

import type { Grant } from '../../../../src/api/cluster-connection.ts';
import { manageAdmission } from '../../../../src/reconcile/connection/manage-admission.ts';
import type { ConnectionRecord } from '../../../../src/reconcile/ports.ts';
import { aConnection, invalidSpec } from '../../../support/builders.ts';

const own = aConnection('infisical');
const shared = (grants: readonly Grant[]): ConnectionRecord => ({
  ...aConnection('shared'),
  kind: 'ClusterInfisicalConnection',
  key: 'shared',
  namespace: '',
  grants,
});

const place = { projectSlug: 'shop', environmentSlug: 'prod', path: '/', name: 'orders' };
const byOwn = { ...place, connectionRef: { kind: 'InfisicalConnection', name: 'infisical' } } as const;
const byShared = { ...place, connectionRef: { kind: 'ClusterInfisicalConnection', name: 'shared' } } as const;

interface Row {
  readonly spec: typeof byOwn | typeof byShared;
  readonly connections: readonly ConnectionRecord[];
  readonly scope?: 'cluster' | 'namespaces';
  readonly is: string;
}

const rows: Readonly<Record<string, Row>> = {
  'through a connection of the namespace': { spec: byOwn, connections: [own], is: 'admitted' },
  'through none': { spec: byOwn, connections: [], is: 'ConnectionNotFound' },
  'by a grant that says manage': {
    spec: byShared,
    connections: [shared([{ namespaces: ['shop'], manage: true }])],
    is: 'admitted',
  },
  'by a grant to lease alone': {
    spec: byShared,
    connections: [shared([{ namespaces: ['shop'] }])],
    is: 'NotGranted: the grant that covers it lets it be leased, and not declared',
  },
  'by one grant for the place and another that says manage elsewhere': {
    spec: byShared,
    connections: [
      shared([{ namespaces: ['shop'] }, { namespaces: ['shop'], projects: ['other'], manage: true }]),
    ],
    is: 'NotGranted: the grant that covers it lets it be leased, and not declared',
  },
  'by a grant to another namespace': {
    spec: byShared,
    connections: [shared([{ namespaces: ['other'], manage: true }])],
    is: 'NotGranted: no grant covers the namespace',
  },
  'through a cluster connection that cannot be read': {
    spec: byShared,
    connections: [{ ...shared([{ namespaces: ['shop'], manage: true }]), spec: invalidSpec }],
    is: 'InvalidSpec',
  },
  'through a cluster connection where there are none': {
    spec: byShared,
    connections: [shared([{ namespaces: ['shop'], manage: true }])],
    scope: 'namespaces',
    is: 'ClusterConnectionsOff',
  },
};

test.each(Object.entries(rows))('to declare %s', (_how, { spec, connections, scope = 'cluster', is }) => {
  const answer = manageAdmission(
    {
      connections: { get: (key) => connections.find((one) => one.key === key) },
      scope,
      labelsOf: () => undefined,
    },
    'shop',
    spec,
  );
  const found = answer.admitted ? 'admitted' : `${answer.fault.code}: ${answer.fault.message}`;
  const [code = '', words = ''] = is.split(': ');
  expect(found.startsWith(code)).toBe(true);
  expect(found).toContain(words);
});
