import { describe, expect, test } from 'vitest';

import type { LeaseSpec } from '../../../../src/api/dynamic-secret-lease.ts';
import { HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { broken, timeout } from '../support/kube-errors.ts';
import { badRequest, denied, failed, limited, unanswered } from '../support/lease-client.ts';
import { after, type CallName, type Death, type Fate, lost, refused } from '../support/wire.ts';
import { KEY, TARGET, World, type WorldOptions } from '../support/world.ts';

const renewing: Partial<LeaseSpec> = { ttl: '2h', rotation: { strategy: 'Renew' } };

/** Long enough for the one rotation of the first two hours, and too short for the next one. */
const TO_THE_FIRST = HOUR + 10 * MINUTE;

async function leased(spec: Partial<LeaseSpec> = renewing, options: WorldOptions = {}): Promise<World> {
  const world = new World(options);
  world.connect();
  world.apply(spec);
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

function count(calls: readonly CallName[], name: CallName): number {
  return calls.filter((call) => call === name).length;
}

/** How much longer than two hours the first lease was made to live. */
function lengthened({ leases }: World): number {
  const [row] = leases.rows;
  return Date.parse(row?.lease.expireAt ?? '') - Date.parse(row?.lease.createdAt ?? '') - 2 * HOUR;
}

describe('a renewal', () => {
  test('is one request, a write of the record and one of the status; the credentials stay', async () => {
    const world = await leased();
    await world.pass(TO_THE_FIRST);
    expect(world.calls()).toEqual(['RENEW lease', 'patch secrets', 'patch leases/status']);
    expect([world.named, world.password, world.live]).toEqual([1, 'password-1', [1]]);
    expect(world.condition('Ready')).toBe('True LeaseActive');
    const end = world.leases.rows[0]?.lease.expireAt;
    expect([world.record?.lease.expireAt, world.status.lease?.expireAt]).toEqual([end, end]);
    expect(world.status.lease).toMatchObject({ renewals: 1 });
    expect([world.status.rotations ?? 0, world.status.retiring]).toEqual([0, undefined]);
    expect(world.counts).toContain('renewed: renewed');
  });

  test('leaves the data untouched', async () => {
    const world = await leased();
    const before = world.rawSecret?.data;
    await world.pass(TO_THE_FIRST);
    expect(world.rawSecret?.data).toEqual(before);
  });

  test('comes again before each end, and costs nothing in between', async () => {
    const world = await leased();
    await world.pass(12 * HOUR);
    const calls = world.calls();
    expect(count(calls, 'CREATE lease')).toBe(0);
    // Two hours more with each; the next one is due after at most two thirds of what is left.
    expect(count(calls, 'RENEW lease')).toBeGreaterThan(3);
    expect(count(calls, 'RENEW lease')).toBeLessThan(10);
    expect(calls).toHaveLength(3 * count(calls, 'RENEW lease'));
    expect(world.status.lease?.renewals).toBe(count(calls, 'RENEW lease'));
  });

  test('of what a new process finds is preceded by a look', async () => {
    const world = await leased();
    world.restart();
    await world.pass(TO_THE_FIRST);
    expect(world.calls()).toEqual([
      'TIME',
      'LOGIN',
      'GET lease',
      'RENEW lease',
      'patch secrets',
      'patch leases/status',
    ]);
    expect(lengthened(world)).toBe(2 * HOUR);
  });

  test('goes by what is left since the last one after a restart, too', async () => {
    const world = await leased();
    await world.pass(TO_THE_FIRST);
    const { rotateAt } = world.status;
    world.calls();
    world.restart();
    await world.pass(MINUTE);
    expect(world.calls()).toEqual(['TIME', 'LOGIN']);
    expect(world.status.rotateAt).toBe(rotateAt);
    expect(world.status.lease?.renewals).toBe(1);
  });

  test('gives way to a new lease where the maximum is reached', async () => {
    const world = new World();
    world.leases.maximum = 5 * HOUR;
    world.connect();
    world.apply(renewing);
    await world.pass(4 * HOUR);
    const calls = world.calls();
    // From two hours to four; a third time would be six.
    expect(count(calls, 'RENEW lease')).toBe(1);
    expect([world.named, world.password]).toEqual([2, 'password-2']);
    // That it cannot go on for ever is as it should be.
    expect(world.status.conditions?.[0]?.message).toBe('The Secret holds a live lease.');
  });

  test('is not tried for a type whose credentials it does not lengthen, and the condition says so', async () => {
    const world = new World();
    world.leases.type = 'aws-iam';
    world.connect();
    world.apply(renewing);
    await world.pass(90 * MINUTE);
    expect(count(world.calls(), 'RENEW lease')).toBe(0);
    expect(world.named).toBe(2);
    expect(world.status.conditions?.[0]?.message).toContain('spec.rotation.strategy Renew has no effect');
  });

  test('is not known to a spec that does not ask for it', async () => {
    const world = await leased({ ttl: '2h' });
    await world.pass(TO_THE_FIRST);
    expect(world.calls()).toEqual(['CREATE lease', 'patch secrets', 'patch leases/status']);
  });

  test('whose write of the record fails is not made again', async () => {
    const world = await leased();
    world.next('patch secrets', refused(broken), refused(timeout), lost(timeout));
    await world.pass(TO_THE_FIRST);
    const calls = world.calls();
    expect([count(calls, 'RENEW lease'), count(calls, 'CREATE lease')]).toEqual([1, 0]);
    expect(world.record?.lease.expireAt).toBe(world.leases.rows[0]?.lease.expireAt);
    expect(world.condition('Reconciling')).toBe('False Settled');
  });
});

describe('a renewal that is not answered', () => {
  const noAnswer = unanswered('renew a lease');

  test('and was done is found by a look', async () => {
    const world = await leased();
    world.next('RENEW lease', lost(noAnswer));
    await world.pass(TO_THE_FIRST);
    expect(world.calls()).toEqual(['RENEW lease', 'GET lease', 'patch secrets', 'patch leases/status']);
    expect([lengthened(world), world.named, world.live]).toEqual([2 * HOUR, 1, [1]]);
    expect(world.status.lease?.renewals).toBe(1);
  });

  test.each([
    ['no answer', noAnswer],
    ['a server that failed', failed('renew a lease')],
  ])('and was not done (%s) is tried again, after another look', async (_why, error) => {
    const world = await leased();
    world.next('RENEW lease', refused(error));
    await world.pass(TO_THE_FIRST);
    const calls = world.calls().filter((call) => call !== 'patch leases/status');
    expect(calls).toEqual(['RENEW lease', 'GET lease', 'GET lease', 'RENEW lease', 'patch secrets']);
    expect([lengthened(world), world.named]).toEqual([2 * HOUR, 1]);
  });

  test('and is done late, after the look, is found by the next one: it is not done twice', async () => {
    const world = await leased();
    world.next('RENEW lease', refused(noAnswer));
    const arrives = after(() => world.leases.renew(world.leases.live[0] ?? '', TARGET, '2h'));
    world.next('GET lease', (act) => act(), arrives);
    await world.pass(TO_THE_FIRST);
    expect([lengthened(world), count(world.calls(), 'RENEW lease'), world.named]).toEqual([2 * HOUR, 1, 1]);
  });

  test('by a server that fails at it again and again gives way to a new lease, early enough', async () => {
    const world = await leased();
    world.always('RENEW lease', refused(failed('renew a lease')));
    await world.pass(TO_THE_FIRST);
    expect([count(world.calls(), 'RENEW lease'), world.named, world.live]).toEqual([3, 2, [1, 2]]);
  });

  test('and cannot be looked at is tried until shortly before the end; then there is a new lease', async () => {
    const world = await leased();
    world.always('RENEW lease', refused(noAnswer));
    world.always('GET lease', refused(failed('read a lease')));
    await world.pass(2 * HOUR);
    expect([world.named, world.live]).toEqual([2, [2]]);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });
});

describe('a renewal that is refused', () => {
  test.each([
    ['past the maximum', badRequest('renew a lease', TARGET)],
    ['for want of rights', denied('renew a lease', TARGET)],
  ])('%s gives way to a new lease at once, and to nothing else until the next', async (_why, error) => {
    const world = await leased();
    world.next('RENEW lease', refused(error));
    await world.pass(TO_THE_FIRST);
    expect(world.calls()).toEqual(['RENEW lease', 'CREATE lease', 'patch secrets', 'patch leases/status']);
    expect([world.named, world.status.rotations]).toEqual([2, 1]);
    expect(world.counts).toContain('renewed: refused');
  });

  test('for its rate is tried again', async () => {
    const world = await leased();
    world.next('RENEW lease', refused(limited(30 * SECOND)));
    await world.pass(TO_THE_FIRST);
    expect([world.named, lengthened(world)]).toEqual([1, 2 * HOUR]);
  });

  test('by an answer with the old end is replaced', async () => {
    const world = await leased();
    const same: Fate = (act) => {
      const [row] = world.leases.rows;
      const answer = act();
      return { ...answer, expireAt: row?.lease.expireAt };
    };
    world.next('RENEW lease', same);
    await world.pass(TO_THE_FIRST);
    expect(world.named).toBe(2);
  });
});

/** What a life with one renewal comes to, whatever happened on the way. */
const renewedOnce = {
  lengthened: 2,
  leases: 1,
  password: 'password-1',
  ready: 'True LeaseActive',
  behind: [],
};

function outcomeOf(world: World): unknown {
  const end = world.leases.rows[0]?.lease.expireAt;
  const ends = { record: world.record?.lease.expireAt, status: world.status.lease?.expireAt };
  return {
    lengthened: lengthened(world) / HOUR,
    leases: world.leases.rows.length,
    password: world.password,
    ready: world.condition('Ready'),
    behind: Object.entries(ends).flatMap(([name, one]) => (one === end ? [] : [name])),
  };
}

describe('a process that ends in a renewal', () => {
  const moments = (['RENEW lease', 'patch secrets', 'patch leases/status'] as const).flatMap((name) =>
    (['before', 'after'] as const).map((when) => ({ name, when })),
  );
  const first = ['TIME', 'LOGIN', 'patch leases', 'CREATE lease', 'create secrets', 'patch leases/status'];
  const renewal = ['RENEW lease', 'patch secrets', 'patch leases/status'];

  function deathAt({ name, when }: (typeof moments)[number]): Death {
    return { at: first.length + renewal.indexOf(name) + 1, when };
  }

  test.each(moments)('$when the server has done $name: renewed once, and nothing is lost', async (moment) => {
    const world = await leased(renewing, { deaths: [deathAt(moment)] });
    await world.pass(TO_THE_FIRST);
    expect(world.crashes).toHaveLength(1);
    expect(outcomeOf(world)).toEqual(renewedOnce);
    world.calls();
    await world.reconcile();
    expect(world.calls()).toEqual([]);
  });

  test('does not take the later end out of the record again that its predecessor has written', async () => {
    const world = await leased(renewing, {
      deaths: [deathAt({ name: 'patch leases/status', when: 'before' })],
    });
    await world.pass(TO_THE_FIRST);
    expect(world.crashes).toHaveLength(1);
    const asked = world.calls().slice(renewal.length);
    expect(asked).toEqual(['TIME', 'LOGIN', 'read secrets', 'GET lease', 'patch leases/status']);
  });

  test.each(moments)('$when the server has done $name, and so does its successor', async (moment) => {
    for (let at = 1; at <= 8; at += 1) {
      for (const when of ['before', 'after'] as const) {
        const world = await leased(renewing, { deaths: [deathAt(moment), { at, when }] });
        await world.pass(TO_THE_FIRST);
        expect([at, when, outcomeOf(world)]).toEqual([at, when, renewedOnce]);
      }
    }
  });
});

test('a lease of another installation, which a cloned cluster still names, is not renewed but replaced', async () => {
  const world = await leased();
  const [row] = world.leases.rows;
  world.leases.retag(1, { install: 'another-installation' });
  world.restart();
  await world.pass(TO_THE_FIRST);
  expect(count(world.calls(), 'RENEW lease')).toBe(0);
  expect(world.named).toBe(2);
  world.delete();
  await world.pass(MINUTE);
  expect([world.object, world.live]).toEqual([undefined, [1]]);
  expect(world.leases.rows[0]?.lease.expireAt).toBe(row?.lease.expireAt);
  expect(world.kube.find('leases', KEY)).toBeUndefined();
});
