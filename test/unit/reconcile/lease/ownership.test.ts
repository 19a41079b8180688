import { describe, expect, test } from 'vitest';

import { ADOPT_ANNOTATION, FINALIZER, MANAGED_LABEL, RECORD_ANNOTATION } from '../../../../src/api/names.ts';
import type { LeaseSpec } from '../../../../src/api/dynamic-secret-lease.ts';
import { recordOf } from '../../../../src/secret/ownership.ts';
import { secretRecord } from '../../../../src/reconcile/records.ts';
import { aSpec, HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { KEY, World } from '../support/world.ts';

const OTHER = 'shop/other';

async function leased(spec: Partial<LeaseSpec> = {}): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '1h', ...spec });
  await world.settle(0);
  world.calls();
  return world;
}

function anotherObject(world: World, name: string, secret: NonNullable<LeaseSpec['secret']>): void {
  const metadata = { name, namespace: 'shop' };
  world.kube.create('leases', {
    metadata,
    spec: aSpec({ ttl: '1h', secret }),
  });
}

/** Of which number the lease is that a Secret names; undefined where there is no such Secret. */
function leaseIn(world: World, key: string): number | undefined {
  const raw = world.kube.find('secrets', key);
  const record = raw === undefined ? undefined : recordOf(secretRecord(raw));
  return record === undefined ? undefined : Number(record.lease.id.slice(-12));
}

function reasonOf(world: World, key: string): string | undefined {
  const status = world.kube.get('leases', key).status as { conditions?: { type: string; reason: string }[] };
  return status.conditions?.find(({ type }) => type === 'Ready')?.reason;
}

describe('another name for the Secret', () => {
  test('has a new lease in a Secret of that name, while the old one stays for as long as its lease', async () => {
    const world = await leased();
    world.edit({ secret: { name: 'renamed' } });
    await world.settle(0);
    expect([leaseIn(world, 'shop/renamed'), leaseIn(world, KEY)]).toEqual([2, 1]);
    expect([world.condition('Ready'), world.status.secret?.name]).toEqual(['True LeaseActive', 'renamed']);
    expect(world.status.retiring).toHaveLength(1);
    expect(world.told).toEqual([]);
    await world.pass(HOUR + MINUTE);
    expect(world.kube.find('secrets', KEY)).toBeUndefined();
    expect(leaseIn(world, 'shop/renamed')).toBeDefined();
  });

  test('lets the old one go when its lease is revoked', async () => {
    const world = await leased({ revocation: { onRotation: 'Revoke', gracePeriod: '2m' } });
    world.edit({ secret: { name: 'renamed' } });
    await world.pass(MINUTE);
    expect(leaseIn(world, KEY)).toBe(1);
    await world.pass(2 * MINUTE);
    expect([world.live, world.kube.find('secrets', KEY)]).toEqual([[2], undefined]);
  });

  test('is kept by a process that begins in the middle', async () => {
    const world = await leased();
    world.edit({ secret: { name: 'renamed' } });
    world.at(2, () => {
      throw new Error('not sent');
    });
    world.restart();
    await world.settle(0);
    world.restart();
    await world.settle(0);
    expect([leaseIn(world, 'shop/renamed'), leaseIn(world, KEY), world.unnamed]).toEqual([2, 1, []]);
  });

  test('takes both with the object', async () => {
    const world = await leased();
    world.edit({ secret: { name: 'renamed' } });
    await world.settle(0);
    world.delete();
    await world.settle();
    expect([world.object, world.live, world.kube.list('secrets')]).toEqual([undefined, [], []]);
  });

  test('and back finds the old one its own', async () => {
    const world = await leased();
    world.edit({ secret: { name: 'renamed' } });
    await world.settle(0);
    world.kube.mergePatch('leases', KEY, { spec: { secret: null } });
    await world.pass(5 * MINUTE);
    expect(world.condition('Ready')).toBe('True LeaseActive');
    expect([world.unnamed, world.status.secret?.name]).toEqual([[], 'orders-db']);
  });
});

describe('two objects for one Secret', () => {
  test('that nobody has: the elder has it, and the other costs no lease', async () => {
    const world = new World();
    world.connect();
    world.apply({ ttl: '1h', secret: { name: 'shared' } });
    world.clock.advance(SECOND);
    anotherObject(world, 'other', { name: 'shared' });
    await world.settle(0);
    expect([world.leases.rows.length, world.condition('Ready'), reasonOf(world, OTHER)]).toEqual([
      1,
      'True LeaseActive',
      'SecretConflict',
    ]);
  });

  test('stays with its owner, though an elder names it too, and goes on to that one with the owner', async () => {
    const world = new World();
    world.connect();
    anotherObject(world, 'other', { name: 'elsewhere' });
    world.clock.advance(SECOND);
    world.apply({ ttl: '1h', secret: { name: 'shared' } });
    await world.settle(0);
    world.kube.mergePatch('leases', OTHER, { spec: { secret: { name: 'shared' } } });
    await world.settle(0);
    expect([world.condition('Ready'), reasonOf(world, OTHER)]).toEqual([
      'True LeaseActive',
      'SecretConflict',
    ]);
    world.delete();
    await world.settle();
    expect(world.object).toBeUndefined();
    expect([reasonOf(world, OTHER), leaseIn(world, 'shop/shared')]).toEqual([
      'LeaseActive',
      world.leases.rows.length,
    ]);
  });

  test('is taken over once its owner names another', async () => {
    const world = await leased({ secret: { name: 'shared' } });
    anotherObject(world, 'other', { name: 'shared' });
    await world.settle(0);
    expect(reasonOf(world, OTHER)).toBe('SecretConflict');
    world.edit({ secret: { name: 'own' } });
    await world.settle();
    const owners = secretRecord(world.kube.get('secrets', 'shop/shared')).owners;
    expect(owners).toEqual([world.kube.get('leases', OTHER).metadata.uid]);
    expect([reasonOf(world, OTHER), world.condition('Ready'), world.unnamed.length]).toEqual([
      'LeaseActive',
      'True LeaseActive',
      // That of the other object.
      1,
    ]);
    await world.pass(2 * HOUR);
    expect(leaseIn(world, 'shop/shared')).toBeDefined();
  });
});

function theirs(annotations: Readonly<Record<string, string>> = {}, more: object = {}): object {
  const metadata = { name: 'orders-db', namespace: 'shop', annotations, ...more };
  return { metadata, type: 'Opaque', data: { THEIRS: 'eA==' } };
}

describe('a Secret of somebody else', () => {
  const offered = { [ADOPT_ANNOTATION]: 'orders-db' };

  test.each<[what: string, spec: Partial<LeaseSpec>, annotations: Readonly<Record<string, string>>]>([
    ['is left alone', {}, {}],
    ['that offers itself is left alone where the spec does not say Adopt', {}, offered],
    ['is left alone where it does not offer itself', { secret: { adoption: 'Adopt' } }, {}],
    [
      'that offers itself to another is left alone',
      { secret: { adoption: 'Adopt' } },
      { [ADOPT_ANNOTATION]: 'x' },
    ],
  ])('%s', async (_what, spec, annotations) => {
    const world = new World();
    world.connect();
    world.kube.create('secrets', theirs(annotations));
    world.apply(spec);
    await world.settle(0);
    expect(world.condition('Ready')).toBe('False SecretConflict');
    expect(world.rawSecret).toMatchObject({ data: { THEIRS: 'eA==' } });
    expect(world.secret?.owners).toEqual([]);
  });

  test('that offers itself is taken over, and is the own one from then on', async () => {
    const world = new World();
    world.connect();
    world.kube.create('secrets', theirs(offered));
    world.apply({ secret: { adoption: 'Adopt' } });
    await world.settle(0);
    expect([world.condition('Ready'), world.named, world.leases.rows.length]).toEqual([
      'True LeaseActive',
      1,
      1,
    ]);
    expect(world.secret?.controller).toBe(world.object?.uid);
    expect(Object.keys(world.rawSecret?.data ?? {})).not.toContain('THEIRS');
    world.delete();
    await world.settle();
    expect([world.object, world.secret]).toEqual([undefined, undefined]);
  });

  test('that comes to offer itself is taken over with the next try', async () => {
    const world = new World();
    world.connect();
    world.kube.create('secrets', theirs());
    world.apply({ secret: { adoption: 'Adopt' } });
    await world.settle(0);
    world.kube.mergePatch('secrets', KEY, { metadata: { annotations: offered } });
    await world.settle(30 * MINUTE);
    expect([world.condition('Ready'), world.live]).toEqual(['True LeaseActive', [world.named]]);
  });

  test('that another controls is left alone, whatever it offers', async () => {
    const world = new World();
    world.connect();
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x', controller: true }];
    world.kube.create('secrets', theirs(offered, { ownerReferences }));
    world.apply({ secret: { adoption: 'Adopt' } });
    await world.settle(0);
    expect(world.condition('Ready')).toBe('False SecretConflict');
  });
});

describe('deletionPolicy: Retain', () => {
  test('leaves the Secret without our marks, and says that its credentials do not work', async () => {
    const world = await leased({ secret: { deletionPolicy: 'Retain', labels: { team: 'orders' } } });
    world.delete();
    await world.settle();
    expect([world.object, world.live]).toEqual([undefined, []]);
    expect(world.secret).toMatchObject({ labels: { team: 'orders' }, owners: [] });
    expect(world.secret?.labels).not.toHaveProperty(MANAGED_LABEL);
    expect(world.secret?.annotations).not.toHaveProperty(RECORD_ANNOTATION);
    expect(world.told).toEqual(['Normal SecretRetained shop/orders-db']);
  });

  test('leaves it with one write, though the watch tells of that late', async () => {
    const world = await leased({ secret: { deletionPolicy: 'Retain' } });
    world.calls();
    world.delete();
    world.tell();
    world.watching = false;
    await world.reconcile();
    expect(world.calls().filter((call) => call === 'patch secrets')).toHaveLength(1);
    expect([world.object, world.live]).toEqual([undefined, []]);
  });

  test('leaves that of a former name, too', async () => {
    const world = await leased({ secret: { deletionPolicy: 'Retain' } });
    world.edit({ secret: { name: 'renamed', deletionPolicy: 'Retain' } });
    await world.pass(2 * HOUR);
    expect(world.secret?.owners).toEqual([]);
    expect(world.object?.finalizers).toEqual([FINALIZER]);
  });
});
