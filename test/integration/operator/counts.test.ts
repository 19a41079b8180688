import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';

/** How many leases live at once. */
const LEASES = 200;

/** How many objects a connection serves is written once in this time, whatever their number; in milliseconds. */
const COUNT_PACE = 10_000;

/** The connection's finalizer comes with the first lease that uses it, and goes with the last. */
const onceForTheConnection = { 'patch infisicalconnections': 1 };

/** The keys of the login. Once, within a minute of its start, a process looks whether they are what it logged in with. */
const CREDENTIALS = 2;

interface Since {
  readonly mark: Awaited<ReturnType<Stage['plane']['audit']['mark']>>;
  /** Wall clock, milliseconds. */
  readonly at: number;
}

/**
 * The write budget (docs/architecture.md): what the operator asks of the two APIs for each lease. It must never grow
 * unseen, so the counts are exact, from the audit log and the lease API's ledger.
 */
describe(`${String(LEASES)} leases applied at once`, { timeout: 200_000 }, () => {
  let stage: Stage;
  let lookedAt = 0;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator();
    await stage.apply(...connectionObjects(stage));
    await stage.kubectl('wait', '--for=condition=Ready', 'infisicalconnection/infisical', '--timeout=60s');
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** What the operator wrote and read since, but for the connection's own: its count has a pace, its credentials a look. */
  const countsSince = async (since: Since): Promise<Readonly<Record<string, number>>> => {
    const elapsed = Date.now() - since.at;
    const counts = await stage.plane.audit.count(stage.user, since.mark);
    const { 'patch infisicalconnections/status': counted = 0, 'get secrets': looks = 0, ...others } = counts;
    expect(counted).toBeLessThanOrEqual(1 + Math.ceil(elapsed / COUNT_PACE));
    lookedAt += looks;
    expect([0, CREDENTIALS]).toContain(lookedAt);
    return others;
  };
  const now = async (): Promise<Since> => ({ mark: await stage.plane.audit.mark(), at: Date.now() });
  const leaseEvents = async (): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { event } of (await stage.api.readLedger()).entries) counts[event] = (counts[event] ?? 0) + 1;
    return counts;
  };
  const allSettled = async (ready: (line: string) => boolean): Promise<void> => {
    await awaitCondition(
      async () => {
        const path =
          '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {.status.rotations}{"\\n"}{end}';
        const lines = (await stage.kubectl('get', 'dsl', '-o', `jsonpath=${path}`)).trim().split('\n');
        return lines.length === LEASES && lines.every(ready);
      },
      { what: 'all leases', timeoutMs: 120_000, intervalMs: 250 },
    );
  };

  it('become as many Secrets with 3 writes and no read each, one login and one lease each', async () => {
    const since = await now();
    // Each is used for 52 s at least, in which all have to settle, and then replaced by one that outlasts this test.
    await stage.api.overrideDynamicSecret({ dynamicSecretId: stage.dynamicSecretId, lifeOverride: 225_000 });
    await stage.apply(
      ...Array.from({ length: LEASES }, (_, index) => leaseManifest(`lease-${String(index)}`, { ttl: '1h' })),
    );
    await allSettled((line) => line === 'True 0');

    expect(await countsSince(since)).toEqual({
      'patch dynamicsecretleases': LEASES,
      'create secrets': LEASES,
      'patch dynamicsecretleases/status': LEASES,
      ...onceForTheConnection,
    });
    expect(await leaseEvents()).toMatchObject({ made: LEASES });
    expect((await stage.api.live()).leases).toHaveLength(LEASES);
    expect((await stage.api.counts()).counts['login']).toEqual({ anonymous: 1 });
  });

  it('rotate with 2 writes and no read each when their time has come', async () => {
    const since = await now();
    await stage.api.overrideDynamicSecret({ dynamicSecretId: stage.dynamicSecretId, lifeOverride: null });
    await allSettled((line) => line === 'True 1');

    expect(await countsSince(since)).toEqual({
      'patch secrets': LEASES,
      'patch dynamicsecretleases/status': LEASES,
    });
    expect(await leaseEvents()).toMatchObject({ made: 2 * LEASES });
    expect((await stage.api.counts()).counts['login']).toEqual({ anonymous: 1 });
  });

  it('leave nothing behind, with 2 writes each, when they are deleted', async () => {
    const since = await now();
    await stage.kubectl('delete', 'dsl', '--all', '--wait=false');
    await awaitCondition(async () => (await stage.kubectl('get', 'dsl', '-o', 'name')) === '', {
      what: 'all leases to be gone',
      timeoutMs: 120_000,
      intervalMs: 250,
    });
    await awaitCondition(async () => (await stage.connection('infisical'))?.finalizers.length === 0, {
      what: 'the connection to be free',
    });

    expect(await countsSince(since)).toEqual({
      'delete secrets': LEASES,
      'patch dynamicsecretleases': LEASES,
      ...onceForTheConnection,
    });
    expect((await stage.api.live()).leases).toEqual([]);
    expect(await stage.kubectl('get', 'secrets', '-l', 'leaseholder.dev/managed=true', '-o', 'name')).toBe(
      '',
    );
  });
});
