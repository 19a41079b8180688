import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { nudgeKey } from '../../../src/nudge/annotation.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { eventsOf, untilCaughtUp, untilEvent, untilInstant } from './support/observe.ts';
import { ownLease } from './support/own-lease.ts';
import { annotationsOf, makePod, podWrites, uses } from './support/pods.ts';

const NUDGE = { secret: { propagation: 'Nudge' } };

function idOf({ status }: LeaseRecord): string {
  return status.lease?.id ?? '';
}

/** No kubelet is here: what counts is which pods are annotated, and which are not. */
describe('pods that mount a Secret', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    await stage.apply(...connectionObjects(stage));
    await stage.kubectl('create', 'namespace', 'elsewhere');
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const start = async (...flags: readonly string[]): Promise<void> => {
    operator = await stage.startOperator({ flags });
  };
  const grant = (role: string): Promise<string> =>
    stage.kubectl(
      'create',
      'clusterrolebinding',
      role,
      `--clusterrole=${role}`,
      '--serviceaccount=leaseholder-system:leaseholder',
    );
  /** @returns the object with its next lease. */
  const rotate = async (name: string): Promise<LeaseRecord> => {
    const { rotations = 0 } = (await stage.lease(name))?.status ?? {};
    const value = String(rotations + 1);
    await stage.kubectl('annotate', 'dsl', name, '--overwrite', `leaseholder.dev/rotate=${value}`);
    return stage.untilLease(name, (lease) => lease.status.rotations === rotations + 1 && isReady(lease));
  };
  const untilNudged = async (
    secret: string,
    lease: LeaseRecord,
    ...pods: readonly string[]
  ): Promise<void> => {
    for (const pod of pods) {
      const nudged = async (): Promise<boolean> =>
        (await annotationsOf(stage, pod))[nudgeKey(secret)] === idOf(lease);
      await awaitCondition(nudged, { what: `the nudge of ${pod}`, intervalMs: 100 });
    }
  };

  describe('where the operator is not told to nudge', () => {
    beforeEach(() => start());
    afterEach(() => operator.stop());

    it('are left alone, and the status says so', async () => {
      const own = await ownLease(stage, 'off');
      await makePod(stage, 'off', uses.volume('off'));
      await own.apply(NUDGE);
      const ready = await stage.untilReady('off');
      expect(conditionOf(ready, 'Ready')?.message).toContain('spec.secret.propagation Nudge has no effect');
      await rotate('off');
      await untilCaughtUp(stage, 'off-marker');
      expect(await annotationsOf(stage, 'off')).toEqual({});
      const seen = (await stage.plane.audit.events()).filter(
        ({ user, resource }) => user === stage.user && resource === 'pods',
      );
      expect(seen).toEqual([]);
      await own.apply();
      const silent = await stage.untilLease('off', (lease) => lease.status.observedGeneration === 2);
      expect(conditionOf(silent, 'Ready')?.message).not.toContain('Nudge');
    });
  });

  describe('where the operator has the right in its namespace alone', () => {
    afterEach(() => operator.kill());

    it('are annotated there', async () => {
      const account = '--serviceaccount=leaseholder-system:leaseholder';
      await stage.kubectl('create', 'rolebinding', 'nudge', '--clusterrole=leaseholder-nudge', account);
      await start('--nudge-pods', 'on', '--namespaces', 'default');
      const own = await ownLease(stage, 'narrow');
      await makePod(stage, 'narrow', uses.volume('narrow'));
      await own.apply(NUDGE);
      await untilNudged('narrow', await stage.untilReady('narrow'), 'narrow');
      expect(await eventsOf(stage, 'narrow')).not.toContain('NudgeFailed');
      await stage.kubectl('delete', 'rolebinding', 'nudge');
    });
  });

  describe('where the operator has no right to nudge', () => {
    afterEach(() => operator.kill());

    it('leases go on, an event tells, and who gets the right in time finishes the job', async () => {
      const own = await ownLease(stage, 'rightless');
      await makePod(stage, 'rightless', uses.volume('rightless'));
      await start('--nudge-pods', 'on');
      await own.apply(NUDGE);
      const ready = await stage.untilReady('rightless');
      expect(conditionOf(ready, 'Ready')?.message).not.toContain('Nudge');
      await untilEvent(stage, 'rightless', 'NudgeFailed');
      const words = operator.lines.filter(({ msg }) => msg.includes('do not allow to watch pods'));
      expect(words.map(({ level }) => level)).toEqual(['warn']);

      await stage.kubectl('create', 'clusterrole', 'watch-pods', '--verb=list,watch', '--resource=pods');
      await grant('watch-pods');
      await operator.kill();
      const since = await stage.plane.audit.mark();
      await start('--nudge-pods', 'on');
      const lease = await rotate('rightless');
      const refused = async (): Promise<boolean> =>
        (await podWrites(stage, since)).includes('patch default/rightless 403');
      await awaitCondition(refused, { what: 'the refusal', intervalMs: 100 });
      expect(await annotationsOf(stage, 'rightless')).toEqual({});
      expect(conditionOf(lease, 'Ready')?.status).toBe('True');

      await operator.kill();
      await grant('leaseholder-nudge');
      await start('--nudge-pods', 'on');
      await untilNudged('rightless', lease, 'rightless');
    });
  });

  describe('where the operator nudges', () => {
    beforeAll(() => start('--nudge-pods', 'on'));
    afterAll(() => operator.kill());

    const untouched: readonly string[] = ['environment', 'sub-path', 'other-secret', 'finished', 'ending'];

    it('are annotated with the new lease, and no others', async () => {
      const own = await ownLease(stage, 'orders-db');
      await makePod(stage, 'volume', uses.volume('orders-db'));
      await makePod(stage, 'projected', uses.projected('orders-db'));
      await makePod(stage, 'environment', uses.environment('orders-db'));
      await makePod(stage, 'sub-path', uses.subPath('orders-db'));
      await makePod(stage, 'other-secret', uses.volume('orders-db-2'));
      await makePod(stage, 'finished', uses.volume('orders-db'));
      await makePod(stage, 'ending', uses.volume('orders-db'));
      await makePod(stage, 'volume', uses.volume('orders-db'), 'elsewhere');
      const patch = (name: string, ...args: readonly string[]): Promise<string> =>
        stage.kubectl('patch', 'pod', name, '--type=merge', ...args);
      await patch('finished', '--subresource=status', '-p', '{"status":{"phase":"Succeeded"}}');
      await patch('ending', '-p', '{"metadata":{"finalizers":["example.com/hold"]}}');
      await stage.kubectl('delete', 'pod', 'ending', '--wait=false');
      const since = await stage.plane.audit.mark();

      // They have waited for the first lease.
      await own.apply(NUDGE);
      await untilNudged('orders-db', await stage.untilReady('orders-db'), 'volume', 'projected');

      const second = await rotate('orders-db');
      await untilNudged('orders-db', second, 'volume', 'projected');
      // By now a pod may start with the second lease only.
      await untilInstant(Date.parse(second.status.lease?.createdAt ?? '') + 3000);
      await makePod(stage, 'young', uses.volume('orders-db'));
      await untilCaughtUp(stage, 'orders-marker');
      expect(await annotationsOf(stage, 'young')).toEqual({});
      const third = await rotate('orders-db');
      await untilNudged('orders-db', third, 'volume', 'projected', 'young');

      expect(await podWrites(stage, since)).toEqual([
        ...Array.from({ length: 3 }, () => 'patch default/projected 200'),
        ...Array.from({ length: 3 }, () => 'patch default/volume 200'),
        'patch default/young 200',
      ]);
      for (const name of untouched) expect(await annotationsOf(stage, name)).toEqual({});
      expect(await annotationsOf(stage, 'volume', 'elsewhere')).toEqual({});
      expect(await eventsOf(stage, 'orders-db')).not.toContain('NudgeFailed');
    });

    it('are annotated once for a lease, also when the operator is started anew', async () => {
      const own = await ownLease(stage, 'once');
      await makePod(stage, 'once', uses.volume('once'));
      await own.apply(NUDGE);
      await untilNudged('once', await stage.untilReady('once'), 'once');
      const since = await stage.plane.audit.mark();
      await operator.kill();
      await start('--nudge-pods', 'on');
      await untilCaughtUp(stage, 'once-marker');
      expect(await podWrites(stage, since)).toEqual([]);
      await untilNudged('once', await rotate('once'), 'once');
      expect(await podWrites(stage, since)).toEqual(['patch default/once 200']);
    });

    it('are left alone where the spec does not ask for it', async () => {
      const own = await ownLease(stage, 'unasked');
      await makePod(stage, 'unasked', uses.volume('unasked'));
      await own.apply();
      await stage.untilReady('unasked');
      await rotate('unasked');
      await untilCaughtUp(stage, 'unasked-marker');
      expect(await annotationsOf(stage, 'unasked')).toEqual({});
    });

    it('are never mistaken for another one of their name: the API server heeds the uid', async () => {
      await makePod(stage, 'guarded', uses.volume('guarded'));
      const body = JSON.stringify({ metadata: { uid: 'of-another', annotations: { a: 'b' } } });
      const patch = stage.kubectl('patch', 'pod', 'guarded', '--type=merge', '-p', body);
      await expect(patch).rejects.toThrow('metadata.uid: Invalid value');
      expect(await annotationsOf(stage, 'guarded')).toEqual({});
    });
  });
});
