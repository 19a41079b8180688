import { describe, expect, test } from 'vitest';

import { ROTATE_ANNOTATION } from '../../../../src/api/names.ts';
import { HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { broken } from '../support/kube-errors.ts';
import { unanswered } from '../support/lease-client.ts';
import { after, lost, refused } from '../support/wire.ts';
import { KEY, World } from '../support/world.ts';

async function leased(): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '2h' });
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

async function suspended(): Promise<World> {
  const world = await leased();
  world.edit({ suspend: true });
  await world.settle(0);
  return world;
}

describe('a suspended object', () => {
  test('stays ready with its lease, and says that it is suspended: one write', async () => {
    const world = await suspended();
    expect(world.calls()).toEqual(['patch leases/status']);
    expect([world.condition('Ready'), world.condition('Reconciling')]).toEqual([
      'True LeaseActive',
      'False Suspended',
    ]);
    expect(world.condition('Stalled')).toBe('False Accepted');
  });

  test('is not rotated, and not ready from the end of its lease on', async () => {
    const world = await suspended();
    await world.pass(HOUR + 50 * MINUTE - 1);
    expect(world.condition('Ready')).toBe('True LeaseActive');
    await world.pass(SECOND);
    expect([world.condition('Ready'), world.condition('Reconciling')]).toEqual([
      'False Suspended',
      'True Suspended',
    ]);
    expect([world.leases.rows.length, world.named]).toEqual([1, 1]);
    expect(world.calls()).toEqual(['patch leases/status', 'patch leases/status']);
    await world.pass(5 * HOUR);
    expect(world.calls()).toEqual([]);
  });

  const changes: readonly (readonly [string, (world: World) => void])[] = [
    ['a deleted Secret', (world) => world.kube.delete('secrets', KEY)],
    [
      'a Secret that is edited',
      (world) => void world.kube.mergePatch('secrets', KEY, { data: { A: 'Yg==' } }),
    ],
    [
      'another target',
      (world) =>
        world.edit({
          dynamicSecret: { name: 'other', projectSlug: 'shop', environmentSlug: 'prod', path: '/' },
        }),
    ],
    [
      'a wish for a new lease',
      (world) =>
        void world.kube.mergePatch('leases', KEY, {
          metadata: { annotations: { [ROTATE_ANNOTATION]: '1' } },
        }),
    ],
    ['other labels of the Secret', (world) => world.edit({ secret: { labels: { a: 'b' } } })],
    ['a new process', (world) => world.restart()],
  ];

  test.each(changes)('does nothing about %s before it goes on', async (_what, change) => {
    const world = await suspended();
    world.calls();
    change(world);
    await world.settle();
    expect(world.calls().filter((call) => !['patch leases/status', 'TIME', 'LOGIN'].includes(call))).toEqual(
      [],
    );
    expect(world.leases.rows).toHaveLength(1);
    world.edit({ suspend: false });
    await world.settle();
    expect(world.condition('Reconciling')).toBe('False Settled');
    expect(world.condition('Ready')).toBe('True LeaseActive');
    expect(world.unnamed).toEqual([]);
  });

  test('revokes nothing that was replaced before it goes on', async () => {
    const world = new World();
    world.connect();
    world.apply({ ttl: '2h', revocation: { onRotation: 'Revoke', gracePeriod: '30m' } });
    await world.pass(HOUR + 25 * MINUTE);
    expect(world.live).toEqual([1, 2]);
    world.edit({ suspend: true });
    await world.pass(20 * MINUTE);
    expect(world.live).toEqual([1, 2]);
    world.edit({ suspend: false });
    await world.settle(0);
    expect(world.live).toEqual([2]);
  });

  test('is deleted as any other', async () => {
    const world = await suspended();
    world.calls();
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(['REVOKE lease', 'delete secrets', 'patch leases']);
    expect([world.object, world.live]).toEqual([undefined, []]);
  });

  test('that never had a lease gets none, and no finalizer', async () => {
    const world = new World();
    world.connect();
    world.apply({ suspend: true });
    await world.pass(HOUR);
    expect(world.calls().filter((call) => call !== 'TIME' && call !== 'LOGIN')).toEqual([
      'patch leases/status',
    ]);
    expect(world.condition('Ready')).toBe('False Suspended');
  });
});

describe('what was under way when an object is suspended', () => {
  test('is delivered, where a lease was in hand', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.next(
      'create secrets',
      after(() => world.edit({ suspend: true }), refused(broken)),
    );
    await world.settle();
    expect([world.named, world.live, world.unnamed]).toEqual([1, [1], []]);
    expect([world.condition('Ready'), world.condition('Reconciling')]).toEqual([
      'True LeaseActive',
      'False Suspended',
    ]);
  });

  test('is settled, where a request was open', async () => {
    const world = await leased();
    world.next(
      'CREATE lease',
      after(() => world.edit({ suspend: true }), lost(unanswered('create a lease'))),
    );
    await world.pass(HOUR + 20 * MINUTE);
    expect(world.calls()).toContain('LIST leases');
    expect(world.counts).toContain('settled: revoked');
    world.edit({ suspend: false });
    await world.settle();
    expect(world.unnamed).toEqual([]);
  });
});
