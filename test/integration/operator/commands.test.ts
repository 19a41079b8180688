import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { eventsOf, requestsFor, untilCaughtUp, untilEvent, untilInstant } from './support/observe.ts';
import { defined, ownLease } from './support/own-lease.ts';

/** Milliseconds: with waits at a twentieth a lease of this life is used for 7 to 9 seconds of it. */
const SHORT_LIFE = 16_000;

/** What a person tells the operator to do, or not to do, with one lease. */
describe('a person', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    operator = await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const rotate = (name: string, value: string): Promise<string> =>
    stage.kubectl('annotate', 'dsl', name, '--overwrite', `leaseholder.dev/rotate=${value}`);
  const untilRotations = (name: string, count: number): Promise<unknown> =>
    stage.untilLease(name, (lease) => lease.status.rotations === count && isReady(lease));

  describe.concurrent('who suspends a lease', () => {
    it('sees it end, told by the status, and go on when it is resumed', async () => {
      const own = await ownLease(stage, 'paused', { firstLife: SHORT_LIFE });
      await own.apply();
      await stage.untilReady('paused');
      await own.apply({ suspend: true });
      const told = await stage.untilLease('paused', ({ status }) => status.observedGeneration === 2);
      expect(conditionOf(told, 'Ready')?.status).toBe('True');
      expect(conditionOf(told, 'Reconciling')).toMatchObject({ status: 'False', reason: 'Suspended' });
      const over = await stage.untilLease(
        'paused',
        (lease) => conditionOf(lease, 'Ready')?.reason === 'Suspended',
      );
      expect(conditionOf(over, 'Ready')).toMatchObject({ status: 'False' });
      await awaitCondition(async () => (await own.events()).includes('expired'), { what: 'its end' });
      await stage.kubectl('delete', 'secret', 'paused');
      await rotate('paused', 'now');
      await untilCaughtUp(stage, 'paused-marker');
      expect(await own.events()).toEqual(['made', 'expired']);

      await own.apply();
      const resumed = await stage.untilReady('paused');
      expect(conditionOf(resumed, 'Reconciling')?.status).toBe('False');
      expect((await own.events()).slice(2)).toEqual(['made']);
      expect((await stage.secret('paused'))?.['DB_USERNAME']).toBe(resumed.status.lease?.externalEntityId);
    });

    it('before it begins costs no request at all', async () => {
      const own = await ownLease(stage, 'asleep');
      const since = await stage.plane.audit.mark();
      await own.apply({ suspend: true });
      const told = await stage.untilLease(
        'asleep',
        (lease) => conditionOf(lease, 'Ready')?.reason === 'Suspended',
      );
      expect(conditionOf(told, 'Stalled')?.status).toBe('False');
      expect(await requestsFor(stage, 'asleep', since)).toEqual(['patch dynamicsecretleases/status']);
      await own.apply();
      await stage.untilReady('asleep');
      expect(await own.events()).toEqual(['made']);
    });

    it('also holds the revocation of what was replaced', async () => {
      const own = await ownLease(stage, 'held');
      const revocation = { onRotation: 'Revoke', gracePeriod: '10s' };
      await own.apply({ revocation });
      await stage.untilReady('held');
      await rotate('held', 'once');
      await untilRotations('held', 1);
      await own.apply({ revocation, suspend: true }, { annotations: { 'leaseholder.dev/rotate': 'once' } });
      const held = await stage.untilLease('held', ({ status }) => status.observedGeneration === 2);
      await untilInstant(Date.parse(defined(held.status.retiring?.[0]?.revokeAfter)) + 2000);
      await untilCaughtUp(stage, 'held-marker');
      expect(await own.events()).toEqual(['made', 'made']);

      await own.apply({ revocation }, { annotations: { 'leaseholder.dev/rotate': 'once' } });
      await awaitCondition(async () => (await own.live()).length === 1, { what: 'the revocation' });
      expect(await own.live()).toEqual([held.status.lease?.id]);
    });

    it('and deletes it has everything revoked', async () => {
      const own = await ownLease(stage, 'ended');
      await own.apply();
      await stage.untilReady('ended');
      await own.apply({ suspend: true });
      await stage.untilLease('ended', ({ status }) => status.observedGeneration === 2);
      await stage.kubectl('delete', 'dsl', 'ended', '--wait=false');
      await stage.untilGone('ended');

      expect(await own.events()).toEqual(['made', 'revoked']);
      expect(await stage.secret('ended')).toBeUndefined();
    });
  });

  it('who asks for another lease by annotation gets one for each new value, and after a restart none more', async () => {
    const own = await ownLease(stage, 'asked');
    await own.apply({}, { annotations: { 'leaseholder.dev/rotate': 'from-the-start' } });
    const first = await stage.untilReady('asked');
    await rotate('asked', 'one');
    await untilRotations('asked', 1);
    await untilEvent(stage, 'asked', 'RotationRequested');
    expect((await stage.lease('asked'))?.status.retiring).toMatchObject([{ id: first.status.lease?.id }]);

    await operator.kill();
    operator = await stage.startOperator({ scale: 0.05 });
    await untilCaughtUp(stage, 'asked-marker');
    await stage.kubectl('annotate', 'dsl', 'asked', 'leaseholder.dev/rotate-');
    await rotate('asked', 'one');
    await untilCaughtUp(stage, 'asked-marker-too');
    expect(await own.events()).toEqual(['made', 'made']);

    await operator.stop();
    await rotate('asked', 'two');
    operator = await stage.startOperator({ scale: 0.05 });
    await untilRotations('asked', 2);
    expect(await own.events()).toEqual(['made', 'made', 'made']);
    expect((await eventsOf(stage, 'asked')).every((reason) => reason === 'RotationRequested')).toBe(true);
  });
});
