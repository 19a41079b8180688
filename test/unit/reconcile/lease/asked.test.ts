import { describe, expect, test } from 'vitest';

import { ROTATE_ANNOTATION } from '../../../../src/api/names.ts';
import { MOST_ROTATE } from '../../../../src/api/record.ts';
import { HOUR, MINUTE } from '../../../support/builders.ts';
import { denied } from '../support/lease-client.ts';
import { refused } from '../support/wire.ts';
import { KEY, TARGET, World } from '../support/world.ts';

function ask(world: World, value: string | null): void {
  world.kube.mergePatch('leases', KEY, { metadata: { annotations: { [ROTATE_ANNOTATION]: value } } });
}

async function leased(): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '2h' });
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

describe('a new lease that is asked for by annotation', () => {
  test('is requested at once, and the record says which wish it answers', async () => {
    const world = await leased();
    ask(world, '2026-01-01');
    await world.settle(0);
    expect(world.calls()).toEqual(['get leases', 'CREATE lease', 'patch secrets', 'patch leases/status']);
    expect([world.named, world.record?.rotate, world.status.rotations]).toEqual([2, '2026-01-01', 1]);
    expect(world.told).toEqual(['Normal RotationRequested shop/orders-db']);
    expect(world.unnamed).toEqual([]);
  });

  test('comes once for each value, also for a new process and after a rotation of its own', async () => {
    const world = await leased();
    ask(world, 'one');
    await world.settle();
    world.restart();
    await world.settle();
    expect(world.leases.rows).toHaveLength(2);
    await world.pass(HOUR + 20 * MINUTE);
    expect([world.named, world.record?.rotate]).toEqual([3, 'one']);
    ask(world, 'two');
    await world.settle();
    expect([world.named, world.record?.rotate]).toEqual([4, 'two']);
  });

  test.each([
    ['an empty value', ''],
    ['no value', null],
  ])('does not come for %s', async (_what, value) => {
    const world = await leased();
    ask(world, value);
    await world.settle();
    expect(world.calls()).toEqual([]);
    expect(world.named).toBe(1);
  });

  test('does not come when the annotation is taken away', async () => {
    const world = await leased();
    ask(world, 'one');
    await world.settle();
    ask(world, null);
    await world.settle();
    expect(world.leases.rows).toHaveLength(2);
  });

  test('comes once for a value that is too long to be kept', async () => {
    const world = await leased();
    ask(world, 'x'.repeat(10 * MOST_ROTATE));
    await world.settle();
    world.restart();
    await world.settle();
    expect([world.named, world.record?.rotate]).toEqual([2, 'x'.repeat(MOST_ROTATE)]);
  });

  test('is the first one where the object had the annotation from the beginning', async () => {
    const world = new World();
    world.connect();
    world.apply();
    ask(world, 'from the beginning');
    await world.settle();
    expect([world.named, world.record?.rotate]).toEqual([1, 'from the beginning']);
  });

  test('is not asked for by an old view of the object', async () => {
    const world = await leased();
    ask(world, 'one');
    world.tell();
    world.watching = false;
    ask(world, 'two');
    await world.settle();
    world.watching = true;
    await world.settle();
    expect([world.leases.rows.length, world.record?.rotate]).toEqual([2, 'two']);
  });

  test('that is refused leaves the present one, and is tried again', async () => {
    const world = await leased();
    world.next('CREATE lease', refused(denied('create a lease', TARGET)));
    ask(world, 'one');
    await world.settle(0);
    expect([world.named, world.condition('Ready'), world.condition('Reconciling')]).toEqual([
      1,
      'True LeaseActive',
      'True PermissionDenied',
    ]);
    await world.pass(6 * MINUTE);
    expect(world.named).toBe(2);
  });
});

async function rotated(gracePeriod?: string): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({
    ttl: '2h',
    revocation: { onRotation: 'Revoke', ...(gracePeriod === undefined ? {} : { gracePeriod }) },
  });
  await world.pass(10 * MINUTE);
  ask(world, 'now');
  await world.settle(0);
  return world;
}

describe('a lease that was replaced', () => {
  test.each([
    ['the default', undefined, 5],
    ['a longer one', '20m', 20],
    ['one that is too short for a kubelet', '1s', 2],
  ] as const)('is revoked when the grace period is over: %s', async (_which, gracePeriod, minutes) => {
    const world = await rotated(gracePeriod);
    await world.pass(minutes * MINUTE - 1);
    expect(world.live).toEqual([1, 2]);
    await world.pass(1);
    expect(world.live).toEqual([2]);
    expect([world.named, world.condition('Ready')]).toEqual([2, 'True LeaseActive']);
  });

  test('is revoked by a new process too, after a look at whose it is', async () => {
    const world = await rotated();
    world.calls();
    world.restart();
    await world.pass(5 * MINUTE);
    expect(world.calls().slice(2)).toEqual(['GET lease', 'REVOKE lease', 'patch leases/status']);
    expect([world.live, world.status.retiring]).toEqual([[2], undefined]);
  });

  test('is revoked again and again where that fails, beside a primary step that fails too', async () => {
    const world = await rotated();
    world.leases.revocation = 'fails';
    world.always('CREATE lease', refused(denied('create a lease', TARGET)));
    ask(world, 'again');
    await world.pass(30 * MINUTE);
    expect(world.status.retiring).toMatchObject([{ reason: 'RevocationFailed' }]);
    expect(world.condition('Reconciling')).toBe('True PermissionDenied');
    world.leases.revocation = 'works';
    await world.pass(6 * MINUTE);
    expect([world.live, world.named, world.condition('Ready')]).toEqual([[2], 2, 'True LeaseActive']);
  });

  test('runs out where nothing else is said', async () => {
    const world = await leased();
    ask(world, 'now');
    await world.pass(HOUR);
    expect(world.live).toEqual([1, 2]);
  });
});
