import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import { startKubeProxy, type Interference, type KubeProxy } from './support/kube-proxy.ts';
import { EARLY_ROTATION, ownLease } from './support/own-lease.ts';

const drop: Interference = { do: 'drop' };
const lose: Interference = { do: 'lose' };
const hang: Interference = { do: 'hang' };
const failed: Interference = { do: 'answer', status: 500, reason: 'InternalError' };
const tooMany: Interference = { do: 'answer', status: 429, reason: 'TooManyRequests', retryAfter: 0 };
const forbidden: Interference = { do: 'answer', status: 403, reason: 'Forbidden' };

/** Credentials are shown once: whatever becomes of a write, the same lease is written again, and no other is made. */
describe.concurrent('a write to the Kubernetes API', () => {
  let stage: Stage;
  let proxy: KubeProxy;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    // A tenth: answers within 3 s, 6 s for a delivery. A busy machine must not add losses of its own.
    operator = await stage.startOperator({ scale: 0.1, kubeconfig: proxy.kubeconfig });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** Resolves when a step for an object has failed for a reason. */
  const untilFailed = async (name: string, code: string): Promise<void> => {
    const hasFailed = (): boolean =>
      operator.lines.some(({ object, reason }) => object === `default/${name}` && reason === code);
    await awaitCondition(() => Promise.resolve(hasFailed()), { what: `${code} of ${name}` });
  };

  const troubles: readonly (readonly [what: string, ways: readonly Interference[]])[] = [
    ['whose answer is lost', [lose]],
    ['that never arrives', [drop]],
    ['that is lost twice, each time in another way', [lose, drop]],
    ['that fails three times', [failed, failed, failed]],
    ['that is refused for want of capacity', [tooMany, tooMany]],
    ['that nobody answers in time', [hang]],
    ['that never arrives and is then refused for another reason', [drop, forbidden]],
    ['that is done and then seems refused', [lose, forbidden]],
  ];

  for (const [index, [what, ways]] of troubles.entries()) {
    it(`of the first Secret ${what} is made good with the same lease`, async () => {
      const own = await ownLease(stage, `create-${String(index)}`);
      proxy.meet('POST secrets', own.name, ...ways);
      await own.apply();
      const ready = await stage.untilReady(own.name);

      expect(await own.events()).toEqual(['made']);
      expect((await own.record())?.lease.id).toBe(ready.status.lease?.id);
      expect((await stage.secret(own.name))?.['DB_USERNAME']).toBe(ready.status.lease?.externalEntityId);
      expect(ready.status).not.toHaveProperty('attempts');
    });

    it(`of a rotation ${what} is made good with the same lease`, async () => {
      const own = await ownLease(stage, `change-${String(index)}`, { firstLife: EARLY_ROTATION.life });
      // The first write is a POST.
      proxy.meet('PATCH secrets', own.name, ...ways);
      await own.apply(EARLY_ROTATION.spec);
      const after = await stage.untilLease(own.name, ({ status }) => status.rotations === 1);

      expect((await own.events()).filter((event) => event !== 'expired')).toEqual(['made', 'made']);
      const [first] = await stage.ledger(own.name);
      expect(await own.record()).toMatchObject({
        lease: { id: after.status.lease?.id },
        previous: [{ id: first?.leaseId }],
      });
      expect((await stage.secret(own.name))?.['DB_USERNAME']).toBe(after.status.lease?.externalEntityId);
    });
  }

  it('of a rotation that somebody else’s write comes before is made again, and theirs stays', async () => {
    const own = await ownLease(stage, 'conflict', { firstLife: EARLY_ROTATION.life });
    const act = (): Promise<string> => stage.kubectl('annotate', 'secret', 'conflict', 'theirs/note=kept');
    proxy.meet('PATCH secrets', 'conflict', { do: 'first', act });
    await own.apply(EARLY_ROTATION.spec);
    const after = await stage.untilLease('conflict', ({ status }) => status.rotations === 1);

    expect(await own.events()).toEqual(['made', 'made']);
    expect((await own.record())?.lease.id).toBe(after.status.lease?.id);
    expect((await stage.secretObject('conflict'))?.metadata.annotations['theirs/note']).toBe('kept');
  });

  it('of a rotation whose Secret is deleted before it creates the Secret with the same lease', async () => {
    const own = await ownLease(stage, 'vanished', { firstLife: EARLY_ROTATION.life });
    const act = (): Promise<string> => stage.kubectl('delete', 'secret', 'vanished');
    proxy.meet('PATCH secrets', 'vanished', { do: 'first', act });
    await own.apply(EARLY_ROTATION.spec);
    const after = await stage.untilLease('vanished', ({ status }) => status.rotations === 1);

    expect(await own.events()).toEqual(['made', 'made']);
    expect((await own.record())?.lease.id).toBe(after.status.lease?.id);
  });

  it('of a Secret that is refused past its deadline gives the lease back, and one more is made', async () => {
    const own = await ownLease(stage, 'throttled');
    const letGo = proxy.when(({ what, name }) =>
      what === 'POST secrets' && name === 'throttled' ? tooMany : undefined,
    );
    await own.apply();
    await untilFailed('throttled', 'SecretNotWritten');
    await awaitCondition(async () => (await own.live()).length === 0, { what: 'the revocation' });
    expect(await own.events()).toEqual(['made', 'revoked']);
    letGo();
    const ready = await stage.untilReady('throttled');
    expect(await own.live()).toEqual([ready.status.lease?.id]);
  });

  it('of a Secret that stays in doubt past its deadline is never undone from memory', async () => {
    const own = await ownLease(stage, 'doubtful');
    const letGo = proxy.when(({ what, name }) =>
      what === 'POST secrets' && name === 'doubtful' ? drop : undefined,
    );
    await own.apply();
    await untilFailed('doubtful', 'SecretNotWritten');
    letGo();
    const ready = await stage.untilReady('doubtful');
    // The first may be in the Secret for all that is known here: only a look at everything may revoke it.
    expect(await own.events()).toEqual(['made', 'made']);
    expect((await own.record())?.lease.id).toBe(ready.status.lease?.id);
  });

  const others: readonly (readonly [request: string, ways: readonly Interference[]])[] = [
    ['PATCH dynamicsecretleases', [lose]],
    ['PATCH dynamicsecretleases', [drop, failed]],
    ['PATCH dynamicsecretleases/status', [lose]],
    ['PATCH dynamicsecretleases/status', [drop, hang]],
    ['PATCH dynamicsecretleases/status', [failed, tooMany]],
    ['GET dynamicsecretleases', [drop, failed]],
  ];

  for (const [index, [request, ways]] of others.entries()) {
    it(`that meets trouble (${request}: ${ways.map((way) => way.do).join(', ')}) costs no lease`, async () => {
      const own = await ownLease(stage, `other-${String(index)}`);
      proxy.meet(request, own.name, ...ways);
      await own.apply();
      const ready = await stage.untilReady(own.name);
      expect(await own.events()).toEqual(['made']);
      expect((await own.record())?.lease.id).toBe(ready.status.lease?.id);
    });
  }

  it('of the status that somebody else’s write comes before is made anew', async () => {
    const own = await ownLease(stage, 'status-conflict');
    const act = (): Promise<string> => stage.kubectl('annotate', 'dsl', 'status-conflict', 'theirs/note=x');
    proxy.meet('PATCH dynamicsecretleases/status', 'status-conflict', { do: 'first', act });
    await own.apply();
    await stage.untilReady('status-conflict');
    expect(await own.events()).toEqual(['made']);
  });

  it.each([
    ['DELETE secrets', [lose]],
    ['DELETE secrets', [drop, failed]],
    ['PATCH dynamicsecretleases', [lose]],
    ['PATCH dynamicsecretleases', [drop, tooMany]],
  ] as const)('of a deletion (%s) that meets trouble ends as it should', async (request, ways) => {
    const own = await ownLease(
      stage,
      `delete-${request.split(' ')[0]?.toLowerCase() ?? ''}-${String(ways.length)}`,
    );
    await own.apply();
    await stage.untilReady(own.name);
    proxy.meet(request, own.name, ...ways);
    await stage.kubectl('delete', 'dsl', own.name, '--wait=false');
    await stage.untilGone(own.name);
    expect(await stage.secret(own.name)).toBeUndefined();
    expect(await own.events()).toEqual(['made', 'revoked']);
  });

  it('of a deletion that a Secret’s change comes before deletes the Secret as it is then', async () => {
    const own = await ownLease(stage, 'delete-conflict');
    await own.apply();
    await stage.untilReady('delete-conflict');
    const act = (): Promise<string> =>
      stage.kubectl('annotate', 'secret', 'delete-conflict', 'theirs/note=x');
    proxy.meet('DELETE secrets', 'delete-conflict', { do: 'first', act });
    await stage.kubectl('delete', 'dsl', 'delete-conflict', '--wait=false');
    await stage.untilGone('delete-conflict');
    expect(await stage.secret('delete-conflict')).toBeUndefined();
  });
});
