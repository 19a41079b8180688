import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startControlPlane, type ControlPlane } from '../../../sandbox/control-plane/control-plane.ts';
import { serviceAccountUser } from '../../../sandbox/control-plane/service-account.ts';
import { connect } from '../../../src/kube/connect.ts';
import { fedStore } from '../../../src/kube/store.ts';
import {
  objectStreams,
  referrers,
  watchReferences,
} from '../../../src/reconcile/references/reference-watches.ts';
import { referencesOf } from '../../../src/reconcile/references/references.ts';
import type { ConnectionRecord } from '../../../src/reconcile/ports.ts';
import { standardTiming, type Timing } from '../../../src/timing.ts';
import { aConnection } from '../../support/builders.ts';
import { memoryLog, memoryMetrics, type Line } from '../../unit/kube/support/telemetry.ts';
import { clientOf, clock, configMaps, namespaces, secrets, type Client } from './support/reflect.ts';

/** Within this time a change that is watched is told, in milliseconds. */
const AT_ONCE = 2000;
const atOnce = { timeout: AT_ONCE, interval: 10 };
const patience = { timeout: 20_000, interval: 20 };

const NAMESPACE = 'shop';

let plane: ControlPlane;
let admin: Client;

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: false });
  admin = await clientOf(plane);
  await admin.of(namespaces).create(undefined, { metadata: { name: NAMESPACE } });
});

afterAll(async () => {
  await admin[Symbol.asyncDispose]();
  await plane.stop();
});

/** A connection that names one Secret. */
function connectionTo(name: string, secret: string): ConnectionRecord {
  const value = {
    hostAPI: 'https://infisical.example.com',
    auth: { token: { secretKeyRef: { name: secret, key: 'token' } } },
  };
  return { ...aConnection(name), spec: { valid: true, value } };
}

/** Lets an account do something with objects of these names, and with no others. */
async function grant(account: string, names: readonly string[], verbs: readonly string[]): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const name = `${account}-${verbs.join('-')}`;
  const items = [
    {
      apiVersion: `${group}/v1`,
      kind: 'Role',
      metadata: { name, namespace: NAMESPACE },
      rules: [{ apiGroups: [''], resources: ['secrets', 'configmaps'], resourceNames: names, verbs }],
    },
    {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata: { name, namespace: NAMESPACE },
      roleRef: { apiGroup: group, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: NAMESPACE }],
    },
  ];
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const { exitCode, stderr } = await plane.kubectlRun(['apply', '-f', '-'], { input });
  if (exitCode !== 0) throw new Error(stderr);
}

interface Following extends AsyncDisposable {
  /** The connections that were to be rechecked, in order. */
  readonly told: readonly string[];
  /** When the last of them was told, in elapsed milliseconds. */
  readonly toldAt: number;
  readonly lines: readonly Line[];
  /** What each watch was answered, line by line, behind its selector: an event, or "failed". */
  readonly answers: readonly string[];
}

/** Follows what connections name, as a service account. */
async function follow(
  account: string,
  connections: readonly ConnectionRecord[],
  other: Partial<Timing> = {},
): Promise<Following> {
  const kubeconfig = await plane.serviceAccountKubeconfig({ namespace: NAMESPACE, name: account });
  const client = await clientOf(plane, await connect({ kubeconfig, clock }));
  const store = fedStore<ConnectionRecord>({ indexes: {} });
  for (const connection of connections) store.apply(connection);
  const { log, lines } = memoryLog();
  const { metrics } = memoryMetrics();
  const timing = { ...standardTiming, ...other };
  const answers: string[] = [];
  const transport: Client['transport'] = {
    ...client.transport,
    async *stream(request, options) {
      try {
        for await (const line of client.transport.stream(request, options)) {
          answers.push(`${String(request.query?.['fieldSelector'])} ${JSON.stringify(line)}`);
          yield line;
        }
      } catch (error) {
        answers.push(`${String(request.query?.['fieldSelector'])} failed`);
        throw error;
      }
    },
  };
  const told: string[] = [];
  let toldAt = clock.elapsed();
  const watches = watchReferences({
    referrers: [
      referrers({
        kind: 'connection',
        store,
        referencesOf: (connection) => referencesOf(connection, 'leaseholder-system'),
        recheck(connection) {
          told.push(connection);
          toldAt = clock.elapsed();
        },
      }),
    ],
    open: objectStreams({ transport, clock, timing, log, metrics }),
    clock,
    timing,
    log,
  });
  return {
    told,
    get toldAt() {
      return toldAt;
    },
    lines,
    answers,
    async [Symbol.asyncDispose]() {
      await watches.close();
      await client[Symbol.asyncDispose]();
    },
  };
}

/** Every request of an account, with the name that the API server took it to be about. */
async function askedBy(account: string): Promise<readonly string[]> {
  const user = serviceAccountUser({ namespace: NAMESPACE, name: account });
  const requests = (await plane.audit.events()).filter((event) => event.user === user);
  return requests.map(({ verb, resource, name }) => `${verb} ${resource} ${String(name)}`);
}

const write = (name: string, token: string): Promise<unknown> =>
  admin.of(secrets).mergePatch({ namespace: NAMESPACE, name }, { stringData: { token } });

/** Whether the watch of an object has shown how it is. */
function isSighted({ answers }: Following, name: string): boolean {
  return answers.some(
    (answer) => answer.startsWith(`metadata.name=${name} `) && answer.includes('initial-events-end'),
  );
}

describe('what connections refer to', () => {
  test('is watched by name, with a right to those names alone: a change is told within two seconds', async () => {
    const account = 'by-name';
    await admin
      .of(secrets)
      .create(NAMESPACE, { metadata: { name: 'login' }, stringData: { token: 'hunter2' } });
    await admin.of(secrets).create(NAMESPACE, { metadata: { name: 'other' } });
    await grant(account, ['login', 'late', 'ca'], ['watch']);
    const trusting = connectionTo('trusting', 'login');
    if (!trusting.spec.valid) throw new RangeError('It is valid.');
    const caBundle = { configMapKeyRef: { name: 'ca', key: 'ca.crt' } };
    await using following = await follow(account, [
      connectionTo('one', 'login'),
      connectionTo('waiting', 'late'),
      { ...trusting, spec: { valid: true, value: { ...trusting.spec.value, caBundle } } },
    ]);
    const { told, answers, lines } = following;
    for (const name of ['login', 'late', 'ca'])
      await expect.poll(() => isSighted(following, name), patience).toBe(true);
    expect(told).toEqual([]);

    await write('other', 'hunter3');
    await write('login', 'hunter4');
    await expect.poll(() => told.toSorted(), atOnce).toEqual(['shop/one', 'shop/trusting']);

    await admin
      .of(secrets)
      .create(NAMESPACE, { metadata: { name: 'late' }, stringData: { token: 'hunter5' } });
    await expect.poll(() => told.slice(2), atOnce).toEqual(['shop/waiting']);
    await admin.of(configMaps).create(NAMESPACE, { metadata: { name: 'ca' } });
    await expect.poll(() => told.slice(3), atOnce).toEqual(['shop/trusting']);

    // Of what it may not watch, and of what is in it, nothing has come.
    expect(answers.join('\n')).not.toMatch(/"data"|"other"|aHVudGVy|hunter/);
    expect(lines).toEqual([]);
    expect((await askedBy(account)).toSorted()).toEqual([
      'watch configmaps ca',
      'watch secrets late',
      'watch secrets login',
    ]);
  });

  test('is looked at without the right to watch, and watched once it is granted', async () => {
    const account = 'without';
    const interval = 1000;
    await admin.of(secrets).create(NAMESPACE, { metadata: { name: 'barred' } });
    const quick = { referenceInterval: interval, referenceRetry: 4 * interval };
    await using following = await follow(account, [connectionTo('barred', 'barred')], quick);
    const { told, answers, lines } = following;
    await expect.poll(() => lines.length, patience).toBe(1);
    expect(lines[0]).toMatchObject({
      level: 'info',
      fields: { kind: 'Secret', namespace: NAMESPACE, name: 'barred', right: 'list and watch secrets' },
    });
    const looks = told.length;
    await write('barred', 'hunter2');
    await expect.poll(() => told.length, { ...patience, timeout: interval + AT_ONCE }).toBeGreaterThan(looks);
    expect(new Set(told)).toEqual(new Set(['shop/barred']));
    expect(new Set(answers)).toEqual(new Set(['metadata.name=barred failed']));
    // Refused, it is not asked for again and again.
    expect(new Set(await askedBy(account))).toEqual(new Set(['watch secrets barred']));
    expect((await askedBy(account)).length).toBeLessThan(4);

    await grant(account, ['barred'], ['watch']);
    await expect.poll(() => isSighted(following, 'barred'), patience).toBe(true);
    // The looks cease, the last of them after the first sight.
    await expect.poll(() => clock.elapsed() - following.toldAt, patience).toBeGreaterThan(2 * interval);
    const watched = told.length;
    await write('barred', 'hunter3');
    await expect.poll(() => told.length, atOnce).toBeGreaterThan(watched);
    expect(lines).toHaveLength(1);
  });
});
