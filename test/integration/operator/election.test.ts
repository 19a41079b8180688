import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import type { AuditEvent, AuditMark } from '../../../sandbox/control-plane/audit.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { scaledTiming } from '../../../src/timing.ts';
import { connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import { freeAddress } from './support/address.ts';
import { startKubeProxy } from './support/kube-proxy.ts';
import { ownLease } from './support/own-lease.ts';
import { replica, type Replica } from './support/replica.ts';

const SCALE = 0.3;
const timing = scaledTiming(SCALE);
/** The recorded length of a hold is in whole seconds. */
const HOLD = Math.ceil(timing.leaderLease / 1000) * 1000;
const RETRY = timing.leaderRetry * 1.2;
/** What a loaded machine adds; no more, or "at once" could not be told from the end of a hold. */
const SLACK = HOLD - RETRY - 500;

const leaseObject = z.object({
  spec: z.object({ holderIdentity: z.string(), renewTime: z.string(), leaseTransitions: z.number() }),
});

/** One after the other: there is one election. */
describe('two replicas', () => {
  let stage: Stage;
  let replicas: readonly [Replica, Replica];
  const running = new Set<OperatorProcess>();

  beforeAll(async () => {
    stage = await startStage();
    await stage.apply(...connectionObjects(stage));
    replicas = [{ user: stage.user, kubeconfig: stage.kubeconfig }, await replica(stage, 'second')];
  });
  beforeEach(async () => {
    for (const operator of running) await operator.stop();
    running.clear();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const launch = ({ kubeconfig }: Replica, ...flags: readonly string[]): OperatorProcess => {
    const operator = stage.launchOperator({ scale: SCALE, election: true, kubeconfig, flags });
    running.add(operator);
    return operator;
  };
  const hold = async (): Promise<z.infer<typeof leaseObject>['spec']> =>
    leaseObject.parse(
      await stage.read('/apis/coordination.k8s.io/v1/namespaces/leaseholder-system/leases/leaseholder'),
    ).spec;
  /** What a replica has written since, as "patch leases". */
  const writesOf = async ({ user }: Replica, since: AuditMark): Promise<readonly AuditEvent[]> =>
    (await stage.plane.audit.events(since)).filter(
      (event) => event.user === user && !['get', 'list', 'watch'].includes(event.verb),
    );
  /** Starts both; the first one leads. */
  const both = async (): Promise<readonly [OperatorProcess, OperatorProcess]> => {
    const first = launch(replicas[0]);
    await first.ready();
    const second = launch(replicas[1]);
    await follows(second);
    return [first, second];
  };

  it('one leads; the other is warm and ready, and writes nothing; at rest the Lease is the only write', async () => {
    const own = await ownLease(stage, 'one-leads');
    const [one, two] = [await freeAddress(), await freeAddress()];
    const leader = launch(replicas[0], '--listen', one.address);
    await leader.ready();
    const follower = launch(replicas[1], '--listen', two.address);
    await follows(follower);
    await own.apply();
    await stage.untilReady('one-leads');
    expect(await two.get('/readyz')).toEqual([200, 'ok\n']);
    expect((await one.get('/metrics'))[1]).toContain('leaseholder_leading 1\n');
    expect((await two.get('/metrics'))[1]).toContain('leaseholder_leading 0\n');

    // The connection tells how many objects it serves, in its own time.
    await awaitCondition(async () => (await stage.connection('infisical'))?.status.served === 1, {
      what: 'the object to be counted',
    });

    const since = await stage.plane.audit.mark();
    const renewals = new Set<string>();
    await awaitCondition(
      async () => {
        renewals.add((await hold()).renewTime);
        return renewals.size > 5;
      },
      { what: 'renewals', intervalMs: 50 },
    );
    const rest = await writesOf(replicas[0], since);
    expect(namesOf(rest)).toEqual(['patch leases']);
    expect(new Set(rest.map(({ name }) => name))).toEqual(new Set(['leaseholder']));
    expect(await writesOf(replicas[1], 0)).toEqual([]);
    expect(follower.lines.map(({ msg }) => msg)).not.toContain('The operator is ready.');
    expect((await stage.ledger('one-leads')).map(({ event }) => event)).toEqual(['made']);
  });

  it('the leader is killed: the other takes over when the lease of the lead has ended, and makes nothing anew', async () => {
    const [before, after] = [await ownLease(stage, 'killed-before'), await ownLease(stage, 'killed-after')];
    const [leader, follower] = await both();
    await before.apply();
    await stage.untilReady('killed-before');
    const { leaseTransitions } = await hold();
    await leader.kill();
    const killed = performance.now();
    await after.apply();
    await follower.ready();
    expect(performance.now() - killed).toBeLessThan(HOLD + RETRY + SLACK);
    await stage.untilReady('killed-after');
    expect((await hold()).leaseTransitions).toBe(leaseTransitions + 1);
    expect(await before.events()).toEqual(['made']);
    expect(await after.events()).toEqual(['made']);
  });

  it('the leader is asked to end: the other takes over at once', async () => {
    const [leader, follower] = await both();
    expect(await leader.stop()).toBe(0);
    const released = performance.now();
    await follower.ready();
    expect(performance.now() - released).toBeLessThan(RETRY + SLACK);
    expect(leader.lines.at(-1)?.msg).toBe('The operator has ended.');
  });

  it('a follower is asked to end: the leader goes on', async () => {
    const [leader, follower] = await both();
    const since = await stage.plane.audit.mark();
    expect(await follower.stop()).toBe(0);
    const own = await ownLease(stage, 'goes-on');
    await own.apply();
    await stage.untilReady('goes-on');
    expect(await writesOf(replicas[1], since)).toEqual([]);
    expect(leader.lines.map(({ msg }) => msg)).not.toContain('The lead was lost.');
  });

  it('the leader sleeps past its lease and wakes up: it writes nothing any more, gives back what it has in hand, and ends', async () => {
    const [own, asleep] = [await ownLease(stage, 'in-hand'), await ownLease(stage, 'asleep')];
    const [leader, follower] = await both();
    await asleep.apply();
    const { status } = await stage.untilReady('asleep');
    // The answer with a lease is on its way when the leader falls asleep.
    await stage.api.armFault({
      match: { dynamicSecret: 'in-hand', route: 'lease-create' },
      action: { type: 'delay', ms: 5000, when: 'after' },
    });
    await own.apply();
    await awaitCondition(async () => (await own.events()).includes('made'), { what: 'the lease' });
    process.kill(leader.pid, 'SIGSTOP');
    await stage.api.disarmFaults();
    await follower.ready();
    const ready = await stage.untilReady('in-hand');
    // Something for it to see when it wakes up.
    await stage.kubectl('delete', 'secret', 'asleep');
    await stage.untilLease('asleep', (lease) => lease.status.lease?.id !== status.lease?.id);
    const since = await stage.plane.audit.mark();
    process.kill(leader.pid, 'SIGCONT');

    expect(await leader.ended()).toBe(1);
    await expect.poll(() => leader.lines.map(({ msg }) => msg)).toContain('The lead was lost.');
    expect(namesOf(await writesOf(replicas[0], since))).toEqual([]);
    expect((await own.events()).toSorted()).toEqual(['made', 'made', 'revoked']);
    expect(await own.live()).toEqual([ready.status.lease?.id]);
    expect(await asleep.events()).toEqual(['made', 'made']);
    expect((await hold()).holderIdentity).not.toBe('');
  });

  it('the leader cannot renew: it ends before the other takes over, and no write of both overlaps', async () => {
    await using proxy = await startKubeProxy(stage);
    const leader = launch({ ...replicas[0], kubeconfig: proxy.kubeconfig });
    await leader.ready();
    const follower = launch(replicas[1]);
    await follows(follower);
    const since = await stage.plane.audit.mark();
    proxy.when(({ what }) => (what === 'PATCH leases' ? { do: 'hang' } : undefined));
    const own = await ownLease(stage, 'cannot-renew');
    const ended = leader.ended();
    await Promise.race([ended, follower.ready()]);
    expect(follower.lines.map(({ msg }) => msg)).not.toContain('The operator is ready.');
    expect(await ended).toBe(1);
    await own.apply();
    await follower.ready();
    await stage.untilReady('cannot-renew');
    expect(await own.events()).toEqual(['made']);

    const taken = (await writesOf(replicas[1], since))[0]?.timestamp ?? '';
    const late = (await writesOf(replicas[0], since)).filter(({ timestamp }) => timestamp >= taken);
    expect(taken).not.toBe('');
    expect(namesOf(late)).toEqual([]);
  });

  it('there is no right to take part: says which one, and works as soon as it is granted', async () => {
    const role = ['--namespace=leaseholder-system', 'rolebinding', 'leaseholder'] as const;
    const binding = await stage.kubectl('get', ...role, '-o', 'json');
    await stage.kubectl('delete', ...role);
    const operator = launch(replicas[0]);
    const refusal = (): string | undefined =>
      operator.lines.find(({ msg }) => msg.includes('leases.coordination.k8s.io'))?.msg;
    await awaitCondition(() => Promise.resolve(refusal() !== undefined), { what: 'the sentence' });
    expect(refusal()).toContain('"get", "create" and "patch"');
    expect(operator.lines.map(({ msg }) => msg)).not.toContain('The operator is ready.');
    const { metadata: _metadata, ...rest } = z
      .looseObject({ metadata: z.unknown() })
      .parse(JSON.parse(binding));
    await stage.apply({ ...rest, metadata: { name: 'leaseholder', namespace: 'leaseholder-system' } });
    await operator.ready();
  });
});

async function says(operator: OperatorProcess, sentence: string): Promise<void> {
  const probe = (): Promise<boolean> => Promise.resolve(operator.lines.some(({ msg }) => msg === sentence));
  await awaitCondition(probe, { what: sentence });
}

function namesOf(events: readonly AuditEvent[]): readonly string[] {
  return [...new Set(events.map(({ verb, resource }) => `${verb} ${resource}`))].toSorted();
}

function follows(operator: OperatorProcess): Promise<void> {
  return says(operator, 'The operator follows; another one leads.');
}
