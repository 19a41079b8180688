import { describe, expect, test } from 'vitest';

import { MANAGED_LABEL } from '../../../../src/api/names.ts';
import { HOUR, MINUTE } from '../../../support/builders.ts';
import { broken } from '../support/kube-errors.ts';
import { type CallName, refused } from '../support/wire.ts';
import { KEY, World } from '../support/world.ts';

async function leased(): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '1d' });
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

function editData(world: World, password: string): void {
  const text = Buffer.from(password).toString('base64');
  world.kube.mergePatch('secrets', KEY, { data: { DB_PASSWORD: text } });
}

function count(calls: readonly CallName[], name: CallName): number {
  return calls.filter((call) => call === name).length;
}

describe('the data of the Secret', () => {
  test('that somebody edits is read, and replaced by one lease; the old one retires', async () => {
    const world = await leased();
    editData(world, 'theirs');
    await world.settle(0);
    expect(world.calls()).toEqual([
      'read secrets',
      'get leases',
      'CREATE lease',
      'patch secrets',
      'patch leases/status',
    ]);
    expect([world.named, world.password, world.live]).toEqual([2, 'password-2', [1, 2]]);
    expect(world.status.retiring).toMatchObject([{ id: world.leases.rows[0]?.lease.id }]);
    expect(world.counts).toContain('drifted: edited');
    expect(world.told).toEqual(['Warning SecretDrifted shop/orders-db']);
  });

  test('that somebody keeps editing costs one lease in ten minutes, and says why', async () => {
    const world = await leased();
    for (let times = 0; times < 28; times += 1) {
      editData(world, `theirs ${String(times)}`);
      await world.pass(MINUTE);
    }
    expect(world.leases.rows.length).toBeLessThanOrEqual(4);
    expect(world.condition('Reconciling')).toBe('True Contended');
    expect(world.unnamed).toEqual([]);
    await world.pass(10 * MINUTE);
    expect(world.condition('Reconciling')).toBe('False Settled');
  });

  test('that was edited while nobody was there is found by a new process', async () => {
    const world = await leased();
    editData(world, 'theirs');
    world.restart();
    await world.settle(0);
    expect([world.named, world.password]).toEqual([2, 'password-2']);
  });

  test('that cannot be read is read again, and costs no lease meanwhile', async () => {
    const world = await leased();
    world.next('read secrets', refused(broken), refused(broken));
    world.touchSecret({ labels: { theirs: 'x' } });
    await world.pass(MINUTE);
    expect(count(world.calls(), 'read secrets')).toBe(3);
    expect([world.leases.rows.length, world.condition('Reconciling')]).toEqual([1, 'False Settled']);
  });
});

describe('the metadata of the Secret', () => {
  test('that others edit costs one read for each edit, and nothing else', async () => {
    const world = await leased();
    for (let times = 1; times <= 5; times += 1) {
      world.touchSecret({ annotations: { theirs: String(times) } });
      await world.settle();
      await world.reconcile();
    }
    expect(world.calls()).toEqual(Array.from({ length: 5 }, () => 'read secrets'));
    world.restart();
    await world.settle();
    await world.reconcile();
    expect(world.calls()).toEqual(['TIME', 'LOGIN', 'read secrets']);
    expect(world.named).toBe(1);
  });

  test('that loses our label gets it back: a look, a read, a patch, and no lease', async () => {
    const world = await leased();
    world.kube.mergePatch('secrets', KEY, { metadata: { labels: { [MANAGED_LABEL]: null } } });
    await world.settle(0);
    expect(world.calls()).toEqual([
      'get leases',
      'get secrets',
      'read secrets',
      'patch secrets',
      'patch leases/status',
    ]);
    expect(world.secret?.labels).toEqual({ [MANAGED_LABEL]: 'true' });
    expect([world.leases.rows.length, world.password]).toEqual([1, 'password-1']);
    expect(world.counts).toContain('drifted: unlabelled');
    await world.settle();
    await world.reconcile();
    expect(world.calls()).toEqual([]);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });

  test('that loses our label right after another edit is read once, while the watch lags behind', async () => {
    const world = await leased();
    world.touchSecret({ annotations: { theirs: 'yes' } });
    world.tell();
    world.watching = false;
    world.kube.mergePatch('secrets', KEY, { metadata: { labels: { [MANAGED_LABEL]: null } } });
    world.calls();
    await world.reconcile();
    expect(world.calls()).toEqual(['read secrets']);
    world.watching = true;
    await world.settle();
    expect(world.secret?.labels).toHaveProperty(MANAGED_LABEL);
    expect(world.live).toEqual([1]);
  });

  test('that has lost our label is deleted once with its object, though no watch tells of it', async () => {
    const world = await leased();
    world.next('read secrets', refused(broken));
    world.kube.mergePatch('secrets', KEY, { metadata: { labels: { [MANAGED_LABEL]: null } } });
    await world.settle(0);
    world.delete();
    world.calls();
    await world.settle(0);
    expect(world.calls().filter((call) => call === 'delete secrets')).toHaveLength(1);
    expect([world.secret, world.object, world.live]).toEqual([undefined, undefined, []]);
  });

  test('that has lost our label is found by a new process, too', async () => {
    const world = await leased();
    world.watching = false;
    world.kube.mergePatch('secrets', KEY, { metadata: { labels: { [MANAGED_LABEL]: null } } });
    world.watching = true;
    world.restart();
    await world.settle();
    expect(world.leases.rows).toHaveLength(1);
    expect(world.secret?.labels).toEqual({ [MANAGED_LABEL]: 'true' });
  });

  test('that loses our label, and whose data is edited, is healed by one lease', async () => {
    const world = await leased();
    world.kube.mergePatch('secrets', KEY, {
      metadata: { labels: { [MANAGED_LABEL]: null } },
      data: { DB_PASSWORD: 'eA==' },
    });
    await world.settle();
    expect([world.named, world.password, world.leases.rows.length]).toEqual([2, 'password-2', 2]);
    expect(world.secret?.labels).toEqual({ [MANAGED_LABEL]: 'true' });
    expect(world.unnamed).toEqual([]);
  });
});

async function usurped(): Promise<World> {
  const world = await leased();
  world.kube.delete('secrets', KEY);
  world.kube.create('secrets', { metadata: { name: 'orders-db', namespace: 'shop' }, data: { A: 'Yg==' } });
  await world.settle(0);
  return world;
}

describe('a Secret that was deleted and made anew by somebody else, without our label', () => {
  test('is left as it is, and costs no lease', async () => {
    const world = await usurped();
    expect(world.calls()).toEqual(['get leases', 'get secrets', 'patch leases/status']);
    expect([world.leases.rows.length, world.condition('Ready')]).toEqual([1, 'False SecretConflict']);
    await world.pass(3 * HOUR);
    expect(world.leases.rows).toHaveLength(1);
    expect(world.rawSecret?.data).toEqual({ A: 'Yg==' });
  });

  test('makes room for a new one when it goes', async () => {
    const world = await usurped();
    await world.pass(HOUR);
    world.kube.delete('secrets', KEY);
    await world.pass(6 * MINUTE);
    expect([world.named, world.condition('Ready')]).toEqual([2, 'True LeaseActive']);
    expect(world.unnamed).toEqual([]);
  });
});
