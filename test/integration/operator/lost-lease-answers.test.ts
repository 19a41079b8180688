import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import {
  conditionOf,
  connectionObjects,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { LATER_ROTATION, ownLease, type OwnLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

/** One was lost and is revoked, one more was made; the two steps do not wait for each other. */
async function untilRevoked(own: OwnLease): Promise<void> {
  await awaitCondition(async () => (await own.live()).length === 1, { what: 'the revocation' });
  expect((await own.events()).toSorted()).toEqual(['made', 'made', 'revoked']);
}

/** The API has no idempotency key and shows credentials once: what a lost answer made must be found and revoked. */
describe.concurrent('a request for a lease', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    // A twentieth: answers within 3 s, certainty about a lost request after 4.5 s.
    operator = await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const arm = (
    dynamicSecret: string,
    action: FaultRule['action'],
    match: NonNullable<FaultRule['match']> = { route: 'lease-create' },
  ): Promise<{ faultId: string }> => stage.api.armFault({ match: { dynamicSecret, ...match }, action });

  /** Lets every list of a dynamic secret fail until the returned function is called. */
  const blindLists = async (dynamicSecret: string): Promise<() => Promise<unknown>> => {
    const match = { route: 'lease-list', times: 'always' } as const;
    const { faultId } = await arm(dynamicSecret, { type: 'status', status: 503 }, match);
    return () => stage.api.disarmFaults({ faultId });
  };

  const lost: readonly (readonly [what: string, action: FaultRule['action']])[] = [
    ['whose answer is lost', { type: 'answer-lost', when: 'after' }],
    ['whose answer comes too late', { type: 'delay', ms: 4000, when: 'after' }],
    ['that is done only when nobody waits for it any more', { type: 'delay', ms: 3800, when: 'before' }],
    ['whose answer is cut in the middle', { type: 'truncated', cut: 'connection' }],
    ['whose answer is half an answer', { type: 'truncated', cut: 'body' }],
    ['that is done and answered with 500', { type: 'status', status: 500, when: 'after' }],
    [
      'that is done and answered with 502 by a gateway',
      { type: 'status', status: 502, body: 'html', when: 'after' },
    ],
    ['whose answer is not marked as JSON', { type: 'content-type', value: 'text/plain' }],
    ['whose answer is too large', { type: 'huge-body', bytes: 2_000_000 }],
    ['whose answer trickles in', { type: 'slow-body', intervalMs: 50 }],
  ];

  for (const [index, [what, action]] of lost.entries()) {
    it(`${what} is found by its tag and revoked, and one more is made`, async () => {
      const own = await ownLease(stage, `lost-${String(index)}`);
      await arm(own.name, action);
      await own.apply();
      const ready = await stage.untilReady(own.name);

      await untilRevoked(own);
      expect(await own.live()).toEqual([ready.status.lease?.id]);
      expect((await stage.secret(own.name))?.['DB_USERNAME']).toBe(ready.status.lease?.externalEntityId);
      expect(ready.status).not.toHaveProperty('retiring');
    });
  }

  it.each([
    ['whose token dies on the way', { type: 'token-death', death: 'expired' }],
    ['that meets a limit of the rate', { type: 'status', status: 429, retryAfterSeconds: 1 }],
  ] as const)('%s is made all the same, once and without a word', async (what, action) => {
    const own = await ownLease(stage, `bumpy-${String(what.length)}`);
    await arm(own.name, action);
    await own.apply();
    const ready = await stage.untilReady(own.name);
    expect(await own.events()).toEqual(['made']);
    expect(ready.status).not.toHaveProperty('attempts');
    const failed = operator.lines.filter(
      ({ object, level }) => object === `default/${own.name}` && level !== 'info',
    );
    expect(failed).toEqual([]);
  });

  it('that never arrived is known to have made nothing, and is sent once more', async () => {
    const own = await ownLease(stage, 'never');
    await arm('never', { type: 'answer-lost', when: 'before' });
    await own.apply();
    const open = await stage.untilLease('never', (lease) => lease.status.attempts?.reason === 'NoAnswer');
    expect(conditionOf(open, 'Ready')?.status).toBe('False');
    await stage.untilReady('never');

    expect(await own.events()).toEqual(['made']);
  });

  it('is not sent again while nobody knows what became of the last', async () => {
    const own = await ownLease(stage, 'unknown');
    await arm('unknown', { type: 'answer-lost', when: 'after' });
    const restoreLists = await blindLists('unknown');
    const failed = async (): Promise<number> =>
      (await stage.api.listFaults()).faults.find(
        ({ rule }) => rule.match.dynamicSecret === 'unknown' && rule.match.route === 'lease-list',
      )?.hits ?? 0;
    await own.apply();
    await awaitCondition(async () => (await failed()) >= 12, { what: 'a dozen lists that fail' });
    expect(await own.events()).toEqual(['made']);

    await restoreLists();
    await stage.untilReady('unknown');
    await untilRevoked(own);
  });

  it('whose answers are always lost leads to no storm, and to no lease that stays', async () => {
    const own = await ownLease(stage, 'storm');
    const always = { route: 'lease-create', times: 'always' } as const;
    const { faultId } = await arm('storm', { type: 'answer-lost', when: 'after' }, always);
    await own.apply();
    const made = async (): Promise<number> => (await own.events()).filter((event) => event === 'made').length;
    await awaitCondition(async () => (await made()) >= 6, { what: 'six leases', timeoutMs: 40_000 });
    // One that was just found and is being revoked, and one whose fate is still open: revocations do not hold up others.
    expect((await own.live()).length).toBeLessThanOrEqual(2);
    const [first, ...others] = (await stage.ledger('storm')).filter(({ event }) => event === 'made');
    // A backoff that doubles from 50 ms: the sixth cannot come at once.
    expect((others[4]?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(300);

    await stage.api.disarmFaults({ faultId });
    const ready = await stage.untilReady('storm');
    await awaitCondition(async () => (await own.live()).length === 1, { what: 'the revocations' });
    expect(await own.live()).toEqual([ready.status.lease?.id]);
  });

  it('that is lost at a rotation does not touch what is in use', async () => {
    const own = await ownLease(stage, 'rotation', { firstLife: LATER_ROTATION.life });
    await own.apply(LATER_ROTATION.spec);
    const before = await stage.untilReady('rotation');
    const data = await stage.secret('rotation');
    await arm('rotation', { type: 'answer-lost', when: 'after' });
    const restoreLists = await blindLists('rotation');
    const faulty = await stage.untilLease(
      'rotation',
      (lease) => conditionOf(lease, 'Reconciling')?.reason === 'NoAnswer',
    );
    expect(conditionOf(faulty, 'Ready')?.status).toBe('True');
    expect(await stage.secret('rotation')).toEqual(data);
    await restoreLists();
    const after = await stage.untilLease('rotation', ({ status }) => status.rotations === 1);

    await awaitCondition(async () => (await own.events()).includes('revoked'), { what: 'the revocation' });
    const [, second] = await stage.ledger('rotation');
    const revoked = (await stage.ledger('rotation')).filter(({ event }) => event === 'revoked');
    expect(revoked.map(({ leaseId }) => leaseId)).toEqual([second?.leaseId]);
    expect(after.status.retiring).toMatchObject([{ id: before.status.lease?.id }]);
    expect(after.status.retiring).toHaveLength(1);
  });

  it('that is lost and whose object is deleted is settled before the object goes', async () => {
    const own = await ownLease(stage, 'orphan');
    await arm('orphan', { type: 'answer-lost', when: 'after' });
    const restoreLists = await blindLists('orphan');
    await own.apply();
    await stage.untilLease('orphan', (lease) => lease.status.attempts !== undefined);
    await stage.kubectl('delete', 'dsl', 'orphan', '--wait=false');
    await stage.untilLease('orphan', (lease) => lease.deletedAt !== undefined);
    await restoreLists();
    await stage.untilGone('orphan');

    expect(await own.events()).toEqual(['made', 'revoked']);
  });

  it('goes without a tag where the type refuses one, and later requests do at once', async () => {
    const own = await ownLease(stage, 'strict');
    const { faultId } = await arm(
      'strict',
      { type: 'config-refused', status: 422 },
      { route: 'lease-create', times: 'always' },
    );
    const hits = async (): Promise<number | undefined> =>
      (await stage.api.listFaults()).faults.find(({ id }) => id === faultId)?.hits;
    await own.apply();
    await stage.untilReady('strict');
    expect(await hits()).toBe(1);
    await stage.kubectl('delete', 'secret', 'strict');
    await stage.untilLease('strict', ({ status }) => status.rotations === 1);

    expect(await hits()).toBe(1);
    expect((await stage.ledger('strict')).map(({ tag }) => tag)).toEqual([null, null]);
  });

  it.each([
    ['that drops the tag', {}, true],
    ['of 2024, which knows no tag', { profile: '2024' }, false],
  ] as const)('at a server %s: a lost one is not taken for another, and ends by itself', async (...row) => {
    const [what, options, dropped] = row;
    const name = `untagged-${what.length.toString()}`;
    await using server = await ownServer(options);
    const drop = {
      match: { route: 'lease-create', times: 'always' },
      action: { type: 'config-dropped' },
    } as const;
    if (dropped) await server.api.armFault(drop);
    await server.api.armFault({
      match: { route: 'lease-create', nth: 2 },
      action: { type: 'answer-lost', when: 'after' },
    });
    await stage.apply(...connectionObjects(server, { name }));
    await stage.apply(leaseManifest(name, { connectionRef: { name } }));
    await stage.untilReady(name);
    // The second request, whose answer is lost, is known to have gone without a tag that counts.
    await stage.kubectl('delete', 'secret', name);
    const healed = await stage.untilLease(name, (lease) => lease.status.rotations === 1);

    expect(conditionOf(healed, 'Ready')?.status).toBe('True');
    const events = (await server.api.readLedger()).entries.map(({ event }) => event);
    expect(events.filter((event) => event === 'made')).toHaveLength(3);
    expect(events).not.toContain('revoked');
    const told = (): string[] =>
      operator.lines.filter(({ object }) => object === `default/${name}`).map(({ msg }) => msg);
    await vi.waitFor(() =>
      expect(told()).toContain(
        'A request without an answer cannot be settled; what it may have made is left to end.',
      ),
    );
    const counted = await stage.untilLease(name, ({ status }) => status.unaccounted !== undefined);
    expect(counted.status.unaccounted?.count).toBe(1);
  });
});
