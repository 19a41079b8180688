import { describe, expect, test } from 'vitest';

import { HOUR, MINUTE } from '../../../support/builders.ts';
import { broken, busy, timeout } from '../support/kube-errors.ts';
import { unanswered } from '../support/lease-client.ts';
import { Shards } from '../support/shards.ts';
import { KEY } from '../support/surroundings.ts';
import { after, lost, refused } from '../support/wire.ts';

const writes = /^(create|patch|delete)/;

/** An object without the label, served by the release without a shard. */
async function served(spec: Parameters<Shards['apply']>[0] = { ttl: '1d' }): Promise<Shards> {
  const world = new Shards();
  world.connect();
  world.apply(spec);
  await world.settle();
  world.none.calls();
  world.b.calls();
  return world;
}

describe('an object of one shard', () => {
  test('is served by its release alone; the Secret and the tag carry the shard', async () => {
    const world = new Shards();
    world.connect();
    world.apply();
    world.move('b');
    await world.settle();
    expect(world.none.calls()).toEqual([]);
    expect([world.live, world.named, world.secretShard]).toEqual([[1], 1, 'b']);
    expect(world.leases.rows[0]?.lease.tag?.shard).toBe('b');
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });

  test('without the label carries none on its Secret and none in its tag', async () => {
    const world = await served();
    expect([world.live, world.secretShard]).toEqual([[1], undefined]);
    expect(world.leases.rows[0]?.lease.tag).not.toHaveProperty('shard');
    expect(world.b.calls()).toEqual([]);
  });

  test('of a shard that nobody serves is served by nobody', async () => {
    const world = new Shards();
    world.connect();
    world.apply();
    world.move('c');
    await world.settle();
    expect([world.none.calls(), world.b.calls(), world.live]).toEqual([[], [], []]);
  });
});

describe('an object that moves', () => {
  test('keeps its lease: two looks, and the label of its Secret changed', async () => {
    const world = await served();
    const { secret } = world;
    world.move('b');
    await world.settle();
    expect(world.b.calls().filter((call) => !/TIME|LOGIN/.test(call))).toEqual([
      'get secrets',
      'get leases',
      'patch secrets',
      'patch leases/status',
    ]);
    // That it has moved, and is not gone, one look tells.
    expect(world.none.calls()).toEqual(['get leases']);
    expect([world.live, world.named, world.secretShard]).toEqual([[1], 1, 'b']);
    expect(world.secret?.uid).toBe(secret?.uid);
    expect(world.b.counts).not.toContain('drifted: unlabelled');
    expect(world.none.parts.memories.under(KEY)).toEqual([]);
  });

  test('is rotated and renewed by its new shard, and goes back without a new lease', async () => {
    const world = await served();
    world.move('b');
    await world.settle();
    world.move(null);
    await world.settle();
    expect([world.live, world.secretShard]).toEqual([[1], undefined]);
    world.move('b');
    await world.settle();
    await world.settle(30 * HOUR);
    expect(world.leases.rows.slice(1).every(({ lease }) => lease.tag?.shard === 'b')).toBe(true);
    expect(world.leases.rows.length).toBeGreaterThan(1);
    expect(world.unnamed).toEqual([]);
    expect(world.none.calls().filter((call) => call === 'CREATE lease')).toEqual([]);
  });

  test('costs its former shard nothing at all where that knows nothing of it', async () => {
    const world = await served();
    world.none.restart();
    world.move('b');
    await world.settle();
    expect(world.none.calls()).toEqual([]);
    expect([world.live, world.secretShard]).toEqual([[1], 'b']);
  });

  test('while it is suspended stays Ready', async () => {
    const world = await served();
    world.edit({ suspend: true });
    await world.settle();
    const ready = world.condition('Ready');
    world.move('b');
    await world.settle();
    expect([ready, world.condition('Ready')]).toEqual(['True LeaseActive', 'True LeaseActive']);
    expect(world.live).toEqual([1]);
  });

  test('while its new shard cannot look for the Secret waits, and then keeps its lease', async () => {
    const world = await served();
    world.b.next('get secrets', refused(broken), refused(broken));
    world.move('b');
    await world.settle(MINUTE);
    expect([world.live, world.secretShard]).toEqual([[1], 'b']);
  });

  test('and has lost its Secret meanwhile gets a new lease; the other retires', async () => {
    const world = await served();
    for (const one of [world.none, world.b]) one.deafTo.add('secrets').add('leases');
    world.kube.delete('secrets', KEY);
    world.move('b');
    for (const one of [world.none, world.b]) one.deafTo.clear();
    await world.settle();
    expect([world.live, world.named, world.secretShard]).toEqual([[1, 2], 2, 'b']);
    expect(world.unnamed).toEqual([]);
  });

  test('is seen to have left by its Secret first: the former shard looks, and does nothing', async () => {
    for (const restarted of [false, true]) {
      const world = await served();
      if (restarted) world.none.restart();
      world.none.deafTo.add('leases');
      world.move('b');
      await world.settle();
      world.none.deafTo.clear();
      await world.settle();
      expect(world.none.calls().filter((call) => writes.test(call) || call === 'CREATE lease')).toEqual([]);
      expect([world.live, world.named, world.secretShard]).toEqual([[1], 1, 'b']);
    }
  });

  test('while its former shard is replacing its lease: the new one keeps what was written', async () => {
    const world = await served();
    world.none.next(
      'CREATE lease',
      after(() => world.move('b')),
    );
    world.kube.mergePatch('leases', KEY, { metadata: { annotations: { 'leaseholder.dev/rotate': '1' } } });
    await world.settle(10 * MINUTE);
    expect([world.named, world.secretShard, world.unnamed]).toEqual([2, 'b', []]);
    expect(world.leases.rows).toHaveLength(2);
    expect(world.status.lease?.id).toBe(world.record?.lease.id);
    expect(world.status.retiring).toMatchObject([{ id: world.leases.rows[0]?.lease.id }]);
  });

  test('to a shard that was faster with a new lease: the former one gives its own back', async () => {
    const world = await served();
    world.none.deafTo.add('leases').add('secrets');
    world.kube.mergePatch('leases', KEY, { metadata: { annotations: { 'leaseholder.dev/rotate': '1' } } });
    world.none.deafTo.clear();
    world.none.hear();
    world.none.next('patch secrets', async (act) => {
      world.none.deafTo.add('leases').add('secrets');
      world.move('b');
      world.b.hear();
      await world.b.reconcile();
      return act();
    });
    await world.none.reconcile();
    world.none.deafTo.clear();
    await world.settle(10 * MINUTE);
    expect([world.secretShard, world.unnamed]).toEqual(['b', []]);
    expect(world.status.lease?.id).toBe(world.record?.lease.id);
    expect(world.leases.rows.filter(({ lease }) => lease.tag?.shard === 'b')).toHaveLength(1);
  });

  test('while a request is open: it is settled, and what it made is revoked', async () => {
    const world = await served();
    world.none.next('CREATE lease', lost(unanswered('create a lease')));
    world.none.next(
      'LIST leases',
      after(() => world.move('b')),
    );
    world.kube.mergePatch('leases', KEY, { metadata: { annotations: { 'leaseholder.dev/rotate': '1' } } });
    await world.settle(10 * MINUTE);
    expect(world.unnamed).toEqual([]);
    expect(world.leases.rows).toHaveLength(3);
    expect(world.none.parts.memories.under(KEY)).toEqual([]);
  });

  test('while a lease is in hand that cannot have reached the Secret: it is revoked', async () => {
    const world = await served();
    world.none.next(
      'patch secrets',
      after(() => world.move('b'), refused(busy())),
    );
    world.kube.mergePatch('leases', KEY, { metadata: { annotations: { 'leaseholder.dev/rotate': '1' } } });
    await world.settle();
    expect([world.unnamed, world.secretShard, world.named]).toEqual([[], 'b', 3]);
  });

  test('while a lease is in hand that may have reached the Secret, and has not: the next lists find it', async () => {
    const world = await served();
    world.none.next(
      'patch secrets',
      after(() => world.move('b'), refused(broken)),
    );
    world.kube.mergePatch('leases', KEY, { metadata: { annotations: { 'leaseholder.dev/rotate': '1' } } });
    await world.settle();
    expect(world.none.counts).toContain('delivered: abandoned');
    world.clock.advance(5 * MINUTE);
    await world.b.inventory();
    await world.settle();
    expect([world.unnamed, world.secretShard, world.named]).toEqual([[], 'b', 3]);
  });

  test('while a lease is in hand that may have reached the Secret: it is never revoked from memory', async () => {
    const world = await served();
    world.none.next(
      'patch secrets',
      after(() => undefined, lost(timeout)),
    );
    world.none.deafTo.add('secrets');
    world.kube.mergePatch('leases', KEY, { metadata: { annotations: { 'leaseholder.dev/rotate': '1' } } });
    world.none.hear();
    await world.none.reconcile();
    world.move('b');
    await world.settle(10 * MINUTE);
    expect([world.named, world.secretShard, world.unnamed]).toEqual([2, 'b', []]);
    expect(world.live).toContain(2);
    expect(world.leases.rows).toHaveLength(2);
  });

  test('is not taken for gone where nobody can be asked', async () => {
    const world = await served();
    world.none.next('get leases', refused(broken), refused(broken), refused(broken));
    world.move('b');
    await world.settle(MINUTE);
    expect(world.none.calls()).toEqual(['get leases', 'get leases', 'get leases', 'get leases']);
    expect(world.live).toEqual([1]);
  });
});

describe('a deletion after a move', () => {
  test('revokes, and takes the Secret along', async () => {
    const world = await served();
    world.move('b');
    await world.settle();
    world.delete();
    await world.settle();
    expect([world.object, world.secret, world.live]).toEqual([undefined, undefined, []]);
    expect(world.none.calls().filter((call) => writes.test(call))).toEqual([]);
  });

  test('that comes with the move finds the Secret first, and releases one that is to stay', async () => {
    const world = await served({ secret: { deletionPolicy: 'Retain' } });
    world.none.deafTo.add('leases');
    world.b.deafTo.add('leases');
    world.move('b');
    world.delete();
    world.none.deafTo.clear();
    world.b.deafTo.clear();
    await world.settle();
    expect([world.object, world.live]).toEqual([undefined, []]);
    expect(world.secret?.owners).toEqual([]);
    expect(world.secret?.labels).toEqual({});
  });

  test('of an object that is gone by force still revokes what its shard knows', async () => {
    const world = await served();
    world.delete();
    world.kube.mergePatch('leases', KEY, { metadata: { finalizers: [] } });
    await world.settle();
    expect(world.live).toEqual([]);
  });
});

describe('the lists of a dynamic secret that shards share', () => {
  test('cost no look for what the others have, and revoke and report nothing of it', async () => {
    const world = await served();
    world.applySecond('b');
    await world.settle();
    world.clock.advance(10 * MINUTE);
    world.none.calls();
    world.b.calls();
    for (const one of [world.none, world.b]) {
      await one.inventory();
      expect(one.calls().filter((call) => call.startsWith('get '))).toEqual([]);
      expect(one.counts.filter((word) => word.startsWith('swept'))).toEqual([]);
    }
    expect(world.live).toEqual([1, 2]);
  });

  test('say nothing of the lease of an object that has moved, whose tag is that of the former shard', async () => {
    const world = await served();
    world.applySecond(undefined);
    await world.settle();
    world.move('b');
    await world.settle();
    world.clock.advance(30 * MINUTE);
    for (const one of [world.none, world.b]) {
      one.calls();
      await one.inventory();
      expect(one.calls().filter((call) => call.startsWith('get '))).toEqual([]);
      expect(one.counts.filter((word) => word.startsWith('swept'))).toEqual([]);
    }
    expect(world.live).toEqual([1, 2]);
  });

  test('show to the new shard what the former one has left behind', async () => {
    const world = await served();
    world.none.next('CREATE lease', lost(unanswered('create a lease')));
    world.kube.mergePatch('leases', KEY, { metadata: { annotations: { 'leaseholder.dev/rotate': '1' } } });
    world.none.hear();
    world.none.next('LIST leases', refused(broken));
    await world.none.reconcile();
    world.none.restart();
    world.move('b');
    await world.settle();
    world.clock.advance(10 * MINUTE);
    await world.b.inventory();
    await world.settle(10 * MINUTE);
    expect(world.unnamed).toEqual([]);
    expect(world.b.counts).toContain('swept: revoked');
  });
});
