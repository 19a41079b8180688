import { afterEach, describe, expect, test } from 'vitest';

import type { KubeCredentials } from '../../../src/kube/access.ts';
import { watchObject, type ObjectWatch } from '../../../src/kube/object-watch.ts';
import { resource } from '../../../src/kube/resource.ts';
import { openTransport } from '../../../src/kube/transport.ts';
import { standardTiming } from '../../../src/timing.ts';
import { hastyClock } from './support/hasty-clock.ts';
import { refuse, type Handler } from './support/loopback.ts';
import { scriptedAPI, thing, type ScriptedAPI } from './support/scripted-api.ts';
import { memoryLog, memoryMetrics, type Line } from './support/telemetry.ts';

interface Started {
  readonly api: ScriptedAPI;
  readonly watch: ObjectWatch;
  /** "changed" and "forbidden", as they were told. */
  readonly told: readonly string[];
  readonly lines: readonly Line[];
}

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

function nobody(): Promise<KubeCredentials> {
  return Promise.resolve({ headers: {}, tls: {} });
}

/** Watches apps/a on a scripted server; time runs 20 times as fast. */
async function start(other?: Handler): Promise<Started> {
  const api = await scriptedAPI(other);
  const clock = hastyClock(20);
  const { metrics } = memoryMetrics();
  const { log, lines } = memoryLog();
  const transport = openTransport({
    access: { server: api.server.url, namespace: 'default', credentials: nobody, refresh: nobody },
    clock,
    timing: standardTiming,
    metrics,
    userAgent: 'leaseholder/test',
  });
  const told: string[] = [];
  const watch = watchObject({
    resource: resource(transport, { group: '', version: 'v1', plural: 'things', namespaced: true }),
    namespace: 'apps',
    name: 'a',
    clock,
    timing: standardTiming,
    log,
    metrics,
    onChange: () => void told.push('changed'),
    onForbidden: () => void told.push('forbidden'),
  });
  open.push(api, {
    async [Symbol.asyncDispose]() {
      await watch.close();
      await transport.close();
    },
  });
  return { api, watch, told, lines };
}

/** As `start`, with the object seen at version 3, or its absence. */
async function startSighted(exists = true): Promise<Started & { stream: Stream }> {
  const started = await start();
  const stream = await started.api.nextWatch();
  if (exists) stream.send('ADDED', thing('a', 3));
  stream.bookmark(10, true);
  await expect.poll(() => started.watch.sightedAt).toBeDefined();
  return { ...started, stream };
}

type Stream = Awaited<ReturnType<ScriptedAPI['nextWatch']>>;

describe('a watch of one object', () => {
  test('asks for the metadata of that name alone', async () => {
    const { api } = await start();
    const { path, query } = await api.nextWatch();
    expect(path).toBe('/api/v1/namespaces/apps/things');
    expect(query.get('fieldSelector')).toBe('metadata.name=a');
    expect(query.has('labelSelector')).toBe(false);
    expect(api.server.received[0]?.headers.accept).toContain('as=PartialObjectMetadata;');
  });

  test('tells what changes after it was first seen, not how it was found', async () => {
    const { watch, stream, told } = await startSighted();
    expect(told).toEqual([]);
    stream.send('MODIFIED', thing('a', 11));
    await expect.poll(() => told).toEqual(['changed']);
    stream.send('MODIFIED', thing('a', 11));
    stream.send('MODIFIED', thing('a', 12));
    await expect.poll(() => told).toEqual(['changed', 'changed']);
    expect(watch.isBroken).toBe(false);
  });

  test('tells that it has come, and come back, and not that it goes', async () => {
    const { stream, told } = await startSighted(false);
    stream.send('ADDED', thing('a', 11));
    await expect.poll(() => told).toHaveLength(1);
    stream.send('DELETED', thing('a', 12));
    stream.send('ADDED', thing('a', 13, 'a-2'));
    stream.send('DELETED', thing('a', 14, 'a-2'));
    stream.send('ADDED', thing('a', 15, 'a-3'));
    await expect.poll(() => told).toHaveLength(3);
  });

  test.each<[string, number, number]>([
    ['tells what changed while it had lost its place', 25, 1],
    ['tells nothing where nothing changed while it had lost its place', 3, 0],
  ])('%s', async (_sentence, after, times) => {
    const { api, stream, told } = await startSighted();
    stream.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    const anew = await api.nextWatch();
    expect(anew.query.get('sendInitialEvents')).toBe('true');
    anew.send('ADDED', thing('a', after));
    anew.bookmark(30, true);
    anew.send('MODIFIED', thing('a', 31));
    await expect.poll(() => told).toHaveLength(times + 1);
  });

  test('is broken from the moment that it breaks off until something comes', async () => {
    const { api, watch, stream, lines } = await startSighted();
    stream.cut();
    await expect.poll(() => watch.isBroken).toBe(true);
    const next = await api.nextWatch();
    expect(watch.isBroken).toBe(true);
    next.bookmark(12);
    await expect.poll(() => watch.isBroken).toBe(false);
    // In due form, after a word.
    next.end();
    const silent = await api.nextWatch();
    expect(watch.isBroken).toBe(false);
    silent.end();
    await api.nextWatch();
    expect(watch.isBroken).toBe(true);
    // Fifty of them break off with the API server; the watches of whole kinds say it once.
    expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(['debug']));
    expect(lines[0]?.fields).toMatchObject({ resource: 'things', namespace: 'apps', name: 'a' });
  });

  test.each<[string, (started: Started) => Promise<void>]>([
    ['its first try', async ({ api }) => refuse((await api.nextWatch()).response, 403, 'Forbidden')],
    [
      'the list that has to come first',
      async ({ api }) => refuse((await api.nextWatch()).response, 422, 'Invalid'),
    ],
  ])('ends where the rights refuse %s', async (_sentence, meet) => {
    const started = await start((_, response) => refuse(response, 403, 'Forbidden'));
    await meet(started);
    await expect.poll(() => started.told).toEqual(['forbidden']);
    const asked = started.api.server.received.length;
    await started.watch.close();
    expect(started.api.server.received).toHaveLength(asked);
    expect(started.watch.sightedAt).toBeUndefined();
  });

  test('ends where the rights refuse it later', async () => {
    const { api, stream, told } = await startSighted();
    stream.end();
    refuse((await api.nextWatch()).response, 403, 'Forbidden');
    await expect.poll(() => told).toEqual(['forbidden']);
  });

  test('is tried again after every other refusal', async () => {
    const { api, told } = await start();
    refuse((await api.nextWatch()).response, 500, 'InternalError');
    refuse((await api.nextWatch()).response, 401, 'Unauthorized');
    await api.nextWatch();
    expect(told).toEqual([]);
  });

  test('tells nothing more when it is closed, and is open no longer', async () => {
    const { api, watch, stream, told } = await startSighted();
    stream.send('MODIFIED', thing('a', 11));
    await watch.close();
    const heard = told.length;
    await expect.poll(() => api.server.open).toBe(0);
    expect(told).toHaveLength(heard);
  });
});
