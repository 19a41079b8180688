import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { ROTATE_ANNOTATION } from '../../../src/api/names.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { startKubeProxy, type Interference, type KubeProxy } from './support/kube-proxy.ts';
import { defined, ownLease } from './support/own-lease.ts';

const STATUS = 'PATCH dynamicsecretleases/status';

/** The status only reports: while it cannot be written the Secret is right, and nothing is leased because of it. */
describe.concurrent('a status that cannot be written for a while', () => {
  let stage: Stage;
  let proxy: KubeProxy;

  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    await stage.startOperator({ scale: 0.05, kubeconfig: proxy.kubeconfig });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** Meets every write of an object's status, until `end` is called. */
  const meet = (object: string, way: Interference): { met: () => number; end: () => void } => {
    let count = 0;
    const end = proxy.when(({ what, name }) => {
      if (what !== STATUS || name !== object) return undefined;
      count += 1;
      return way;
    });
    return { met: () => count, end };
  };
  // The answer is lost, the write is not: once is enough.
  it.each<readonly [what: string, name: string, way: Interference, times: number]>([
    ['a conflict', 'conflict', { do: 'answer', status: 409, reason: 'Conflict' }, 4],
    ['500', 'failed', { do: 'answer', status: 500, reason: 'InternalError' }, 4],
    ['503', 'unavailable', { do: 'answer', status: 503, reason: 'ServiceUnavailable', retryAfter: 1 }, 3],
    ['429', 'limited', { do: 'answer', status: 429, reason: 'TooManyRequests', retryAfter: 1 }, 3],
    ['a connection that is cut', 'cut', { do: 'drop' }, 4],
    ['an answer that is lost', 'lost', { do: 'lose' }, 1],
  ])(
    '%s: the Secret is right from the first lease on and over a rotation, the status follows, no lease more',
    async (...row) => {
      const [, name, way, times] = row;
      const own = await ownLease(stage, name);
      const delivered = async (): Promise<string> => defined(await own.record()).lease.id;
      const first = meet(name, way);
      await own.apply();
      await untilMet(first, times);
      const before = await delivered();
      expect(await own.live()).toEqual([before]);
      first.end();
      const ready = await stage.untilReady(name);
      expect(ready.status.lease?.id).toBe(before);

      const second = meet(name, way);
      await stage.kubectl('annotate', 'dsl', name, `${ROTATE_ANNOTATION}=once`);
      await awaitCondition(async () => (await delivered()) !== before, { what: 'the rotation' });
      await untilMet(second, times);
      const after = await delivered();
      expect(await own.live()).toEqual([before, after]);
      second.end();
      const { status } = await stage.untilLease(name, (one) => isReady(one) && one.status.rotations === 1);

      expect(status).toMatchObject({ lease: { id: after }, retiring: [{ id: before }] });
      expect((await stage.secret(name))?.['DB_USERNAME']).toBe(status.lease?.externalEntityId);
      expect(conditionOf({ status }, 'Ready')?.lastTransitionTime).toBe(
        conditionOf(ready, 'Ready')?.lastTransitionTime,
      );
      expect(await own.events()).toEqual(['made', 'made']);
    },
  );
});

async function untilMet({ met }: { met: () => number }, times: number): Promise<void> {
  const probe = (): Promise<boolean> => Promise.resolve(met() >= times);
  await awaitCondition(probe, { what: `${String(times)} writes of the status` });
}
