import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import {
  conditionOf,
  connectionObjects,
  isReady,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { freeAddress, type Address } from './support/address.ts';
import { defined, ownLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

/** With waits at a twentieth a replaced lease lives on for 6 s, the two minutes that every pod may need. */
const OVERLAP = 6000;
const REVOKE = { revocation: { onRotation: 'Revoke', gracePeriod: '1s' } } as const;

const untilLedger = async (own: Awaited<ReturnType<typeof ownLease>>, wanted: string): Promise<void> => {
  const seen = async (): Promise<boolean> => (await own.events()).includes(wanted);
  await awaitCondition(seen, { what: `${wanted} of ${own.name}` });
};

describe.concurrent('a lease that was replaced', () => {
  let stage: Stage;
  let operator: OperatorProcess;
  let probes: Address;

  beforeAll(async () => {
    stage = await startStage();
    probes = await freeAddress();
    operator = await stage.startOperator({ scale: 0.05, flags: ['--listen', probes.address] });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const rotate = async (name: string): ReturnType<Stage['untilLease']> => {
    await stage.kubectl('annotate', 'dsl', name, 'leaseholder.dev/rotate=once');
    return stage.untilLease(name, (lease) => lease.status.rotations === 1 && isReady(lease));
  };
  const leftCount = async (): Promise<number> => {
    const [, text] = await probes.get('/metrics');
    return Number(/leaseholder_revocations_total\{result="left"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const toldLeft = (name: string): readonly unknown[] =>
    operator.lines
      .filter(({ msg, object }) => msg === 'A lease is left to run out.' && object === `default/${name}`)
      .map(({ why }) => why);

  it('is revoked when pods have had the time to take up its successor, where the object says Revoke', async () => {
    const own = await ownLease(stage, 'graceful');
    await own.apply(REVOKE);
    const before = await stage.untilReady('graceful');
    const after = await rotate('graceful');
    const [entry] = defined(after.status.retiring);
    expect(entry).toMatchObject({ id: before.status.lease?.id });
    await untilLedger(own, 'revoked');

    const [, successor, revocation] = await stage.ledger('graceful');
    expect(revocation).toMatchObject({ event: 'revoked', leaseId: before.status.lease?.id });
    // The status has whole seconds.
    expect(defined(revocation).at - defined(successor).at).toBeGreaterThan(OVERLAP - 1000);
    expect(defined(revocation).at).toBeGreaterThan(Date.parse(defined(entry?.revokeAfter)) - 1000);
    expect(await own.live()).toEqual([after.status.lease?.id]);
  });

  it('lives as long as gracePeriod says, where that is longer', async () => {
    const own = await ownLease(stage, 'patient');
    await own.apply({ revocation: { onRotation: 'Revoke', gracePeriod: '11s' } });
    await stage.untilReady('patient');
    await rotate('patient');
    await untilLedger(own, 'revoked');

    const [, successor, revocation] = await stage.ledger('patient');
    expect(defined(revocation).at - defined(successor).at).toBeGreaterThan(10_000);
  });

  it('and cannot be revoked is tried again, told in the status, beside a step that fails', async () => {
    const own = await ownLease(stage, 'stuck');
    const { faultId } = await stage.api.armFault({
      match: { dynamicSecret: 'stuck', times: 'always' },
      action: { type: 'revocation-fails' },
    });
    await own.apply(REVOKE);
    const before = await stage.untilReady('stuck');
    await rotate('stuck');
    const nowhere = { name: 'nothing', projectSlug: 'shop', environmentSlug: 'prod' };
    await own.apply({ ...REVOKE, dynamicSecret: nowhere });
    const told = await stage.untilLease(
      'stuck',
      ({ status }) => status.retiring?.[0]?.reason === 'RevocationFailed',
    );
    expect(told.status.retiring).toMatchObject([{ id: before.status.lease?.id, attempts: 1 }]);
    expect(conditionOf(told, 'Ready')).toMatchObject({ status: 'False', reason: 'TargetNotFound' });
    await awaitCondition(
      async () => (await own.events()).filter((event) => event === 'revoke-failed').length >= 3,
      { what: 'three tries' },
    );

    await stage.api.disarmFaults({ faultId });
    await untilLedger(own, 'revoked');
    expect(await own.live()).toEqual([told.status.lease?.id]);
    expect(conditionOf(defined(await stage.lease('stuck')), 'Ready')?.reason).toBe('TargetNotFound');
  });

  it('is revoked where it was made, whatever the object names by then', async () => {
    await using old = await ownServer();
    await using next = await ownServer();
    await stage.apply(
      ...connectionObjects(old, { name: 'old' }),
      ...connectionObjects(next, { name: 'next' }),
    );
    await next.api.seedDynamicSecret({ name: 'others', projectSlug: 'shop', environmentSlug: 'prod' });
    await stage.apply(leaseManifest('moved', { connectionRef: { name: 'old' }, ...REVOKE }));
    const before = await stage.untilReady('moved');
    const dynamicSecret = { name: 'others', projectSlug: 'shop', environmentSlug: 'prod' };
    await stage.apply(leaseManifest('moved', { connectionRef: { name: 'next' }, dynamicSecret, ...REVOKE }));
    const after = await stage.untilReady('moved');
    expect(after.status.retiring).toMatchObject([
      {
        id: before.status.lease?.id,
        dynamicSecret: 'orders',
        connection: { name: 'old', host: old.api.url },
      },
    ]);
    const left = async (): Promise<number> => (await old.api.live()).leases.length;
    await awaitCondition(async () => (await left()) === 0, { what: 'the revocation' });

    expect((await next.api.live()).leases.map(({ leaseId }) => leaseId)).toEqual([after.status.lease?.id]);
  });

  it('makes room for others: a seventeenth that lives holds up what can wait, and says so', async () => {
    const own = await ownLease(stage, 'crowded');
    await own.apply();
    await stage.untilReady('crowded');
    for (let count = 1; count <= 16; count += 1) {
      await stage.kubectl(
        'annotate',
        'dsl',
        'crowded',
        '--overwrite',
        `leaseholder.dev/rotate=${String(count)}`,
      );
      await stage.untilLease('crowded', ({ status }) => status.rotations === count);
    }
    await stage.kubectl('annotate', 'dsl', 'crowded', '--overwrite', 'leaseholder.dev/rotate=17');
    const told = await stage.untilLease(
      'crowded',
      (lease) => conditionOf(lease, 'Reconciling')?.reason === 'RetiringFull',
    );
    expect(told.status.retiring).toHaveLength(16);
    expect(conditionOf(told, 'Ready')?.status).toBe('True');
    expect(await own.live()).toHaveLength(17);
    await stage.kubectl('delete', 'dsl', 'crowded', '--wait=false');
    await stage.untilGone('crowded');
    expect(await own.live()).toEqual([]);
  });

  it('or was in use, and is left to run out as declared, is told by the log and counted', async () => {
    const own = await ownLease(stage, 'declared');
    await own.apply({ revocation: { onDelete: 'Expire' } });
    await stage.untilReady('declared');
    await rotate('declared');
    const before = await leftCount();
    await stage.kubectl('delete', 'dsl', 'declared', '--wait=false');
    await stage.untilGone('declared');

    await awaitCondition(() => Promise.resolve(toldLeft('declared').length === 2), { what: 'the log' });
    expect(toldLeft('declared')).toEqual(['declared', 'declared']);
    expect((await leftCount()) - before).toBe(2);
    expect(await own.events()).toEqual(['made', 'made']);
  });
});
