import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { freeAddress, type Address } from './support/address.ts';
import { requestsFor, untilCaughtUp, untilEvent } from './support/observe.ts';
import { defined, ownLease } from './support/own-lease.ts';

/** A twentieth: drift of one Secret costs at most one lease in 30 s. */
const DRIFT_INTERVAL = 30_000;

describe.concurrent('a Secret that others change', () => {
  let stage: Stage;
  let probes: Address;

  beforeAll(async () => {
    stage = await startStage();
    probes = await freeAddress();
    await stage.startOperator({ scale: 0.05, flags: ['--listen', probes.address] });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const edit = (secret: string, value: string): Promise<string> =>
    stage.kubectl(
      'patch',
      'secret',
      secret,
      '--type=merge',
      '-p',
      JSON.stringify({ stringData: { DB_PASSWORD: value } }),
    );
  const counted = async (kind: string): Promise<number> => {
    const [, text] = await probes.get('/metrics');
    return Number(new RegExp(`leaseholder_drift_total\\{kind="${kind}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };

  it('in its data is read once and healed by one lease; what it held is listed as replaced, and it is told', async () => {
    const own = await ownLease(stage, 'edited');
    await own.apply();
    const before = await stage.untilReady('edited');
    const already = await counted('edited');
    const since = await stage.plane.audit.mark();
    await edit('edited', 'mine');
    const after = await stage.untilLease('edited', ({ status }) => status.rotations === 1);

    expect(after.status.retiring).toMatchObject([{ id: before.status.lease?.id }]);
    const data = defined(await stage.secret('edited'));
    expect(data['DB_USERNAME']).toBe(after.status.lease?.externalEntityId);
    expect(data['DB_PASSWORD']).not.toBe('mine');
    expect(await own.events()).toEqual(['made', 'made']);
    await untilEvent(stage, 'edited', 'SecretDrifted');
    expect(await counted('edited')).toBeGreaterThan(already);
    const asked = await requestsFor(stage, 'edited', since);
    expect(asked.filter((request) => request.endsWith(' secrets'))).toEqual(['get secrets', 'patch secrets']);
  });

  it('by deleting it comes back with one lease; the other is listed as replaced, and it is told', async () => {
    const own = await ownLease(stage, 'deleted');
    await own.apply();
    const before = await stage.untilReady('deleted');
    await stage.kubectl('delete', 'secret', 'deleted');
    const after = await stage.untilLease(
      'deleted',
      (lease) => lease.status.rotations === 1 && isReady(lease),
    );

    expect(after.status.retiring).toMatchObject([{ id: before.status.lease?.id }]);
    expect((await stage.secret('deleted'))?.['DB_USERNAME']).toBe(after.status.lease?.externalEntityId);
    expect(await own.events()).toEqual(['made', 'made']);
    await untilEvent(stage, 'deleted', 'SecretDrifted');
  });

  it(
    'again and again costs one lease in a while, says so, and is healed in the end',
    { timeout: 150_000 },
    async () => {
      const own = await ownLease(stage, 'contended');
      await own.apply();
      await stage.untilReady('contended');
      await edit('contended', 'first');
      await stage.untilLease('contended', ({ status }) => status.rotations === 1);
      for (let count = 0; count < 5; count += 1) await edit('contended', `again-${String(count)}`);
      const told = await stage.untilLease(
        'contended',
        (lease) => conditionOf(lease, 'Reconciling')?.reason === 'Contended',
      );
      expect(conditionOf(told, 'Reconciling')?.message).toContain('Secret contended ');
      await edit('contended', 'still');
      await stage.untilLease('contended', ({ status }) => status.rotations === 2, 60_000);

      const made = (await stage.ledger('contended')).map(({ at }) => at);
      expect(made).toHaveLength(3);
      expect((made[2] ?? 0) - (made[1] ?? 0)).toBeGreaterThan(DRIFT_INTERVAL - 1000);
      const healed = await stage.untilLease(
        'contended',
        (lease) => conditionOf(lease, 'Reconciling')?.status === 'False',
      );
      expect((await stage.secret('contended'))?.['DB_USERNAME']).toBe(healed.status.lease?.externalEntityId);
    },
  );

  it('in labels and annotations that are theirs costs at most one read for each, and no write', async () => {
    const own = await ownLease(stage, 'labelled');
    await own.apply();
    await stage.untilReady('labelled');
    const since = await stage.plane.audit.mark();
    for (const word of ['one', 'two', 'three']) {
      await stage.kubectl('label', 'secret', 'labelled', '--overwrite', `theirs=${word}`);
      await untilCaughtUp(stage, `labelled-${word}`);
    }
    await stage.kubectl('annotate', 'secret', 'labelled', 'theirs/too=yes');
    await untilCaughtUp(stage, 'labelled-four');

    const asked = await requestsFor(stage, 'labelled', since);
    expect(new Set(asked)).toEqual(new Set(['get secrets']));
    expect(asked.length).toBeLessThanOrEqual(4);
    expect(await own.events()).toEqual(['made']);
  });
});
