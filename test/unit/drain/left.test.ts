import { describe, expect, test } from 'vitest';

import { whatIsLeft, type Scope } from '../../../src/drain/left.ts';
import { dynamicSecretRecord, leaseRecord, secretRecord } from '../../../src/reconcile/records.ts';

const metadata = { name: 'orders', namespace: 'shop', uid: 'uid-1', resourceVersion: '7' };
const deleted = {
  ...metadata,
  deletionTimestamp: '2026-01-01T00:00:00Z',
  finalizers: ['leaseholder.dev/lease'],
};
const condition = {
  type: 'Reconciling',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
};
const failing = {
  ...condition,
  status: 'True',
  reason: 'RevocationFailed',
  message: 'The server could not.',
};
const fine = { ...condition, status: 'False', reason: 'Settled', message: 'Nothing is under way.' };
const lease = (meta: object, conditions: readonly object[] = []): ReturnType<typeof leaseRecord> =>
  leaseRecord({ metadata: meta, spec: {}, status: { conditions } });
const declared = (meta: object, conditions: readonly object[] = []): ReturnType<typeof dynamicSecretRecord> =>
  dynamicSecretRecord({ metadata: meta, spec: {}, status: { conditions } });
const leaving = { ...deleted, finalizers: ['leaseholder.dev/dynamic-secret'] };
const secret = (meta: object = {}): ReturnType<typeof secretRecord> =>
  secretRecord({ metadata: { ...metadata, uid: 'secret-1', ...meta } });

const nothing: Scope = {
  leases: [],
  dynamicSecrets: [],
  heldConnections: [],
  secrets: [],
  refusals: new Map(),
};

describe('what is left', () => {
  const cases: Record<string, { scope: Partial<Scope>; left: readonly string[] }> = {
    'nothing of nothing': { scope: {}, left: [] },
    'a lease whose deletion is not seen yet': {
      scope: { leases: [lease(metadata)] },
      left: ['DynamicSecretLease shop/orders: Its deletion has not been seen yet.'],
    },
    'a lease that may not be deleted': {
      scope: {
        leases: [lease(metadata)],
        refusals: new Map([['DynamicSecretLease shop/orders', 'Refused.']]),
      },
      left: ['DynamicSecretLease shop/orders: Refused.'],
    },
    'a lease on its way': {
      scope: { leases: [lease(deleted, [fine])] },
      left: ['DynamicSecretLease shop/orders: Its leases are being revoked.'],
    },
    'a lease that cannot be revoked, with the reason of its condition': {
      scope: { leases: [lease(deleted, [failing])] },
      left: ['DynamicSecretLease shop/orders: The server could not.'],
    },
    'a DynamicSecret that waits for leases, whatever is between them': {
      scope: { dynamicSecrets: [declared(metadata)], leases: [lease(metadata)] },
      left: [
        'DynamicSecretLease shop/orders: Its deletion has not been seen yet.',
        'DynamicSecret shop/orders: DynamicSecretLeases go first.',
      ],
    },
    'a DynamicSecret whose deletion is not seen yet': {
      scope: { dynamicSecrets: [declared(metadata)] },
      left: ['DynamicSecret shop/orders: Its deletion has not been seen yet.'],
    },
    'a DynamicSecret that may not be deleted': {
      scope: {
        dynamicSecrets: [declared(metadata)],
        refusals: new Map([['DynamicSecret shop/orders', 'Refused.']]),
      },
      left: ['DynamicSecret shop/orders: Refused.'],
    },
    'a DynamicSecret on its way': {
      scope: { dynamicSecrets: [declared(leaving, [fine])] },
      left: ['DynamicSecret shop/orders: It is being removed from the server.'],
    },
    'a DynamicSecret that cannot be removed, with the reason of its condition': {
      scope: { dynamicSecrets: [declared(leaving, [failing])] },
      left: ['DynamicSecret shop/orders: The server could not.'],
    },
    'a DynamicSecret that somebody else keeps': {
      scope: { dynamicSecrets: [declared({ ...deleted, finalizers: ['example.com/theirs'] })] },
      left: ['DynamicSecret shop/orders: A finalizer of another program keeps it.'],
    },
    'a lease that somebody else keeps': {
      scope: { leases: [lease({ ...deleted, finalizers: ['example.com/other'] }, [failing])] },
      left: ['DynamicSecretLease shop/orders: A finalizer of another program keeps it.'],
    },
    'a connection that leases need': {
      scope: { heldConnections: ['shop/infisical'] },
      left: [
        'InfisicalConnection shop/infisical: Leases still need it to be revoked, or dynamic secrets to be removed.',
      ],
    },
    'a Secret of a lease that is still there': {
      scope: {
        leases: [lease(deleted)],
        secrets: [secret({ ownerReferences: [{ uid: 'other' }, { uid: 'uid-1' }] })],
      },
      left: [
        'DynamicSecretLease shop/orders: Its leases are being revoked.',
        'Secret shop/orders: DynamicSecretLease shop/orders goes first.',
      ],
    },
    'a Secret that no object fills any more': {
      scope: { secrets: [secret()] },
      left: ['Secret shop/orders: No DynamicSecretLease fills it any more. Delete it when nobody reads it.'],
    },
    'a Secret that somebody else keeps': {
      scope: { secrets: [secret({ deletionTimestamp: '2026-01-01T00:00:00Z' })] },
      left: ['Secret shop/orders: A finalizer of another program keeps it.'],
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { scope, left }) => {
    expect(
      whatIsLeft({ ...nothing, ...scope }).map(({ kind, key, why }) => `${kind} ${key}: ${why}`),
    ).toEqual(left);
  });
});
