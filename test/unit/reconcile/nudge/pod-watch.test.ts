import { afterEach, describe, expect, test } from 'vitest';

import type { KubeCredentials } from '../../../../src/kube/access.ts';
import { openTransport } from '../../../../src/kube/transport.ts';
import { nudgeKey } from '../../../../src/nudge/annotation.ts';
import { watchPods, type WatchedPods } from '../../../../src/reconcile/nudge/pod-watch.ts';
import type { PodRecord } from '../../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { hastyClock } from '../../kube/support/hasty-clock.ts';
import { json, refuse, type Handler } from '../../kube/support/loopback.ts';
import { scriptedAPI, type ScriptedAPI } from '../../kube/support/scripted-api.ts';
import { memoryLog, memoryMetrics, type Line } from '../../kube/support/telemetry.ts';

interface Started {
  readonly api: ScriptedAPI;
  readonly pods: WatchedPods;
  /** Names of pods, as they were told. */
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

/** Watches the pods of a scripted server; time runs 20 times as fast. */
async function start(namespaces?: readonly string[], other?: Handler): Promise<Started> {
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
  const stop = new AbortController();
  const common = { clock, timing: standardTiming, log, metrics, signal: stop.signal };
  const pods = watchPods({ ...common, transport, namespaces });
  const told: string[] = [];
  pods.follow(({ name }) => void told.push(name));
  open.push(api, {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await pods.ended;
      await transport.close();
    },
  });
  return { api, pods, told, lines };
}

function pod(name: string, version: number, { namespace = 'shop', secretName = 'orders-db' } = {}): object {
  return {
    metadata: {
      name,
      namespace,
      uid: `uid of ${name}`,
      resourceVersion: String(version),
      creationTimestamp: '2026-01-01T12:00:00Z',
    },
    spec: {
      volumes: [{ name: 'db', secret: { secretName } }],
      containers: [{ name: 'app', volumeMounts: [{ name: 'db', mountPath: '/db' }] }],
    },
    status: { phase: 'Running' },
  };
}

const names = (pods: readonly PodRecord[]): readonly string[] => pods.map(({ name }) => name);

describe('pods', () => {
  test('are found by the Secret that they mount', async () => {
    const { api, pods, told } = await start();
    const watch = await api.nextWatch();
    expect(watch.path).toBe('/api/v1/pods');
    expect(pods.knowledgeOf('shop')).toBe('none');
    watch.send('ADDED', pod('one', 3));
    watch.send('ADDED', pod('two', 4, { secretName: 'other' }));
    watch.send('ADDED', pod('three', 5, { namespace: 'stock' }));
    watch.bookmark(10, true);
    await expect.poll(() => pods.knowledgeOf('shop')).toBe('full');
    expect(names(pods.mounting('shop', 'orders-db'))).toEqual(['one']);
    expect(names(pods.mounting('stock', 'orders-db'))).toEqual(['three']);
    expect(told).toEqual(['one', 'two', 'three']);
    watch.send('DELETED', pod('one', 11));
    await expect.poll(() => pods.mounting('shop', 'orders-db')).toEqual([]);
  });

  test('of some namespaces are watched in each, and known in each by itself', async () => {
    const { api, pods, lines } = await start(['shop', 'stock']);
    const watches = [await api.nextWatch(), await api.nextWatch()];
    const shop = watches.find(({ path }) => path === '/api/v1/namespaces/shop/pods');
    const stock = watches.find(({ path }) => path === '/api/v1/namespaces/stock/pods');
    shop?.send('ADDED', pod('one', 3));
    shop?.bookmark(10, true);
    if (stock !== undefined) refuse(stock.response, 403, 'Forbidden');
    await expect.poll(() => pods.knowledgeOf('shop')).toBe('full');
    await expect.poll(() => pods.knowledgeOf('stock')).toBe('forbidden');
    expect(names(pods.mounting('shop', 'orders-db'))).toEqual(['one']);
    expect(lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)).toEqual([
      { namespace: 'stock' },
    ]);
    expect([pods.knowledgeOf('elsewhere'), pods.mounting('elsewhere', 'orders-db')]).toEqual(['none', []]);
  });

  test('that may not be watched are told of once, and tried again until they may', async () => {
    const { api, pods, told, lines } = await start();
    for (let times = 0; times < 3; times += 1) refuse((await api.nextWatch()).response, 403, 'Forbidden');
    const watch = await api.nextWatch();
    expect(pods.knowledgeOf('shop')).toBe('forbidden');
    const warnings = lines.filter(({ level }) => level === 'warn' || level === 'error');
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('Bind the ClusterRole leaseholder-nudge'),
    ]);
    watch.send('ADDED', pod('one', 3));
    watch.bookmark(10, true);
    await expect.poll(() => pods.knowledgeOf('shop')).toBe('full');
    expect(told).toEqual(['one']);
  });
});

/** Answers patches as the API server does. */
function answerPatch({ method, body }: Parameters<Handler>[0], response: Parameters<Handler>[1]): void {
  if (method !== 'PATCH') return void response.writeHead(500).end();
  const { metadata } = JSON.parse(body) as { metadata: { uid: string; annotations: object } };
  const annotations = { ...metadata.annotations, 'example.com/note': 'x' };
  json(response, { metadata: { ...metadata, resourceVersion: '12', annotations } });
}

describe('a nudge', () => {
  test('sets the annotation of that very pod, and is known before the watch tells of it', async () => {
    const { api, pods } = await start(undefined, answerPatch);
    const watch = await api.nextWatch();
    watch.send('ADDED', pod('one', 3));
    watch.bookmark(10, true);
    await expect.poll(() => pods.knowledgeOf('shop')).toBe('full');
    const annotations = { [nudgeKey('orders-db')]: 'lease-2' };
    for (const one of pods.mounting('shop', 'orders-db')) await pods.nudge(one, annotations);
    const sent = api.server.received.filter(({ method }) => method === 'PATCH');
    expect(
      sent.map(({ path, headers, body }) => [path, headers['content-type'], JSON.parse(body) as unknown]),
    ).toEqual([
      [
        '/api/v1/namespaces/shop/pods/one',
        'application/merge-patch+json',
        { metadata: { uid: 'uid of one', annotations } },
      ],
    ]);
    expect(sent[0]?.headers.accept).toContain('as=PartialObjectMetadata;');
    expect(pods.mounting('shop', 'orders-db')).toMatchObject([
      { resourceVersion: '12', nudges: annotations },
    ]);
  });
});
