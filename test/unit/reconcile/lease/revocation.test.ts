import { describe, expect, test } from 'vitest';

import { HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { settled } from '../../../support/virtual-clock.ts';
import { badRequest, denied, failed, targetUnknown, unanswered } from '../support/lease-client.ts';
import { after, lost, once, refused, works } from '../support/wire.ts';
import { TARGET, World } from '../support/world.ts';

/** A world with one lease of this age, its object just deleted. */
async function deleted(age: number = 10 * MINUTE): Promise<World> {
  const world = await leased(age);
  world.delete();
  return world;
}

async function leased(age: number): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '2h' });
  await world.settle(0);
  await world.pass(age);
  world.calls();
  return world;
}

const letGo = ['delete secrets', 'patch leases'];

describe('a revocation', () => {
  test('is confirmed by an answer whose status is null', async () => {
    const world = await deleted();
    await world.settle(0);
    expect(world.calls()).toEqual(['REVOKE lease', ...letGo]);
    expect(world.counts.at(-1)).toBe('revoked: confirmed');
    expect([world.live, world.object, world.secret]).toEqual([[], undefined, undefined]);
  });

  test('that the provider refuses is tried again, longer and longer, and the status says why', async () => {
    const world = await deleted();
    world.leases.revocation = 'fails';
    await world.settle(0);
    expect(world.calls()).toEqual(['REVOKE lease', 'LIST leases', 'patch leases/status']);
    expect([world.condition('Ready'), world.condition('Reconciling')]).toEqual([
      'False Revoking',
      'True RevocationFailed',
    ]);
    await world.pass(5 * MINUTE);
    expect(world.secret).toBeDefined();
    const calls = world.calls();
    const tries = calls.filter((call) => call === 'REVOKE lease').length;
    expect(tries).toBeGreaterThan(5);
    // Only waits of a minute and more are worth a write.
    expect(calls.filter((call) => call === 'patch leases/status').length).toBeLessThan(tries / 2);
    world.leases.revocation = 'works';
    await world.pass(2 * MINUTE);
    expect(world.counts.at(-1)).toBe('revoked: confirmed');
    expect([world.live, world.object]).toEqual([[], undefined]);
  });

  test('that works at last on a server that still shows the earlier failure ends by two looks', async () => {
    const world = await deleted();
    world.leases.shows = 'old failures';
    world.leases.revocation = 'fails';
    await world.settle(0);
    world.leases.revocation = 'works';
    await world.pass(MINUTE);
    expect(world.counts.at(-1)).toBe('revoked: gone');
    expect(world.object).toBeUndefined();
  });

  test('without an answer is asked for again', async () => {
    const world = await deleted();
    world.next('REVOKE lease', refused(unanswered('revoke a lease')));
    await world.pass(10 * SECOND);
    expect(world.calls().filter((call) => call !== 'patch leases/status')).toEqual([
      'REVOKE lease',
      'REVOKE lease',
      ...letGo,
    ]);
  });

  test('whose answer was lost ends by two looks', async () => {
    const world = await deleted();
    world.next('REVOKE lease', lost(failed('revoke a lease')));
    await world.pass(30 * SECOND);
    expect(world.counts.slice(1)).toEqual(['revoked: refused', 'revoked: gone']);
    expect(world.object).toBeUndefined();
  });

  test('that is not allowed is asked for again, without a look', async () => {
    const world = await deleted();
    world.always('REVOKE lease', refused(denied('revoke a lease', TARGET)));
    await world.pass(9 * MINUTE);
    expect(world.calls()).not.toContain('LIST leases');
    expect(world.condition('Reconciling')).toBe('True PermissionDenied');
    expect([world.live, world.secret === undefined]).toEqual([[1], false]);
  });
});

describe('a lease that the server does not know', () => {
  const answers: readonly (readonly [string, (world: World) => void])[] = [
    ['a 404', () => undefined],
    ['a 400 of a server of 2024', (world) => void (world.leases.missing = 400)],
    [
      'a 400 in unknown words',
      (world) => world.next('REVOKE lease', refused(badRequest('revoke a lease', TARGET))),
    ],
  ];

  test.each(answers)('by %s is gone when two lists 10 s apart lack it', async (_answer, arrange) => {
    const world = await deleted();
    world.revokeElsewhere(1);
    arrange(world);
    await world.pass(10 * SECOND - 1);
    expect(world.calls()).toEqual(['REVOKE lease', 'LIST leases']);
    await world.pass(1);
    expect(world.calls()).toEqual(['LIST leases', ...letGo]);
    expect(world.counts.at(-1)).toBe('revoked: gone');
  });

  test('is not taken for gone before it is two minutes old', async () => {
    const world = await deleted(30 * SECOND);
    world.revokeElsewhere(1);
    await world.pass(90 * SECOND - 1);
    expect(world.object).toBeDefined();
    await world.pass(1);
    expect(world.object).toBeUndefined();
    expect(world.calls()).toEqual(['REVOKE lease', 'LIST leases', 'LIST leases', ...letGo]);
  });

  test('and whose age nobody knows is waited for as if it were new', async () => {
    const world = await leased(10 * MINUTE);
    world.kube.mergePatch('leases', 'shop/orders-db', { status: { lease: { createdAt: null } } }, 'status');
    world.restart();
    world.delete();
    world.revokeElsewhere(1);
    await world.pass(2 * MINUTE - 1);
    expect(world.object).toBeDefined();
    await world.pass(1);
    expect(world.object).toBeUndefined();
  });

  test('and that a second list shows after all is revoked', async () => {
    const world = await deleted();
    world.leases.hidden = new Set(world.leases.live);
    await world.settle(0);
    world.leases.hidden = new Set();
    await world.pass(MINUTE);
    expect(world.calls().filter((call) => call !== 'patch leases/status')).toEqual([
      'REVOKE lease',
      'LIST leases',
      'LIST leases',
      'REVOKE lease',
      ...letGo,
    ]);
    expect(world.counts.at(-1)).toBe('revoked: confirmed');
  });

  test('because its folder or dynamic secret is not known is never taken for gone', async () => {
    const world = await deleted();
    const unknown = refused(targetUnknown(TARGET));
    world.always('REVOKE lease', unknown);
    world.always('LIST leases', unknown);
    await world.pass(9 * MINUTE);
    const calls = world.calls();
    expect(calls.filter((call) => call === 'LIST leases')).toHaveLength(
      calls.filter((call) => call === 'REVOKE lease').length,
    );
    expect(world.condition('Reconciling')).toBe('True TargetNotFound');
    await world.pass(MINUTE);
    expect(world.counts.at(-1)).toBe('revoked: abandoned');
    expect([world.object, world.secret]).toEqual([undefined, undefined]);
  });

  test('is looked for once each time, also when the second look fails', async () => {
    const world = await deleted();
    world.revokeElsewhere(1);
    world.next('LIST leases', works, refused(targetUnknown(TARGET)));
    await world.settle(10 * SECOND);
    expect(world.calls()).toEqual(['REVOKE lease', 'LIST leases', 'LIST leases', 'patch leases/status']);
    await world.pass(MINUTE);
    expect(world.object).toBeUndefined();
  });
});

describe('revocations of several leases', () => {
  test('go on beside each other: one that fails holds nobody but the object', async () => {
    const world = await leased(HOUR + 20 * MINUTE);
    expect(world.live).toEqual([1, 2]);
    world.delete();
    world.next('REVOKE lease', refused(failed('revoke a lease')));
    await world.settle(0);
    expect(world.live).toEqual([1]);
    expect(world.secret).toBeDefined();
    await world.pass(MINUTE);
    expect([world.live, world.object]).toEqual([[], undefined]);
  });

  test('never wait behind a step that fails', async () => {
    const world = await leased(HOUR);
    world.next('CREATE lease', lost(unanswered('create a lease')));
    world.always('CREATE lease', refused(denied('create a lease', TARGET)));
    world.next('REVOKE lease', refused(failed('revoke a lease')));
    await world.pass(20 * MINUTE);
    expect(world.condition('Reconciling')).toBe('True PermissionDenied');
    expect([world.live, world.named]).toEqual([[1], 1]);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });

  test('do not wait for a request that takes long', async () => {
    const world = await leased(HOUR);
    const { promise, resolve } = Promise.withResolvers<void>();
    world.next('CREATE lease', lost(unanswered('create a lease')), once(promise));
    world.next('REVOKE lease', refused(failed('revoke a lease')));
    const passing = world.pass(20 * MINUTE);
    await settled();
    expect(world.calls().at(-1)).toBe('REVOKE lease');
    expect(world.live).toEqual([1]);
    resolve();
    await passing;
    expect([world.live, world.named]).toEqual([[1, 3], 3]);
  });
});

describe('a lease that no Secret ever named', () => {
  test('is listed among the retiring ones while its revocation fails, so that a restart knows of it', async () => {
    const world = await leased(HOUR);
    world.next('CREATE lease', lost(unanswered('create a lease')));
    world.leases.revocation = 'fails';
    await world.pass(20 * MINUTE);
    expect(world.status.retiring).toMatchObject([
      { id: world.leases.rows[0]?.lease.id },
      { id: world.leases.rows[1]?.lease.id, reason: 'RevocationFailed' },
    ]);
    expect(world.unnamed).toEqual([]);
    world.restart();
    world.leases.revocation = 'works';
    await world.pass(MINUTE);
    expect([world.live, world.named]).toEqual([[1, 3], 3]);
  });
});

describe('a lease whose connection is gone', () => {
  test('is revoked by another connection of the namespace to the same server', async () => {
    const world = await leased(10 * MINUTE);
    world.connect({ hostAPI: 'https://infisical.example.com' }, 'other');
    world.kube.delete('connections', 'shop/infisical');
    world.delete();
    await world.settle(0);
    expect(world.counts.at(-1)).toBe('revoked: confirmed');
    expect([world.live, world.object]).toEqual([[], undefined]);
  });

  test('is revoked by the session that is still in memory', async () => {
    const world = await leased(10 * MINUTE);
    world.kube.delete('connections', 'shop/infisical');
    world.delete();
    await world.settle(0);
    expect(world.counts.at(-1)).toBe('revoked: confirmed');
    expect([world.live, world.object]).toEqual([[], undefined]);
  });

  test('is left to run out where nothing leads to the server any more, and that is said', async () => {
    const world = await leased(10 * MINUTE);
    world.kube.delete('connections', 'shop/infisical');
    world.connect({ hostAPI: 'https://elsewhere.example.com' }, 'other');
    world.delete();
    world.restart();
    await world.settle(0);
    expect(world.counts.at(-1)).toBe('revoked: abandoned');
    expect(world.lines.at(-1)).toMatchObject({
      level: 'warn',
      message: 'A lease is left to run out.',
      fields: { lease: world.leases.live[0], why: 'unreachable' },
    });
    expect(world.told).toEqual(['Warning LeaseLeft shop/orders-db']);
    expect([world.live, world.object, world.secret]).toEqual([[1], undefined, undefined]);
  });

  test('and that was never delivered is revoked all the same, and another comes with another connection', async () => {
    const world = await leased(HOUR);
    world.next('CREATE lease', lost(unanswered('create a lease')));
    world.next(
      'LIST leases',
      after(() => world.kube.delete('connections', 'shop/infisical')),
    );
    world.next('REVOKE lease', refused(failed('revoke a lease')));
    await world.pass(20 * MINUTE);
    expect(world.live).toEqual([1]);
    world.connect();
    await world.pass(5 * MINUTE);
    expect([world.live, world.named]).toEqual([[1, 3], 3]);
  });
});
