import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';

import type { Clock } from '../../../src/clock.ts';
import type { KubeCredentials } from '../../../src/kube/access.ts';
import { objectKey } from '../../../src/kube/object-key.ts';
import { startReflector, type Reflector, type ReflectorOptions } from '../../../src/kube/reflector.ts';
import { resource } from '../../../src/kube/resource.ts';
import type { StoreRecord } from '../../../src/kube/store.ts';
import { openTransport } from '../../../src/kube/transport.ts';
import { standardTiming } from '../../../src/timing.ts';
import { hastyClock } from './support/hasty-clock.ts';
import { json, refuse, type Handler } from './support/loopback.ts';
import { scriptedAPI, thing, type ScriptedAPI } from './support/scripted-api.ts';
import { memoryLog, memoryMetrics, type Line } from './support/telemetry.ts';

const schema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
  }),
  broken: z.literal(true).optional(),
});

function project(object: unknown): StoreRecord {
  const { metadata, broken } = schema.parse(object);
  if (broken === true) throw new TypeError('hunter2');
  const { name, namespace, uid, resourceVersion } = metadata;
  return { key: objectKey(namespace, name), uid, resourceVersion };
}

interface Started {
  readonly api: ScriptedAPI;
  readonly reflector: Reflector<StoreRecord>;
  readonly clock: Clock;
  /** The waits that were begun, in milliseconds, deadlines and watchdogs left out. */
  readonly delays: readonly number[];
  readonly restarts: readonly string[];
  readonly lines: readonly Line[];
  /** Each change as "name: before → after". */
  readonly told: string[];
  readonly stop: AbortController;
}

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

function nobody(): Promise<KubeCredentials> {
  return Promise.resolve({ headers: {}, tls: {} });
}

type Options = Partial<
  Pick<ReflectorOptions<StoreRecord, never>, 'namespaces' | 'labelSelector' | 'project'>
>;

/**
 * Starts a reflector of a scripted server.
 *
 * @param haste how many times as fast time runs.
 */
async function start(options: Options = {}, other?: Handler, haste = 100): Promise<Started> {
  const api = await scriptedAPI(other);
  const real = hastyClock(haste);
  const delays: number[] = [];
  const clock: Clock = {
    ...real,
    after(delay, callback) {
      if (delay < 10_000) delays.push(delay);
      return real.after(delay, callback);
    },
  };
  const { metrics, restarts } = memoryMetrics();
  const { log, lines } = memoryLog();
  const transport = openTransport({
    access: { server: api.server.url, namespace: 'default', credentials: nobody, refresh: nobody },
    clock,
    timing: standardTiming,
    metrics,
    userAgent: 'leaseholder/test',
  });
  const stop = new AbortController();
  const reflector = startReflector<StoreRecord>({
    resource: resource(transport, { group: '', version: 'v1', plural: 'things', namespaced: true }),
    project,
    indexes: {},
    clock,
    timing: standardTiming,
    log,
    metrics,
    signal: stop.signal,
    ...options,
  });
  open.push(api, {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reflector.ended;
      await transport.close();
    },
  });
  const told: string[] = [];
  reflector.store.subscribe((key, before, after) => {
    told.push(`${key}: ${before?.resourceVersion ?? '-'} → ${after?.resourceVersion ?? '-'}`);
  });
  return { api, reflector, clock, delays, restarts, lines, told, stop };
}

/** Starts a reflector whose first watch has shown two objects, as of version 10. */
async function startSynced(options: Options = {}, haste = 100) {
  const started = await start(options, undefined, haste);
  const watch = await started.api.nextWatch();
  watch.send('ADDED', thing('a', 3));
  watch.send('ADDED', thing('b', 7));
  watch.bookmark(10, true);
  await started.reflector.synced();
  started.told.length = 0;
  return { ...started, watch };
}

/** Two pages of one object each, as of version 20. */
const paged: Handler = ({ query }, response) => {
  if (query.get('limit') !== '500') refuse(response, 400, 'BadRequest');
  else if (query.has('continue')) {
    json(response, { metadata: { resourceVersion: '20' }, items: [thing('b', 7)] });
  } else json(response, { metadata: { resourceVersion: '20', continue: 'next' }, items: [thing('a', 3)] });
};

describe('the first list', () => {
  test('comes as a stream, and counts when a bookmark says that it is whole', async () => {
    const { api, reflector, told } = await start({ labelSelector: 'x=y' });
    const watch = await api.nextWatch();
    expect(watch.path).toBe('/api/v1/things');
    expect(Object.fromEntries(watch.query)).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      labelSelector: 'x=y',
      timeoutSeconds: '300',
    });
    watch.send('ADDED', thing('a', 3));
    watch.send('ADDED', thing('b', 7));
    watch.send('MODIFIED', thing('a', 8));
    watch.send('DELETED', thing('b', 9));
    watch.send('ADDED', thing('c', 9));
    await expect.poll(() => reflector.lastSeen).toBeDefined();
    expect(reflector.hasSynced).toBe(false);
    expect(reflector.store.size).toBe(0);
    watch.bookmark(10, true);
    await reflector.synced();
    expect(reflector.hasSynced).toBe(true);
    expect(told).toEqual(['apps/a: - → 8', 'apps/c: - → 9']);
  });

  test.each([400, 422])('comes in pages where the server refuses to stream it with %i', async (code) => {
    const { api, reflector, told, lines, restarts } = await start({}, paged);
    refuse((await api.nextWatch()).response, code, 'Invalid');
    await reflector.synced();
    expect(told).toEqual(['apps/a: - → 3', 'apps/b: - → 7']);
    const watch = await api.nextWatch();
    expect(watch.query.get('resourceVersion')).toBe('20');
    expect(watch.query.has('sendInitialEvents')).toBe(false);
    expect(lines.map(({ message }) => message)).toEqual([
      'The API server does not stream lists; they are read in pages.',
    ]);
    expect(restarts).toEqual([]);
    // From then on it is not asked again.
    watch.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    expect((await api.nextWatch()).query.get('resourceVersion')).toBe('20');
  });

  test.each<[string, (watch: Awaited<ReturnType<ScriptedAPI['nextWatch']>>) => void]>([
    ['ends before the list is whole', (watch) => watch.end()],
    ['falls silent before the list is whole', (watch) => watch.response.flushHeaders()],
  ])('comes in pages where the stream %s', async (_sentence, spoil) => {
    const { api, reflector } = await start({}, paged);
    const watch = await api.nextWatch();
    watch.send('ADDED', thing('z', 1));
    spoil(watch);
    await reflector.synced();
    expect([...reflector.store.values()].map(({ key }) => key)).toEqual(['apps/a', 'apps/b']);
  });

  test('is begun anew when its pages have expired', async () => {
    let pages = 0;
    const { api, reflector } = await start({}, (received, response) => {
      pages += 1;
      if (pages === 2) refuse(response, 410, 'Expired');
      else paged(received, response);
    });
    refuse((await api.nextWatch()).response, 422, 'Invalid');
    await reflector.synced();
    expect(pages).toBe(4);
    expect(reflector.store.size).toBe(2);
  });

  test('is tried again when it fails', async () => {
    const { api, reflector, restarts } = await start();
    refuse((await api.nextWatch()).response, 403, 'Forbidden');
    const watch = await api.nextWatch();
    expect(watch.query.get('sendInitialEvents')).toBe('true');
    watch.bookmark(10, true);
    await reflector.synced();
    expect(restarts).toEqual(['things error']);
  });
});

describe('a watch', () => {
  test('feeds the store', async () => {
    const { watch, told } = await startSynced();
    watch.send('MODIFIED', thing('a', 11));
    watch.send('ADDED', thing('c', 12));
    watch.send('DELETED', thing('b', 13));
    await expect.poll(() => told).toEqual(['apps/a: 3 → 11', 'apps/c: - → 12', 'apps/b: 7 → -']);
  });

  test.each<[string, (watch: Awaited<ReturnType<ScriptedAPI['nextWatch']>>) => void, string]>([
    ['an event', (watch) => watch.send('MODIFIED', thing('a', 15)), '15'],
    ['a deletion', (watch) => watch.send('DELETED', thing('a', 16)), '16'],
    ['a bookmark', (watch) => watch.bookmark(17), '17'],
    ['the list', () => undefined, '10'],
  ])('that is ended goes on at once after %s', async (_sentence, act, version) => {
    const { api, delays, watch, restarts, lines } = await startSynced();
    act(watch);
    watch.end();
    const next = await api.nextWatch();
    expect(next.query.get('resourceVersion')).toBe(version);
    expect(next.query.has('sendInitialEvents')).toBe(false);
    expect(delays).toEqual([]);
    expect(restarts).toEqual(['things ended']);
    expect(lines).toEqual([]);
  });

  test('that is ended again and again without an event is not reopened in a loop', async () => {
    // In real time: were it faster, a round trip on a busy machine would pass for a watch that lasted.
    const { api, delays, watch } = await startSynced({}, 1);
    watch.end();
    (await api.nextWatch()).end();
    (await api.nextWatch()).end();
    await api.nextWatch();
    expect(delays).toEqual([400, 800]);
  });

  test('that breaks off goes on from its place after a wait that grows until something comes', async () => {
    const { api, delays, watch, told, restarts, lines } = await startSynced();
    let last = watch;
    for (let times = 0; times < 3; times += 1) {
      last.send('ERROR', { kind: 'Status', code: 503, reason: 'ServiceUnavailable', message: 'hunter2' });
      last = await api.nextWatch();
      expect(last.query.get('resourceVersion')).toBe('10');
    }
    // Half of 0.8 s, doubled each time: chance is 0 here.
    expect(delays).toEqual([400, 800, 1600]);
    expect(restarts).toEqual(['things error', 'things error', 'things error']);
    expect(lines[0]?.fields).toEqual({
      resource: 'things',
      cause: 'error',
      reason: 'ServiceUnavailable',
      status: 503,
      relist: false,
    });
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    last.send('MODIFIED', thing('a', 11));
    await expect.poll(() => told).toEqual(['apps/a: 3 → 11']);
    last.cut();
    await api.nextWatch();
    expect(delays).toEqual([400, 800, 1600, 400]);
  });

  test('that falls silent is taken up again by the watchdog, from its place', async () => {
    const { api, clock, restarts } = await startSynced();
    const since = clock.elapsed();
    const next = await api.nextWatch();
    expect(clock.elapsed() - since).toBeGreaterThan(standardTiming.watchWatchdog * 0.9);
    expect(next.query.get('resourceVersion')).toBe('10');
    expect(restarts).toEqual(['things silent']);
  });

  test('that is silent from its start is followed by a list: its place may lie in the future', async () => {
    const { api, watch, reflector, told } = await startSynced();
    watch.end();
    (await api.nextWatch()).response.flushHeaders();
    const anew = await api.nextWatch();
    expect(anew.query.get('sendInitialEvents')).toBe('true');
    anew.send('ADDED', thing('a', 2));
    anew.bookmark(4, true);
    await expect.poll(() => told).toEqual(['apps/b: 7 → -', 'apps/a: 3 → 2']);
    expect(reflector.hasSynced).toBe(true);
  });

  test.each<[string, (watch: Awaited<ReturnType<ScriptedAPI['nextWatch']>>) => void]>([
    ['an event', (watch) => watch.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })],
    ['a refusal', (watch) => refuse(watch.response, 410, 'Expired')],
  ])('whose place has expired, by %s, is followed by a list that is compared', async (_sentence, expire) => {
    const { api, watch, restarts, told } = await startSynced();
    watch.end();
    expire(await api.nextWatch());
    const anew = await api.nextWatch();
    expect(anew.query.get('sendInitialEvents')).toBe('true');
    expect(anew.query.has('resourceVersion')).toBe(false);
    anew.send('ADDED', thing('b', 25, 'b-2'));
    anew.send('ADDED', thing('c', 28));
    anew.bookmark(30, true);
    await expect
      .poll(() => told)
      .toEqual(['apps/a: 3 → -', 'apps/b: 7 → -', 'apps/b: - → 25', 'apps/c: - → 28']);
    expect(restarts).toEqual(['things ended', 'things expired']);
  });

  test('survives a line that is no event', async () => {
    const { api, watch, restarts } = await startSynced();
    watch.response.write('{"type":"ADDED","object":{"metadata":{"name":7}}}\n');
    const next = await api.nextWatch();
    expect(next.query.get('resourceVersion')).toBe('10');
    expect(restarts).toEqual(['things error']);
  });

  test('survives a subscriber that throws', async () => {
    const { reflector, watch, told, lines } = await startSynced();
    reflector.store.subscribe(() => {
      throw new RangeError('hunter2');
    });
    watch.send('MODIFIED', thing('a', 11));
    watch.send('MODIFIED', thing('a', 12));
    await expect.poll(() => told).toEqual(['apps/a: 3 → 11', 'apps/a: 11 → 12']);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toEqual({
      level: 'error',
      message: 'A subscriber of a watch failed; the watch goes on.',
      fields: { resource: 'things', error: 'RangeError' },
    });
  });

  test('does not read again what the answer to an own write has told already', async () => {
    const read: string[] = [];
    const { reflector, watch, told } = await startSynced({
      project(object: unknown) {
        const record = project(object);
        read.push(`${record.key} ${record.resourceVersion}`);
        return record;
      },
    });
    read.length = 0;
    reflector.store.observe(project(thing('a', 11)));
    watch.send('MODIFIED', thing('a', 11));
    watch.send('MODIFIED', thing('a', 12));
    await expect.poll(() => told).toEqual(['apps/a: 3 → 11', 'apps/a: 11 → 12']);
    expect(read).toEqual(['apps/a 12']);
  });

  test('keeps what it knew of an object that cannot be read, over a list too, and goes on with the others', async () => {
    const { api, reflector, watch, told, lines } = await startSynced();
    watch.send('MODIFIED', { ...thing('a', 11), broken: true });
    watch.send('MODIFIED', thing('b', 12));
    await expect.poll(() => told).toEqual(['apps/b: 7 → 12']);
    expect(reflector.unreadable).toBe(1);
    expect(lines).toEqual([
      {
        level: 'error',
        message: 'An object cannot be read; its last readable state is kept.',
        fields: { resource: 'things', key: 'apps/a', error: 'TypeError' },
      },
    ]);
    watch.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    const anew = await api.nextWatch();
    anew.send('ADDED', { ...thing('a', 11), broken: true });
    anew.send('ADDED', thing('b', 14));
    anew.bookmark(15, true);
    await expect.poll(() => told).toEqual(['apps/b: 7 → 12', 'apps/b: 12 → 14']);
    expect(reflector.store.get('apps/a')?.resourceVersion).toBe('3');
    anew.send('DELETED', { ...thing('a', 16), broken: true });
    await expect.poll(() => reflector.store.get('apps/a')).toBeUndefined();
  });

  test('tells when it last heard something', async () => {
    const { reflector, watch, clock } = await startSynced();
    const before = clock.elapsed();
    watch.bookmark(11);
    await expect.poll(() => reflector.lastSeen).toBeGreaterThanOrEqual(before);
  });
});

describe('several namespaces', () => {
  test('have a watch each and one store', async () => {
    const { api, reflector } = await start({ namespaces: ['one', 'two'] });
    const watches = new Map<string, Awaited<ReturnType<ScriptedAPI['nextWatch']>>>();
    for (let count = 0; count < 2; count += 1) {
      const watch = await api.nextWatch();
      watches.set(watch.path, watch);
    }
    const [one, two] = ['one', 'two'].map((name) => watches.get(`/api/v1/namespaces/${name}/things`));
    one?.send('ADDED', thing('a', 3, 'u1', 'one'));
    one?.bookmark(10, true);
    await expect.poll(() => reflector.store.size).toBe(1);
    expect(reflector.hasSynced).toBe(false);
    expect(reflector.lastSeen).toBeUndefined();
    two?.send('ADDED', thing('a', 4, 'u2', 'two'));
    two?.bookmark(10, true);
    await reflector.synced();
    expect([...reflector.store.values()].map(({ key }) => key).sort()).toEqual(['one/a', 'two/a']);
    expect(reflector.lastSeen).toBeDefined();

    one?.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    const anew = await api.nextWatch();
    expect(anew.path).toBe('/api/v1/namespaces/one/things');
    anew.bookmark(20, true);
    await expect.poll(() => [...reflector.store.values()].map(({ key }) => key)).toEqual(['two/a']);
  });

  test('none at all are in sync from the start', async () => {
    const { reflector } = await start({ namespaces: [] });
    await reflector.synced();
    expect(reflector.hasSynced).toBe(true);
  });
});

describe('the end', () => {
  test('comes with the signal, and closes the connection', async () => {
    const { api, reflector, stop, restarts, lines } = await startSynced();
    stop.abort();
    await reflector.ended;
    await expect.poll(() => api.server.open).toBe(0);
    expect(restarts).toEqual([]);
    expect(lines).toEqual([]);
  });

  test('before the first list rejects who waits for it', async () => {
    const { api, reflector, stop } = await start();
    await api.nextWatch();
    const synced = reflector.synced();
    stop.abort();
    await expect(synced).rejects.toThrow('ended before its first list');
  });

  test('does not wait for a backoff', async () => {
    const { api, reflector, stop, restarts } = await start();
    refuse((await api.nextWatch()).response, 403, 'Forbidden');
    await expect.poll(() => restarts).toHaveLength(1);
    stop.abort();
    await reflector.ended;
  });
});
