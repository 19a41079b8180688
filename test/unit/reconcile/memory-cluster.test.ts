import { describe, expect, test } from 'vitest';

import { FINALIZER, MANAGED_LABEL } from '../../../src/api/names.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import type { Credential } from '../../../src/reconcile/ports.ts';
import { changedSecret } from '../../../src/secret/manifest.ts';
import { aRecord, aSpec } from '../../support/builders.ts';
import { timeout } from './support/kube-errors.ts';
import { type ApiEvent, ApiServer } from './support/api-server.ts';
import { type MemoryCluster, memoryCluster } from './support/memory-cluster.ts';
import { after, lost, refused, Wire } from './support/wire.ts';

/** The doubles answer as the API server of the integration tests does; what they rest on is checked here. */
interface Stage {
  readonly server: ApiServer;
  readonly wire: Wire;
  readonly cluster: MemoryCluster;
  /** Has the watch tell of everything. */
  tell(): void;
}

function stage(): Stage {
  const events: ApiEvent[] = [];
  const server = new ApiServer(
    () => 0,
    (event) => void events.push(event),
  );
  const wire = new Wire();
  const cluster = memoryCluster(server, wire, () => 0);
  return { server, wire, cluster, tell: () => events.splice(0).forEach((event) => cluster.hear(event)) };
}

const metadata = { name: 'a', namespace: 'n' };
const KEY = 'n/a';

/** What a request is refused for, as "409 Conflict". */
async function refusal(asked: () => unknown): Promise<string> {
  try {
    await asked();
  } catch (error) {
    if (error instanceof KubeError) return `${String(error.status)} ${error.reason}`;
    throw error;
  }
  return 'done';
}

function leases(finalizers: readonly string[] = []): Stage {
  const made = stage();
  made.server.create('leases', {
    metadata: { ...metadata, ...(finalizers.length === 0 ? {} : { finalizers }) },
    spec: aSpec(),
  });
  made.tell();
  return made;
}

function secrets(more: object = {}): Stage {
  const made = stage();
  made.server.create('secrets', {
    metadata: { ...metadata, labels: { [MANAGED_LABEL]: 'true' }, ...more },
    data: { A: 'YQ==' },
  });
  made.tell();
  return made;
}

describe('the API server', () => {
  test('gives each stored write a newer version, and one that changes nothing none', () => {
    const { server } = leases();
    const first = server.get('leases', KEY).metadata.resourceVersion;
    const second = server.mergePatch('leases', KEY, { status: { rotations: 1 } }, 'status').metadata
      .resourceVersion;
    const third = server.mergePatch('leases', KEY, { status: { rotations: 1 } }, 'status').metadata
      .resourceVersion;
    expect(Number(second)).toBeGreaterThan(Number(first));
    expect(third).toBe(second);
  });

  test.each([
    [
      'a merge patch on an old version',
      'leases',
      (one: Stage) => one.cluster.leases.patch(KEY, old),
      '409 Conflict',
    ],
    [
      'a status on an old version',
      'leases',
      (one: Stage) => one.cluster.leases.patchStatus(KEY, old),
      '409 Conflict',
    ],
    ['a patch of nothing', 'leases', (one: Stage) => one.cluster.leases.patch('n/none', {}), '404 NotFound'],
    ['an object of a name that is taken', 'secrets', create, '409 AlreadyExists'],
    ['the same, dry', 'secrets', (one: Stage) => create(one, true), '409 AlreadyExists'],
    ['a JSON patch on an old version', 'secrets', (one: Stage) => change(one, '1'), '409 Conflict'],
    ['a JSON patch of nothing', 'secrets', (one: Stage) => change(one, '1', 'n/none'), '404 NotFound'],
    ['a label added to a map that is not there', 'secrets', addToNothing, '422 Invalid'],
    ['a deletion of another uid', 'secrets', (one: Stage) => remove(one, { uid: 'other' }), '409 Conflict'],
    [
      'a deletion of an old version',
      'secrets',
      (one: Stage) => remove(one, { resourceVersion: '1' }),
      '409 Conflict',
    ],
  ] as const)('refuses %s', async (_what, kind, ask, words) => {
    expect(await refusal(() => ask(kind === 'leases' ? leases() : secrets()))).toBe(words);
  });

  test('takes no new finalizer for an object that is being deleted', async () => {
    const made = leases([FINALIZER]);
    made.server.delete('leases', KEY);
    const patch = { metadata: { finalizers: [FINALIZER, 'example.com/late'] } };
    expect(await refusal(() => made.cluster.leases.patch(KEY, patch))).toBe('422 Invalid');
  });

  test('counts a generation for a spec and for a deletion, not for a status or a label', () => {
    const { server } = leases([FINALIZER]);
    const generation = (): number | undefined => server.get('leases', KEY).metadata.generation;
    server.mergePatch('leases', KEY, { status: { rotations: 1 } }, 'status');
    server.mergePatch('leases', KEY, { metadata: { labels: { a: 'b' } } });
    expect(generation()).toBe(1);
    server.mergePatch('leases', KEY, { spec: { ttl: '1h' } });
    expect(generation()).toBe(2);
    server.delete('leases', KEY);
    expect(generation()).toBe(3);
  });

  test('keeps the status from a patch of the object, and everything else from one of the status', () => {
    const { server } = leases();
    server.mergePatch('leases', KEY, { status: { rotations: 7 } });
    server.mergePatch('leases', KEY, { spec: { ttl: '9h' }, metadata: { labels: { a: 'b' } } }, 'status');
    const { status, spec, metadata: meta } = server.get('leases', KEY);
    expect([status, meta.labels]).toEqual([{ observedGeneration: -1 }, undefined]);
    expect(spec).not.toHaveProperty('ttl');
  });

  test('answers the patch that takes the last finalizer of a deleted object with its old version', () => {
    const { server } = leases([FINALIZER]);
    server.delete('leases', KEY);
    const { resourceVersion } = server.get('leases', KEY).metadata;
    const answer = server.mergePatch('leases', KEY, { metadata: { finalizers: [] } });
    expect(answer.metadata.resourceVersion).toBe(resourceVersion);
    expect(answer.metadata.finalizers).toBeUndefined();
    expect(server.find('leases', KEY)).toBeUndefined();
  });

  test('stores nothing of a dry run, and answers one of a creation without a version', () => {
    const { server } = secrets();
    const dry = server.create('secrets', { metadata: { ...metadata, name: 'b' } }, { dryRun: true });
    expect(dry.metadata).not.toHaveProperty('resourceVersion');
    expect(server.find('secrets', 'n/b')).toBeUndefined();
    server.jsonPatch('secrets', KEY, [{ op: 'add', path: '/data', value: {} }], { dryRun: true });
    expect(server.get('secrets', KEY).data).toEqual({ A: 'YQ==' });
  });
});

describe('the cluster', () => {
  test('shows the answer of an own write at once, and what others write when the watch tells', async () => {
    const made = leases();
    await made.cluster.leases.patchStatus(KEY, { status: { rotations: 1 } });
    expect(made.cluster.leases.get(KEY)?.status.rotations).toBe(1);
    made.server.mergePatch('leases', KEY, { status: { rotations: 2 } }, 'status');
    expect(made.cluster.leases.get(KEY)?.status.rotations).toBe(1);
    made.tell();
    expect(made.cluster.leases.get(KEY)?.status.rotations).toBe(2);
  });

  test('does not show what a write has done whose answer was lost', async () => {
    const made = leases();
    made.wire.next('patch leases/status', lost(timeout));
    expect(await refusal(() => made.cluster.leases.patchStatus(KEY, { status: { rotations: 1 } }))).toContain(
      'Timeout',
    );
    expect(made.cluster.leases.get(KEY)?.status.rotations).toBeUndefined();
    expect(await made.cluster.leases.look(KEY)).toMatchObject({ status: { rotations: 1 } });
  });

  test('still shows an object whose last finalizer an own write has taken, until the watch tells', async () => {
    const made = leases([FINALIZER]);
    made.server.delete('leases', KEY);
    made.tell();
    await made.cluster.leases.patch(KEY, { metadata: { finalizers: [] } });
    expect(made.cluster.leases.get(KEY)?.hasFinalizer).toBe(true);
    made.tell();
    expect(made.cluster.leases.get(KEY)).toBeUndefined();
  });

  test('shows Secrets with our label only, and looks at any', async () => {
    const made = secrets({ labels: {} });
    expect(made.cluster.secrets.get(KEY)).toBeUndefined();
    expect(await made.cluster.secrets.look(KEY)).toMatchObject({ name: 'a' });
    expect(made.cluster.secrets.get(KEY)).toBeUndefined();
    made.server.mergePatch('secrets', KEY, { metadata: { labels: { [MANAGED_LABEL]: 'true' } } });
    made.tell();
    expect(made.cluster.secrets.get(KEY)).toBeDefined();
    made.server.mergePatch('secrets', KEY, { metadata: { labels: null } });
    made.tell();
    expect(made.cluster.secrets.get(KEY)).toBeUndefined();
  });

  test('deletes what is gone already, and keeps what a finalizer keeps as terminating', async () => {
    const made = secrets({ finalizers: ['example.com/theirs'] });
    const { uid, resourceVersion } = made.server.get('secrets', KEY).metadata;
    await made.cluster.secrets.delete(KEY, { uid, resourceVersion });
    expect(made.cluster.secrets.get(KEY)?.terminating).toBe(true);
    made.server.mergePatch('secrets', KEY, { metadata: { finalizers: [] } });
    await made.cluster.secrets.delete(KEY, { uid, resourceVersion });
    expect(made.cluster.secrets.get(KEY)).toBeUndefined();
  });

  test('changes a Secret as the manifest says', async () => {
    const made = secrets();
    const seen = made.cluster.secrets.get(KEY);
    if (seen === undefined) throw new Error('The Secret is not shown.');
    const content = { data: new Map([['B', 'b']]), record: aRecord() };
    const dress = { labels: { 'a/b~c': 'd' }, annotations: { note: 'e' } };
    await made.cluster.secrets.change(KEY, changedSecret(seen, undefined, dress, content));
    const { data, metadata: meta } = made.server.get('secrets', KEY);
    expect(data).toEqual({ B: 'Yg==' });
    expect(meta.labels).toEqual({ [MANAGED_LABEL]: 'true', 'a/b~c': 'd' });
    expect(meta.annotations).toMatchObject({ note: 'e' });
  });

  test('reads a credential by its exact name and key; empty is none', async () => {
    const made = stage();
    made.server.create('secrets', { metadata, data: { token: 'dG9rZW4=', empty: '', blank: 'ICA=' } });
    const read = (name: string, key: string): Promise<Credential | undefined> =>
      made.cluster.readCredential('n', { secretKeyRef: { name, key } });
    const { uid, resourceVersion } = made.server.get('secrets', 'n/a').metadata;
    expect(await read('a', 'token')).toEqual({ value: 'token', uid, resourceVersion });
    for (const [name, key] of [
      ['a', 'empty'],
      ['a', 'blank'],
      ['a', 'other'],
      ['b', 'token'],
    ] as const) {
      expect(await read(name, key)).toBeUndefined();
    }
  });
});

describe('a wire', () => {
  test('gives the fates in turn, then the one that holds always', async () => {
    const wire = new Wire();
    wire.next('TIME', refused(timeout));
    wire.always(
      'TIME',
      after(() => undefined),
    );
    await expect(wire.call('TIME', () => 1)).rejects.toBe(timeout);
    expect(await wire.call('TIME', () => 2)).toBe(2);
    expect(wire.calls).toEqual(['TIME', 'TIME']);
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('whose process ends %s a request gives no answer from then on', async (when, done) => {
    const wire = new Wire({ at: 1, when });
    const acts: string[] = [];
    void wire.call('TIME', () => acts.push('first'));
    await wire.died;
    void wire.call('LOGIN', () => acts.push('second'));
    expect([acts.length, wire.calls, wire.dead]).toEqual([done, ['TIME'], true]);
  });
});

const old = { metadata: { resourceVersion: '1' } };

function create({ cluster }: Stage, dryRun = false): Promise<unknown> {
  return cluster.secrets.create(KEY, { metadata }, { dryRun });
}

function change({ cluster }: Stage, value: string, key = KEY): Promise<unknown> {
  return cluster.secrets.change(key, [{ op: 'replace', path: '/metadata/resourceVersion', value }]);
}

function addToNothing({ cluster }: Stage): Promise<unknown> {
  return cluster.secrets.change(KEY, [{ op: 'add', path: '/metadata/annotations/a', value: 'b' }]);
}

function remove({ server, cluster }: Stage, expected: object): Promise<unknown> {
  const { uid, resourceVersion } = server.get('secrets', KEY).metadata;
  return cluster.secrets.delete(KEY, { uid, resourceVersion, ...expected });
}
