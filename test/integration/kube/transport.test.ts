import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTLS } from 'node:tls';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { startControlPlane, type ControlPlane } from '../../../sandbox/control-plane/control-plane.ts';
import { connect } from '../../../src/kube/connect.ts';
import {
  isAlreadyExists,
  isConflict,
  isDefinite,
  isNotFound,
  KubeError,
} from '../../../src/kube/kube-error.ts';
import type { KubeResource } from '../../../src/kube/resource.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { startRelay } from './support/relay.ts';
import { clientOf, configMaps, labelled, namespaces, secrets, type Client } from './support/reflect.ts';

let plane: ControlPlane;
let client: Client;

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: false });
  client = await clientOf(plane);
});

afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await plane.stop();
});

async function failureOf(promise: Promise<unknown>): Promise<KubeError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof KubeError)) throw new TypeError('It should have failed with a KubeError.');
  return outcome;
}

function maps(): KubeResource {
  return client.of(configMaps);
}

async function tokenOf(name: string): Promise<string> {
  await plane.serviceAccountKubeconfig({ namespace: 'default', name });
  const { stdout } = await plane.kubectlRun(['create', 'token', name, '--namespace=default']);
  return stdout.trim();
}

describe('connections', () => {
  test('are few and kept: 8 for 500 requests at once, and no more for 100 after another', async () => {
    await using relay = await startRelay(plane.server);
    await using relayed = await clientOf(plane, { server: relay.url });
    const kinds = relayed.of(namespaces);
    await Promise.all(Array.from({ length: 500 }, () => kinds.get({ name: 'default' })));
    for (let count = 0; count < 100; count += 1) await kinds.get({ name: 'default' });
    expect(relay.connections).toBeLessThanOrEqual(8);
  });

  test('speak HTTP/1.1 though the server would choose HTTP/2', async () => {
    const { port } = new URL(plane.server);
    const ca = await readFile(plane.caFile);
    const { promise, resolve, reject } = Promise.withResolvers<string | false | null>();
    const probe = connectTLS(
      { host: '127.0.0.1', port: Number(port), ca, ALPNProtocols: ['http/1.1', 'h2'] },
      () => {
        resolve(probe.alpnProtocol);
        probe.destroy();
      },
    );
    probe.once('error', reject);
    expect(await promise).toBe('h2');

    const protocols: unknown[] = [];
    const note = (message: unknown): void => {
      protocols.push((message as { socket: { alpnProtocol: unknown } }).socket.alpnProtocol);
    };
    subscribe('undici:client:connected', note);
    await using fresh = await clientOf(plane);
    await fresh.of(namespaces).get({ name: 'default' });
    unsubscribe('undici:client:connected', note);
    expect(protocols).toEqual(['http/1.1']);
  });
});

describe('the server', () => {
  test('tells its time', async () => {
    await client.of(namespaces).get({ name: 'default' });
    expect(Math.abs((client.transport.now() ?? 0) - Date.now())).toBeLessThan(2000);
  });

  test('is told who asks', async () => {
    const since = await plane.audit.size();
    await client.of(configMaps).list({ namespace: 'default' });
    const events = await plane.audit.events(since);
    expect(events.map(({ userAgent }) => userAgent)).toContain('leaseholder/test');
  });
});

describe('writes', () => {
  test('go from create over both patches to delete, guarded by resourceVersion and uid', async () => {
    const object = { namespace: 'default', name: 'guarded' };
    const body = { metadata: { name: object.name }, data: { a: '1' } };
    const created = labelled(await maps().create('default', body));
    expect(isAlreadyExists(await failureOf(maps().create('default', body)))).toBe(true);

    const patch = { metadata: { resourceVersion: created.resourceVersion }, data: { a: null, b: '2' } };
    const patched = z.looseObject({ data: z.unknown() }).parse(await maps().mergePatch(object, patch));
    expect(patched.data).toEqual({ b: '2' });
    expect(isConflict(await failureOf(maps().mergePatch(object, patch)))).toBe(true);

    const replace = { op: 'replace', path: '/metadata/resourceVersion', value: created.resourceVersion };
    const operations = [replace, { op: 'add', path: '/data', value: { c: '3' } }];
    expect(isConflict(await failureOf(maps().jsonPatch(object, operations)))).toBe(true);

    const { uid } = created;
    expect(isConflict(await failureOf(maps().delete(object, { uid: 'other' })))).toBe(true);
    expect(isConflict(await failureOf(maps().delete(object, { uid, resourceVersion: '1' })))).toBe(true);
    await maps().delete(object, { uid });
    expect(isNotFound(await failureOf(maps().get(object)))).toBe(true);
    expect(isNotFound(await failureOf(maps().delete(object, { uid })))).toBe(true);
  });

  test('carry our field manager', async () => {
    const created = await maps().create('default', { metadata: { name: 'managed' }, data: { a: '1' } });
    const managers = z.object({
      metadata: z.object({ managedFields: z.array(z.object({ manager: z.string() })) }),
    });
    expect(managers.parse(created).metadata.managedFields).toEqual([{ manager: 'leaseholder' }]);
  });

  test('as a rehearsal change nothing', async () => {
    await maps().create('default', { metadata: { name: 'rehearsed' } }, { dryRun: true });
    expect(isNotFound(await failureOf(maps().get({ namespace: 'default', name: 'rehearsed' })))).toBe(true);
  });

  test('that are invalid name the fields and never a value', async () => {
    const body = {
      metadata: { name: 'bad' },
      data: { 'hunter2 is no key': 'aHVudGVyMg==', fine: 'aHVudGVyMg==' },
    };
    const failure = await failureOf(client.of(secrets).create('default', body));
    expect(failure).toMatchObject({ status: 422, reason: 'Invalid' });
    expect(isDefinite(failure)).toBe(true);
    expect(`${failure.message} ${failure.fields.join()}`).not.toContain('hunter2');
    const label = { metadata: { name: 'bad', labels: { fine: 'not a label' } } };
    const fields = await failureOf(client.of(secrets).create('default', label));
    expect(fields.fields).toEqual(['metadata.labels']);
  });

  test('answered with metadata alone do not echo the data', async () => {
    const body = { metadata: { name: 'quiet' }, data: { password: 'aHVudGVyMg==' } };
    const created = await client.of(secrets).create('default', body, { metadataOnly: true });
    expect(created).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'quiet' } });
    expect(JSON.stringify(created)).not.toContain('aHVudGVyMg');
  });

  test('to a namespace that is not there are refused as not found', async () => {
    const failure = await failureOf(maps().create('nowhere', { metadata: { name: 'x' } }));
    expect(isNotFound(failure)).toBe(true);
  });
});

describe('credentials', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leaseholder-account-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  test('that are refused are read again from the file that was rotated meanwhile', async () => {
    await writeFile(join(folder, 'token'), 'outdated');
    await writeFile(join(folder, 'ca.crt'), await readFile(plane.caFile));
    await writeFile(join(folder, 'namespace'), 'default');
    const { hostname, port } = new URL(plane.server);
    const time = virtualClock();
    const access = await connect({ clock: time, inCluster: { host: hostname, port, folder } });
    time.advance(1000);
    await using account = await clientOf(plane, access);
    const kinds = account.of(namespaces);

    expect(await failureOf(kinds.get({ name: 'default' }))).toMatchObject({
      status: 401,
      reason: 'Unauthorized',
    });

    time.advance(1000);
    await writeFile(join(folder, 'token'), await tokenOf('rotated'));
    // Known now, and without any right.
    expect(await failureOf(kinds.get({ name: 'default' }))).toMatchObject({
      status: 403,
      reason: 'Forbidden',
    });
  });

  test('are those of a service account from its kubeconfig', async () => {
    const kubeconfig = await plane.serviceAccountKubeconfig({ namespace: 'team', name: 'reader' });
    const access = await connect({ clock: virtualClock(), kubeconfig });
    expect(access.namespace).toBe('team');
    await using account = await clientOf(plane, access);
    expect(await failureOf(account.of(secrets).list({ namespace: 'team' }))).toMatchObject({ status: 403 });
  });
});
