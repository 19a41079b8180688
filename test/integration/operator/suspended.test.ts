import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { startKubeProxy, type Interference, type KubeProxy } from './support/kube-proxy.ts';
import { untilInstant } from './support/observe.ts';
import { defined, ownLease, type OwnLease } from './support/own-lease.ts';

/** Milliseconds: with waits at a twentieth a lease of this life is used for some four seconds of it. */
const SHORT_LIFE = 12_000;

/** The same of one that is used for 13 to 16 seconds: ten of them are made, and looked at, well before. */
const ROOMY_LIFE = 24_000;

/** One after the other: a process that is suspended does nothing for anybody. */
describe('a process that is suspended', () => {
  let stage: Stage;
  let proxy: KubeProxy;
  const running = new Set<OperatorProcess>();

  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    await stage.apply(...connectionObjects(stage));
  });
  beforeEach(async () => {
    for (const operator of running) await operator.kill();
    running.clear();
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  const launch = (choice: { scale: number; election: boolean; kubeconfig: string }): OperatorProcess => {
    const operator = stage.launchOperator(choice);
    running.add(operator);
    return operator;
  };

  // A tenth: the lead is lost after 2 s, a lease that nobody names is swept when it is 18 s old.
  it.each<readonly [what: string, name: string, way: Interference | undefined, events: readonly string[]]>([
    [
      'never arrived: another lease takes its place, and it is revoked',
      'lost',
      { do: 'drop' },
      ['made', 'made', 'revoked'],
    ],
    ['arrived: its lease is kept', 'arrived', undefined, ['made']],
  ])('leading, and in the middle of a delivery that %s', async (_what, name, way, events) => {
    const leader = launch({ scale: 0.1, election: true, kubeconfig: proxy.kubeconfig });
    await leader.ready();
    const follower = launch({ scale: 0.1, election: true, kubeconfig: stage.kubeconfig });
    const own = await ownLease(stage, name);
    const forget = proxy.when((request) => {
      if (request.what !== 'POST secrets' || request.name !== name || request.dryRun) return undefined;
      process.kill(leader.pid, 'SIGSTOP');
      return way;
    });
    await own.apply();
    await follower.ready();
    const ready = await stage.untilReady(name);
    forget();
    process.kill(leader.pid, 'SIGCONT');
    expect(await leader.ended()).toBe(1);
    await awaitCondition(async () => (await own.live()).length === 1, {
      what: 'one lease',
      timeoutMs: 90_000,
    });

    expect(await own.live()).toEqual([ready.status.lease?.id]);
    expect((await own.record())?.lease.id).toBe(ready.status.lease?.id);
    expect((await own.events()).toSorted()).toEqual(events);
  });

  it.each([
    ['the time of a rotation', 'past-rotation', (rotateAt: number) => rotateAt + 2000],
    ['the end of every lease', 'past-end', (_rotateAt: number, end: number) => end + 2000],
  ] as const)('past %s makes one lease for each when it goes on', async (_what, prefix, wakesAt) => {
    const operator = launch({ scale: 0.05, election: false, kubeconfig: stage.kubeconfig });
    await operator.ready();
    const names = Array.from({ length: 10 }, (_, index) => `${prefix}-${String(index)}`);
    const all = await Promise.all(names.map((name) => ownLease(stage, name, { firstLife: ROOMY_LIFE })));
    await stage.apply(...all.map((own) => own.manifest()));
    const leased = await Promise.all(names.map((name) => stage.untilReady(name)));
    process.kill(operator.pid, 'SIGSTOP');
    expect(await Promise.all(all.map(madeBy))).toEqual(all.map(() => 1));
    const rotateAt = latest(leased.map(({ status }) => status.rotateAt));
    await untilInstant(wakesAt(rotateAt, latest(leased.map(({ status }) => status.lease?.expireAt))));
    process.kill(operator.pid, 'SIGCONT');

    for (const name of names)
      await stage.untilLease(name, (lease) => isReady(lease) && lease.status.rotations === 1);
    // Something else goes through its whole life meanwhile.
    const other = await ownLease(stage, `${prefix}-meanwhile`, { lifeOverride: SHORT_LIFE });
    await other.apply();
    await stage.untilLease(other.name, ({ status }) => status.rotations === 1);
    expect(await Promise.all(all.map(madeBy))).toEqual(all.map(() => 2));
  });
});

async function madeBy(own: OwnLease): Promise<number> {
  return (await own.events()).filter((event) => event === 'made').length;
}

/** The latest of some RFC 3339 times, in milliseconds since 1970. */
function latest(times: readonly (string | undefined)[]): number {
  return Math.max(...times.map((time) => Date.parse(defined(time))));
}
