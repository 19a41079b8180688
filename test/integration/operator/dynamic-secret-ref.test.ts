import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { ROTATE_ANNOTATION } from '../../../src/api/names.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';

type Fields = Readonly<Record<string, unknown>>;

function object(kind: string, name: string, spec: Fields): object {
  return {
    apiVersion: 'leaseholder.dev/v1alpha1',
    kind,
    metadata: { name, namespace: 'default' },
    spec,
  };
}

/** A DynamicSecret, by its own name on the server unless `spec` gives another. */
function declared(name: string, spec: Fields = {}): object {
  return object('DynamicSecret', name, {
    connectionRef: { name: 'maker' },
    name,
    projectSlug: 'shop',
    environmentSlug: 'prod',
    defaultTTL: '1h',
    provider: { type: 'in-memory', inputs: {} },
    ...spec,
  });
}

/** A lease of the DynamicSecret of the same name. */
function referring(name: string, spec: Fields = {}): object {
  return object('DynamicSecretLease', name, { dynamicSecretRef: { name }, ...spec });
}

/** Leases whose dynamic secret is another object's: it comes first, is renamed, goes away. */
describe.concurrent('a lease that refers to a DynamicSecret', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    const actions = [
      'lease',
      'create-root-credential',
      'read-root-credential',
      'edit-root-credential',
      'delete-root-credential',
    ] as const;
    const identity = await stage.api.seedIdentity({
      grants: [{ projectSlug: 'shop', actions: [...actions] }],
    });
    await stage.apply(...connectionObjects({ api: stage.api, identity }, { name: 'maker' }));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const remove = (kind: string, name: string): Promise<string> =>
    stage.kubectl('delete', kind, name, '--wait=false');
  const untilReason = (name: string, type: 'Ready' | 'Reconciling', reason: string): Promise<LeaseRecord> =>
    stage.untilLease(name, (lease) => conditionOf(lease, type)?.reason === reason);
  /** The ids of the leases that live on the server, of the dynamic secrets of these names. */
  const live = async (...names: readonly string[]): Promise<readonly string[]> =>
    (await stage.api.live()).leases
      .filter(({ dynamicSecret }) => names.includes(dynamicSecret))
      .map(({ leaseId }) => leaseId);

  it('waits for it, and leases by its connection where it is', async () => {
    await stage.apply(referring('awaited'));
    await untilReason('awaited', 'Ready', 'DynamicSecretNotFound');
    await stage.apply(declared('awaited'));
    const { status } = await stage.untilReady('awaited');
    expect(status.lease).toMatchObject({
      connection: { name: 'maker', host: stage.api.url },
      projectSlug: 'shop',
      dynamicSecret: 'awaited',
      dynamicSecretId: status.dynamicSecret?.id,
    });
    expect(await live('awaited')).toEqual([status.lease?.id]);
  });

  it('goes on through a rename, has its successor under the new name, and is revoked like any other', async () => {
    await stage.apply(declared('before'), referring('before'));
    const first = await stage.untilReady('before');
    await stage.apply(declared('before', { name: 'after' }));
    const noted = await stage.untilLease('before', ({ asked }) => asked.at(-1)?.dynamicSecret === 'after');
    expect([noted.status.lease?.id, noted.status.rotations]).toEqual([first.status.lease?.id, 0]);
    expect(isReady(noted)).toBe(true);

    await stage.kubectl('annotate', 'dsl', 'before', `${ROTATE_ANNOTATION}=now`);
    const second = await stage.untilLease('before', ({ status }) => status.rotations === 1);
    expect(second.status.lease).toMatchObject({
      dynamicSecret: 'after',
      dynamicSecretId: first.status.lease?.dynamicSecretId,
    });
    expect(second.status.retiring).toMatchObject([{ id: first.status.lease?.id, dynamicSecret: 'before' }]);

    await remove('dsl', 'before');
    await stage.untilGone('before');
    expect(await live('before', 'after')).toEqual([]);
  });

  it('begins anew at once when it refers to another, as soon as that is Ready', async () => {
    await stage.apply(declared('former'), referring('chooser', { dynamicSecretRef: { name: 'former' } }));
    const before = await stage.untilReady('chooser');
    await stage.apply(referring('chooser', { dynamicSecretRef: { name: 'latter' } }));
    const waiting = await untilReason('chooser', 'Ready', 'DynamicSecretNotFound');
    expect(waiting.status.lease).toEqual(before.status.lease);

    await stage.apply(declared('latter'));
    const after = await stage.untilReady('chooser');
    expect(after.status).toMatchObject({ rotations: 1, lease: { dynamicSecret: 'latter' } });
    expect(after.status.retiring?.map(({ id }) => id)).toEqual([before.status.lease?.id]);
  });

  it('says that it is being deleted, keeps its lease, and lets it go with itself', async () => {
    await stage.apply(declared('leaving'), referring('leaving'));
    const before = await stage.untilReady('leaving');
    await remove('dynamicsecret', 'leaving');
    const told = await untilReason('leaving', 'Reconciling', 'DynamicSecretDeleted');
    expect(conditionOf(told, 'Ready')).toMatchObject({ status: 'True', reason: 'LeaseActive' });
    expect(told.status.lease?.id).toBe(before.status.lease?.id);
    await stage.kubectl('annotate', 'dsl', 'leaving', `${ROTATE_ANNOTATION}=now`);
    const path = '/apis/leaseholder.dev/v1alpha1/namespaces/default/dynamicsecrets/leaving';
    expect(await stage.read(path)).toBeDefined();
    expect(await live('leaving')).toEqual([before.status.lease?.id]);

    await remove('dsl', 'leaving');
    await stage.untilGone('leaving');
    await awaitCondition(async () => (await stage.read(path)) === undefined, {
      what: 'the DynamicSecret to be gone',
      timeoutMs: 30_000,
    });
    expect(await live('leaving')).toEqual([]);
  });

  it('leases by a connection of its own to the same server, and by none to another', async () => {
    await stage.apply(...connectionObjects(stage, { name: 'taker' }));
    await stage.apply(
      ...connectionObjects(stage, { name: 'elsewhere', hostAPI: 'https://infisical.example.com' }),
    );
    await stage.apply(declared('shared'), referring('shared', { connectionRef: { name: 'taker' } }));
    const { status } = await stage.untilReady('shared');
    expect(status.lease?.connection.name).toBe('taker');
    await stage.apply(referring('shared', { connectionRef: { name: 'elsewhere' } }));
    const refused = await untilReason('shared', 'Reconciling', 'ConnectionElsewhere');
    expect(refused.status.lease?.id).toBe(status.lease?.id);
  });
});
