import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';

const LEASES = 1000;

/** However many leases a connection serves, they share one session. */
describe(`${String(LEASES)} leases of one connection`, () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator();
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  it('become ready with one login', { timeout: 240_000 }, async () => {
    const names = Array.from({ length: LEASES }, (_, index) => `many-${String(index)}`);
    await stage.apply(...names.map((name) => leaseManifest(name)));
    const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
    await awaitCondition(
      async () => {
        const lines = await stage.kubectl('get', 'dsl', '-o', `jsonpath=${path}`);
        return lines.split('\n').filter((line) => line === 'True').length === LEASES;
      },
      { what: 'all leases to be ready', timeoutMs: 200_000, intervalMs: 1000 },
    );
    const { entries } = await stage.api.readLedger();
    expect(entries.filter(({ event }) => event === 'login')).toHaveLength(1);
    expect(entries.filter(({ event }) => event === 'made')).toHaveLength(LEASES);
    const served = async (): Promise<boolean> =>
      (await stage.connection('infisical'))?.status.served === LEASES;
    await awaitCondition(served, { what: 'the connection to say whom it serves', timeoutMs: 20_000 });
  });
});
