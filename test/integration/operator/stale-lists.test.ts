import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { ROTATE_ANNOTATION } from '../../../src/api/names.ts';
import { scaledTiming } from '../../../src/timing.ts';
import { connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import { startKubeProxy, type KubeProxy } from './support/kube-proxy.ts';
import { untilCaughtUp, untilInstant } from './support/observe.ts';
import { ownLease, type OwnLease } from './support/own-lease.ts';
import { listAsOfNow } from './support/old-list.ts';

const SCALE = 0.05;
const timing = scaledTiming(SCALE);

const kinds = ['secrets', 'dynamicsecretleases'] as const;
type Kind = (typeof kinds)[number];

/** One after the other: each starts the operator anew. */
describe('an operator that is started anew and shown an old list', () => {
  let stage: Stage;
  let proxy: KubeProxy;
  let operator: OperatorProcess;
  /** At the time of the list: without a lease yet; with its first of two; alive, and deleted since; as it still is. */
  let objects: Readonly<Record<'unborn' | 'rotated' | 'deleted' | 'same', OwnLease>>;
  let before: Readonly<Record<string, unknown>>;
  const old = new Map<Kind, readonly string[]>();

  const start = async (): Promise<OperatorProcess> => {
    operator = await stage.startOperator({ scale: SCALE, kubeconfig: proxy.kubeconfig });
    return operator;
  };
  /** What was made and revoked, and what each Secret and status says. */
  const world = async (): Promise<Readonly<Record<string, unknown>>> => {
    const told = Object.values(objects).map(async (own) => {
      const { status } = (await stage.lease(own.name)) ?? {};
      const named = { secret: (await own.record())?.lease.id, status: status?.lease?.id };
      return [own.name, { ...named, rotations: status?.rotations, events: await own.events() }] as const;
    });
    return Object.fromEntries(await Promise.all(told));
  };

  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    await stage.apply(...connectionObjects(stage));
    objects = {
      unborn: await ownLease(stage, 'unborn'),
      rotated: await ownLease(stage, 'rotated'),
      deleted: await ownLease(stage, 'deleted'),
      same: await ownLease(stage, 'same'),
    };
    await start();
    for (const name of ['rotated', 'deleted', 'same'] as const) await objects[name].apply();
    for (const name of ['rotated', 'deleted', 'same']) await stage.untilReady(name);
    await operator.kill();
    await objects.unborn.apply();
    for (const kind of kinds) old.set(kind, await listAsOfNow(stage, kind));
    await start();
    await stage.untilReady('unborn');
    await stage.kubectl('annotate', 'dsl', 'rotated', `${ROTATE_ANNOTATION}=once`);
    await stage.untilLease('rotated', ({ status }) => status.rotations === 1);
    await stage.kubectl('delete', 'dsl', 'deleted');
    await operator.kill();
    before = await world();
    // Old enough for the sweep to take what nothing names.
    await untilInstant(Date.now() + timing.sweepMinimumAge);
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** Resolves when the leases of each object have been listed, and a moment more for what follows from that. */
  const untilListed = async (): Promise<void> => {
    const faults = await Promise.all(
      ['unborn', 'rotated', 'same'].map((dynamicSecret) =>
        stage.api.armFault({
          match: { dynamicSecret, route: 'lease-list', times: 'always' },
          action: { type: 'delay', ms: 0, when: 'before' },
        }),
      ),
    );
    const listed = async (): Promise<boolean> => {
      const { faults: armed } = await stage.api.listFaults();
      return faults.every(({ faultId }) => armed.some(({ id, hits }) => id === faultId && hits > 0));
    };
    await awaitCondition(listed, { what: 'a list of each', timeoutMs: 40_000 });
    await untilInstant(Date.now() + 1500);
    await stage.api.disarmFaults();
  };

  it.each<readonly [what: string, stale: readonly Kind[]]>([
    ['of Secrets', ['secrets']],
    ['of leases', ['dynamicsecretleases']],
    ['of both', kinds],
  ])(
    '%s: no lease is made or revoked because of it, and what came since is taken up',
    async (what, stale) => {
      const shown = Promise.withResolvers<undefined>();
      const asked = new Set<string>();
      const forget = proxy.when(({ what: request, query }) => {
        const kind = stale.find((one) => request.endsWith(`/${one}`) && query.has('sendInitialEvents'));
        if (kind === undefined || asked.has(kind)) return undefined;
        asked.add(kind);
        return { do: 'say', lines: old.get(kind) ?? [], until: shown.promise };
      });
      const listed = untilListed();
      await start();
      await listed;
      expect([...asked].toSorted()).toEqual([...stale].toSorted());
      expect(await world()).toEqual(before);
      shown.resolve(undefined);
      forget();
      await untilCaughtUp(stage, what.replaceAll(' ', '-').toLowerCase());
      expect(await world()).toEqual(before);
      await operator.kill();
    },
  );
});
