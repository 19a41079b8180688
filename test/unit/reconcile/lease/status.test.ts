import { describe, expect, test } from 'vitest';

import { HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { broken } from '../support/kube-errors.ts';
import { after, type CallName, refused, works } from '../support/wire.ts';
import { KEY, World } from '../support/world.ts';

async function leased(): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '2h' });
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

function count(calls: readonly CallName[], name: CallName): number {
  return calls.filter((call) => call === name).length;
}

describe('a quiet world', () => {
  test('costs no request, however often it is looked at', async () => {
    const world = await leased();
    for (let times = 0; times < 20; times += 1) await world.reconcile();
    await world.pass(50 * MINUTE);
    expect(world.calls()).toEqual([]);
  });

  test('costs a new process no more than to ask the time and to log in', async () => {
    const world = await leased();
    world.restart();
    await world.pass(MINUTE);
    expect(world.calls()).toEqual(['TIME', 'LOGIN']);
  });

  test('costs no write when a replaced lease ends; its entry leaves with the next one', async () => {
    const world = await leased();
    await world.pass(HOUR + 20 * MINUTE);
    expect(world.status.retiring).toMatchObject([{ id: world.leases.rows[0]?.lease.id }]);
    world.calls();
    await world.pass(40 * MINUTE);
    expect(world.live).toEqual([2]);
    expect(world.calls()).toEqual([]);
    await world.pass(40 * MINUTE);
    expect(world.status.retiring).toMatchObject([{ id: world.leases.rows[1]?.lease.id }]);
  });
});

describe('a change', () => {
  const changes: readonly (readonly [string, (world: World) => void, readonly CallName[]])[] = [
    ['of ttl: the generation is observed', (world) => world.edit({ ttl: '3h' }), ['patch leases/status']],
    [
      "of the Secret's labels: they are patched",
      (world) => world.edit({ secret: { labels: { team: 'orders' } } }),
      ['patch secrets', 'patch leases/status'],
    ],
    [
      "of the object's own labels: nothing",
      (world) => void world.kube.mergePatch('leases', KEY, { metadata: { labels: { team: 'orders' } } }),
      [],
    ],
    [
      "to the Secret that adds somebody's label: one read",
      (world) => world.touchSecret({ labels: { x: 'y' } }),
      ['read secrets'],
    ],
    [
      "of the Secret's annotations: they are patched",
      (world) => world.edit({ secret: { annotations: { note: 'ours' } } }),
      ['patch secrets', 'patch leases/status'],
    ],
  ];

  test.each(changes)('%s, and nothing more', async (_change, make, calls) => {
    const world = await leased();
    make(world);
    await world.settle(0);
    expect(world.calls()).toEqual(calls);
    await world.reconcile();
    expect(world.calls()).toEqual([]);
    expect(world.status.observedGeneration).toBe(world.object?.generation);
    expect([world.live, world.named]).toEqual([[1], 1]);
  });

  test('of labels is taken back when the spec drops them, and what others put there stays', async () => {
    const world = await leased();
    world.edit({ secret: { labels: { team: 'orders' } } });
    await world.settle(0);
    world.touchSecret({ labels: { theirs: 'x' } });
    world.kube.mergePatch('leases', KEY, { spec: { secret: null } });
    await world.settle(0);
    expect(world.secret?.labels).toEqual({ 'leaseholder.dev/managed': 'true', theirs: 'x' });
  });

  test('of labels meets a Secret that somebody has just changed: one look, and the patch on what is there', async () => {
    const world = await leased();
    world.next(
      'patch secrets',
      after(() => world.touchSecret({ labels: { theirs: 'x' } })),
    );
    world.edit({ secret: { labels: { team: 'orders' } } });
    await world.settle(0);
    expect(world.calls()).toEqual([
      'patch secrets',
      'get secrets',
      'read secrets',
      'patch secrets',
      'patch leases/status',
    ]);
    expect(world.secret?.labels).toMatchObject({ team: 'orders', theirs: 'x' });
  });

  test('of labels meets a Secret that is gone: a new lease into a new one', async () => {
    const world = await leased();
    world.next(
      'patch secrets',
      after(() => world.kube.delete('secrets', KEY)),
    );
    world.edit({ secret: { labels: { team: 'orders' } } });
    await world.settle(0);
    expect(world.calls().slice(0, 5)).toEqual([
      'patch secrets',
      'get secrets',
      'get leases',
      'get secrets',
      'CREATE lease',
    ]);
    expect(world.secret?.labels).toMatchObject({ team: 'orders' });
  });

  test('of labels that fails is tried again, and leaves the lease as it is', async () => {
    const world = await leased();
    world.next('patch secrets', refused(broken));
    world.edit({ secret: { labels: { team: 'orders' } } });
    await world.pass(MINUTE);
    expect(world.secret?.labels).toMatchObject({ team: 'orders' });
    expect([world.live, world.condition('Reconciling')]).toEqual([[1], 'False Settled']);
  });
});

describe('the status after a crash', () => {
  test('that came before it was written is repaired from the record, without a new lease', async () => {
    const world = new World({ deaths: [{ at: 6, when: 'before' }] });
    world.connect();
    world.apply();
    await world.settle();
    expect(world.crashes).toHaveLength(1);
    expect(world.calls().slice(6)).toEqual([
      'TIME',
      'LOGIN',
      'GET lease',
      'read secrets',
      'patch leases/status',
    ]);
    expect([world.live, world.status.lease?.id]).toEqual([[1], world.record?.lease.id]);
    expect(world.status.lease?.externalEntityId).toBe('role-1');
  });
});

describe('a write of the status', () => {
  test('that meets a newer object is computed anew', async () => {
    const world = await leased();
    world.next(
      'patch leases/status',
      after(() => world.edit({ ttl: '4h' })),
    );
    world.edit({ ttl: '3h' });
    await world.settle(0);
    expect(world.calls()).toEqual(['patch leases/status', 'get leases', 'patch leases/status']);
    expect(world.status.observedGeneration).toBe(3);
  });

  test('that fails is not made again at once, and never leads to a second lease', async () => {
    const world = new World();
    world.connect();
    world.apply({ ttl: '1d' });
    world.always('patch leases/status', refused(broken));
    world.tell();
    await world.reconcile();
    expect(count(world.calls(), 'patch leases/status')).toBe(1);
    await world.pass(HOUR);
    expect([world.live, world.leases.rows.length]).toEqual([[1], 1]);
    // The longest backoff of this fault is two minutes, half of it on average.
    expect(count(world.calls(), 'patch leases/status')).toBeLessThan(130);
    world.always('patch leases/status', works);
    await world.pass(3 * MINUTE);
    expect(world.condition('Ready')).toBe('True LeaseActive');
    expect(world.condition('Reconciling')).toBe('False Settled');
    expect(world.status.lease?.id).toBe(world.record?.lease.id);
  });

  test('whose object is gone is no fault', async () => {
    const world = await leased();
    world.next(
      'patch leases/status',
      after(() => world.kube.mergePatch('leases', KEY, { metadata: { finalizers: [] } })),
    );
    world.next(
      'get leases',
      after(() => world.delete()),
    );
    world.edit({ ttl: '3h' });
    await world.settle(10 * SECOND);
    expect(world.object).toBeUndefined();
    expect(world.live).toEqual([]);
  });
});

describe('the Secret', () => {
  test('that somebody deletes is healed at once, and then now and again', async () => {
    const world = await leased();
    world.kube.delete('secrets', KEY);
    await world.settle(0);
    expect(world.calls()).toEqual([
      'get leases',
      'get secrets',
      'CREATE lease',
      'create secrets',
      'patch leases/status',
    ]);
    expect([world.named, world.condition('Ready')]).toEqual([2, 'True LeaseActive']);
    expect(world.status.retiring).toMatchObject([{ id: world.leases.rows[0]?.lease.id }]);

    world.kube.delete('secrets', KEY);
    await world.pass(10 * MINUTE - 1);
    expect([world.leases.rows.length, world.condition('Ready')]).toEqual([2, 'False Contended']);
    await world.pass(1);
    expect([world.named, world.condition('Ready')]).toEqual([3, 'True LeaseActive']);
    expect(world.condition('Reconciling')).toBe('False Settled');
  });

  test('whose record is taken away is filled with a new lease', async () => {
    const world = await leased();
    world.kube.mergePatch('secrets', KEY, { metadata: { annotations: null } });
    await world.settle(0);
    expect([world.named, world.password]).toEqual([2, 'password-2']);
    expect(world.unnamed).toEqual([]);
  });

  test('of an object that got a new target is filled with a lease of that, and the old one is listed', async () => {
    const world = await leased();
    world.edit({
      dynamicSecret: { name: 'orders-postgres', projectSlug: 'shop', environmentSlug: 'prod', path: '/eu' },
    });
    await world.settle(0);
    expect(world.calls()).toEqual(['patch leases', 'CREATE lease', 'patch secrets', 'patch leases/status']);
    expect([world.named, world.status.rotations, world.unnamed]).toEqual([2, 1, []]);
    expect(world.status.retiring).toMatchObject([{ id: world.leases.rows[0]?.lease.id, path: '/' }]);
    expect(world.object?.asked.map(({ path }) => path)).toEqual(['/', '/eu']);
  });

  test('whose lease ended while nobody was there is filled with a new one', async () => {
    const world = await leased();
    world.clock.advance(5 * HOUR);
    world.restart();
    await world.settle(0);
    expect(world.calls()).toEqual([
      'TIME',
      'LOGIN',
      'get leases',
      'CREATE lease',
      'patch secrets',
      'patch leases/status',
    ]);
    expect([world.named, world.live]).toEqual([2, [2]]);
  });
});
