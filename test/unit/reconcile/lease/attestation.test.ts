import { describe, expect, test } from 'vitest';

import { RECORD_ANNOTATION, ROTATE_ANNOTATION } from '../../../../src/api/names.ts';
import type { LeaseTag } from '../../../../src/api/lease.ts';
import { formatRecord, type SecretRecord } from '../../../../src/api/record.ts';
import { aRef, HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { denied, failed, targetUnknown } from '../support/lease-client.ts';
import { refused, works } from '../support/wire.ts';
import { INSTALL, KEY, TARGET, World } from '../support/world.ts';

interface Scene {
  readonly tags?: World['leases']['tags'];
  /** What the record says of its lease, in place of the truth. */
  readonly says?: (world: World) => Partial<SecretRecord['lease']>;
  /** Anything else that is done before the new process starts. */
  readonly meanwhile?: (world: World) => void;
}

/** A new process that finds a Secret whose record only the Secret itself speaks of. */
async function unwitnessed({ tags = 'kept', says, meanwhile }: Scene = {}): Promise<World> {
  const world = new World();
  world.leases.tags = tags;
  world.connect();
  world.apply({ ttl: '2h' });
  await world.pass(10 * MINUTE);
  world.kube.mergePatch('leases', 'shop/orders-db', { status: { lease: null } }, 'status');
  const { record } = world;
  if (record !== undefined && says !== undefined) {
    const forged = { ...record, lease: { ...record.lease, ...says(world) } };
    world.touchSecret({ annotations: { [RECORD_ANNOTATION]: formatRecord(forged) } });
  }
  meanwhile?.(world);
  world.restart();
  world.calls();
  return world;
}

/** A lease of somebody else, whose tag differs from ours as given, and by its object where nothing is. */
function theirs(world: World, differs: Partial<LeaseTag> = { object: 'their-uid' }): { readonly id: string } {
  const { object, record } = world;
  const ours = { install: INSTALL, object: object?.uid ?? '', attempt: record?.lease.attempt ?? '' };
  return { id: world.leases.seed(TARGET, { ...ours, ...differs }).id };
}

const login = ['TIME', 'LOGIN'];
const newLease = ['get leases', 'CREATE lease', 'patch secrets', 'patch leases/status'];

describe('a record that nothing vouches for', () => {
  test("is believed when the server shows our tag; its end is the server's", async () => {
    const world = await unwitnessed({ says: () => ({ expireAt: '2030-01-01T00:00:00Z' }) });
    await world.settle();
    // The record is put right as well.
    expect(world.calls()).toEqual([
      ...login,
      'GET lease',
      'read secrets',
      'patch secrets',
      'patch leases/status',
    ]);
    expect(world.record?.lease.expireAt).toBe(world.leases.rows[0]?.lease.expireAt);
    expect(world.status.lease).toMatchObject({
      id: world.leases.rows[0]?.lease.id,
      expireAt: world.leases.rows[0]?.lease.expireAt,
      externalEntityId: 'role-1',
    });
    expect([world.live, world.condition('Ready')]).toEqual([[1], 'True LeaseActive']);
  });

  test.each<[string, Partial<LeaseTag>, boolean]>([
    ['another object', { object: 'their-uid' }, true],
    // A lease of ours that got lost: it goes with the object.
    ['another attempt of this object', { attempt: 'another-attempt' }, false],
    ['another installation', { install: 'another-installation' }, true],
  ])(
    'is forged when the tag is of %s: a new lease, and theirs is never revoked',
    async (_whose, differs, stays) => {
      const world = await unwitnessed({ says: (one) => theirs(one, differs) });
      await world.settle();
      expect(world.calls()).toEqual([...login, 'GET lease', ...newLease]);
      expect([world.named, world.live]).toEqual([3, [1, 2, 3]]);
      world.delete();
      await world.pass(MINUTE);
      expect(world.object).toBeUndefined();
      expect(world.live.includes(2)).toBe(stays);
      expect(world.lines).toContainEqual(
        expect.objectContaining({
          level: 'warn',
          message: "The Secret names a lease that is not this object's; the record is ignored.",
        }),
      );
    },
  );

  test('counts where the server keeps no tags and knows the lease, but is never revoked on its own word', async () => {
    const world = await unwitnessed({ tags: 'dropped' });
    await world.settle();
    expect(world.calls()).toEqual([...login, 'GET lease', 'patch leases/status']);
    expect([world.named, world.condition('Ready')]).toEqual([1, 'True LeaseActive']);
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(['LIST leases', 'delete secrets', 'patch leases']);
    expect([world.live, world.counts.at(-1)]).toEqual([[1], 'revoked: abandoned']);
    expect(world.lines.at(-1)?.fields).toMatchObject({ why: 'unattested' });
    expect(world.told).toEqual(['Warning LeaseLeft shop/orders-db']);
  });

  test('of yesterday names a lease that the status lists as replaced: it is revoked with the rest, without tags too', async () => {
    const world = new World();
    world.leases.tags = 'dropped';
    world.connect();
    world.apply({ ttl: '4h' });
    await world.settle(0);
    const yesterday = world.secret?.annotations ?? {};
    world.kube.mergePatch('leases', KEY, { metadata: { annotations: { [ROTATE_ANNOTATION]: 'now' } } });
    await world.settle(0);
    expect([world.named, world.live]).toEqual([2, [1, 2]]);
    world.restart();
    await world.settle(0);
    world.touchSecret({ annotations: yesterday });
    await world.settle(0);
    world.delete();
    await world.pass(MINUTE);
    expect([world.object, world.live]).toEqual([undefined, []]);
  });

  test('is forged where the server keeps no tags and the lease is of another dynamic secret', async () => {
    const world = await unwitnessed({
      tags: 'dropped',
      says: (one) => ({ id: one.leases.seed({ ...TARGET, dynamicSecret: 'another' }).id }),
    });
    await world.settle();
    expect(world.calls()).toEqual([...login, 'GET lease', ...newLease]);
    expect(world.named).toBe(3);
  });

  test('is forged when no connection of the namespace leads to its server, which is not asked', async () => {
    const world = await unwitnessed({
      says: () => ({ connection: { ...aRef().connection, host: 'https://elsewhere.example.com' } }),
    });
    await world.settle();
    expect(world.calls()).toEqual([...login, ...newLease]);
    expect(world.named).toBe(2);
  });

  test('is of a lease that is gone when it is missing twice, 10 s apart', async () => {
    const world = await unwitnessed({ meanwhile: (one) => one.revokeElsewhere(1) });
    await world.pass(10 * SECOND - 1);
    expect(world.calls()).toEqual([...login, 'GET lease', 'patch leases/status']);
    await world.pass(1);
    expect(world.calls()).toEqual(['GET lease', ...newLease]);
    expect([world.named, world.live]).toEqual([2, [2]]);
  });

  test('is believed when its lease was missing only once', async () => {
    const world = await unwitnessed({ meanwhile: (one) => (one.leases.hidden = new Set(one.leases.live)) });
    await world.settle(0);
    world.leases.hidden = new Set();
    await world.pass(MINUTE);
    expect([world.named, world.status.lease?.id]).toEqual([1, world.record?.lease.id]);
    expect(world.leases.rows).toHaveLength(1);
  });

  test.each([
    ['a server that fails', failed('read a lease'), 'ServerFailed'],
    ['a folder that is not known', targetUnknown(TARGET), 'TargetNotFound'],
    ['missing rights', denied('read a lease', TARGET), 'PermissionDenied'],
  ] as const)('is asked about again after %s; until then it costs no lease', async (_why, error, code) => {
    const world = await unwitnessed();
    world.always('GET lease', refused(error));
    await world.pass(20 * MINUTE);
    expect(world.condition('Reconciling')).toBe(`True ${code}`);
    expect([world.leases.rows.length, world.live]).toEqual([1, [1]]);
    world.always('GET lease', works);
    await world.pass(6 * MINUTE);
    expect(world.condition('Reconciling')).toBe('False Settled');
    expect(world.leases.rows).toHaveLength(1);
  });
});

describe('a record that nothing vouches for, when the object is deleted', () => {
  test('is asked about first, and its lease revoked when it is ours', async () => {
    const world = await unwitnessed({ meanwhile: (one) => one.delete() });
    await world.settle(0);
    expect(world.calls()).toEqual([
      ...login,
      'GET lease',
      'LIST leases',
      'REVOKE lease',
      'delete secrets',
      'patch leases',
    ]);
    expect([world.live, world.object]).toEqual([[], undefined]);
  });

  test("leaves a lease alone that is somebody else's", async () => {
    const world = await unwitnessed({ says: (one) => theirs(one), meanwhile: (one) => one.delete() });
    await world.settle(0);
    expect(world.object).toBeUndefined();
    // What the list shows to be the object's own goes with it.
    expect(world.live).toEqual([2]);
  });

  test('is asked about with a backoff while the server fails, and no longer than the timeout', async () => {
    const world = await unwitnessed({ meanwhile: (one) => one.delete() });
    world.always('GET lease', refused(failed('read a lease')));
    await world.pass(9 * MINUTE);
    const asked = world.calls().filter((call) => call === 'GET lease').length;
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(30);
    expect(world.condition('Reconciling')).toBe('True ServerFailed');
    await world.pass(MINUTE);
    expect(world.object).toBeUndefined();
  });

  test('goes when its lease ended long ago', async () => {
    const world = await unwitnessed();
    world.clock.advance(3 * HOUR);
    world.delete();
    await world.pass(MINUTE);
    expect(world.object).toBeUndefined();
  });
});
