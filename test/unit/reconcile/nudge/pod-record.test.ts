import { describe, expect, test } from 'vitest';

import { podRecord } from '../../../../src/reconcile/nudge/pod-record.ts';

const metadata = {
  name: 'orders-0',
  namespace: 'shop',
  uid: 'pod-uid',
  resourceVersion: '7',
  creationTimestamp: '2026-01-01T12:00:00Z',
  labels: { app: 'orders' },
};

interface Parts {
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: object;
}

function pod({ metadata: more = {}, spec = {}, status = { phase: 'Running' } }: Parts = {}): object {
  return {
    metadata: { ...metadata, ...more },
    spec: { containers: [{ name: 'app', image: 'example.com/app' }], ...spec },
    status,
  };
}

const container = (...volumeMounts: readonly object[]): object => ({ name: 'app', volumeMounts });
const mount = (name: string, more: object = {}): object => ({ name, mountPath: `/${name}`, ...more });
const ofSecret = (name: string, secretName: string): object => ({ name, secret: { secretName } });
const projected = (name: string, ...sources: readonly object[]): object => ({ name, projected: { sources } });
const token = projected(
  'kube-api-access',
  { serviceAccountToken: { path: 'token' } },
  { configMap: { name: 'ca' } },
);

describe('of a pod is kept', () => {
  test('next to nothing', () => {
    expect(podRecord(pod())).toEqual({
      key: 'shop/orders-0',
      namespace: 'shop',
      name: 'orders-0',
      uid: 'pod-uid',
      resourceVersion: '7',
      createdAt: Date.UTC(2026, 0, 1, 12),
      runs: true,
      secrets: [],
      nudges: {},
    });
  });

  test('what it was nudged for, and no other annotation', () => {
    const annotations = { 'nudge.leaseholder.dev/orders-db': 'lease-1', 'example.com/note': 'x' };
    expect(podRecord(pod({ metadata: { annotations } })).nudges).toEqual({
      'nudge.leaseholder.dev/orders-db': 'lease-1',
    });
  });
});

describe('it runs', () => {
  test.each<[what: string, parts: Parts, runs: boolean]>([
    ['when nobody has said anything of it yet', { status: {} }, true],
    ['while it waits', { status: { phase: 'Pending' } }, true],
    ['while its node is not heard of', { status: { phase: 'Unknown' } }, true],
    ['no more when it has succeeded', { status: { phase: 'Succeeded' } }, false],
    ['no more when it has failed', { status: { phase: 'Failed' } }, false],
    ['no more when it is being deleted', { metadata: { deletionTimestamp: '2026-01-01T12:30:00Z' } }, false],
  ])('%s', (_when, parts, runs) => {
    expect(podRecord(pod(parts)).runs).toBe(runs);
  });
});

describe('it mounts', () => {
  test.each<[what: string, spec: object, secrets: readonly string[]]>([
    [
      'a volume',
      { volumes: [token, ofSecret('db', 'orders-db')], containers: [container(mount('db'))] },
      ['orders-db'],
    ],
    [
      'a part of a projected volume',
      {
        volumes: [
          projected(
            'all',
            { configMap: { name: 'a' } },
            { secret: { name: 'orders-db' } },
            { secret: { name: 'b' } },
          ),
        ],
        containers: [container(mount('all'))],
      },
      ['orders-db', 'b'],
    ],
    [
      'one Secret by two volumes',
      {
        volumes: [ofSecret('one', 'orders-db'), ofSecret('two', 'orders-db')],
        containers: [container(mount('one'), mount('two'))],
      },
      ['orders-db'],
    ],
    [
      'a volume in an init container, which may be a sidecar',
      { volumes: [ofSecret('db', 'orders-db')], initContainers: [container(mount('db'))] },
      ['orders-db'],
    ],
    [
      'a volume in an ephemeral container',
      { volumes: [ofSecret('db', 'orders-db')], ephemeralContainers: [container(mount('db'))] },
      ['orders-db'],
    ],
    ['nothing that no container mounts', { volumes: [ofSecret('db', 'orders-db')] }, []],
    [
      'nothing by subPath, which no kubelet updates',
      {
        volumes: [ofSecret('db', 'orders-db')],
        containers: [container(mount('db', { subPath: 'a' }), mount('db', { subPathExpr: '$(A)' }))],
      },
      [],
    ],
    [
      'the whole volume beside a subPath of it',
      {
        volumes: [ofSecret('db', 'orders-db')],
        containers: [container(mount('db', { subPath: 'a' })), container(mount('db'))],
      },
      ['orders-db'],
    ],
    [
      'nothing by its environment',
      { containers: [{ name: 'app', envFrom: [{ secretRef: { name: 'orders-db' } }] }] },
      [],
    ],
    [
      'nothing of what is empty or of another kind',
      {
        volumes: [
          { name: 'a', projected: { sources: null } },
          { name: 'b', emptyDir: {} },
          { name: 'c', secret: {} },
        ],
        containers: [container(mount('a'), mount('b'), mount('c'))],
      },
      [],
    ],
    ['nothing where there is nothing', { volumes: null, containers: null }, []],
  ])('%s', (_what, spec, secrets) => {
    expect(podRecord(pod({ spec })).secrets).toEqual(secrets);
  });
});

test('what is no pod is none', () => {
  expect(() => podRecord({ metadata, spec: { volumes: 'many' } })).toThrow('expected array');
});
