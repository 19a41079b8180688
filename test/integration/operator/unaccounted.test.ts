import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { LedgerEntry } from '../../../sandbox/lease-api/ledger.ts';
import {
  conditionOf,
  connectionObjects,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { startKubeProxy, type KubeProxy } from './support/kube-proxy.ts';
import { untilEvent } from './support/observe.ts';
import { defined } from './support/own-lease.ts';
import { ownServer, type OwnServer } from './support/own-server.ts';

/** A twentieth: after a request of unknown fate no other one for 4.5 s. */
const SETTLE_AFTER = 4500;

const made = async ({ api }: OwnServer): Promise<readonly LedgerEntry[]> =>
  (await api.readLedger()).entries.filter(({ event }) => event === 'made');
const lose = ({ api }: OwnServer, times: number): Promise<{ faultId: string }> =>
  api.armFault({
    match: { route: 'lease-create', times },
    action: { type: 'answer-lost', when: 'after' },
  });

/** Servers of 2024 keep no tags: what a lost answer made cannot be found. It is counted, and bounded. */
describe.concurrent('at a server that keeps no tags', () => {
  let stage: Stage;
  let proxy: KubeProxy;

  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    await stage.startOperator({ scale: 0.05, kubeconfig: proxy.kubeconfig });
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  const leased = async (name: string, seed: Parameters<typeof ownServer>[1]): Promise<OwnServer> => {
    const server = await ownServer({ profile: '2024' }, seed);
    await stage.apply(...connectionObjects(server, { name }));
    await stage.apply(leaseManifest(name, { connectionRef: { name } }));
    await stage.untilReady(name);
    return server;
  };

  it('two requests of unknown fate are the most, the second after a while, and both are shown until they passed', async () => {
    await using server = await leased('bounded', { defaultTTL: '15s' });
    await lose(server, 2);
    await stage.kubectl('delete', 'secret', 'bounded');
    const one = await stage.untilLease('bounded', ({ status }) => status.unaccounted?.count === 1);
    const two = await stage.untilLease('bounded', ({ status }) => status.unaccounted?.count === 2);
    expect(conditionOf(one, 'Ready')?.status).toBe('False');
    const told = await stage.untilLease(
      'bounded',
      (lease) => conditionOf(lease, 'Reconciling')?.reason === 'Unaccounted',
    );
    expect(conditionOf(told, 'Reconciling')?.message).toContain('dynamic secret orders');
    await untilEvent(stage, 'bounded', 'RequestUnaccounted');
    const healed = await stage.untilReady('bounded', 40_000);

    const [, first, second, third] = await made(server);
    expect(defined(second).at - defined(first).at).toBeGreaterThan(SETTLE_AFTER - 1000);
    const until = Date.parse(defined(two.status.unaccounted?.until));
    // Every lease that the two made has ended by then.
    expect(until).toBeGreaterThanOrEqual(defined(second?.expireAt ?? undefined));
    expect(defined(third).at).toBeGreaterThan(until - 1000);
    expect(healed.status).not.toHaveProperty('unaccounted');
    expect((await server.api.readLedger()).entries.map(({ event }) => event)).not.toContain('revoked');
  });

  it('one request of unknown fate does not touch the lease in use', async () => {
    await using server = await leased('at-rotation', { defaultTTL: '1h' });
    const before = await stage.untilReady('at-rotation');
    const data = await stage.secret('at-rotation');
    await lose(server, 1);
    await stage.kubectl('annotate', 'dsl', 'at-rotation', 'leaseholder.dev/rotate=once');
    const open = await stage.untilLease(
      'at-rotation',
      (lease) => conditionOf(lease, 'Reconciling')?.reason === 'NoAnswer',
    );
    expect(conditionOf(open, 'Ready')?.status).toBe('True');
    expect(open.status.lease?.id).toBe(before.status.lease?.id);
    expect(await stage.secret('at-rotation')).toEqual(data);
    const after = await stage.untilLease('at-rotation', ({ status }) => status.rotations === 1);

    // An hour has not passed: it is still shown.
    expect(after.status.unaccounted).toMatchObject({ count: 1 });
    expect(await made(server)).toHaveLength(3);
  });

  it('a delivery that was never answered and given up is counted', async () => {
    await using server = await leased('undelivered', { defaultTTL: '1h' });
    const letGo = proxy.when(({ what, name }) =>
      what === 'PATCH secrets' && name === 'undelivered' ? { do: 'drop' } : undefined,
    );
    await stage.kubectl('annotate', 'dsl', 'undelivered', 'leaseholder.dev/rotate=once');
    const counted = await stage.untilLease('undelivered', ({ status }) => status.unaccounted?.count === 1);
    letGo();
    const [, lost] = await made(server);
    expect(Date.parse(defined(counted.status.unaccounted).until)).toBeGreaterThanOrEqual(
      defined(lost?.expireAt ?? undefined),
    );
    const after = await stage.untilLease('undelivered', ({ status }) => status.rotations === 1);

    await awaitCondition(async () => (await made(server)).length === 3, { what: 'another lease' });
    expect((await stage.secret('undelivered'))?.['DB_USERNAME']).toBe(after.status.lease?.externalEntityId);
    expect((await server.api.live()).leases.map(({ leaseId }) => leaseId)).toContain(lost?.leaseId);
  });
});
