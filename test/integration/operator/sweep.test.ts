import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { LogLine, OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { startKubeProxy, type KubeProxy } from './support/kube-proxy.ts';
import { leaseElsewhere } from './support/others.ts';
import { defined, ownLease, type OwnLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

/** A twentieth: lists every 15 s, a lease is old enough to be swept at 9 s, a delivery is given up after 3 s. */
const SCALE = 0.05;

const SWEPT = 'A lease that nobody names is revoked.';
const REPORTED = 'A lease carries the tag of this installation and belongs to no object; it is left alone.';

/** Waits until nothing lives but what the Secret names. */
const untilAlone = (own: OwnLease): Promise<unknown> =>
  awaitCondition(
    async () => {
      const named = (await own.record())?.lease.id;
      const live = await own.live();
      return named !== undefined && live.length === 1 && live[0] === named;
    },
    { what: 'the sweep', timeoutMs: 40_000 },
  );

/** One after the other: some of these end the operator. */
describe('the sweep', () => {
  let stage: Stage;
  let proxy: KubeProxy;
  let operator: OperatorProcess;

  const start = async (flags: readonly string[] = []): Promise<OperatorProcess> => {
    operator = await stage.startOperator({ scale: SCALE, kubeconfig: proxy.kubeconfig, flags });
    return operator;
  };
  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    await start();
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  const said = (msg: string): readonly LogLine[] => operator.lines.filter((line) => line.msg === msg);
  const untilSaid = (msg: string): Promise<unknown> =>
    awaitCondition(() => Promise.resolve(said(msg).length > 0), { what: msg, timeoutMs: 30_000 });
  const installOf = async (id: string | undefined): Promise<string> =>
    (await stage.api.live()).leases.find(({ leaseId }) => leaseId === id)?.tag?.install ?? '';
  /**
   * Waits until every lease that a dynamic secret has now was old enough for the sweep when it came by: a stray that is
   * the youngest of them is reported.
   */
  const untilSwept = async (name: string, install: string): Promise<void> => {
    const before = said(REPORTED).length;
    await leaseElsewhere(stage, name, { install, object: 'unknown', attempt: 'stray' });
    const reported = (): boolean => said(REPORTED).length > before;
    await awaitCondition(() => Promise.resolve(reported()), { what: 'the sweep', timeoutMs: 60_000 });
  };

  it('revokes a lease whose Secret write was never answered and given up', async () => {
    const own = await ownLease(stage, 'given-up');
    const letGo = proxy.when(({ what, name }) =>
      what === 'POST secrets' && name === 'given-up' ? { do: 'drop' } : undefined,
    );
    await own.apply();
    await untilSaid('A lease could not be written into its Secret in time; the sweep decides about it.');
    letGo();
    await stage.untilReady('given-up');
    await untilAlone(own);

    expect(await own.events()).toEqual(['made', 'made', 'revoked']);
    await expect.poll(() => said(SWEPT)).toMatchObject([{ object: 'default/given-up' }]);
  });

  it('keeps a lease whose Secret write was never answered but done', async () => {
    const own = await ownLease(stage, 'arrived');
    // The first try arrives, and nobody hears of it but the watch: then the lease is found to be delivered.
    proxy.meet('POST secrets', 'arrived', { do: 'lose' });
    await own.apply();
    const ready = await stage.untilReady('arrived');
    await untilSwept('arrived', await installOf(ready.status.lease?.id));

    expect(await own.events()).toEqual(['made', 'made']);
    expect(await own.live()).toContain(ready.status.lease?.id);
  });

  it('revokes the lease of a process that was killed between the answer and the Secret', async () => {
    const own = await ownLease(stage, 'in-hand');
    const letGo = proxy.when(({ what, name }) =>
      what === 'POST secrets' && name === 'in-hand' ? { do: 'hang' } : undefined,
    );
    await own.apply();
    await awaitCondition(async () => (await own.events()).includes('made'), { what: 'the lease' });
    const [lost] = await own.live();
    await operator.kill();
    letGo();
    await start();
    const ready = await stage.untilReady('in-hand');
    await untilAlone(own);

    expect(ready.status.lease?.id).not.toBe(lost);
    expect(await own.events()).toEqual(['made', 'made', 'revoked']);
  });

  it('revokes the lease of a process that was killed while the answer was on its way', async () => {
    const own = await ownLease(stage, 'on-its-way');
    const { faultId } = await stage.api.armFault({
      match: { dynamicSecret: 'on-its-way', route: 'lease-create' },
      action: { type: 'delay', ms: 2800, when: 'after' },
    });
    await own.apply();
    await awaitCondition(async () => (await own.events()).includes('made'), { what: 'the lease' });
    await operator.kill();
    await stage.api.disarmFaults({ faultId });
    await start();
    await stage.untilReady('on-its-way');
    await untilAlone(own);

    expect(await own.events()).toEqual(['made', 'made', 'revoked']);
  });

  it('revokes the lease of a process that was killed, though the object asks elsewhere by then', async () => {
    const own = await ownLease(stage, 'moves-on');
    await ownLease(stage, 'moved-to');
    const letGo = proxy.when(({ what, name }) =>
      what === 'POST secrets' && name === 'moves-on' ? { do: 'hang' } : undefined,
    );
    await own.apply();
    await awaitCondition(async () => (await own.events()).includes('made'), { what: 'the lease' });
    await operator.kill();
    letGo();
    const dynamicSecret = { name: 'moved-to', projectSlug: 'shop', environmentSlug: 'prod' };
    await own.apply({ dynamicSecret });
    await start();
    await stage.untilReady('moves-on');
    const gone = async (): Promise<boolean> => (await own.live()).length === 0;
    await awaitCondition(gone, { what: 'the sweep', timeoutMs: 40_000 });

    expect(await own.events()).toEqual(['made', 'revoked']);
    expect(await stage.ledger('moved-to')).toMatchObject([{ event: 'made' }]);
  });

  it('has nothing to go by where the server keeps no tags: such a lease is counted until its end', async () => {
    await using server = await ownServer({ profile: '2024' }, { defaultTTL: '1h' });
    const name = 'untagged';
    const letGo = proxy.when((request) =>
      request.what === 'POST secrets' && request.name === name ? { do: 'hang' } : undefined,
    );
    const made = async (): Promise<readonly { leaseId: string | null; expireAt: number | null }[]> =>
      (await server.api.readLedger()).entries.filter(({ event }) => event === 'made');
    await stage.apply(
      ...connectionObjects(server, { name }),
      leaseManifest(name, { connectionRef: { name } }),
    );
    await awaitCondition(async () => (await made()).length === 1, { what: 'the lease' });
    await operator.kill();
    letGo();
    await start();
    const ready = await stage.untilReady(name);

    const [lost, used, ...others] = await made();
    expect(others).toEqual([]);
    expect(ready.status.lease?.id).toBe(used?.leaseId);
    expect(ready.status.unaccounted).toMatchObject({ count: 1 });
    expect(Date.parse(defined(ready.status.unaccounted).until)).toBeGreaterThanOrEqual(
      defined(lost?.expireAt ?? undefined),
    );
    expect((await server.api.live()).leases.map(({ leaseId }) => leaseId)).toContain(lost?.leaseId);
  });

  it('leaves the leases of another installation, of nobody and of unknown objects alone', async () => {
    const own = await ownLease(stage, 'foreign');
    await own.apply();
    const ready = await stage.untilReady('foreign');
    await leaseElsewhere(stage, 'foreign', { install: 'a-third', object: ready.uid, attempt: 'one' });
    await leaseElsewhere(stage, 'foreign');
    await untilSwept('foreign', await installOf(ready.status.lease?.id));

    expect(await own.events()).toEqual(['made', 'made', 'made', 'made']);
    expect(said(SWEPT).filter((line) => line['object'] === 'default/foreign')).toEqual([]);
  });

  it('of an operator of another installation id leaves what this one made alone', async () => {
    const own = await ownLease(stage, 'other-id');
    await own.apply();
    await stage.untilReady('other-id');
    await operator.stop();
    await start(['--installation-id', 'another']);
    await untilSwept('other-id', 'another');

    expect(await own.events()).toEqual(['made', 'made']);
    expect(said(SWEPT)).toEqual([]);
  });
});
