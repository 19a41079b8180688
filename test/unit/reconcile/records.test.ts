import { describe, expect, test } from 'vitest';
import { ZodError } from 'zod';

import { DYNAMIC_SECRET_FINALIZER, FINALIZER, FORCE_DELETE_ANNOTATION } from '../../../src/api/names.ts';
import {
  connectionRecord,
  dynamicSecretRecord,
  leaseRecord,
  namespaceRecord,
  secretRecord,
} from '../../../src/reconcile/records.ts';
import { aSpec, aStatus } from '../../support/builders.ts';

const metadata = { name: 'orders-db', namespace: 'shop', uid: 'uid-1', resourceVersion: '7' };
const connection = {
  hostAPI: 'https://infisical.example.com/api',
  auth: { token: { secretKeyRef: { name: 'identity', key: 'token' } } },
};

/** The message of a spec's fault, or "valid". */
function messageOf(record: { spec: { valid: true } | { valid: false; fault: { message: string } } }): string {
  return record.spec.valid ? 'valid' : record.spec.fault.message;
}

describe('the record of a lease', () => {
  test('is what the API server says', () => {
    const raw = {
      kind: 'DynamicSecretLease',
      metadata: {
        ...metadata,
        generation: 3,
        finalizers: ['example.com/theirs', FINALIZER],
        deletionTimestamp: '2026-01-01T00:00:00Z',
        managedFields: [{ manager: 'kubectl' }],
      },
      spec: aSpec({ ttl: '1h' }),
      status: aStatus(),
    };
    expect(leaseRecord(raw)).toEqual({
      key: 'shop/orders-db',
      ...metadata,
      generation: 3,
      createdAt: 0,
      deletedAt: Date.UTC(2026, 0, 1),
      finalizers: ['example.com/theirs', FINALIZER],
      rotate: undefined,
      asked: [],
      hasFinalizer: true,
      spec: { valid: true, value: aSpec({ ttl: '1h' }) },
      status: aStatus(),
    });
  });

  test('keeps the spec that is known of the same generation of the same object, and reads any other', () => {
    const raw = { metadata: { ...metadata, generation: 3 }, spec: aSpec() };
    const before = leaseRecord(raw);
    const known = (key: string): typeof before | undefined => (key === before.key ? before : undefined);
    expect(leaseRecord(raw, known).spec).toBe(before.spec);
    const changed = { metadata: { ...metadata, generation: 4 }, spec: aSpec({ ttl: '3h' }) };
    expect(leaseRecord(changed, known).spec).toEqual({ valid: true, value: aSpec({ ttl: '3h' }) });
    const another = { metadata: { ...raw.metadata, uid: 'another' }, spec: aSpec({ ttl: '4h' }) };
    expect(leaseRecord(another, known).spec).toEqual({ valid: true, value: aSpec({ ttl: '4h' }) });
  });

  test('fills in what is left out: path, kind of the connection, lists', () => {
    const { dynamicSecret, connectionRef } = aSpec();
    const { path: _path, ...withoutPath } = dynamicSecret;
    const spec = { connectionRef: { name: connectionRef.name }, dynamicSecret: withoutPath };
    expect(leaseRecord({ metadata, spec })).toEqual({
      key: 'shop/orders-db',
      ...metadata,
      generation: 0,
      createdAt: 0,
      deletedAt: undefined,
      finalizers: [],
      rotate: undefined,
      asked: [],
      hasFinalizer: false,
      spec: { valid: true, value: aSpec() },
      status: {},
    });
  });

  const { dynamicSecret } = aSpec();
  test.each<[string, unknown, string]>([
    ['no spec at all', undefined, 'spec is not what this version accepts.'],
    ['no connection', { dynamicSecret }, 'spec.connectionRef must be given beside dynamicSecret'],
    [
      'nothing to lease',
      { connectionRef: { name: 'infisical' } },
      'spec must have exactly one of dynamicSecret',
    ],
    [
      'a dynamic secret and a DynamicSecret to lease',
      { ...aSpec(), dynamicSecretRef: { name: 'orders' } },
      'spec must have exactly one of dynamicSecret',
    ],
    [
      'a path that climbs',
      aSpec({ dynamicSecret: { ...dynamicSecret, path: '/../x' } }),
      'spec.dynamicSecret.path must be',
    ],
    ['a ttl that is too short', aSpec({ ttl: '1s' }), 'spec.ttl'],
    [
      'a config that takes our key',
      aSpec({ config: { leaseholder: {} } }),
      'spec.config must not have the key leaseholder',
    ],
    [
      'a label of somebody reserved',
      aSpec({ secret: { labels: { 'kubernetes.io/x': '' } } }),
      'spec.secret.labels',
    ],
  ])('with %s has a fault that names the field, and quotes nothing', (_what, spec, words) => {
    const message = messageOf(leaseRecord({ metadata, spec }));
    expect(message).toContain(words);
    expect(message).not.toContain('1s');
    expect(message).not.toContain('..');
  });

  test.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['a text', 'ready'],
    ['a lease that is none', { lease: { id: 7 } }],
    ['more retiring leases than fit', { retiring: Array.from({ length: 17 }, () => aStatus().lease) }],
  ])('counts a status that cannot be read as empty: %s', (_what, status) => {
    expect(leaseRecord({ metadata, spec: aSpec(), status }).status).toEqual({});
  });

  test('drops what a newer version may have written into the status', () => {
    const status = { ...aStatus(), ofLater: true };
    expect(leaseRecord({ metadata, spec: aSpec(), status }).status).toEqual(aStatus());
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no metadata', {}],
    ['no uid', { metadata: { name: 'a', resourceVersion: '1' } }],
    ['no version', { metadata: { name: 'a', uid: 'b' } }],
  ])('cannot be made of %s', (_what, raw) => {
    expect(() => leaseRecord(raw)).toThrow(ZodError);
  });
});

describe('the record of a connection', () => {
  test('of the cluster has its name alone for a key, and its grants apart from what leads to the server', () => {
    const grants = [{ namespaces: ['shop'] }];
    const { namespace: _none, ...clusterWide } = metadata;
    const raw = { metadata: { ...clusterWide, name: 'shared' }, spec: { ...connection, grants } };
    expect(connectionRecord(raw)).toMatchObject({
      kind: 'ClusterInfisicalConnection',
      key: 'shared',
      namespace: '',
      spec: { valid: true, value: connection },
      grants,
    });
    expect(connectionRecord({ ...raw, spec: connection }).grants).toEqual([]);
  });

  test('of the cluster grants nothing where its spec cannot be read', () => {
    const spec = { ...connection, grants: [{ projects: ['shop'] }] };
    const { namespace: _none, ...clusterWide } = metadata;
    expect(connectionRecord({ metadata: clusterWide, spec })).toMatchObject({
      spec: {
        valid: false,
        fault: {
          message: "The connection's spec.grants.0 must say to whom: namespaces, namespaceSelector or both.",
        },
      },
      grants: [],
    });
  });

  test('is what the API server says', () => {
    const status = { observedGeneration: 2, host: 'https://infisical.example.com' };
    const raw = { metadata: { ...metadata, generation: 2 }, spec: connection, status };
    expect(connectionRecord(raw)).toEqual({
      kind: 'InfisicalConnection',
      grants: [],
      key: 'shop/orders-db',
      ...metadata,
      deletedAt: undefined,
      finalizers: [],
      generation: 2,
      spec: { valid: true, value: connection },
      status,
    });
  });

  test.each<[string, unknown, string]>([
    ['no spec', undefined, "The connection's spec is not what this version accepts."],
    ['no address', { auth: connection.auth }, "The connection's spec.hostAPI"],
    [
      'no way to log in',
      { ...connection, auth: {} },
      "The connection's spec.auth must name exactly one method: universal, kubernetes, oidc, jwt, aws, azure, gcp, ldap or token.",
    ],
    [
      'two ways to log in',
      { ...connection, auth: { ...connection.auth, universal: universal() } },
      "The connection's spec.auth must name exactly one method: universal, kubernetes, oidc, jwt, aws, azure, gcp, ldap or token.",
    ],
  ])('with %s has a fault that names the field', (_what, spec, words) => {
    const record = connectionRecord({ metadata, spec, status: 'unreadable' });
    expect(messageOf(record)).toContain(words);
    expect(record.status).toEqual({});
  });
});

describe('the record of a Secret', () => {
  test('is its metadata, and never its data', () => {
    const raw = {
      metadata: {
        ...metadata,
        labels: { a: 'b' },
        annotations: { c: 'd' },
        ownerReferences: [{ uid: 'owner-1', kind: 'X' }, { uid: 'owner-2' }],
      },
      data: { PASSWORD: 'c2VjcmV0' },
    };
    const record = secretRecord(raw);
    expect(record).toEqual({
      key: 'shop/orders-db',
      ...metadata,
      labels: { a: 'b' },
      annotations: { c: 'd' },
      owners: ['owner-1', 'owner-2'],
      terminating: false,
    });
    expect(JSON.stringify(record)).not.toContain('c2VjcmV0');
  });

  test('without anything optional is empty', () => {
    expect(secretRecord({ metadata })).toMatchObject({
      labels: {},
      annotations: {},
      owners: [],
      terminating: false,
    });
  });

  test('that is being deleted is terminating', () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(secretRecord({ metadata: { ...metadata, deletionTimestamp } }).terminating).toBe(true);
  });

  test('of a dry run has no version', () => {
    const { resourceVersion: _none, ...unstored } = metadata;
    expect(secretRecord({ metadata: unstored }).resourceVersion).toBe('');
  });
});

function universal(): object {
  const source = { secretKeyRef: { name: 'identity', key: 'id' } };
  return { clientId: source, clientSecret: source };
}

describe('the record of a DynamicSecret', () => {
  const spec = {
    connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
    name: 'orders-postgres',
    projectSlug: 'shop',
    environmentSlug: 'prod',
    path: '/',
    defaultTTL: '1h',
    provider: { type: 'redis', inputs: { host: 'db.example.com' } },
  };
  const status = { users: 2 };

  test('is what the API server says', () => {
    const deletion = { generation: 3, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const finalizers = ['example.com/theirs', DYNAMIC_SECRET_FINALIZER];
    expect(dynamicSecretRecord({ metadata: { ...metadata, ...deletion, finalizers }, spec, status })).toEqual(
      {
        key: 'shop/orders-db',
        ...metadata,
        generation: 3,
        deletedAt: Date.UTC(2026, 0, 1),
        finalizers,
        hasFinalizer: true,
        forced: false,
        spec: { valid: true, value: spec },
        status,
      },
    );
  });

  test.each([
    ['true', true],
    ['yes', false],
    ['', false],
  ])('is forced by the word true alone, not by "%s"', (value, forced) => {
    const annotations = { [FORCE_DELETE_ANNOTATION]: value };
    expect(dynamicSecretRecord({ metadata: { ...metadata, annotations }, spec }).forced).toBe(forced);
  });

  test('has a fault that names the field where the spec cannot be read, and an empty status where that cannot', () => {
    const record = dynamicSecretRecord({ metadata, spec: { ...spec, name: 7 }, status: { users: 'two' } });
    expect(messageOf(record)).toBe('spec.name is not what this version accepts.');
    expect(record.status).toEqual({});
  });
});

test('the record of a namespace says whether it is being deleted', () => {
  const named = { ...metadata, name: 'shop', namespace: '', labels: { team: 'shop' } };
  const kept = { key: 'shop', uid: 'uid-1', resourceVersion: '7', labels: { team: 'shop' } };
  expect(namespaceRecord({ metadata: named })).toEqual({ ...kept, terminating: false });
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  expect(namespaceRecord({ metadata: { ...named, deletionTimestamp } })).toEqual({
    ...kept,
    terminating: true,
  });
});
