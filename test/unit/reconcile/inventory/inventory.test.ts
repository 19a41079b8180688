import { describe, expect, test } from 'vitest';

import { aSpec, HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { denied, failed, targetUnknown } from '../support/lease-client.ts';
import { type CallName, refused } from '../support/wire.ts';
import { KEY, TARGET, World } from '../support/world.ts';

/** A world with one lease of half an hour and all time to come, in which the inventory is taken. */
async function leased(ttl = '4h'): Promise<World> {
  const world = new World({ inventory: true });
  world.connect();
  world.apply({ ttl });
  await world.settle(0);
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

/** A world with so many lease objects of one dynamic secret. */
async function leasedMany(size: number): Promise<World> {
  const world = new World({ inventory: true });
  world.connect();
  for (let number = 1; number <= size; number += 1) {
    const metadata = { name: `lease-${String(number)}`, namespace: 'shop' };
    world.kube.create('leases', { metadata, spec: aSpec({ ttl: '4h' }) });
  }
  await world.settle(0);
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

function count(calls: readonly CallName[], name: CallName): number {
  return calls.filter((call) => call === name).length;
}

const writes = ['patch leases', 'patch leases/status', 'create secrets', 'patch secrets', 'CREATE lease'];

function writesAmong(calls: readonly CallName[]): readonly CallName[] {
  return calls.filter((call) => writes.includes(call));
}

function memoryOf(world: World): ReturnType<World['parts']['memories']['of']> {
  return world.parts.memories.of(world.object?.uid ?? '');
}

describe('in an unchanged world', () => {
  test('each interval costs a list and a read, however many leases there are, and no write', async () => {
    const world = await leasedMany(12);
    await world.pass(HOUR);
    const calls = world.calls();
    expect(new Set(calls)).toEqual(new Set(['LIST leases', 'GET lease']));
    expect(count(calls, 'LIST leases')).toBeGreaterThanOrEqual(11);
    expect(count(calls, 'LIST leases')).toBeLessThanOrEqual(13);
    expect(count(calls, 'GET lease')).toBe(count(calls, 'LIST leases'));
  });

  test('a restart makes the first list within a minute, and costs no write', async () => {
    const world = await leased();
    world.restart();
    await world.pass(MINUTE);
    const calls = world.calls();
    expect(count(calls, 'LIST leases')).toBe(1);
    expect(writesAmong(calls)).toEqual([]);
  });

  test('a dynamic secret that nobody leases from any more is listed once more, and then left alone', async () => {
    const world = await leased();
    world.delete();
    await world.settle(0);
    world.calls();
    await world.pass(HOUR);
    expect(world.calls()).toEqual(['LIST leases']);
  });

  test('a changed target is listed in place of the old one, once the replaced lease has ended', async () => {
    const world = await leased('1h');
    world.edit({ dynamicSecret: { ...aSpec().dynamicSecret, name: 'other' } });
    await world.pass(2 * HOUR);
    world.calls();
    await world.pass(30 * MINUTE);
    const calls = world.calls();
    expect(count(calls, 'LIST leases')).toBeLessThanOrEqual(7);
  });
});

describe('what the server says of a lease', () => {
  test('is remembered when it changes, and the object looked at', async () => {
    const world = await leased();
    const id = world.record?.lease.id ?? '';
    world.leases.mark(id, { status: 'Failed to delete', statusDetails: 'role is in use' });
    await world.pass(6 * MINUTE);
    expect(memoryOf(world).sighted.get(id)).toMatchObject({ status: 'Failed to delete' });
  });

  test('is kept once where it is what is known already', async () => {
    const world = await leased();
    const id = world.record?.lease.id ?? '';
    const { sighted, known } = memoryOf(world);
    expect(sighted.get(id)).toBe(known.get(id)?.lease);
  });

  test('of its dynamic secret is remembered for all its objects', async () => {
    const world = await leasedMany(3);
    world.leases.secretState = { status: 'Failed to delete', statusDetails: 'the host is unknown' };
    await world.pass(6 * MINUTE);
    for (const { metadata } of world.kube.list('leases')) {
      expect(world.parts.memories.of(metadata.uid).dynamicSecret?.status).toBe('Failed to delete');
    }
  });
});

describe('a lease that somebody else revokes', () => {
  test('is noticed within an interval and a second look, said, and replaced', async () => {
    const world = await leased();
    world.revokeElsewhere(1);
    await world.pass(6 * MINUTE);
    expect(world.named).toBe(2);
    expect(world.live).toEqual([2]);
    expect(world.told).toEqual([`Warning LeaseLost ${KEY}`]);
    expect(world.counts.filter((one) => one.startsWith('revoked'))).toEqual([]);
    expect(world.condition('Ready')).toBe('True LeaseActive');
    expect(world.status.retiring).toBeUndefined();
  });

  test('is looked for a second time after 10 s, and not in between', async () => {
    const world = await leased();
    world.revokeElsewhere(1);
    await world.inventory();
    expect([world.named, memoryOf(world).absentSince.size]).toEqual([1, 1]);
    await world.pass(9 * SECOND);
    await world.inventory();
    expect(world.named).toBe(1);
    await world.pass(2 * SECOND);
    expect(world.named).toBe(2);
  });

  test('and seemed so only to a replica that lags is kept', async () => {
    const world = await leased();
    world.leases.hidden = new Set(world.leases.live);
    await world.inventory();
    world.leases.hidden = new Set();
    await world.pass(20 * MINUTE);
    expect([world.named, memoryOf(world).absentSince.size, world.told]).toEqual([1, 0, []]);
  });

  test('though it is replaced already is no news to anybody', async () => {
    const world = await leased('1h');
    await world.pass(45 * MINUTE);
    expect([world.named, world.status.retiring?.length]).toEqual([2, 1]);
    world.revokeElsewhere(1);
    await world.pass(7 * MINUTE);
    expect([world.named, world.status.retiring, world.told]).toEqual([2, undefined, []]);
  });
});

describe('where nothing can be listed', () => {
  test.each([
    ['because the project is not found', refused(targetUnknown(TARGET))],
    ['because the server fails', refused(failed('list the leases'))],
    ['because it is forbidden', refused(denied('list the leases', TARGET))],
  ])('%s, nothing is concluded', async (_why, fate) => {
    const world = await leased();
    world.always('LIST leases', fate);
    world.revokeElsewhere(1);
    world.leases.seed(TARGET, {
      install: 'this-installation',
      object: world.object?.uid ?? '',
      attempt: 'lost',
    });
    await world.pass(HOUR);
    const calls = world.calls();
    expect(new Set(calls)).toEqual(
      new Set(calls.includes('GET lease') ? ['LIST leases', 'GET lease'] : ['LIST leases']),
    );
    expect([world.named, world.told, memoryOf(world).settled.size]).toEqual([1, [], 0]);
  });

  test('the leases in use are read one by one, no more often than once an interval', async () => {
    const world = await leasedMany(3);
    world.always('LIST leases', refused(denied('list the leases', TARGET)));
    await world.inventory();
    for (const id of world.leases.live) world.leases.mark(id, { status: 'Failed to delete' });
    world.calls();
    await world.pass(HOUR);
    for (const { metadata } of world.kube.list('leases')) {
      const [sighted] = world.parts.memories.of(metadata.uid).sighted.values();
      expect(sighted?.status).toBe('Failed to delete');
    }
    const calls = world.calls();
    expect(count(calls, 'GET lease')).toBeGreaterThanOrEqual(3 * 10);
    expect(count(calls, 'GET lease')).toBeLessThanOrEqual(3 * 13);
  });

  test('a list that works again says what happened meanwhile', async () => {
    const world = await leased();
    world.next('LIST leases', ...Array.from({ length: 3 }, () => refused(failed('list the leases'))));
    world.revokeElsewhere(1);
    await world.pass(7 * MINUTE);
    expect(world.named).toBe(2);
  });
});

describe('many leases that vanish at once', () => {
  test('are looked for again only after a minute, and replaced at a pace', async () => {
    const world = await leasedMany(10);
    for (let number = 1; number <= 8; number += 1) world.revokeElsewhere(number);
    await world.inventory();
    await world.pass(59 * SECOND);
    expect([world.leases.rows.length, world.told]).toEqual([10, []]);
    for (let tenths = 0; tenths < 20; tenths += 1) await world.pass(SECOND / 10);
    expect(world.leases.rows.length).toBe(18);
    expect(world.live.length).toBe(10);
    expect(world.told.length).toBe(8);
    const made = world.leases.rows.slice(10).map(({ lease }) => Date.parse(lease.createdAt));
    expect(made.map((at) => at - (made[0] ?? 0))).toEqual([0, 100, 200, 300, 400, 500, 600, 700]);
  });

  test('and come back before the second look are kept', async () => {
    const world = await leasedMany(10);
    world.leases.hidden = new Set(world.leases.live.slice(0, 8));
    await world.inventory();
    world.leases.hidden = new Set();
    await world.pass(10 * MINUTE);
    expect([world.leases.rows.length, world.told]).toEqual([10, []]);
  });
});

describe('a clock of the server that is set ahead while a lease is in use', () => {
  const ways: Record<string, (world: World) => void> = {
    'a list': () => undefined,
    'a single read, where listing is forbidden': (world) =>
      world.always('LIST leases', refused(denied('list the leases', TARGET))),
  };
  const steps: Record<string, readonly [ahead: number, leases: number]> = {
    'past the time of its rotation': [3.5 * HOUR, 2],
    'past its end': [5 * HOUR, 2],
    'a little': [HOUR, 1],
  };

  for (const [way, arrange] of Object.entries(ways)) {
    for (const [what, [ahead, leases]] of Object.entries(steps)) {
      test(`${what} is noticed by ${way}: ${String(leases - 1)} other takes its place`, async () => {
        const world = await leased();
        arrange(world);
        world.leases.ahead = ahead;
        await world.pass(20 * MINUTE);
        expect(world.leases.rows.length).toBe(leases);
        expect(world.named).toBe(leases);
        expect(world.condition('Ready')).toBe('True LeaseActive');
      });
    }
  }
});
