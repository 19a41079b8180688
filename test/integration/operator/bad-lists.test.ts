import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { revokeElsewhere } from './support/others.ts';
import { defined, ownLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

/** Milliseconds: with waits at a twentieth a lease of this life is used for some four seconds of it. */
const SHORT_LIFE = 12_000;

const faults: readonly (readonly [what: string, action: FaultRule['action']])[] = [
  ['limited in their rate', { type: 'status', status: 429, retryAfterSeconds: 1 }],
  ['answered with 500', { type: 'status', status: 500 }],
  ['answered with 503 by a gateway', { type: 'status', status: 503, body: 'html' }],
  ['answered with a page', { type: 'html' }],
  ['answered by halves', { type: 'truncated', cut: 'body' }],
  ['cut in the middle', { type: 'truncated', cut: 'connection' }],
  ['larger than 32 MiB', { type: 'huge-body', bytes: 34_000_000 }],
  ['answered a byte at a time', { type: 'slow-body', intervalMs: 400 }],
  ['never answered', { type: 'answer-lost', when: 'before' }],
];

/** What the operator learns from lists it does not conclude from bad ones. */
describe.concurrent('lists of leases', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    // A twentieth: answers within 3 s, a list every 15 s.
    await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  for (const [index, [what, action]] of faults.entries()) {
    it(`${what}: a lost request is settled and a lost lease is noticed when they heal, and nothing before`, async () => {
      const own = await ownLease(stage, `lists-${String(index)}`);
      const disturb = async (): Promise<{ met: () => Promise<number>; end: () => Promise<unknown> }> => {
        const match = { dynamicSecret: own.name, route: 'lease-list', times: 'always' } as const;
        const { faultId } = await stage.api.armFault({ match, action });
        const hits = async (): Promise<number> =>
          (await stage.api.listFaults()).faults.find(({ id }) => id === faultId)?.hits ?? 0;
        return { met: hits, end: () => stage.api.disarmFaults({ faultId }) };
      };
      const settling = await disturb();
      await stage.api.armFault({
        match: { dynamicSecret: own.name, route: 'lease-create' },
        action: { type: 'answer-lost', when: 'after' },
      });
      await own.apply();
      await awaitCondition(async () => (await settling.met()) >= 4, { what: 'lists', timeoutMs: 60_000 });
      expect(await own.events()).toEqual(['made']);
      await settling.end();
      const { status } = await stage.untilReady(own.name, 60_000);
      await awaitCondition(async () => (await own.live()).length === 1, { what: 'the revocation' });
      expect((await own.events()).toSorted()).toEqual(['made', 'made', 'revoked']);

      const looking = await disturb();
      await revokeElsewhere(stage, status.lease?.id);
      await awaitCondition(async () => (await looking.met()) >= 3, { what: 'lists', timeoutMs: 60_000 });
      expect(await own.live()).toEqual([]);
      await looking.end();
      const healed = await stage.untilLease(own.name, (lease) => lease.status.rotations === 1, 60_000);
      expect(await own.live()).toEqual([healed.status.lease?.id]);
      expect((await own.events()).filter((event) => event === 'made')).toHaveLength(3);
    });
  }

  it('that are bad at one server: rotations at another are on time meanwhile', async () => {
    const name = 'punctual';
    await using server = await ownServer({}, { lifeOverride: SHORT_LIFE });
    await stage.apply(...connectionObjects(server, { name }));
    await stage.apply(leaseManifest(name, { connectionRef: { name } }));
    await stage.untilLease(name, ({ status }) => (status.rotations ?? 0) >= 5, 60_000);

    const made = (await server.api.readLedger()).entries.filter(({ event }) => event === 'made');
    for (const [index, { at }] of made.slice(1).entries()) {
      // After some four seconds, and before the one that is replaced ends.
      expect(at - defined(made[index]).at).toBeLessThan(SHORT_LIFE);
    }
  });
});
