import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startControlPlane, type ControlPlane } from '../../../sandbox/control-plane/control-plane.ts';
import type { KubeResource } from '../../../src/kube/resource.ts';
import { startRelay, type Relay } from './support/relay.ts';
import {
  clientOf,
  configMaps,
  labelled,
  namespaces,
  reflect,
  secrets,
  type Client,
} from './support/reflect.ts';

const patience = { timeout: 20_000, interval: 20 };

let plane: ControlPlane;
let client: Client;
let relay: Relay;

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: false });
  client = await clientOf(plane);
  relay = await startRelay(plane.server);
});

afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
  await plane.stop();
});

async function makeNamespace(name: string): Promise<string> {
  await client.of(namespaces).create(undefined, { metadata: { name } });
  return name;
}

function make(
  kind: KubeResource,
  namespace: string,
  name: string,
  labels: Record<string, string> = {},
): Promise<unknown> {
  return kind.create(namespace, { metadata: { name, labels } });
}

describe('a reflector', () => {
  test('lists as a stream, follows, and is told own writes once', async () => {
    const namespace = await makeNamespace('follows');
    const maps = client.of(configMaps);
    await make(maps, namespace, 'one');
    await using followed = reflect(maps, { namespaces: [namespace] });
    const { reflector, told, asked } = followed;
    await reflector.synced();
    expect(told).toEqual(['follows/one came']);

    const two = labelled(await make(maps, namespace, 'two'));
    reflector.store.observe(two);
    expect(told).toEqual(['follows/one came', 'follows/two came']);
    await maps.delete({ namespace, name: 'two' }, { uid: two.uid });
    reflector.store.observeDeleted(two.key, two.uid);
    expect(told.at(-1)).toBe('follows/two went');

    await make(maps, namespace, 'three');
    await expect
      .poll(() => told, patience)
      .toEqual(['follows/one came', 'follows/two came', 'follows/two went', 'follows/three came']);
    expect(asked).toEqual([undefined]);
  });

  test('of labelled Secrets sees their metadata alone, and one without the label as gone', async () => {
    const namespace = await makeNamespace('labelled');
    const kind = client.of(secrets);
    const seen: unknown[] = [];
    const managed = { 'leaseholder.dev/managed': 'true' };
    const body = { metadata: { name: 'mine', labels: managed }, data: { password: 'aHVudGVyMg==' } };
    await kind.create(namespace, body);
    await make(kind, namespace, 'foreign');
    await using followed = reflect(kind, {
      labelSelector: 'leaseholder.dev/managed=true',
      metadataOnly: true,
      project(object) {
        seen.push(object);
        return labelled(object);
      },
    });
    const { reflector, told } = followed;
    await reflector.synced();
    expect(told).toEqual(['labelled/mine came']);

    const object = { namespace, name: 'mine' };
    await kind.mergePatch(object, { metadata: { annotations: { a: 'b' } } });
    await kind.mergePatch(object, { metadata: { labels: { 'leaseholder.dev/managed': null } } });
    await kind.mergePatch(object, { metadata: { labels: managed } });
    await kind.delete(object, {});
    await expect
      .poll(() => told, patience)
      .toEqual([
        'labelled/mine came',
        'labelled/mine changed',
        'labelled/mine went',
        'labelled/mine came',
        'labelled/mine went',
      ]);
    expect(seen).toHaveLength(3);
    expect(JSON.stringify(seen)).not.toContain('aHVudGVyMg');
    expect(seen[0]).toMatchObject({ kind: 'PartialObjectMetadata' });
  });

  test('keeps its place by bookmarks, and goes on when the server ends the watch', async () => {
    const namespace = await makeNamespace('bookmarks');
    await make(client.of(secrets), namespace, 'quiet', { watched: 'yes' });
    await using followed = reflect(client.of(secrets), {
      labelSelector: 'watched=yes',
      timing: { watchLength: 5000 },
    });
    const { reflector, told, asked, restarts, lines } = followed;
    await reflector.synced();
    // A change that the watch does not tell moves its place on, by a bookmark alone.
    const other = labelled(await make(client.of(secrets), namespace, 'other'));
    await expect.poll(() => asked.length, patience).toBeGreaterThanOrEqual(2);
    expect(told).toEqual(['bookmarks/quiet came']);
    expect(Number(asked[1])).toBeGreaterThanOrEqual(Number(other.resourceVersion));
    expect(restarts[0]).toBe('secrets ended');
    expect(lines).toEqual([]);
  });

  test('is found silent by the watchdog when the network has lost it, and misses nothing', async () => {
    const namespace = await makeNamespace('silence');
    await using relayed = await clientOf(plane, { server: relay.url }, { watchWatchdog: 2000 });
    await using followed = reflect(relayed.of(configMaps), { namespaces: [namespace] });
    const { reflector, told, restarts } = followed;
    await reflector.synced();
    relay.freeze();
    await make(client.of(configMaps), namespace, 'unheard');
    await expect.poll(() => told, patience).toEqual(['silence/unheard came']);
    expect(restarts).toContain('configmaps silent');
  });

  test('finds out that its place lies in the future of a server restored from a backup', async () => {
    const namespace = await makeNamespace('future');
    await using impatient = await clientOf(plane, {}, { watchWatchdog: 2000 });
    let lists = 0;
    await using followed = reflect(impatient.of(configMaps), {
      namespaces: [namespace],
      place(version) {
        if (version === undefined) lists += 1;
        return version === undefined || lists > 1 ? version : String(Number(version) + 1_000_000);
      },
    });
    const { reflector, told, restarts } = followed;
    await reflector.synced();
    await expect.poll(() => restarts, patience).toEqual(['configmaps silent']);
    await make(client.of(configMaps), namespace, 'restored');
    await expect.poll(() => told, patience).toEqual(['future/restored came']);
    expect(lists).toBe(2);
    expect(restarts.slice(0, 2)).toEqual(['configmaps silent', 'configmaps silent']);
  });

  test('outlives a crash of the API server', async () => {
    const namespace = await makeNamespace('crash');
    await using followed = reflect(client.of(configMaps), { namespaces: [namespace] });
    const { reflector, told } = followed;
    await reflector.synced();
    await plane.restartApiServer('SIGKILL');
    await make(client.of(configMaps), namespace, 'after');
    await expect.poll(() => told, patience).toEqual(['crash/after came']);
  });

  test('whose place has expired lists anew and tells what it missed', async () => {
    const namespace = await makeNamespace('expired');
    const maps = client.of(configMaps);
    for (const name of ['kept', 'gone', 'anew']) await make(maps, namespace, name);
    await using relayed = await clientOf(plane, { server: relay.url });
    await using followed = reflect(relayed.of(configMaps), { namespaces: [namespace] });
    const { reflector, told, restarts } = followed;
    await reflector.synced();
    told.length = 0;

    await relay.cut();
    await maps.delete({ namespace, name: 'gone' }, {});
    await maps.delete({ namespace, name: 'anew' }, {});
    await make(maps, namespace, 'anew');
    await make(maps, namespace, 'new');
    // A server that has just started knows no events from before.
    await plane.restartApiServer();
    await relay.restore();

    await expect.poll(() => told, patience).toHaveLength(4);
    expect(told.slice(0, 1)).toEqual(['expired/gone went']);
    expect(told.slice(1)).toEqual(['expired/anew went', 'expired/anew came', 'expired/new came']);
    expect(restarts).toContain('configmaps expired');
  });
});

describe('a server that does not stream lists', () => {
  let old: ControlPlane;

  beforeAll(async () => {
    old = await startControlPlane({
      controllerManager: false,
      extraApiServerArgs: ['--feature-gates=WatchList=false'],
    });
  });

  afterAll(() => old.stop());

  test('is read in pages, and then followed', async () => {
    await using admin = await clientOf(old);
    const maps = admin.of(configMaps);
    const names = Array.from({ length: 620 }, (_, number) => `map-${String(number)}`);
    await Promise.all(names.map((name) => make(maps, 'default', name)));
    const since = await old.audit.size();
    await using followed = reflect(maps, { namespaces: ['default'] });
    const { reflector, told, lines } = followed;
    await reflector.synced();
    expect(reflector.store.size).toBe(620);
    expect(lines.map(({ message }) => message)).toEqual([
      'The API server does not stream lists; they are read in pages.',
    ]);
    told.length = 0;
    await make(maps, 'default', 'late');
    await expect.poll(() => told, patience).toEqual(['default/late came']);
    const lists = (await old.audit.events(since)).filter(({ verb }) => verb === 'list');
    expect(lists).toHaveLength(2);
  });
});
