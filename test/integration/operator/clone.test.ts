import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { FINALIZER } from '../../../src/api/names.ts';
import { connectionObjects, isReady, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { defined, LATER_ROTATION } from './support/own-lease.ts';

const kept = z.looseObject({
  metadata: z.looseObject({
    annotations: z.record(z.string(), z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
});

const REVOKE = { revocation: { onRotation: 'Revoke', gracePeriod: '1s' } } as const;
const ROTATE = 'leaseholder.dev/rotate';

/** The objects of the first cluster, each with the rest of its spec, and of its dynamic secret. */
const objects: Readonly<Record<string, readonly [spec: object, seed: { firstLife?: number }]>> = {
  'rotated-at-once': [REVOKE, {}],
  'rotated-later': [REVOKE, {}],
  'deleted-before': [{}, {}],
  'deleted-later': [{}, {}],
  renewed: [
    { rotation: { ...LATER_ROTATION.spec.rotation, strategy: 'Renew' } },
    { firstLife: LATER_ROTATION.life },
  ],
};
const names = Object.keys(objects);

/** Two clusters, each with an operator that works, at one lease API: the second began as a copy of the first. */
describe('a cluster that was cloned, with an installation id of its own', () => {
  let first: Stage;
  let clone: Stage;
  let cloneIdentity: Stage['identity'];
  const leased = new Map<string, string | undefined>();

  beforeAll(async () => {
    [first, clone] = await Promise.all([startStage(), startStage()]);
    cloneIdentity = await first.api.seedIdentity({ grants: [{ projectSlug: 'shop' }] });
    await first.startOperator({ scale: 0.05 });
    await first.apply(...connectionObjects(first));
    await clone.apply(...connectionObjects({ api: first.api, identity: cloneIdentity }));
    for (const name of names) {
      const [spec, seed] = defined(objects[name]);
      await first.seed(name, { defaultTTL: '1h', ...seed });
      await first.apply(leaseManifest(name, { ...spec, dynamicSecret: place(name) }));
      leased.set(name, (await first.untilReady(name)).status.lease?.id);
    }
    // The last one is the one that is due soon: it is copied before the first operator renews it.
    for (const name of names.toReversed()) await copy(name);
  });
  afterAll(async () => {
    await clone[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
  });

  /** Object, status and Secret as they are, but for the uids, which every API server gives by itself. */
  const copy = async (name: string): Promise<void> => {
    const of = 'namespaces/default';
    const at = `/apis/leaseholder.dev/v1alpha1/${of}/dynamicsecretleases/${name}`;
    const object = kept.parse(await first.read(at));
    const secret = kept.parse(await first.read(`/api/v1/${of}/secrets/${name}`));
    const { annotations, labels } = secret.metadata;
    await clone.apply({ ...object, metadata: { name, namespace: 'default', finalizers: [FINALIZER] } });
    const status = JSON.stringify({ status: object['status'] });
    await clone.kubectl('patch', 'dsl', name, '--subresource=status', '--type=merge', '-p', status);
    const { uid } = defined(await clone.lease(name));
    const owner = { apiVersion: object['apiVersion'], kind: object['kind'], name, uid, controller: true };
    const metadata = { name, namespace: 'default', annotations, labels, ownerReferences: [owner] };
    await clone.apply({ ...secret, metadata });
  };
  const untilReplaced = (name: string): ReturnType<Stage['untilLease']> =>
    clone.untilLease(name, (lease) => isReady(lease) && lease.status.lease?.id !== leased.get(name), 40_000);
  const remove = async (...gone: readonly string[]): Promise<void> => {
    for (const name of gone) await clone.untilGone(name, 40_000);
  };
  const lists = async (): Promise<number> =>
    (await first.api.counts()).counts['lease-list']?.[cloneIdentity.identityId] ?? 0;
  const ids = async (): Promise<ReadonlySet<string>> =>
    new Set((await first.api.live()).leases.map(({ leaseId }) => leaseId));
  const expectFirstUntouched = async (): Promise<void> => {
    const live = await ids();
    for (const name of names) {
      expect([name, live.has(leased.get(name) ?? '')]).toEqual([name, true]);
      const lease = defined(await first.lease(name));
      expect(lease.status).toMatchObject({ lease: { id: leased.get(name) }, rotations: 0 });
      expect(isReady(lease)).toBe(true);
    }
  };

  it('revokes and renews nothing of the first: not at once, not at a rotation, not at a deletion', async () => {
    for (const [name, id] of leased) expect((await clone.lease(name))?.status.lease?.id).toBe(id);
    await clone.kubectl('annotate', 'dsl', 'rotated-at-once', `${ROTATE}=once`);
    await clone.kubectl('delete', 'dsl', 'deleted-before', '--wait=false');
    await clone.startOperator({ scale: 0.05, flags: ['--installation-id', 'the-clone'] });
    await untilReplaced('rotated-at-once');
    await untilReplaced('renewed');
    await remove('deleted-before');
    await clone.kubectl('annotate', 'dsl', 'rotated-later', `${ROTATE}=once`);
    await clone.kubectl('delete', 'dsl', 'deleted-later', '--wait=false');
    await untilReplaced('rotated-later');
    await remove('deleted-later');
    await expectFirstUntouched();
  });

  it('nor with its inventory, nor when what it replaced is due for revocation', async () => {
    const before = await lists();
    // Two rounds of three dynamic secrets: the second is 13 s or more after the rotations, whose overlap is 6 s.
    const listed = async (): Promise<boolean> => (await lists()) >= before + 6;
    await awaitCondition(listed, { what: 'two rounds of its inventory', timeoutMs: 60_000 });

    await expectFirstUntouched();
    expect((await first.ledger('renewed')).map(({ event }) => event).toSorted()).toEqual([
      'made',
      'made',
      'renewed',
    ]);
  });

  it('and takes its own leases with it, no more, when all of it is deleted', async () => {
    await clone.kubectl('delete', 'dsl', '--all', '--wait=false');
    await remove(...names);
    await expectFirstUntouched();
    expect(await ids()).toEqual(new Set(leased.values()));
  });
});

function place(name: string): object {
  return { name, projectSlug: 'shop', environmentSlug: 'prod' };
}
