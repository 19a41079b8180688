import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AuditMark } from '../../../sandbox/control-plane/audit.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { restartKey } from '../../../src/restart/annotation.ts';
import { standardTiming } from '../../../src/timing.ts';
import { connectionObjects, isReady, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { deploymentsOf, grantRestarts, type Deployments } from './support/deployments.ts';

/** Half of all waits: a window of 15 s, in which all leases rotate also on a busy machine. */
const SCALE = 0.5;

/** Leases that share a Deployment: those whose replaced leases run out, and those that revoke them. */
const groups = {
  expire: Array.from({ length: 50 }, (_, index) => `expire-${String(index)}`),
  revoke: Array.from({ length: 10 }, (_, index) => `revoke-${String(index)}`),
} as const;

const all = Object.values(groups).flat();

/**
 * What a restart costs beside the two writes of a rotation, exactly, from the audit log of the API server. The tests
 * are steps of one story.
 */
describe(`${String(all.length)} leases that change together`, { timeout: 200_000 }, () => {
  let stage: Stage;
  let deployments: Deployments;
  let mark: AuditMark;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: SCALE });
    await grantRestarts(stage);
    deployments = deploymentsOf(stage);
    await deployments.apply('expire');
    await deployments.apply('revoke');
    const leases = Object.entries(groups).flatMap(([name, names]) =>
      names.map((one) => {
        const restart = [{ kind: 'Deployment', name }];
        const revocation = name === 'revoke' ? { onRotation: 'Revoke', gracePeriod: '1s' } : {};
        return leaseManifest(one, { restart, revocation });
      }),
    );
    await stage.apply(...connectionObjects(stage), ...leases);
    await Promise.all(all.map((name) => stage.untilReady(name)));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** What the operator has written of objects whose name begins so; events are told as there is time for them. */
  const writesSince = async (prefix: string): Promise<Readonly<Record<string, number>>> => {
    const counts: Record<string, number> = {};
    for (const { user, verb, resource, name = '' } of await stage.plane.audit.events(mark)) {
      if (user !== stage.user || resource === 'events' || !name.startsWith(prefix)) continue;
      if (['get', 'list', 'watch'].includes(verb)) continue;
      counts[`${verb} ${resource}`] = (counts[`${verb} ${resource}`] ?? 0) + 1;
    }
    return counts;
  };
  const untilAll = (
    names: readonly string[],
    holds: (lease: LeaseRecord) => boolean,
  ): Promise<LeaseRecord[]> => Promise.all(names.map((name) => stage.untilLease(name, holds, 100_000)));

  it('restart what they share once, for all of them', async () => {
    const before = await deployments.generation('expire');
    mark = await stage.plane.audit.mark();
    await stage.kubectl('annotate', 'dsl', '--all', 'leaseholder.dev/rotate=now');
    const rotated = await untilAll(all, ({ status }) => status.restart !== undefined);
    for (const [name, names] of Object.entries(groups)) {
      const isWhole = async (): Promise<boolean> =>
        Object.keys(await deployments.templateOf(name)).length === names.length;
      await awaitCondition(isWhole, { what: `the restart of ${name}`, timeoutMs: 60_000 });
    }
    for (const name of Object.keys(groups)) await deployments.rolledOut(name);

    expect(rotated.every((lease) => isReady(lease) && lease.status.rotations === 1)).toBe(true);
    const begins = rotated.map(({ status }) => Date.parse(status.restart?.since ?? ''));
    // Else there would be nothing to prove.
    expect(Math.max(...begins) - Math.min(...begins)).toBeLessThan(SCALE * standardTiming.restartWindow);
    for (const [name, names] of Object.entries(groups)) {
      const own = rotated.filter((lease) => names.includes(lease.name));
      const told = Object.fromEntries(own.map((lease) => [restartKey(lease.name), lease.status.lease?.id]));
      expect(await deployments.templateOf(name)).toEqual(told);
      expect(await deployments.generation(name)).toBe(before + 1);
    }
  });

  it('write what they share once, and each status once more than a rotation does', async () => {
    await untilAll(groups.expire, ({ status }) => status.restart?.complete === true);
    expect(await writesSince('expire')).toEqual({
      'patch secrets': groups.expire.length,
      'patch dynamicsecretleases/status': 2 * groups.expire.length,
      'patch deployments': 1,
    });
  });

  it('write each status once more where the replaced lease is revoked', async () => {
    await untilAll(
      groups.revoke,
      ({ status }) => status.restart?.complete === true && status.retiring === undefined,
    );
    expect(await writesSince('revoke')).toEqual({
      'patch secrets': groups.revoke.length,
      'patch dynamicsecretleases/status': 3 * groups.revoke.length,
      'patch deployments': 1,
    });
    const inUse = await untilAll(all, ({ status }) => status.lease !== undefined);
    const named = new Set(
      inUse.flatMap(({ status }) => [status.lease?.id, ...(status.retiring ?? []).map(({ id }) => id)]),
    );
    const live = (await stage.api.live()).leases.map(({ leaseId }) => leaseId);
    expect(live.filter((id) => !named.has(id))).toEqual([]);
  });

  it('restart nothing more, and write nothing more', async () => {
    mark = await stage.plane.audit.mark();
    // Another lease goes through the whole of it: whatever else there was to do has been done by then.
    await deployments.apply('later');
    await stage.apply(leaseManifest('later', { restart: [{ kind: 'Deployment', name: 'later' }] }));
    await stage.untilReady('later');
    await stage.kubectl('annotate', 'dsl', 'later', 'leaseholder.dev/rotate=now');
    const key = restartKey('later');
    await awaitCondition(async () => key in (await deployments.templateOf('later')), { what: 'its restart' });
    for (const name of Object.keys(groups)) {
      expect(await writesSince(name)).toEqual({});
      expect(Object.keys(await deployments.templateOf(name))).not.toContain(key);
    }
  });
});
