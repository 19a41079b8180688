import { beforeEach, describe, expect, it, test } from 'vitest';

import type { Clock } from '../../../src/clock.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { startElection, unopposed, type Election, type ElectionOptions } from '../../../src/kube/leader.ts';
import { standardTiming } from '../../../src/timing.ts';
import { settled, virtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { LeaseObject } from './support/lease-object.ts';
import { memoryLog, type Line } from './support/telemetry.ts';

const { leaderLease, leaderRenewDeadline, leaderRetry } = standardTiming;
/** The most that jitter makes of a retry. */
const RETRY = leaderRetry * 1.2;

interface Candidate {
  readonly election: Election;
  readonly lines: readonly Line[];
  /** What its metric was told, in order. */
  readonly leading: readonly boolean[];
  /** What has come to pass. */
  readonly heard: readonly string[];
}

let lease: LeaseObject;
let clock: VirtualClock;

beforeEach(() => {
  lease = new LeaseObject();
  clock = virtualClock();
});

function candidate(identity: string, options: Partial<ElectionOptions> = {}): Candidate {
  const { log, lines } = memoryLog();
  const leading: boolean[] = [];
  const heard: string[] = [];
  const election = startElection({
    leases: lease.seenBy(identity),
    namespace: 'leaseholder-system',
    name: 'leaseholder',
    identity,
    clock,
    timing: standardTiming,
    log,
    metrics: { leading: (leads) => void leading.push(leads) },
    ...options,
  });
  void election.acquired().then(() => heard.push('acquired'));
  void election.lost.then(() => heard.push('lost'));
  return { election, lines, leading, heard };
}

/** A machine of its own: it may sleep while the others' time goes on. */
function sleeper(): { readonly clock: Clock; sleep(): void; wake(): void } {
  let asleep = false;
  const due: (() => void)[] = [];
  return {
    clock: {
      ...clock,
      after: (delay, callback) =>
        clock.after(delay, () => {
          if (asleep) due.push(callback);
          else callback();
        }),
    },
    sleep: () => void (asleep = true),
    wake: () => {
      asleep = false;
      for (const callback of due.splice(0)) callback();
    },
  };
}

describe('an election without another candidate', () => {
  it('is won at once, with a new Lease', async () => {
    const one = candidate('one');
    await clock.run(0);
    expect(one.election.leads).toBe(true);
    expect(one.heard).toEqual(['acquired']);
    expect(one.leading).toEqual([false, true]);
    expect(lease.calls).toEqual(['one get', 'one create']);
    expect(lease.spec).toEqual({
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
  });

  it('is kept by one write each retry period, and nothing else', async () => {
    const one = candidate('one');
    await clock.run(10 * 60_000);
    expect(one.election.leads).toBe(true);
    expect(one.heard).toEqual(['acquired']);
    expect(lease.calls.filter((call) => call === 'one get')).toHaveLength(1);
    const renewals = lease.calls.filter((call) => call === 'one patch').length;
    expect(renewals).toBeGreaterThanOrEqual(Math.floor((10 * 60_000) / RETRY));
    expect(renewals).toBeLessThanOrEqual((10 * 60_000) / leaderRetry);
    expect(lease.spec).toMatchObject({
      acquireTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
  });

  it('is not entered before the stores are there', async () => {
    const synced = Promise.withResolvers<void>();
    const one = candidate('one', { begin: synced.promise });
    await clock.run(60_000);
    expect(lease.calls).toEqual([]);
    synced.resolve();
    await clock.run(0);
    expect(one.election.leads).toBe(true);
  });

  it('is not entered when the stores never come', async () => {
    const one = candidate('one', { begin: Promise.reject(new Error('ended')) });
    await clock.run(60_000);
    expect(lease.calls).toEqual([]);
    await one.election.release();
    expect(clock.timers).toBe(0);
  });
});

describe('the lead of another', () => {
  it('is respected for as long as it is renewed', async () => {
    const one = candidate('one');
    await clock.run(0);
    const two = candidate('two');
    await clock.run(10 * 60_000);
    expect([one.election.leads, two.election.leads]).toEqual([true, false]);
    expect(two.heard).toEqual([]);
    expect(lease.writes.filter((write) => write.startsWith('two'))).toEqual([]);
    expect(two.lines.filter(({ level }) => level !== 'debug')).toMatchObject([
      { level: 'info', message: 'The operator follows; another one leads.', fields: { leader: 'one' } },
    ]);
  });

  it.each([
    { what: 'is taken over when it ends', tell: (): void => undefined },
    { what: 'is taken over when it ends, however often its labels change', tell: () => lease.touch() },
  ])('$what', async ({ tell }) => {
    const one = candidate('one');
    await clock.run(0);
    const two = candidate('two');
    await clock.run(30_000);
    lease.set('one', 'hangs');
    const killed = clock.elapsed();
    while (!two.election.leads && clock.elapsed() < killed + 60_000) {
      tell();
      // A lead never overlaps another.
      expect([one.election.leads, two.election.leads]).not.toEqual([true, true]);
      await clock.run(100);
    }
    const took = clock.elapsed() - killed;
    expect(took).toBeGreaterThanOrEqual(leaderLease - RETRY);
    expect(took).toBeLessThanOrEqual(leaderLease + RETRY + 100);
    expect(one.heard).toEqual(['acquired', 'lost']);
    expect(two.heard).toEqual(['acquired']);
    expect(lease.spec).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 });
  });

  it('is judged by its changes alone: what its clock says means nothing', async () => {
    for (const renewTime of ['1999-01-01T00:00:00.000000Z', '2099-01-01T00:00:00.000000Z', 'soon']) {
      lease.spec = { holderIdentity: 'other', leaseDurationSeconds: 15, renewTime, leaseTransitions: 3 };
      const one = candidate('one');
      await clock.run(leaderLease - 1);
      expect(one.election.leads).toBe(false);
      await clock.run(1);
      expect(one.election.leads).toBe(true);
      await one.election.release();
    }
  });

  it('lasts as long as its own Lease says', async () => {
    const renewTime = '2026-01-01T00:00:00.000000Z';
    lease.spec = { holderIdentity: 'other', leaseDurationSeconds: 60, renewTime };
    const one = candidate('one');
    await clock.run(59_999);
    expect(one.election.leads).toBe(false);
    await clock.run(1);
    expect(one.election.leads).toBe(true);
  });

  it('is won by one of many when it ends', async () => {
    const first = candidate('first');
    await clock.run(0);
    const others = ['two', 'three', 'four'].map((identity) => candidate(identity));
    await clock.run(10_000);
    lease.set('first', 'hangs');
    await clock.run(leaderLease + RETRY);
    expect(first.election.leads).toBe(false);
    expect(others.filter(({ election }) => election.leads)).toHaveLength(1);
    await clock.run(60_000);
    expect(others.flatMap(({ heard }) => heard)).toEqual(['acquired']);
    expect(others.flatMap(({ lines }) => lines.filter(({ level }) => level === 'warn'))).toEqual([]);
  });
});

describe('a leader', () => {
  it('that cannot renew leads for the renew deadline, to the millisecond', async () => {
    const one = candidate('one');
    await clock.run(0);
    lease.set('one', new KubeError('patch leases', { status: 503, reason: 'ServiceUnavailable' }));
    await clock.run(leaderRenewDeadline - 1);
    expect(one.election.leads).toBe(true);
    await clock.run(1);
    expect(one.election.leads).toBe(false);
    expect(one.heard).toEqual(['acquired', 'lost']);
    expect(one.leading).toEqual([false, true, false]);
  });

  test.each<[string, 'lost' | 'hangs' | 'hangs, done' | KubeError]>([
    ['errors', new KubeError('patch leases', { status: 500, reason: 'InternalError' })],
    ['requests without an answer', 'hangs'],
    ['requests that are done without an answer', 'hangs, done'],
    ['answers that get lost', 'lost'],
  ])('stays one over %s that end in time', async (_what, fate) => {
    const one = candidate('one');
    await clock.run(0);
    lease.set('one', fate);
    await clock.run(6000);
    lease.set('one', 'works');
    await clock.run(60_000);
    expect(one.election.leads).toBe(true);
    expect(one.heard).toEqual(['acquired']);
  });

  it('counts a renewal from when it was begun', async () => {
    const one = candidate('one');
    await clock.run(0);
    lease.set('one', 'hangs, done');
    await clock.run(leaderRenewDeadline);
    expect(one.election.leads).toBe(false);
  });

  it('goes on when somebody changes labels of the Lease, or deletes it', async () => {
    const one = candidate('one');
    await clock.run(0);
    lease.touch();
    await clock.run(10_000);
    lease.delete();
    await clock.run(10_000);
    expect(one.election.leads).toBe(true);
    expect(one.heard).toEqual(['acquired']);
    expect(lease.spec).toMatchObject({ holderIdentity: 'one' });
  });

  it('stops at once when another holds the Lease', async () => {
    const one = candidate('one');
    await clock.run(0);
    const renewTime = '2026-01-01T00:00:00.000000Z';
    lease.spec = { holderIdentity: 'usurper', leaseDurationSeconds: 15, renewTime };
    lease.touch();
    await clock.run(RETRY);
    expect(one.election.leads).toBe(false);
    expect(one.heard).toEqual(['acquired', 'lost']);
    expect(lease.spec).toMatchObject({ holderIdentity: 'usurper' });
  });

  it('that was suspended past the deadline leads no more, before any timer, and writes nothing', async () => {
    const machine = sleeper();
    const one = candidate('one', { clock: machine.clock });
    await clock.run(3000);
    const two = candidate('two');
    await clock.run(0);
    machine.sleep();
    await clock.run(leaderLease + RETRY);
    expect(one.election.leads).toBe(false);
    expect(two.election.leads).toBe(true);
    const asked = lease.calls.filter((call) => call.startsWith('one')).length;
    machine.wake();
    await clock.run(60_000);
    expect(lease.calls.filter((call) => call.startsWith('one'))).toHaveLength(asked);
    expect(one.heard).toEqual(['acquired', 'lost']);
    expect(two.heard).toEqual(['acquired']);
  });

  it('that was suspended while nobody else was there does not go on either', async () => {
    const machine = sleeper();
    const one = candidate('one', { clock: machine.clock });
    await clock.run(3000);
    machine.sleep();
    await clock.run(60_000);
    machine.wake();
    await clock.run(60_000);
    expect(one.election.leads).toBe(false);
    expect(one.heard).toEqual(['acquired', 'lost']);
  });
});

describe('a release', () => {
  it('lets another lead with its next look', async () => {
    const one = candidate('one');
    await clock.run(0);
    const two = candidate('two');
    await clock.run(30_000);
    const released = one.election.release();
    expect(one.election.leads).toBe(false);
    await released;
    expect(lease.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    await clock.run(RETRY);
    expect(two.election.leads).toBe(true);
    expect(one.heard).toEqual(['acquired']);
    expect(lease.spec).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 });
  });

  it('of one that does not lead writes nothing', async () => {
    const one = candidate('one');
    await clock.run(0);
    const two = candidate('two');
    await clock.run(30_000);
    await two.election.release();
    await clock.run(60_000);
    expect(lease.writes.filter((write) => write.startsWith('two'))).toEqual([]);
    expect(one.election.leads).toBe(true);
  });

  it('after another has taken over leaves the Lease alone', async () => {
    const one = candidate('one');
    await clock.run(0);
    const renewTime = '2026-01-01T00:00:00.000000Z';
    lease.spec = { holderIdentity: 'usurper', leaseDurationSeconds: 15, renewTime };
    lease.touch();
    await one.election.release();
    expect(lease.spec).toMatchObject({ holderIdentity: 'usurper' });
  });

  it('ends also when nobody answers', async () => {
    const one = candidate('one');
    await clock.run(0);
    lease.set('one', 'hangs');
    let ended = false;
    void one.election.release().then(() => (ended = true));
    await clock.run(2 * standardTiming.leaderRequestDeadline);
    expect(ended).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it('after an attempt whose answer was lost lets go of what it took', async () => {
    lease.set('one', 'lost');
    const one = candidate('one');
    await settled();
    lease.set('one', 'works');
    await clock.run(RETRY);
    expect(one.election.leads).toBe(true);
    await one.election.release();
    expect(lease.spec).toMatchObject({ holderIdentity: '' });
  });
});

describe('a candidate that cannot take part', () => {
  const forbidden = new KubeError('get leases', { status: 403, reason: 'Forbidden' });
  const noNamespace = new KubeError('create leases', { status: 404, reason: 'NotFound' });
  const down = new KubeError('get leases', { reason: 'Unreachable' });

  test.each([
    ['a right', forbidden, '"get", "create" and "patch" on leases.coordination.k8s.io'],
    ['the namespace', noNamespace, 'The namespace of the election does not exist.'],
    ['an answer', down, 'it is tried again'],
  ])('for want of %s says so once, and leads when it can', async (_what, error, sentence) => {
    lease.set('one', error);
    const one = candidate('one');
    await clock.run(60_000);
    const warnings = one.lines.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toContain(sentence);
    expect(warnings[0]?.fields).toMatchObject({ election: 'leaseholder-system/leaseholder' });
    lease.set('one', 'works');
    await clock.run(RETRY);
    expect(one.election.leads).toBe(true);
  });

  it('understands no answer that is no Lease', async () => {
    const one = candidate('one', {
      leases: { ...lease.seenBy('one'), get: () => Promise.resolve({ kind: 'Other' }) },
    });
    await clock.run(30_000);
    expect(one.election.leads).toBe(false);
    expect(one.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});

test('one that is unopposed leads from the start', async () => {
  const leading: boolean[] = [];
  const election = unopposed({ leading: (leads) => void leading.push(leads) });
  await election.acquired();
  expect(election.leads).toBe(true);
  expect(leading).toEqual([true]);
  await election.release();
});
