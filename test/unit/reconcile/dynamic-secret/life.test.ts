import { describe, expect, test } from 'vitest';

import { HOST, MINUTE, SECOND } from '../../../support/builders.ts';
import { DeclaredWorld, named, TARGET } from '../support/declared-world.ts';
import { broken } from '../support/kube-errors.ts';
import { type CallName, refused, works } from '../support/wire.ts';

/** A world with a connection, the admin's password and a declared dynamic secret that exists. */
async function begun(changes: object = {}): Promise<DeclaredWorld> {
  const world = new DeclaredWorld();
  world.connect();
  world.keep('hunter2');
  world.apply(changes);
  await world.settle();
  return world;
}

/** The requests of a life: made, renamed, removed, with leases that live there. `latency`: milliseconds of each answer. */
async function lived(latency: number): Promise<readonly CallName[]> {
  const world = new DeclaredWorld();
  world.latency = latency;
  world.connect();
  world.keep('hunter2');
  world.apply();
  await world.settle(4 * MINUTE);
  world.edit({ name: 'sales-postgres' });
  await world.settle(4 * MINUTE);
  expect(world.names).toEqual(['sales-postgres']);
  for (let count = 0; count < 2; count += 1) world.server.seed(named('sales-postgres'));
  world.delete();
  await world.settle(4 * MINUTE);
  expect(world.object).toBeUndefined();
  expect(world.names).toEqual([]);
  return world.calls();
}

function isLook(call: CallName): boolean {
  return call.startsWith('LIST');
}

describe('a declared dynamic secret', () => {
  test('that a process before this one meant to create is not created for an object of yesterday', async () => {
    const world = new DeclaredWorld([{ at: 8, when: 'before' }]);
    world.connect();
    world.keep('hunter2');
    world.apply();
    await world.settle(MINUTE, () => world.crashes.length > 0);
    expect(world.crashes).toEqual([
      expect.arrayContaining(['patch dynamicSecrets/status', 'CREATE dynamic secret']),
    ]);
    world.watching = false;
    world.kube.mergePatch('dynamicSecrets', 'shop/orders', { metadata: { finalizers: [] } });
    world.delete();
    expect(world.object).toBeUndefined();
    world.calls();
    await world.settle();
    expect(world.calls()).toContain('get dynamicSecrets');
    expect(world.names).toEqual([]);
  });

  test.each([6, 12, 25])('asks a server that takes %d s for an answer hardly more often', async (seconds) => {
    const fast = await lived(0);
    const slow = await lived(seconds * SECOND);
    expect(slow.filter((call) => !isLook(call))).toEqual(fast.filter((call) => !isLook(call)));
    expect(slow.filter(isLook).length).toBeLessThanOrEqual(fast.filter(isLook).length + 4);
  });

  test('is looked for, announced and created, with three writes', async () => {
    const world = await begun({ maxTTL: '4h', metadata: [{ key: 'team', value: 'orders' }] });
    expect(world.calls()).toEqual([
      'TIME',
      'LOGIN',
      'get secrets',
      'patch dynamicSecrets',
      'LIST leases',
      'patch dynamicSecrets/status',
      'get credential',
      'CREATE dynamic secret',
      'patch dynamicSecrets/status',
      'LIST dynamic secrets',
    ]);
    const { uid } = world.object ?? {};
    expect(world.rows).toMatchObject([
      {
        target: TARGET,
        shown: {
          defaultTTL: '1h',
          maxTTL: '4h',
          metadata: [
            { key: 'team', value: 'orders' },
            { key: 'leaseholder-object', value: uid },
          ],
        },
        inputs: { client: 'postgres', port: 5432, username: 'admin', password: 'hunter2' },
      },
    ]);
    expect(world.condition('Ready')).toBe('True Declared');
    expect(world.status).toMatchObject({
      place: { name: 'orders-postgres', connection: { name: 'infisical', host: HOST } },
      dynamicSecret: { id: world.rows[0]?.shown.id },
      users: 0,
    });
    expect(world.status.intent).toBeUndefined();
    const { uid: secret, resourceVersion } = world.kube.get('secrets', 'shop/admin').metadata;
    expect(world.status.applied?.sources).toEqual([
      { input: 'password', name: 'admin', key: 'password', uid: secret, resourceVersion },
    ]);
    expect(world.counts).toEqual(['dynamic secret: created']);
    expect(world.told).toEqual(['Normal DynamicSecretCreated shop/orders']);
    expect(JSON.stringify([world.status, world.lines])).not.toContain('hunter2');
  });

  test('costs nothing while nothing changes, but for a look and a list now and then', async () => {
    const world = await begun();
    world.calls();
    await world.pass(4 * MINUTE);
    expect(world.calls()).toEqual([]);
    await world.pass(60 * MINUTE);
    const calls = world.calls();
    expect(new Set(calls)).toEqual(new Set(['LIST leases', 'LIST dynamic secrets']));
    expect(calls.length).toBeLessThan(30);
  });

  test('is changed where the spec changes, and only there', async () => {
    const world = await begun();
    world.calls();
    world.edit({ defaultTTL: '2h', maxTTL: '8h' });
    await world.settle();
    const calls = world.calls();
    expect(calls.filter((call) => call === 'UPDATE dynamic secret')).toHaveLength(1);
    expect(calls).not.toContain('get credential');
    expect(world.rows[0]?.shown).toMatchObject({ defaultTTL: '2h', maxTTL: '8h' });
    expect(world.condition('Ready')).toBe('True Declared');
    world.edit({ maxTTL: null });
    await world.settle();
    expect(world.rows[0]?.shown).toMatchObject({ defaultTTL: '2h', maxTTL: null });
    expect(world.status.applied).toMatchObject({ defaultTTL: '2h' });
    expect(world.counts).toEqual([
      'dynamic secret: created',
      'dynamic secret: updated',
      'dynamic secret: updated',
    ]);
  });

  test('takes a changed password from its Secret, once', async () => {
    const world = await begun();
    world.calls();
    world.keep('correct horse');
    await world.settle();
    const calls = world.calls();
    expect(calls.filter((call) => call === 'get credential')).toHaveLength(1);
    expect(calls.filter((call) => call === 'UPDATE dynamic secret')).toHaveLength(1);
    expect(world.rows[0]?.inputs).toMatchObject({ password: 'correct horse', username: 'admin' });
    world.suspect();
    await world.settle();
    expect(world.calls()).toEqual(['get secrets']);
  });

  test('that was asked for by a name which the spec gives up is looked for by it, now and then', async () => {
    const world = new DeclaredWorld();
    world.connect();
    world.keep('hunter2');
    world.apply();
    world.always('get credential', refused(broken));
    await world.settle();
    // Nothing is looked at while its password is missing: what was seen before gets old.
    world.kube.delete('secrets', 'shop/admin');
    world.suspect();
    await world.pass(10 * MINUTE);
    expect(world.status.intent).toMatchObject({ kind: 'Create', name: 'orders-postgres' });
    world.edit({ name: 'mail-postgres' });
    world.keep('hunter2');
    world.calls();
    await world.settle(2 * MINUTE);
    expect(world.calls().filter((call) => call === 'LIST leases').length).toBeLessThan(6);
    world.always('get credential', works);
    await world.settle(5 * MINUTE);
    expect(world.names).toEqual(['mail-postgres']);
    expect(world.condition('Ready')).toBe('True Declared');
  });

  test('waits for a Secret that is not there, and says so', async () => {
    const world = new DeclaredWorld();
    world.connect();
    world.apply();
    await world.settle();
    expect(world.condition('Ready')).toBe('False CredentialNotFound');
    expect(world.find('Ready')?.message).toContain('spec.inputsFrom[0]');
    expect(world.names).toEqual([]);
    world.keep('hunter2');
    await world.settle();
    expect(world.condition('Ready')).toBe('True Declared');
  });

  test('is renamed where its name changes, and its leases go on', async () => {
    const world = await begun();
    world.server.seed(TARGET);
    world.edit({ name: 'orders-db' });
    await world.settle();
    expect(world.names).toEqual(['orders-db']);
    expect(world.server.list(named('orders-db'))).toHaveLength(1);
    expect(world.status.place?.name).toBe('orders-db');
    expect(world.status.intent).toBeUndefined();
    expect(world.condition('Ready')).toBe('True Declared');
    expect(world.told).toContain('Normal DynamicSecretRenamed shop/orders');
  });

  test('is not renamed to a name that another has', async () => {
    const world = await begun();
    world.server.declared.create(named('orders-db'), {
      defaultTTL: '1h',
      provider: { type: 'redis', inputs: {} },
    });
    world.edit({ name: 'orders-db' });
    await world.settle();
    expect(world.condition('Ready')).toBe('False DynamicSecretExists');
    expect([...world.names].sort()).toEqual(['orders-db', 'orders-postgres']);
  });

  test.each([
    ['Refuse', 'False DynamicSecretExists', '30m'],
    ['Adopt', 'True Declared', '1h'],
  ])('that is there already: %s', async (adoption, ready, defaultTTL) => {
    const world = new DeclaredWorld();
    world.connect();
    world.keep('hunter2');
    world.server.declared.create(TARGET, {
      defaultTTL: '30m',
      provider: { type: 'sql-database', inputs: {} },
    });
    world.apply({ adoption });
    await world.settle();
    expect(world.condition('Ready')).toBe(ready);
    expect(world.rows[0]?.shown.defaultTTL).toBe(defaultTTL);
    expect(world.status.place === undefined).toBe(adoption === 'Refuse');
  });

  test('is not taken from another object, whatever the spec says', async () => {
    const world = new DeclaredWorld();
    world.connect();
    world.keep('hunter2');
    const metadata = [{ key: 'leaseholder-object', value: 'another' }];
    const provider = { type: 'sql-database', inputs: {} };
    world.server.declared.create(TARGET, { defaultTTL: '30m', metadata, provider });
    world.apply({ adoption: 'Adopt' });
    await world.settle();
    expect(world.condition('Ready')).toBe('False DynamicSecretOwned');
    expect(world.rows[0]?.shown.defaultTTL).toBe('30m');
  });

  test('that somebody changes on the server is set right', async () => {
    const world = await begun();
    world.server.declared.mark(TARGET, { defaultTTL: '5m' });
    await world.pass(12 * MINUTE);
    expect(world.rows[0]?.shown.defaultTTL).toBe('1h');
    expect(world.told).toContain('Warning DynamicSecretDrifted shop/orders');
  });

  test('that somebody removes from the server comes back', async () => {
    const world = await begun();
    world.server.declared.remove(TARGET);
    await world.pass(15 * MINUTE);
    expect(world.names).toEqual(['orders-postgres']);
    expect(world.condition('Ready')).toBe('True Declared');
    expect(world.told).toContain('Warning DynamicSecretLost shop/orders');
  });

  test('counts the leases that refer to it', async () => {
    const world = await begun();
    world.refer('one');
    world.refer('two');
    await world.settle(SECOND);
    expect(world.status.users).toBe(2);
  });
});
