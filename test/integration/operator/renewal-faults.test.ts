import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { startKubeProxy, type Interference, type KubeProxy } from './support/kube-proxy.ts';
import { untilInstant } from './support/observe.ts';
import { defined, EARLY_ROTATION, ownLease, type OwnLease } from './support/own-lease.ts';

const RENEW = { rotation: { ...EARLY_ROTATION.spec.rotation, strategy: 'Renew' } } as const;

interface Due {
  /** Milliseconds. */
  readonly life?: number;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly fault?: Pick<FaultRule, 'action'> & Pick<NonNullable<FaultRule['match']>, 'times'>;
}

/** It is done, and its answer waits: there is time to end whoever asked. */
const unheard = { action: { type: 'delay', ms: 2500, when: 'after' } } as const;

/** One after the other: some of these end the operator. */
describe('a renewal', () => {
  let stage: Stage;
  let proxy: KubeProxy;
  let operator: OperatorProcess;

  const start = async (): Promise<void> => {
    operator = await stage.startOperator({ scale: 0.05, kubeconfig: proxy.kubeconfig });
  };
  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    await start();
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** A lease that is due early, and whose renewal, which meets a fault, makes it an hour longer. */
  const due = async (
    name: string,
    { fault, life = EARLY_ROTATION.life, spec = RENEW }: Due = {},
  ): Promise<OwnLease> => {
    const own = await ownLease(stage, name, { firstLife: life, defaultTTL: '1h' });
    if (fault !== undefined) {
      const { times = 1, action } = fault;
      await stage.api.armFault({ match: { dynamicSecret: name, route: 'lease-renew', times }, action });
    }
    await own.apply(spec);
    await stage.untilReady(name);
    return own;
  };
  const untilRenewed = (name: string): ReturnType<Stage['untilLease']> =>
    stage.untilLease(name, (lease) => lease.status.lease?.renewals === 1 && isReady(lease));
  const killWhenRenewed = async (own: OwnLease): Promise<void> => {
    await awaitCondition(async () => (await own.events()).includes('renewed'), { what: 'the renewal' });
    await operator.kill();
  };

  describe.concurrent('beside others', () => {
    const writes: Readonly<Record<string, (name: string) => Interference>> = {
      'never arrives': () => ({ do: 'drop' }),
      'is done, and its answer lost': () => ({ do: 'lose' }),
      'fails at the server': () => ({ do: 'answer', status: 500, reason: 'InternalError' }),
      'comes after a write of somebody else': (name) => ({
        do: 'first',
        act: () => stage.kubectl('label', 'secret', name, 'theirs=yes'),
      }),
    };

    it.each(Object.entries(writes))(
      'whose end is written into the record, where that write %s, is written in the end, and costs no lease',
      async (what, way) => {
        const name = `write-${String(what.length)}`;
        // The first write is a POST.
        proxy.meet('PATCH secrets', name, way(name));
        const own = await due(name);
        const data = await stage.secret(name);
        const after = await untilRenewed(name);
        const follows = async (): Promise<boolean> =>
          (await own.record())?.lease.expireAt === after.status.lease?.expireAt;
        await awaitCondition(follows, { what: 'the record' });

        expect(await own.events()).toEqual(['made', 'renewed']);
        expect(await stage.secret(name)).toEqual(data);
      },
    );

    it.each([
      [
        'meets a limit of the rate is made when it is allowed',
        'status',
        { status: 429, retryAfterSeconds: 1 },
      ],
      ['loses its token on the way is made with a fresh one', 'token-death', { death: 'revoked' }],
    ] as const)('that %s, once', async (_what, type, rest) => {
      const own = await due(type, { fault: { action: { type, ...rest } as FaultRule['action'] } });
      await untilRenewed(type);
      expect(await own.events()).toEqual(['made', 'renewed']);
    });

    it('at which the server fails again and again gives way to another lease', async () => {
      const own = await due('failing', {
        fault: { times: 'always', action: { type: 'status', status: 500 } },
      });
      const after = await stage.untilLease('failing', ({ status }) => status.rotations === 1);

      expect(conditionOf(after, 'Ready')?.status).toBe('True');
      expect(await own.events()).toEqual(['made', 'made']);
      const asked = (await stage.api.listFaults()).faults.find(
        ({ rule }) => rule.match.dynamicSecret === 'failing',
      );
      expect(asked?.hits).toBeLessThanOrEqual(5);
    });
  });

  it('that was done for a process which was killed then is not done again by the next one', async () => {
    const own = await due('killed', { fault: unheard });
    await killWhenRenewed(own);
    await start();
    const after = await untilRenewed('killed');

    expect(await own.events()).toEqual(['made', 'renewed']);
    expect((await own.record())?.lease.expireAt).toBe(after.status.lease?.expireAt);
  });

  it('that nobody heard of until the old end had passed leaves no lease that nothing names', async () => {
    const own = await due('late', { fault: unheard, life: 12_000 });
    const { lease } = defined(await own.record());
    await killWhenRenewed(own);
    await untilInstant(Date.parse(lease.expireAt) + 1500);
    await start();
    await awaitCondition(
      async () => {
        const [named, live] = [(await own.record())?.lease.id, await own.live()];
        return live.length === 1 && live[0] === named && isReady(defined(await stage.lease('late')));
      },
      { what: 'one lease, in the Secret', timeoutMs: 40_000 },
    );
    expect((await own.events()).filter((event) => event === 'renewed')).toHaveLength(1);
    expect((await own.events()).filter((event) => event === 'made').length).toBeLessThanOrEqual(2);
  });

  it('is not asked for while the object is suspended, nor after a restart in that time', async () => {
    // Used for 8 s at least: it is suspended by then.
    const spec = { rotation: { before: '30%', strategy: 'Renew' } };
    const own = await due('suspended', { life: 18_000, spec });
    await own.apply({ ...spec, suspend: true });
    await stage.untilLease('suspended', ({ status }) => status.observedGeneration === 2);
    const before = await own.events();
    await operator.stop();
    await start();
    const over = await stage.untilLease(
      'suspended',
      (lease) => conditionOf(lease, 'Ready')?.reason === 'Suspended',
    );
    expect(conditionOf(over, 'Ready')?.status).toBe('False');
    await awaitCondition(async () => (await own.events()).includes('expired'), { what: 'its end' });
    expect(before).toEqual(['made']);
    expect(await own.events()).toEqual(['made', 'expired']);
  });
});
