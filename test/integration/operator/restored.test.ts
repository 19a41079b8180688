import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { startLeaseApi } from '../../../sandbox/lease-api/lease-api.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { connectionObjects, isReady, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { untilCaughtUp, untilEvent } from './support/observe.ts';
import { leaseElsewhere, revokeElsewhere } from './support/others.ts';
import { defined, ownLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

const metadata = z.looseObject({
  name: z.string(),
  annotations: z.record(z.string(), z.string()).default({}),
  labels: z.record(z.string(), z.string()).default({}),
});
const savedObject = z.looseObject({ metadata, status: z.record(z.string(), z.unknown()) });
const savedSecret = z.looseObject({ metadata, data: z.record(z.string(), z.string()) });

/** What a backup keeps of one lease: the object with its status, and its Secret. */
interface Backup {
  readonly object: z.infer<typeof savedObject>;
  readonly secret: z.infer<typeof savedSecret>;
}

/** One after the other: each of these stops the operator. */
describe('an operator that wakes up in another past', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  const start = async (flags: readonly string[] = []): Promise<void> => {
    operator = await stage.startOperator({ scale: 0.05, flags });
  };
  beforeAll(async () => {
    stage = await startStage();
    await start();
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const rotate = (name: string): Promise<string> =>
    stage.kubectl('annotate', 'dsl', name, 'leaseholder.dev/rotate=once');
  const untilRotated = (name: string): ReturnType<Stage['untilLease']> =>
    stage.untilLease(name, (lease) => lease.status.rotations === 1 && isReady(lease), 40_000);
  const save = async (name: string): Promise<Backup> => ({
    object: savedObject.parse(
      await stage.read(`/apis/leaseholder.dev/v1alpha1/namespaces/default/dynamicsecretleases/${name}`),
    ),
    secret: savedSecret.parse(await stage.read(`/api/v1/namespaces/default/secrets/${name}`)),
  });
  const patch = (object: string, content: object, ...args: string[]): Promise<string> =>
    stage.kubectl('patch', ...object.split('/'), ...args, '--type=merge', '-p', JSON.stringify(content));
  const putStatus = async (
    name: string,
    status: Backup['object']['status'],
    namespace = 'default',
  ): Promise<void> => {
    const there = savedObject
      .partial({ status: true })
      .parse(
        await stage.read(
          `/apis/leaseholder.dev/v1alpha1/namespaces/${namespace}/dynamicsecretleases/${name}`,
        ),
      );
    const gone: Record<string, null> = {};
    for (const key of Object.keys(there.status ?? {})) gone[key] = null;
    const content = { status: { ...gone, ...status } };
    await patch(`dsl/${name}`, content, '-n', namespace, '--subresource=status');
  };
  /** Puts the backup over what there is. */
  const restore = async (name: string, { object, secret }: Backup): Promise<void> => {
    await patch(`secret/${name}`, {
      metadata: { annotations: secret.metadata.annotations },
      data: secret.data,
    });
    await stage.kubectl('annotate', 'dsl', name, 'leaseholder.dev/rotate-');
    await putStatus(name, object.status);
  };

  it('because the cluster was restored: leases anew only what is gone, and gives back what came after', async () => {
    const [same, rotated] = [await ownLease(stage, 'same'), await ownLease(stage, 'rotated')];
    const gone = await ownLease(stage, 'gone');
    for (const own of [same, rotated, gone]) await own.apply({ revocation: { onRotation: 'Revoke' } });
    for (const { name } of [same, rotated, gone]) await stage.untilReady(name);
    await leaseElsewhere(stage, 'rotated', { install: 'a-third', object: 'theirs', attempt: 'one' });
    const backups = new Map(
      await Promise.all([same, rotated].map(async ({ name }) => [name, await save(name)] as const)),
    );
    await rotate('rotated');
    const later = await untilRotated('rotated');
    await operator.kill();
    for (const [name, backup] of backups) await restore(name, backup);
    await revokeElsewhere(stage, (await stage.lease('gone'))?.status.lease?.id);
    await start();

    const healed = await untilRotated('gone');
    expect(await gone.live()).toEqual([healed.status.lease?.id]);
    await awaitCondition(async () => !(await rotated.live()).includes(defined(later.status.lease).id), {
      what: 'the sweep of what came after the backup',
      timeoutMs: 60_000,
    });
    const restored = await stage.untilReady('rotated');
    expect(restored.status.lease?.id).toBe(idIn(backups.get('rotated')));
    expect(await same.events()).toEqual(['made']);
    expect(await gone.events()).toEqual(['made', 'revoked', 'made']);
    // Its own, that of a third installation, and the one that came later.
    expect(await rotated.events()).toEqual(['made', 'made', 'made', 'revoked']);
    expect(await rotated.live()).toContain(restored.status.lease?.id);
  });

  it('because it is a clone with an installation id of its own: revokes nothing that the first has leased', async () => {
    const [rotating, ending] = [
      await ownLease(stage, 'clone-rotating'),
      await ownLease(stage, 'clone-ending'),
    ];
    const spec = { revocation: { onRotation: 'Revoke', gracePeriod: '1s' } };
    for (const own of [rotating, ending]) await own.apply(spec);
    for (const { name } of [rotating, ending]) await stage.untilReady(name);
    const [first] = await rotating.live();
    const [other] = await ending.live();
    await operator.kill();
    // The same objects with the same uids, as a copy of etcd has them.
    await start(['--installation-id', 'the-clone']);
    await rotate('clone-rotating');
    await untilRotated('clone-rotating');
    await stage.kubectl('delete', 'dsl', 'clone-ending', 'clone-rotating', '--wait=false');
    await stage.untilGone('clone-ending');
    await stage.untilGone('clone-rotating');

    expect(await rotating.live()).toEqual([first]);
    expect(await ending.live()).toEqual([other]);
    const revoked = (await stage.ledger('clone-rotating')).filter(({ event }) => event === 'revoked');
    expect(revoked.map(({ leaseId }) => leaseId)).not.toContain(first);
    expect(revoked).not.toEqual([]);
    await operator.stop();
    await start();
  });

  it('because its objects were copied elsewhere, status and Secrets and all: revokes nothing of the first', async () => {
    const own = await ownLease(stage, 'copied');
    await own.apply({ revocation: { onRotation: 'Revoke', gracePeriod: '1s' } });
    await stage.untilReady('copied');
    const { object, secret } = await save('copied');
    const [first] = await own.live();
    await operator.kill();
    await stage.kubectl('create', 'namespace', 'copy');
    const place = { name: 'copied', namespace: 'copy' };
    const { annotations, labels } = secret.metadata;
    await stage.apply(...connectionObjects(stage, { namespace: 'copy' }), {
      ...object,
      metadata: { ...place, finalizers: ['leaseholder.dev/lease'] },
    });
    await putStatus('copied', object.status, 'copy');
    const uid = defined(await stage.lease('copied', 'copy')).uid;
    const owner = {
      apiVersion: object['apiVersion'],
      kind: object['kind'],
      name: 'copied',
      uid,
      controller: true,
    };
    await stage.apply({ ...secret, metadata: { ...place, annotations, labels, ownerReferences: [owner] } });
    await start();
    await untilCaughtUp(stage, 'copied-marker');
    const copy = async (): Promise<ReturnType<typeof isReady>> => {
      const lease = await stage.lease('copied', 'copy');
      return lease !== undefined && isReady(lease) && lease.status.lease?.id !== first;
    };
    await stage.kubectl('-n', 'copy', 'annotate', 'dsl', 'copied', 'leaseholder.dev/rotate=once');
    await awaitCondition(copy, { what: 'a lease of the copy', timeoutMs: 40_000 });
    await stage.kubectl('-n', 'copy', 'delete', 'dsl', 'copied', '--timeout=60s');

    expect(await own.live()).toEqual([first]);
    expect((await own.record())?.lease.id).toBe(first);
    const revoked = (await stage.ledger('copied')).filter(({ event }) => event === 'revoked');
    expect(revoked.map(({ leaseId }) => leaseId)).not.toContain(first);
  });

  it('without any status, at a server that keeps no tags: goes on with the lease that the Secret names, and never revokes it', async () => {
    await using server = await ownServer({ profile: '2024' });
    await stage.apply(...connectionObjects(server, { name: 'no-tags' }));
    await stage.apply(leaseManifest('no-tags', { connectionRef: { name: 'no-tags' } }));
    const before = await stage.untilReady('no-tags');
    await operator.kill();
    await putStatus('no-tags', {});
    await start();
    const after = await stage.untilReady('no-tags');
    expect(after.status.lease).toMatchObject({ id: before.status.lease?.id, attested: false });
    await stage.kubectl('delete', 'dsl', 'no-tags', '--wait=false');
    await stage.untilGone('no-tags');
    await untilEvent(stage, 'no-tags', 'LeaseLeft');

    expect((await server.api.live()).leases.map(({ leaseId }) => leaseId)).toEqual([before.status.lease?.id]);
    expect((await server.api.readLedger()).entries.filter(({ event }) => event === 'made')).toHaveLength(1);
  });

  it('of the lease API, which was restored and knows no lease: replaces each once, at a pace', async () => {
    const server = await ownServer();
    const port = Number(new URL(server.api.url).port);
    const names = Array.from({ length: 8 }, (_, index) => `forgotten-${String(index)}`);
    await stage.apply(...connectionObjects(server, { name: 'forgetful' }));
    await stage.apply(...names.map((name) => leaseManifest(name, { connectionRef: { name: 'forgetful' } })));
    for (const name of names) await stage.untilReady(name);
    await server.api.stop();
    await using restored = await startLeaseApi({ port });
    await restored.seedDynamicSecret({ projectSlug: 'shop', environmentSlug: 'prod', name: 'orders' });
    const { clientId, clientSecret } = server.identity;
    await restored.seedIdentity({ clientId, clientSecret, grants: [{ projectSlug: 'shop' }] });
    for (const name of names) await stage.untilLease(name, ({ status }) => status.rotations === 1, 60_000);

    const { entries } = await restored.readLedger();
    const made = entries.filter(({ event }) => event === 'made');
    expect(made).toHaveLength(names.length);
    expect(entries.filter(({ event }) => event === 'revoked')).toEqual([]);
    expect(entries.filter(({ event }) => event === 'login').length).toBeLessThanOrEqual(2);
  });
});

function idIn(backup: Backup | undefined): string {
  return z.object({ id: z.string() }).parse(backup?.object.status['lease']).id;
}
