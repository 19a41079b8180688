import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';

const names = ['one', 'two', 'three', 'four', 'five'];

/** I7: an unchanged world costs no write, and no lease, whatever happens around it. */
describe('five leases that are as they should be', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    operator = await stage.startOperator();
    await stage.apply(...connectionObjects(stage), ...names.map((name) => leaseManifest(name)));
    for (const name of names) await stage.untilReady(name);
    // The connection is kept from its first lease on.
    const kept = async (): Promise<boolean> => (await stage.connection('infisical'))?.finalizers.length === 1;
    await awaitCondition(kept, { what: 'the finalizer of the connection' });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** What the operator writes while something happens, and while a first lease comes after it. */
  const writesDuring = async (
    marker: string,
    happening: () => Promise<void>,
  ): Promise<Readonly<Record<string, number>>> => {
    // The connection tells how many objects it serves in its own time: those that there are, before this begins.
    const { leases } = await stage.api.live();
    const counted = async (): Promise<boolean> =>
      (await stage.connection('infisical'))?.status.served === leases.length;
    await awaitCondition(counted, { what: 'the connection to count its objects' });
    const since = await stage.plane.audit.mark();
    await happening();
    // Two, one after the other: when they are ready the operator has answered all that happened before.
    for (const name of [marker, `${marker}-again`]) {
      await stage.apply(leaseManifest(name));
      await stage.untilReady(name);
    }
    const counts = await stage.plane.audit.count(stage.user, since);
    return Object.fromEntries(
      Object.entries(counts).filter(([request]) => /^(create|patch|delete)/.test(request)),
    );
  };
  const onlyTheMarkers = {
    'patch dynamicsecretleases': 2,
    'create secrets': 2,
    'patch dynamicsecretleases/status': 2,
  };
  /** @param told how often the status of the connection may have been written: it counts each marker. */
  const expectOnlyTheMarkers = (writes: Readonly<Record<string, number>>, told: number): void => {
    const { 'patch infisicalconnections/status': times = 0, ...others } = writes;
    expect(others).toEqual(onlyTheMarkers);
    expect(times).toBeLessThanOrEqual(told);
  };

  it('are left alone when others change labels and annotations around them', async () => {
    const writes = await writesDuring('touched', async () => {
      for (const kind of ['dsl', 'secret']) {
        await stage.kubectl('label', kind, ...names, 'theirs=yes');
        await stage.kubectl('annotate', kind, ...names, 'theirs/note=yes');
        await stage.kubectl('label', kind, ...names, 'theirs-');
      }
      await stage.kubectl('label', 'infisicalconnection', 'infisical', 'theirs=yes');
      await stage.kubectl('label', 'secret', 'infisical-login', 'theirs=yes');
    });

    expectOnlyTheMarkers(writes, 2);
    expect((await stage.api.live()).leases).toHaveLength(names.length + 2);
  });

  it('are left alone when the operator is started anew, in order or after a crash', async () => {
    const { login } = (await stage.api.counts()).counts;
    const writes = await writesDuring('restarted', async () => {
      expect(await operator.stop()).toBe(0);
      operator = await stage.startOperator();
      await operator.kill();
      operator = await stage.startOperator();
    });

    // The status of the connection tells of each new login, too; nobody else is told anything.
    expectOnlyTheMarkers(writes, 4);
    expect((await stage.api.live()).leases).toHaveLength(names.length + 4);
    expect((await stage.api.counts()).counts['login']?.['anonymous']).toBeLessThanOrEqual(
      (login?.['anonymous'] ?? 0) + 2,
    );
    expect((await stage.api.readLedger()).entries.map(({ event }) => event)).not.toContain('revoked');
  });

  it('are left alone when the API server is started anew', async () => {
    const writes = await writesDuring('served', () => stage.plane.restartApiServer('SIGKILL'));

    expectOnlyTheMarkers(writes, 2);
    expect((await stage.api.live()).leases).toHaveLength(names.length + 6);
  });
});
