import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { FINALIZER } from '../../../src/api/names.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { deleteByForce } from './support/by-force.ts';
import { startKubeProxy, type KubeProxy } from './support/kube-proxy.ts';
import { untilInstant } from './support/observe.ts';
import { LATER_ROTATION, ownLease } from './support/own-lease.ts';

/** One after the other: each of these ends the operator, in order or not, and starts it anew. */
describe('an operator that is started anew', () => {
  let stage: Stage;
  let proxy: KubeProxy;
  let operator: OperatorProcess | undefined;

  const start = async (): Promise<void> => {
    operator = await stage.startOperator({ scale: 0.05, kubeconfig: proxy.kubeconfig });
  };
  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    await stage.apply(...connectionObjects(stage));
  });
  beforeEach(async () => {
    await operator?.kill();
    await start();
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** Nobody answers such requests for an object any more. @returns a function that ends that. */
  const hang = (request: string, object: string): (() => void) =>
    proxy.when(({ what, name }) => (what === request && name === object ? { do: 'hang' } : undefined));
  const reads = async (): Promise<number> =>
    (await stage.api.counts()).counts['lease-get']?.[stage.identity.identityId] ?? 0;

  it('after it was killed between the first Secret and its status: repairs the status, with the server as witness', async () => {
    const own = await ownLease(stage, 'first');
    const letGo = hang('PATCH dynamicsecretleases/status', 'first');
    await own.apply();
    await awaitCondition(async () => (await own.record()) !== undefined, { what: 'the Secret' });
    await operator?.kill();
    expect((await stage.lease('first'))?.status.lease).toBeUndefined();
    letGo();
    const before = await reads();
    await start();
    const ready = await stage.untilReady('first');

    expect(await own.events()).toEqual(['made']);
    expect(ready.status.lease).toMatchObject((await own.record())?.lease ?? {});
    expect(ready.status.lease?.externalEntityId).toBe((await stage.secret('first'))?.['DB_USERNAME']);
    expect(ready.status.dynamicSecret).toMatchObject({ name: 'first', type: 'in-memory' });
    expect(ready.status.rotations).toBe(0);
    // One to attest the lease; another where the inventory reads the dynamic secret meanwhile.
    expect([1, 2]).toContain((await reads()) - before);
  });

  it('after it was killed between the Secret of a rotation and its status: keeps what was replaced', async () => {
    const own = await ownLease(stage, 'rotated', { firstLife: LATER_ROTATION.life });
    await own.apply(LATER_ROTATION.spec);
    const { status } = await stage.untilReady('rotated');
    const letGo = hang('PATCH dynamicsecretleases/status', 'rotated');
    await awaitCondition(async () => (await own.record())?.lease.id !== status.lease?.id, {
      what: 'rotation',
    });
    await operator?.kill();
    letGo();
    await start();
    const ready = await stage.untilLease(
      'rotated',
      (lease) => isReady(lease) && lease.status.rotations === 1,
    );

    expect((await own.events()).filter((event) => event === 'made')).toHaveLength(2);
    expect(ready.status.lease?.id).toBe((await own.record())?.lease.id);
    expect(ready.status.retiring).toMatchObject([{ id: status.lease?.id }]);
  });

  it('after its status was taken away: tells the same again, without a lease', async () => {
    const own = await ownLease(stage, 'wiped');
    await own.apply();
    const before = await stage.untilReady('wiped');
    await operator?.stop();
    const wiped = JSON.stringify({
      status: Object.fromEntries(Object.keys(before.status).map((key) => [key, null])),
    });
    await stage.kubectl('patch', 'dsl', 'wiped', '--subresource=status', '--type=merge', '-p', wiped);
    await start();
    const after = await stage.untilReady('wiped');

    expect(await own.events()).toEqual(['made']);
    for (const part of ['lease', 'dynamicSecret', 'rotations', 'observedGeneration'] as const)
      expect(after.status[part]).toEqual(before.status[part]);
    expect(after.status.secret?.uid).toBe(before.status.secret?.uid);
  });

  it('after it was killed in the middle of a deletion: ends it', async () => {
    const own = await ownLease(stage, 'leaving');
    await own.apply();
    await stage.untilReady('leaving');
    const letGo = hang('DELETE secrets', 'leaving');
    await stage.kubectl('delete', 'dsl', 'leaving', '--wait=false');
    await awaitCondition(async () => (await own.events()).includes('revoked'), { what: 'the revocation' });
    await operator?.kill();
    letGo();
    expect((await stage.lease('leaving'))?.finalizers).toEqual([FINALIZER]);
    await start();
    await stage.untilGone('leaving');

    expect(await stage.secret('leaving')).toBeUndefined();
    expect(await own.events()).toEqual(['made', 'revoked']);
  });

  it('after the Secret was deleted meanwhile: one lease heals it, and the old one is not forgotten', async () => {
    const own = await ownLease(stage, 'bare');
    await own.apply();
    const { status } = await stage.untilReady('bare');
    await operator?.stop();
    await stage.kubectl('delete', 'secret', 'bare');
    await start();
    const healed = await stage.untilLease('bare', (lease) => isReady(lease) && lease.status.rotations === 1);

    expect(await own.events()).toEqual(['made', 'made']);
    expect(healed.status.retiring).toMatchObject([{ id: status.lease?.id }]);
    expect((await stage.secret('bare'))?.['DB_USERNAME']).toBe(healed.status.lease?.externalEntityId);
  });

  it('after the time of what was replaced has come meanwhile: revokes it, and nothing else', async () => {
    const own = await ownLease(stage, 'ripe');
    await own.apply({ revocation: { onRotation: 'Revoke', gracePeriod: '1s' } });
    await stage.untilReady('ripe');
    await stage.kubectl('annotate', 'dsl', 'ripe', 'leaseholder.dev/rotate=once');
    const { status } = await stage.untilLease('ripe', (lease) => lease.status.rotations === 1);
    await operator?.kill();
    await untilInstant(Date.parse(status.retiring?.[0]?.revokeAfter ?? ''));
    await start();
    await awaitCondition(async () => (await own.events()).includes('revoked'), { what: 'the revocation' });

    expect(await own.live()).toEqual([status.lease?.id]);
    expect(await own.events()).toEqual(['made', 'made', 'revoked']);
  });

  it('after the object was deleted meanwhile: revokes', async () => {
    const own = await ownLease(stage, 'dropped');
    await own.apply();
    await stage.untilReady('dropped');
    await operator?.stop();
    await stage.kubectl('delete', 'dsl', 'dropped', '--wait=false');
    await start();
    await stage.untilGone('dropped');

    expect(await own.events()).toEqual(['made', 'revoked']);
    expect(await stage.secret('dropped')).toBeUndefined();
  });

  it('after object and connection were deleted meanwhile, by force: lets the object go, and names the lease', async () => {
    const own = await ownLease(stage, 'stranded');
    await stage.apply(...connectionObjects(stage, { name: 'short-lived' }));
    await own.apply({ connectionRef: { name: 'short-lived' } });
    const { status } = await stage.untilReady('stranded');
    await operator?.stop();
    for (const name of ['infisical', 'short-lived']) await deleteByForce(stage, 'default', name);
    await stage.kubectl('delete', 'dsl', 'stranded', '--wait=false');
    await start();
    await stage.untilGone('stranded');
    await stage.apply(...connectionObjects(stage));

    const left = (): unknown => operator?.lines.find(({ lease }) => lease === status.lease?.id);
    await awaitCondition(() => Promise.resolve(left() !== undefined), { what: 'what is left' });
    expect(left()).toMatchObject({ level: 'warn', why: 'unreachable' });
    expect(await stage.secret('stranded')).toBeUndefined();
    expect(await own.events()).toEqual(['made']);
  });

  it('after the lease ended meanwhile: begins anew at once', async () => {
    const own = await ownLease(stage, 'slept', { firstLife: 3000 });
    await own.apply();
    await stage.untilReady('slept');
    await operator?.kill();
    // It may have been replaced before: then the other one's too.
    await awaitCondition(async () => (await own.live()).length === 0, { what: 'its end' });
    await start();
    const ready = await stage.untilLease(
      'slept',
      (lease) => isReady(lease) && Date.parse(lease.status.lease?.expireAt ?? '') > Date.now(),
    );

    expect((await own.record())?.lease.id).toBe(ready.status.lease?.id);
    expect(await own.live()).toEqual([ready.status.lease?.id]);
  });

  it('after the object was made anew meanwhile: leaves the Secret of the first alone until it is gone', async () => {
    const own = await ownLease(stage, 'anew');
    await own.apply();
    const first = await stage.untilReady('anew');
    await operator?.stop();
    // Somebody takes the finalizer away, so that the object goes without its leases' revocation.
    const forced = JSON.stringify({ metadata: { finalizers: null } });
    await stage.kubectl('patch', 'dsl', 'anew', '--type=merge', '-p', forced);
    await stage.kubectl('delete', 'dsl', 'anew', '--cascade=orphan');
    const left = await stage.secretObject('anew');
    await own.apply();
    await start();
    const refused = await stage.untilLease('anew', (lease) => conditionOf(lease, 'Ready') !== undefined);
    expect(refused.uid).not.toBe(first.uid);
    expect(conditionOf(refused, 'Ready')).toMatchObject({ status: 'False', reason: 'SecretConflict' });
    expect(await stage.secretObject('anew')).toEqual(left);
    expect(await own.live()).toEqual([first.status.lease?.id]);

    await stage.kubectl('delete', 'secret', 'anew');
    await stage.untilReady('anew');
    expect((await stage.secretObject('anew'))?.metadata.ownerReferences).toMatchObject([
      { uid: refused.uid },
    ]);
  });

  it('goes on with a backoff that the status tells of', async () => {
    const own = await ownLease(stage, 'patient');
    await operator?.stop();
    await own.apply();
    const { generation } = (await stage.lease('patient')) ?? {};
    const until = Math.floor(Date.now() / 1000 + 6) * 1000;
    const attempts = { count: 9, reason: 'TargetNotFound', nextAt: new Date(until).toISOString() };
    const status = JSON.stringify({ status: { observedGeneration: generation, attempts } });
    await stage.kubectl('patch', 'dsl', 'patient', '--subresource=status', '--type=merge', '-p', status);
    await start();
    const works = Date.now();
    const ready = await stage.untilReady('patient');

    const [made] = await stage.ledger('patient');
    // The API server's clock is known to a second.
    expect(made?.at ?? 0).toBeGreaterThan(until - 1000);
    // Nothing can be made before there is a process that works.
    expect(made?.at ?? 0).toBeLessThan(Math.max(until, works) + 4000);
    expect(ready.status).not.toHaveProperty('attempts');
  });

  it('forgets a backoff of an earlier generation', async () => {
    const own = await ownLease(stage, 'corrected');
    await operator?.stop();
    await own.apply();
    const attempts = {
      count: 9,
      reason: 'TargetNotFound',
      nextAt: new Date(Date.now() + 600_000).toISOString(),
    };
    const status = JSON.stringify({ status: { observedGeneration: 1, attempts } });
    await stage.kubectl('patch', 'dsl', 'corrected', '--subresource=status', '--type=merge', '-p', status);
    await own.apply({ ttl: '2h' });
    await start();
    await stage.untilReady('corrected');
    expect(await own.events()).toEqual(['made']);
  });

  it('after SIGTERM while a request for a lease was under way: had finished it, and ended with 0', async () => {
    const own = await ownLease(stage, 'stopped');
    await stage.api.armFault({
      match: { dynamicSecret: 'stopped', route: 'lease-create' },
      action: { type: 'delay', ms: 1000, when: 'after' },
    });
    await own.apply();
    await awaitCondition(async () => (await own.events()).includes('made'), { what: 'the lease' });
    expect(await operator?.stop()).toBe(0);

    // Whatever was made is in the Secret, or given back.
    const record = await own.record();
    expect(await own.live()).toEqual(record === undefined ? [] : [record.lease.id]);
  });

  it.each(['POST secrets', 'PATCH dynamicsecretleases/status', 'PATCH dynamicsecretleases'])(
    'after SIGTERM in the middle of %s: had lost nothing, and ended with exit code 0',
    async (request) => {
      const own = await ownLease(stage, request.toLowerCase().replaceAll(/[^a-z]/g, '-'));
      let ended: Promise<number | null> | undefined;
      proxy.meet(request, own.name, {
        do: 'first',
        act: () => {
          ended = operator?.stop();
          return Promise.resolve();
        },
      });
      await own.apply();
      await awaitCondition(() => Promise.resolve(ended !== undefined), { what: request });
      expect(await ended).toBe(0);
      const record = await own.record();
      expect(await own.live()).toEqual(record === undefined ? [] : [record.lease.id]);

      await start();
      await stage.untilReady(own.name);
      expect(await own.live()).toEqual([(await own.record())?.lease.id]);
      expect(await own.events()).toEqual(['made']);
    },
  );
});
