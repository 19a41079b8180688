import { describe, expect, test } from 'vitest';

import { HOUR, MINUTE } from '../../../support/builders.ts';
import { denied, failed } from '../support/lease-client.ts';
import { type CallName, refused } from '../support/wire.ts';
import { INSTALL, KEY, TARGET, World } from '../support/world.ts';

/** A process that ended with a lease in hand: nothing names lease 2. */
async function withLostLease(): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '1d' });
  await world.pass(10 * MINUTE);
  const object = world.object?.uid ?? '';
  world.leases.seed(TARGET, { install: INSTALL, object, attempt: 'lost' });
  world.restart();
  await world.settle();
  expect(world.unnamed).toHaveLength(1);
  world.calls();
  return world;
}

function deeds(world: World): readonly CallName[] {
  return world.calls().filter((call) => call !== 'patch leases/status');
}

describe('a deletion after a restart', () => {
  test('revokes what nothing names: one list first', async () => {
    const world = await withLostLease();
    world.delete();
    await world.settle(0);
    expect(deeds(world)[0]).toBe('LIST leases');
    expect([world.object, world.live, world.secret]).toEqual([undefined, [], undefined]);
    expect(world.counts).toContain('swept: revoked');
  });

  test('leaves leases of other objects and installations, and of nobody, alone', async () => {
    const world = await withLostLease();
    const object = world.object?.uid ?? '';
    world.leases.seed(TARGET, { install: 'another', object, attempt: 'a' });
    world.leases.seed(TARGET, { install: INSTALL, object: 'another', attempt: 'b' });
    world.leases.seed(TARGET);
    world.delete();
    await world.settle(0);
    expect([world.object, world.live]).toEqual([undefined, [3, 4, 5]]);
  });

  test('does not list where this process has seen all of its life', async () => {
    const world = new World();
    world.connect();
    world.apply();
    await world.settle();
    world.calls();
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(['REVOKE lease', 'delete secrets', 'patch leases']);
  });

  test.each([
    ['is refused', denied('list leases', TARGET)],
    ['fails', failed('list leases')],
  ])(
    'waits while the list %s, revokes what it knows meanwhile, and no longer than the timeout',
    async (_how, error) => {
      const world = await withLostLease();
      world.always('LIST leases', refused(error));
      world.delete();
      await world.pass(9 * MINUTE);
      expect(world.object).toBeDefined();
      expect(world.live).toEqual([2]);
      expect(world.condition('Reconciling')).toBe(`True ${error.fault.code}`);
      await world.pass(MINUTE);
      expect([world.object, world.secret]).toEqual([undefined, undefined]);
    },
  );

  test('does not wait for a list where the connection is gone', async () => {
    const world = await withLostLease();
    world.restart();
    world.kube.delete('connections', 'shop/infisical');
    world.delete();
    await world.settle(0);
    expect(world.calls()).not.toContain('LIST leases');
    expect(world.object).toBeUndefined();
  });

  test('does not list where the leases are left to run out', async () => {
    const world = await withLostLease();
    world.edit({ revocation: { onDelete: 'Expire' } });
    await world.settle();
    world.calls();
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(['delete secrets', 'patch leases']);
    expect(world.live).toEqual([1, 2]);
  });

  test('lists where the object has moved to another target and the old lease is still listed', async () => {
    const world = await withLostLease();
    world.edit({
      dynamicSecret: { name: 'other', projectSlug: 'shop', environmentSlug: 'prod', path: '/' },
    });
    await world.settle();
    world.restart();
    world.delete();
    await world.settle(0);
    expect([world.object, world.live]).toEqual([undefined, []]);
  });
});

/** The status names lease 1, whose tag is of the cluster that this one was cloned from. */
async function cloned(onRotation: 'Revoke' | 'Expire' = 'Revoke'): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '2h', revocation: { onRotation } });
  await world.pass(10 * MINUTE);
  world.leases.retag(1, { install: 'the-original' });
  world.restart();
  await world.settle();
  world.calls();
  return world;
}

describe('a cluster that was cloned', () => {
  test('leaves the lease of the other one alone when it is replaced, and revokes its own', async () => {
    const world = await cloned();
    await world.pass(HOUR + 45 * MINUTE);
    expect([world.named, world.live]).toEqual([2, [1, 2]]);
    expect([world.status.retiring, world.counts.at(-1)]).toEqual([undefined, 'revoked: left']);
    expect(world.calls()).not.toContain('REVOKE lease');
    await world.pass(HOUR);
    expect(world.named).toBe(3);
    world.delete();
    await world.settle(0);
    expect([world.object, world.live]).toEqual([undefined, []]);
  });

  test('leaves it alone when the object is deleted', async () => {
    const world = await cloned();
    world.delete();
    await world.settle(0);
    expect(deeds(world)).toEqual(['LIST leases', 'GET lease', 'delete secrets', 'patch leases']);
    expect([world.object, world.live]).toEqual([undefined, [1]]);
    expect(world.lines).toContainEqual(
      expect.objectContaining({ message: 'A lease is of another installation, and is left to it.' }),
    );
  });

  test('asks for a lease of its own at once when a list has shown whose it is', async () => {
    const world = await cloned();
    const lease = world.leases.rows[0]?.lease;
    const { parts, object } = world;
    if (lease === undefined || object === undefined) throw new Error('There is no lease.');
    parts.memories.update(KEY, object.uid, { sighted: new Map([[lease.id, lease]]) });
    await world.settle(0);
    await world.reconcile();
    expect([world.named, world.live, world.status.retiring]).toEqual([2, [1, 2], undefined]);
  });
});
