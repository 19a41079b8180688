import { describe, expect, test } from 'vitest';

import { fault } from '../../../../src/errors.ts';
import { RequestError } from '../../../../src/infisical/request-error.ts';
import { aRef, HOST, MINUTE, SECOND } from '../../../support/builders.ts';
import { unanswered } from '../support/lease-client.ts';
import { DeclaredWorld, TARGET } from '../support/declared-world.ts';
import { lost, refused } from '../support/wire.ts';

async function begun(changes: object = {}): Promise<DeclaredWorld> {
  const world = new DeclaredWorld();
  world.connect();
  world.namespace(false);
  world.keep('hunter2');
  world.apply(changes);
  await world.settle();
  world.calls();
  return world;
}

describe('a deletion', () => {
  test('removes the dynamic secret, and lets the object go when it is gone', async () => {
    const world = await begun();
    world.delete();
    await world.settle();
    expect(world.object).toBeUndefined();
    expect(world.names).toEqual([]);
    expect(world.counts).toContain('dynamic secret: removed');
    expect(world.calls().filter((call) => call === 'DELETE dynamic secret')).toHaveLength(1);
  });

  test('of what was never made asks no server', async () => {
    const world = new DeclaredWorld();
    world.connect();
    world.apply();
    await world.settle();
    expect(world.isHeld).toBe(true);
    world.calls();
    world.delete();
    await world.settle();
    expect(world.object).toBeUndefined();
    expect(world.calls()).toEqual(['patch dynamicSecrets']);
  });

  test('leaves it on the server where the spec says so, at once, and counts that', async () => {
    const world = await begun({ deletionPolicy: 'Retain' });
    world.refer('one');
    world.delete();
    await world.settle();
    expect(world.object).toBeUndefined();
    expect(world.names).toEqual(['orders-postgres']);
    expect(world.counts).toContain('dynamic secret: left');
    expect(world.calls()).toEqual(['patch dynamicSecrets']);
  });

  test('waits for the leases that refer to it, and names them', async () => {
    const world = await begun();
    world.refer('b', ['leaseholder.dev/lease']);
    world.refer('a');
    world.delete();
    await world.settle();
    expect(world.condition('Reconciling')).toBe('True InUse');
    expect(world.find('Reconciling')?.message).toContain('a, b');
    world.kube.delete('leases', 'shop/a');
    // On its way, and still to be revoked.
    world.kube.delete('leases', 'shop/b');
    await world.settle();
    expect(world.condition('Reconciling')).toBe('True InUse');
    world.kube.mergePatch('leases', 'shop/b', { metadata: { finalizers: [] } });
    await world.settle();
    expect(world.object).toBeUndefined();
    expect(world.names).toEqual([]);
  });

  test('waits for what leases have of it that refer to another by now, until that is replaced or over', async () => {
    const world = await begun();
    const id = world.rows[0]?.shown.id ?? '';
    const expireAt = (after: number): string => new Date(world.clock.wall() + after).toISOString();
    world.refer('moved', ['leaseholder.dev/lease'], 'another');
    world.refer('lasting', ['leaseholder.dev/lease'], 'another');
    world.lend('moved', aRef({ dynamicSecretId: id, expireAt: expireAt(60 * MINUTE) }));
    world.lend('lasting', aRef({ dynamicSecretId: id, expireAt: expireAt(20 * MINUTE) }));
    world.delete();
    await world.settle();
    expect(world.find('Reconciling')?.message).toContain('lasting, moved');
    world.lend('moved', aRef({ dynamicSecretId: 'another', expireAt: expireAt(60 * MINUTE) }));
    await world.settle();
    expect(world.find('Reconciling')?.message).toContain('lasting');
    expect(world.find('Reconciling')?.message).not.toContain('moved');
    await world.pass(26 * MINUTE);
    expect(world.object).toBeUndefined();
    expect(world.names).toEqual([]);
  });

  test('revokes what lives there one by one before it removes', async () => {
    const world = await begun();
    for (let count = 0; count < 3; count += 1) world.server.seed(TARGET);
    world.delete();
    await world.settle();
    expect(world.object).toBeUndefined();
    expect(world.server.live).toEqual([]);
    const calls = world.calls();
    expect(calls.filter((call) => call === 'REVOKE lease')).toHaveLength(3);
    expect(calls.lastIndexOf('REVOKE lease')).toBeLessThan(calls.indexOf('DELETE dynamic secret'));
  });

  test('goes on when a revocation that failed works again', async () => {
    const world = await begun();
    world.server.seed(TARGET);
    world.server.revocation = 'fails';
    world.delete();
    await world.pass(3 * MINUTE);
    expect(world.condition('Reconciling')).toBe('True RemovalFailed');
    expect(world.told.filter((event) => event === 'Warning RemovalFailed shop/orders')).toHaveLength(1);
    expect(world.calls()).not.toContain('DELETE dynamic secret');
    world.server.revocation = 'works';
    await world.pass(5 * MINUTE);
    expect(world.object).toBeUndefined();
    expect(world.server.live).toEqual([]);
  });

  test('that is forced removes after the first failure, though a lease lives on', async () => {
    const world = await begun();
    world.server.seed(TARGET);
    world.server.revocation = 'fails';
    world.annotate({ 'leaseholder.dev/force-delete': 'true' });
    world.delete();
    await world.pass(3 * MINUTE);
    expect(world.object).toBeUndefined();
    expect(world.names).toEqual([]);
    expect(world.server.live).toHaveLength(1);
  });

  test('is not forced where nothing has failed', async () => {
    const world = await begun();
    world.server.seed(TARGET);
    world.annotate({ 'leaseholder.dev/force-delete': 'true' });
    world.delete();
    await world.settle();
    expect(world.object).toBeUndefined();
    expect(world.server.live).toEqual([]);
  });

  test.each([
    ['that was done', lost(unanswered('remove'))],
    ['that never arrived', refused(unanswered('remove'))],
  ])('whose request %s without an answer looks, and asks again where it must', async (_what, fate) => {
    const world = await begun();
    world.next('DELETE dynamic secret', fate);
    world.delete();
    await world.pass(5 * MINUTE);
    expect(world.object).toBeUndefined();
    expect(world.names).toEqual([]);
  });

  test('leaves alone what another has put in its place, and says so', async () => {
    const world = await begun();
    await world.pass(MINUTE);
    world.server.declared.mark(TARGET, { metadata: [{ key: 'leaseholder-object', value: 'another' }] });
    world.delete();
    await world.pass(6 * MINUTE);
    expect(world.object).toBeUndefined();
    expect(world.names).toEqual(['orders-postgres']);
    expect(world.told).toContain('Warning DynamicSecretLeft shop/orders');
  });

  test('leaves it where its connection is gone for good', async () => {
    const world = await begun();
    world.restart();
    world.kube.delete('connections', 'shop/infisical');
    world.delete();
    await world.pass(MINUTE);
    expect(world.object).toBeUndefined();
    expect(world.names).toEqual(['orders-postgres']);
    expect(world.told).toContain('Warning DynamicSecretLeft shop/orders');
    expect(world.counts).toContain('dynamic secret: left');
  });

  test('waits for a server that does not answer as long as it takes, and bounded where the namespace ends', async () => {
    const away = refused(
      new RequestError({ fault: fault('NoAnswer', { host: HOST, request: 'list' }), fate: 'unknown' }),
    );
    const world = await begun();
    world.always('LIST leases', away);
    world.delete();
    await world.pass(60 * MINUTE);
    expect(world.isHeld).toBe(true);
    expect(world.condition('Reconciling')).toBe('True NoAnswer');
    world.namespace(true);
    await world.pass(SECOND);
    expect(world.object).toBeUndefined();
    expect(world.told).toContain('Warning DynamicSecretLeft shop/orders');
  });

  test('of an object without our finalizer is not our business', async () => {
    const world = await begun();
    world.kube.mergePatch('dynamicSecrets', 'shop/orders', {
      metadata: { finalizers: ['example.com/theirs'] },
    });
    world.delete();
    await world.settle();
    expect(world.object?.finalizers).toEqual(['example.com/theirs']);
    expect(world.names).toEqual(['orders-postgres']);
    expect(world.calls()).toEqual([]);
  });
});
