import { describe, expect, test } from 'vitest';

import type { LeaseTag } from '../../../../src/api/lease.ts';
import { aSpec, MINUTE, SECOND } from '../../../support/builders.ts';
import { broken, timeout } from '../support/kube-errors.ts';
import { lost, refused } from '../support/wire.ts';
import { INSTALL, KEY, TARGET, World } from '../support/world.ts';

/** A world with lease 1 in its Secret, ten minutes old, in which the inventory is taken. */
async function leased(spec: Parameters<World['apply']>[0] = {}): Promise<World> {
  const world = new World({ inventory: true });
  world.connect();
  world.apply({ ttl: '4h', ...spec });
  await world.settle(0);
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

/** A lease beside the object's own, by default one of its own that nobody knows of. */
function seed(world: World, tag: Partial<LeaseTag> = {}): string {
  const object = world.object?.uid ?? '';
  return world.leases.seed(TARGET, { install: INSTALL, object, attempt: 'lost', ...tag }).id;
}

function swept(world: World): readonly string[] {
  return world.counts.filter((one) => one.startsWith('swept'));
}

/** How many requests a first life makes until it has asked for its lease. */
async function requestsUntilLease(): Promise<number> {
  const trial = new World();
  trial.connect();
  trial.apply();
  await trial.settle(0);
  return trial.calls().indexOf('CREATE lease') + 1;
}

/** A process ends with the answer to its request for a lease, and the next one finds another target in the spec. */
async function movedOn(inventory: boolean): Promise<World> {
  const world = new World({
    inventory,
    deaths: [{ at: await requestsUntilLease(), when: 'after' }],
    between: (one) => one.edit({ dynamicSecret: { ...aSpec().dynamicSecret, path: '/eu' } }),
  });
  world.connect();
  world.apply({ ttl: '4h' });
  await world.settle(0);
  expect([world.live, world.named]).toEqual([[1, 2], 2]);
  return world;
}

describe('a lease that nobody names', () => {
  test('is revoked as soon as it is three minutes old and a list has shown it', async () => {
    const world = await leased();
    seed(world);
    await world.inventory();
    await world.pass(3 * MINUTE - SECOND);
    expect(world.live).toEqual([1, 2]);
    await world.pass(2 * SECOND);
    expect(world.live).toEqual([1]);
    expect([world.named, swept(world), world.told]).toEqual([
      1,
      ['swept: revoked'],
      [`Warning LeaseSwept ${KEY}`],
    ]);
    expect(world.lines).toContainEqual(
      expect.objectContaining({ message: 'A lease that nobody names is revoked.' }),
    );
  });

  test('stays where the Secret may not be looked at: it may name that lease', async () => {
    const world = await leased();
    seed(world);
    world.kube.hidden.add(KEY);
    world.clock.advance(4 * MINUTE);
    await world.inventory();
    expect([world.live, swept(world)]).toEqual([[1, 2], []]);
    world.kube.hidden.clear();
    await world.pass(6 * MINUTE);
    expect(swept(world)).toEqual(['swept: revoked']);
  });

  test('costs one look at the Secret and one at the object, and no write', async () => {
    const world = await leased();
    seed(world);
    world.clock.advance(4 * MINUTE);
    await world.inventory();
    expect(world.calls()).toEqual(['LIST leases', 'get secrets', 'get leases', 'GET lease', 'REVOKE lease']);
    await world.pass(6 * MINUTE);
    expect(swept(world)).toEqual(['swept: revoked']);
  });

  test('is left alone while the Kubernetes API does not say so, and revoked when it does', async () => {
    const world = await leased();
    seed(world);
    world.clock.advance(4 * MINUTE);
    world.next('get secrets', refused(broken));
    world.next('get leases', refused(timeout));
    await world.inventory();
    expect([world.live, swept(world)]).toEqual([[1, 2], []]);
    await world.pass(MINUTE);
    expect(world.live).toEqual([1]);
  });

  test('as far as a watch that lags has told is left alone when a live look finds it named', async () => {
    const world = await leased();
    const id = seed(world);
    world.clock.advance(4 * MINUTE);
    world.watching = false;
    const { lease, ...rest } = world.status;
    world.kube.mergePatch(
      'leases',
      KEY,
      {
        metadata: { resourceVersion: world.object?.resourceVersion },
        status: { ...rest, lease, retiring: [{ ...lease, id }] },
      },
      'status',
    );
    await world.inventory();
    expect([world.live, swept(world)]).toEqual([[1, 2], []]);
  });

  test('whose revocation fails is tried again like any other', async () => {
    const world = await leased();
    seed(world);
    world.clock.advance(4 * MINUTE);
    world.leases.revocation = 'fails';
    await world.inventory();
    await world.pass(MINUTE);
    expect(world.live).toEqual([1, 2]);
    world.leases.revocation = 'works';
    await world.pass(5 * MINUTE);
    expect([world.live, swept(world)]).toEqual([[1], ['swept: revoked']]);
  });
});

describe('what a fault left behind', () => {
  test('a lease whose write was never answered, and did not arrive, is revoked', async () => {
    const world = new World({ inventory: true });
    world.connect();
    world.apply({ ttl: '4h' });
    world.always('create secrets', refused(timeout));
    world.always('create secrets, dry', refused(timeout));
    await world.settle(90 * SECOND);
    expect([world.counts.includes('delivered: abandoned'), world.live]).toEqual([true, [1]]);
    await world.pass(3 * MINUTE);
    expect([world.live, swept(world)]).toEqual([[], ['swept: revoked']]);
  });

  test('a lease whose write was never answered, and did arrive, is kept', async () => {
    const world = new World({ inventory: true });
    world.connect();
    world.apply({ ttl: '4h' });
    world.tell();
    world.watching = false;
    world.next('create secrets', lost(timeout));
    world.always('create secrets', refused(timeout));
    world.always('create secrets, dry', refused(timeout));
    await world.settle(90 * SECOND);
    expect([world.counts.includes('delivered: abandoned'), world.live]).toEqual([true, [1]]);
    world.watching = true;
    await world.pass(10 * MINUTE);
    expect([world.live, world.named, swept(world)]).toEqual([[1], 1, []]);
  });

  test('a process that ends with a lease in hand: the next one revokes it', async () => {
    const world = new World({ inventory: true, deaths: [{ at: await requestsUntilLease(), when: 'after' }] });
    world.connect();
    world.apply({ ttl: '4h' });
    await world.settle(0);
    expect([world.live, world.named]).toEqual([[1, 2], 2]);
    await world.pass(4 * MINUTE + SECOND);
    expect([world.live, world.named, swept(world)]).toEqual([[2], 2, ['swept: revoked']]);
  });

  test('a process that ends with a lease in hand, and a target that is another one by then: it is revoked', async () => {
    const world = await movedOn(true);
    await world.pass(4 * MINUTE);
    expect([world.live, world.named, swept(world)]).toEqual([[2], 2, ['swept: revoked']]);
    // It was enough to look once where the object has no lease.
    world.calls();
    await world.pass(20 * MINUTE);
    expect(world.calls().filter((call) => call === 'LIST leases').length).toBeLessThan(6);
  });

  test('the same, and a deletion that comes before the sweep', async () => {
    const world = await movedOn(false);
    world.delete();
    await world.settle(0);
    expect([world.live, world.object]).toEqual([[], undefined]);
  });

  test('a lease of an object that was let go is revoked as long as that is remembered', async () => {
    const world = await leased();
    seed(world);
    world.delete();
    await world.settle(0);
    expect([world.object, world.live]).toEqual([undefined, [2]]);
    await world.pass(5 * MINUTE);
    expect([world.live, swept(world)]).toEqual([[], ['swept: revoked']]);
  });

  test('a lease of an object that was let go by a process before is only reported', async () => {
    const world = await leased();
    seed(world);
    world.delete();
    await world.settle(0);
    world.restart();
    world.apply({ ttl: '4h' });
    await world.pass(20 * MINUTE);
    expect([world.live, swept(world)]).toEqual([[2, 3], ['swept: reported']]);
  });
});

describe('never swept', () => {
  test('a lease of another installation, of nobody, or of an unknown object; the last is reported once', async () => {
    const world = await leased();
    seed(world, { install: 'another' });
    world.leases.seed(TARGET);
    seed(world, { object: 'unknown' });
    await world.pass(30 * MINUTE);
    expect(world.live).toEqual([1, 2, 3, 4]);
    expect(swept(world)).toEqual(['swept: reported']);
    expect(world.calls()).not.toContain('REVOKE lease');
  });

  test('a lease that a deletion left to run out as declared', async () => {
    const world = await leased({ revocation: { onDelete: 'Expire' } });
    world.delete();
    await world.pass(9 * MINUTE);
    expect([world.object, world.live, swept(world)]).toEqual([undefined, [1], []]);
  });

  test('a replaced lease that runs out', async () => {
    const world = new World({ inventory: true });
    world.connect();
    world.apply({ ttl: '1h' });
    await world.settle(0);
    await world.pass(50 * MINUTE);
    expect([world.live, world.named, swept(world)]).toEqual([[1, 2], 2, []]);
    world.restart();
    await world.pass(8 * MINUTE);
    expect([world.live, swept(world)]).toEqual([[1, 2], []]);
  });
});
