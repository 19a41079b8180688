import { expect, test } from 'vitest';

import { usesOf } from '../../../src/check/uses.ts';
import { connectionRecord, leaseRecord } from '../../../src/reconcile/records.ts';

const meta = (name: string, namespace: string): object => ({
  name,
  namespace,
  uid: `uid-${name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
});

const auth = { token: { secretKeyRef: { name: 'login', key: 'token' } } };

const own = connectionRecord({
  metadata: meta('infisical', 'shop'),
  spec: { hostAPI: 'https://infisical.example.com', auth },
});

const shared = connectionRecord({
  metadata: meta('shared', ''),
  spec: {
    hostAPI: 'https://infisical.example.com',
    auth,
    grants: [{ namespaces: ['shop'], environments: ['test'] }],
  },
});

const lease = (
  name: string,
  connectionRef: object,
  environmentSlug: string,
): ReturnType<typeof leaseRecord> =>
  leaseRecord({
    metadata: meta(name, 'shop'),
    spec: { connectionRef, dynamicSecret: { name: 'orders', projectSlug: 'shop', environmentSlug } },
  });

const clusterRef = { kind: 'ClusterInfisicalConnection', name: 'shared' };

const seen = {
  scope: 'cluster',
  connections: new Map([own, shared].map((one) => [one.key, one])),
  dynamicSecrets: new Map<string, never>(),
  labelsOf: () => undefined,
} as const;

const leases = [
  lease('a', { name: 'infisical' }, 'prod'),
  lease('b', { name: 'infisical' }, 'prod'),
  lease('c', clusterRef, 'test'),
  lease('d', clusterRef, 'prod'),
  lease('e', { name: 'another' }, 'prod'),
];

test('each dynamic secret that objects use is asked about once, by that connection alone', () => {
  const found = usesOf(seen, own.key, { leases, dynamicSecrets: [] });
  const target = { projectSlug: 'shop', environmentSlug: 'prod', path: '/', dynamicSecret: 'orders' };
  expect(found).toEqual({
    uses: [{ target, by: ['DynamicSecretLease shop/a', 'DynamicSecretLease shop/b'] }],
    refused: [],
  });
});

test('what a cluster connection does not grant is a finding, and not asked about', () => {
  const { uses, refused } = usesOf(seen, shared.key, { leases, dynamicSecrets: [] });
  expect(uses.map(({ by }) => by)).toEqual([['DynamicSecretLease shop/c']]);
  expect(refused).toMatchObject([
    { check: 'grants', about: 'DynamicSecretLease shop/d', result: 'fails', reason: 'NotGranted' },
  ]);
});
