import { describe, expect, test } from 'vitest';

import { parseInstant } from '../../../../src/instant.ts';
import { HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { timeout } from '../support/kube-errors.ts';
import { unanswered } from '../support/lease-client.ts';
import { after, type CallName, type Death, lost, refused, works } from '../support/wire.ts';
import { World, type WorldOptions } from '../support/world.ts';

const noAnswer = unanswered('create a lease');

/** The requests before the first rotation. */
const FIRST = ['TIME', 'LOGIN', 'patch leases', 'CREATE lease', 'create secrets', 'patch leases/status'];

function untagged(options: WorldOptions = {}): World {
  const world = new World(options);
  world.leases.tags = 'dropped';
  world.connect();
  world.apply({ ttl: '2h' });
  return world;
}

function count(calls: readonly CallName[], name: CallName): number {
  return calls.filter((call) => call === name).length;
}

/** For how long after `sentAt` the status counts what may have been made. */
function countedFor({ status }: World): number {
  const { lastAt, until } = status.unaccounted ?? {};
  return (parseInstant(until) ?? 0) - (parseInstant(lastAt) ?? 0);
}

describe('a request whose answer is lost, on a server that keeps no tags', () => {
  test('is counted until its lease must have ended; another follows after 90 s', async () => {
    const world = untagged();
    world.next('CREATE lease', lost(noAnswer));
    await world.pass(90 * SECOND - 1);
    expect(world.leases.rows).toHaveLength(1);
    await world.pass(MINUTE);
    expect([world.named, world.live]).toEqual([2, [1, 2]]);
    expect(world.status.unaccounted).toMatchObject({ count: 1 });
    expect(countedFor(world)).toBeGreaterThanOrEqual(2 * HOUR);
    expect(countedFor(world)).toBeLessThan(2 * HOUR + 2 * MINUTE);
    expect(world.told).toEqual(['Warning RequestUnaccounted shop/orders-db']);
  });

  test('leaves the status when that time is over, with its next write', async () => {
    const world = untagged();
    world.next('CREATE lease', lost(noAnswer));
    await world.pass(3 * HOUR);
    expect(world.status.unaccounted).toBeUndefined();
  });

  test('happens at most twice: no third request before the second one must have ended', async () => {
    const world = untagged();
    world.always('CREATE lease', lost(noAnswer));
    await world.pass(2 * HOUR);
    expect(world.leases.rows).toHaveLength(2);
    expect(world.status.unaccounted).toMatchObject({ count: 2 });
    expect(world.condition('Ready')).toBe('False Unaccounted');
    world.always('CREATE lease', works);
    await world.pass(10 * MINUTE);
    expect([world.named, world.condition('Ready')]).toEqual([3, 'True LeaseActive']);
  });

  test('is counted by the status for a new process, too', async () => {
    const world = untagged();
    world.always('CREATE lease', lost(noAnswer));
    await world.pass(10 * MINUTE);
    for (let times = 0; times < 5; times += 1) {
      world.restart();
      world.always('CREATE lease', lost(noAnswer));
      await world.pass(5 * MINUTE);
    }
    expect(world.leases.rows.length).toBeLessThanOrEqual(2);
  });
});

test('a delivery that is abandoned on a server that keeps no tags is counted until its lease ends', async () => {
  const world = untagged();
  const slow = after(() => world.clock.advance(30 * SECOND), refused(timeout));
  world.always('create secrets', slow);
  world.always('create secrets, dry', refused(timeout));
  await world.pass(10 * MINUTE);
  expect(world.counts).toContain('delivered: abandoned');
  expect(world.status.unaccounted).toMatchObject({ count: 1 });
  world.always('create secrets', works);
  world.always('create secrets, dry', works);
  await world.pass(10 * MINUTE);
  expect([world.named, world.condition('Ready')]).toEqual([2, 'True LeaseActive']);
});

describe('a process that ends while it asks a server that keeps no tags', () => {
  const inTheRequest: Death = { at: FIRST.length + 1, when: 'after' };

  test('may have made a lease: its successor counts one', async () => {
    const world = untagged({ deaths: [inTheRequest] });
    await world.pass(90 * MINUTE);
    expect(world.crashes).toHaveLength(1);
    expect([world.named, world.live]).toEqual([3, [1, 2, 3]]);
    expect(world.status.unaccounted).toMatchObject({ count: 1 });
  });

  test('may have made one also where its successor has to look at the Secret first', async () => {
    const world = untagged();
    await world.pass(30 * MINUTE);
    world.touchSecret({ labels: { theirs: 'x' } });
    world.restart();
    world.clock.advance(HOUR);
    world.calls();
    await world.settle();
    expect(world.calls()).toEqual([
      'TIME',
      'LOGIN',
      'read secrets',
      'get leases',
      'CREATE lease',
      'patch secrets',
      'patch leases/status',
    ]);
    expect(world.status.unaccounted).toMatchObject({ count: 1 });
  });

  test('again and again does not hold a rotation back: suspicions count as one', async () => {
    const world = untagged();
    await world.pass(10 * MINUTE);
    for (let times = 0; times < 6; times += 1) {
      world.restart();
      world.clock.advance(90 * MINUTE);
      await world.settle();
      expect(world.condition('Ready')).toBe('True LeaseActive');
      expect(world.status.unaccounted).toMatchObject({ count: 1 });
    }
    expect(world.told).toEqual([]);
  });

  test('is not suspected where it was at rest', async () => {
    const world = untagged();
    await world.pass(10 * MINUTE);
    world.restart();
    await world.pass(90 * MINUTE);
    expect([world.named, world.status.unaccounted]).toEqual([2, undefined]);
  });

  test.each([
    ['counts one where a process before it may have noticed it too', true, 1],
    ['counts none where it has leased the lost one itself', false, undefined],
  ])('a successor that notices a lost lease %s', async (_what, restarted, counted) => {
    const world = untagged();
    await world.pass(10 * MINUTE);
    if (restarted) world.restart();
    await world.settle();
    world.revokeElsewhere(1);
    await world.inventory();
    await world.pass(MINUTE);
    await world.inventory();
    await world.settle();
    expect([world.named, world.status.unaccounted?.count]).toEqual([2, counted]);
  });

  test('is not suspected by a process that has written the finalizer itself', async () => {
    const world = untagged();
    await world.pass(MINUTE);
    expect([world.named, world.status.unaccounted]).toEqual([1, undefined]);
  });
});

test('where the server keeps tags nothing is counted: the sweep finds it', async () => {
  const world = new World({ deaths: [{ at: FIRST.length + 1, when: 'after' }] });
  world.connect();
  world.apply({ ttl: '2h' });
  await world.pass(90 * MINUTE);
  expect(world.crashes).toHaveLength(1);
  expect([world.named, world.status.unaccounted]).toEqual([3, undefined]);
  expect(count(world.calls(), 'CREATE lease')).toBe(3);
});
