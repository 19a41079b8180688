import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { conditionOf, connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import { LATER_ROTATION, ownLease, type OwnLease } from './support/own-lease.ts';

function until(what: string, probe: () => boolean): Promise<boolean> {
  return awaitCondition(() => Promise.resolve(probe()), { what });
}

/** One after the other: each of these takes the API server away from everybody. */
describe('while the API server is away', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    // A fifth: 12 s for a delivery.
    operator = await stage.startOperator({ scale: 0.2 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** Begins a lease, and resolves when the server has made it; the operator gets the answer a moment later. */
  const untilMade = async (own: OwnLease): Promise<void> => {
    await stage.api.armFault({
      match: { dynamicSecret: own.name, route: 'lease-create' },
      action: { type: 'delay', ms: 1000, when: 'after' },
    });
    await own.apply();
    await awaitCondition(async () => (await own.events()).includes('made'), { what: 'the lease' });
  };
  const untilIssued = (name: string): Promise<boolean> =>
    until('the answer', () =>
      operator.lines.some(({ msg, object }) => msg === 'A lease was issued.' && object === `default/${name}`),
    );
  /** Which lease was delivered, and which were made. */
  const outcomeOf = async (own: OwnLease): Promise<object> => {
    const { status } = await stage.untilReady(own.name);
    const secret = await stage.secret(own.name);
    return {
      events: await own.events(),
      delivered: (await own.record())?.lease.id === status.lease?.id,
      holds: secret?.['DB_USERNAME'] === status.lease?.externalEntityId,
    };
  };
  const oneDelivered = { events: ['made'], delivered: true, holds: true };

  it('silent between lease and Secret: the same lease is written when it answers again', async () => {
    const own = await ownLease(stage, 'silent');
    await untilMade(own);
    stage.plane.pauseApiServer();
    await untilIssued('silent');
    stage.plane.resumeApiServer();

    expect(await outcomeOf(own)).toEqual(oneDelivered);
  });

  it('killed between lease and Secret: the same lease is written when it is back', async () => {
    const own = await ownLease(stage, 'killed');
    await untilMade(own);
    await stage.plane.stopApiServer('SIGKILL');
    await untilIssued('killed');
    await stage.plane.startApiServer();

    expect(await outcomeOf(own)).toEqual(oneDelivered);
  });

  it('without its storage between lease and Secret: the same lease is written when that is back', async () => {
    const own = await ownLease(stage, 'unstored');
    await untilMade(own);
    await stage.plane.restartEtcd('SIGKILL');

    expect(await outcomeOf(own)).toEqual(oneDelivered);
  });

  it('for long, a lease that is due costs one other, not one for each try', async () => {
    await operator.stop();
    const own = await ownLease(stage, 'long', { firstLife: LATER_ROTATION.life });
    // A twentieth: 3 s for a delivery. It is due long before its end, so that the outage fits in.
    operator = await stage.startOperator({ scale: 0.05 });
    await own.apply(LATER_ROTATION.spec);
    const before = await stage.untilReady('long');
    await stage.plane.stopApiServer('SIGKILL');
    const told = (what: string): number => operator.lines.filter(({ msg }) => msg.startsWith(what)).length;
    await until('the lease to be let go', () => told('A lease could not be written') === 1);
    const failures = told('A step failed.');
    await until('several failures more', () => told('A step failed.') >= failures + 3);
    expect(await own.events()).toEqual(['made', 'made']);
    await stage.plane.startApiServer();
    const after = await stage.untilLease('long', ({ status }) => status.rotations === 1);

    expect((await own.events()).filter((event) => event === 'made')).toHaveLength(3);
    expect(after.status.retiring).toMatchObject([{ id: before.status.lease?.id }]);
    expect(conditionOf(after, 'Ready')?.lastTransitionTime).toBe(
      conditionOf(before, 'Ready')?.lastTransitionTime,
    );
  });

  it('and changed meanwhile: what was deleted is revoked, what was added begins, when it is back', async () => {
    const [gone, kept] = [await ownLease(stage, 'gone'), await ownLease(stage, 'kept')];
    await gone.apply();
    await kept.apply();
    await stage.untilReady('gone');
    const { status } = await stage.untilReady('kept');
    await operator.kill();
    await stage.kubectl('delete', 'dsl', 'gone', '--wait=false');
    const added = await ownLease(stage, 'added');
    await added.apply();
    await stage.plane.stopApiServer('SIGKILL');
    // It starts before there is an API server, and waits.
    const starting = stage.startOperator({ scale: 0.05 });
    [operator] = await Promise.all([starting, stage.plane.startApiServer()]);
    await stage.untilGone('gone');
    await stage.untilReady('added');

    expect(await gone.events()).toEqual(['made', 'revoked']);
    expect(await kept.events()).toEqual(['made']);
    expect((await stage.lease('kept'))?.status).toEqual(status);
  });
});
