import { describe, expect, test } from 'vitest';

import { FINALIZER, MANAGED_LABEL } from '../../../../src/api/names.ts';
import type { LeaseSpec } from '../../../../src/api/dynamic-secret-lease.ts';
import { HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { broken, conflict, forbidden, timeout } from '../support/kube-errors.ts';
import { failed, unanswered } from '../support/lease-client.ts';
import { after, type CallName, type Fate, lost, refused, works } from '../support/wire.ts';
import { KEY, World } from '../support/world.ts';

const THEIRS = 'example.com/theirs';

async function leased(spec: Partial<LeaseSpec> = {}, finalizers: readonly string[] = []): Promise<World> {
  const world = new World();
  world.connect();
  world.apply({ ttl: '2h', ...spec }, finalizers);
  await world.pass(10 * MINUTE);
  world.calls();
  return world;
}

/** Somebody takes all finalizers of an object that is being deleted. */
function force(world: World): void {
  if (world.object?.deletedAt === undefined) world.delete();
  if (world.object !== undefined) world.kube.mergePatch('leases', KEY, { metadata: { finalizers: [] } });
}

/** Without the status: what matters here is what is done. */
function deeds(world: World): readonly CallName[] {
  return world.calls().filter((call) => call !== 'patch leases/status');
}

const inOrder = ['REVOKE lease', 'delete secrets', 'patch leases'];

describe('a deletion', () => {
  test('revokes, then deletes the Secret, then lets the object go', async () => {
    const world = await leased();
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(inOrder);
    expect([world.live, world.secret, world.object]).toEqual([[], undefined, undefined]);
  });

  test('revokes replaced leases that still live too', async () => {
    const world = await leased();
    await world.pass(HOUR + 20 * MINUTE);
    expect(world.live).toEqual([1, 2]);
    world.delete();
    await world.settle(0);
    expect([world.live, world.object]).toEqual([[], undefined]);
  });

  test('deletes a Secret that has lost its label once', async () => {
    const world = await leased();
    // The look at its data fails: from then on only memory shows it.
    world.next('read secrets', refused(broken));
    world.kube.mergePatch('secrets', KEY, { metadata: { labels: { [MANAGED_LABEL]: null } } });
    await world.settle(0);
    world.delete();
    await world.settle(0);
    expect(deeds(world).filter((call) => call === 'delete secrets')).toHaveLength(1);
    expect([world.live, world.secret, world.object]).toEqual([[], undefined, undefined]);
  });

  test('of an object that never had a lease takes one write', async () => {
    const world = new World();
    world.apply({}, [FINALIZER]);
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(['patch leases']);
    expect(world.object).toBeUndefined();
  });

  test('is not asked anything more once the finalizer is gone, though the view still shows the object', async () => {
    const world = await leased();
    world.delete();
    world.tell();
    world.watching = false;
    await world.reconcile();
    expect(world.calls()).toEqual(inOrder);
    await world.reconcile();
    expect(world.calls()).toEqual([]);
    world.watching = true;
    await world.settle();
    expect(world.calls()).toEqual([]);
    expect(world.parts.memories.under(KEY)).toEqual([]);
  });

  test("is over for us when somebody else's finalizer keeps the object, also for a new process", async () => {
    const world = await leased({}, [THEIRS]);
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(inOrder);
    expect(world.object?.finalizers).toEqual([THEIRS]);
    await world.settle();
    world.restart();
    await world.settle();
    expect(world.calls()).toEqual([]);
    world.kube.mergePatch('leases', KEY, { metadata: { finalizers: [] } });
    await world.settle();
    expect(world.parts.memories.under(KEY)).toEqual([]);
    expect(world.calls()).toEqual([]);
  });

  test("deletes a Secret that somebody else's finalizer keeps, and does not wait for it", async () => {
    const world = await leased();
    world.kube.mergePatch('secrets', KEY, { metadata: { finalizers: [THEIRS] } });
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(inOrder);
    expect(world.object).toBeUndefined();
    expect(world.secret?.terminating).toBe(true);
  });

  test("leaves somebody else's Secret as it is", async () => {
    const world = await leased();
    world.kube.delete('secrets', KEY);
    world.kube.create('secrets', {
      metadata: { name: 'orders-db', namespace: 'shop', labels: { 'leaseholder.dev/managed': 'true' } },
    });
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(['REVOKE lease', 'patch leases']);
    expect(world.secret).toBeDefined();
  });
});

describe('a request of a deletion that fails', () => {
  const rows: readonly (readonly [string, CallName, Fate, readonly string[]])[] = [
    ['a revocation', 'REVOKE lease', refused(failed('revoke a lease')), ['REVOKE lease', ...inOrder]],
    [
      'the deletion of the Secret, by a server that fails',
      'delete secrets',
      refused(broken),
      ['REVOKE lease', 'delete secrets', 'delete secrets', 'patch leases'],
    ],
    [
      'the deletion of the Secret, refused',
      'delete secrets',
      refused(forbidden),
      ['REVOKE lease', 'delete secrets', 'delete secrets', 'patch leases'],
    ],
    [
      'the deletion of the Secret, done without an answer',
      'delete secrets',
      lost(timeout),
      ['REVOKE lease', 'delete secrets', 'patch leases'],
    ],
    [
      'the finalizer, by a server that fails',
      'patch leases',
      refused(broken),
      ['REVOKE lease', 'delete secrets', 'patch leases', 'patch leases'],
    ],
    [
      'the finalizer, by a conflict',
      'patch leases',
      refused(conflict),
      ['REVOKE lease', 'delete secrets', 'patch leases', 'get leases', 'patch leases'],
    ],
  ];

  test.each(rows)('%s: made again, in the same order', async (_what, call, fate, calls) => {
    const world = await leased();
    world.next(call, fate);
    world.delete();
    await world.pass(MINUTE);
    expect(deeds(world)).toEqual(calls);
    expect([world.live, world.secret, world.object]).toEqual([[], undefined, undefined]);
  });

  test('holds up the object, and the status says so', async () => {
    const world = await leased();
    world.always('delete secrets', refused(forbidden));
    world.delete();
    await world.pass(5 * MINUTE);
    expect([world.condition('Ready'), world.condition('Reconciling')]).toEqual([
      'False Revoking',
      'True KubernetesUnavailable',
    ]);
    expect(deeds(world).length).toBeLessThan(20);
    world.always('delete secrets', works);
    await world.pass(3 * MINUTE);
    expect(world.object).toBeUndefined();
  });

  test('holds it up no longer than the timeout: the Secret is left to the garbage collector', async () => {
    const world = await leased();
    world.always('delete secrets', refused(forbidden));
    world.delete();
    await world.pass(12 * MINUTE);
    expect([world.object, world.live, world.secret === undefined]).toEqual([undefined, [], false]);
    world.kube.collectGarbage();
    expect(world.secret).toBeUndefined();
  });

  test('because the Secret was touched meanwhile: one look, and it is deleted as it is now', async () => {
    const world = await leased();
    world.next(
      'delete secrets',
      after(() => world.touchSecret({ labels: { x: 'y' } })),
    );
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual([
      'REVOKE lease',
      'delete secrets',
      'get secrets',
      'delete secrets',
      'patch leases',
    ]);
  });

  test('because the Secret was made anew by somebody else: theirs stays', async () => {
    const world = await leased();
    world.next(
      'delete secrets',
      after(() => {
        world.kube.delete('secrets', KEY);
        world.kube.create('secrets', { metadata: { name: 'orders-db', namespace: 'shop' } });
      }),
    );
    world.delete();
    await world.settle(0);
    expect([world.object, world.secret === undefined]).toEqual([undefined, false]);
  });
});

describe('the end of waiting', () => {
  test.each([
    ['ten minutes', {}, 10 * MINUTE],
    ['the declared timeout', { revocation: { timeout: '30s' } }, 30 * SECOND],
  ] as const)(
    'comes after %s: the object goes, and what was not revoked is said',
    async (_what, spec, wait) => {
      const world = await leased(spec);
      world.leases.revocation = 'fails';
      world.delete();
      await world.pass(wait - SECOND);
      expect(world.object).toBeDefined();
      await world.pass(SECOND);
      expect([world.object, world.secret, world.live]).toEqual([undefined, undefined, [1]]);
      expect(world.counts.at(-1)).toBe('revoked: abandoned');
      expect(world.lines.at(-1)?.fields).toMatchObject({ why: 'timeout', lease: world.leases.live[0] });
      expect(world.told).toEqual(['Warning LeaseLeft shop/orders-db']);
    },
  );

  test('is not needed with onDelete Expire: nothing is revoked, and that is said', async () => {
    const world = await leased({ revocation: { onDelete: 'Expire' } });
    world.delete();
    await world.settle(0);
    expect(world.calls()).toEqual(['delete secrets', 'patch leases']);
    expect([world.live, world.counts.at(-1)]).toEqual([[1], 'revoked: left']);
    expect(world.lines.at(-1)?.fields).toMatchObject({ why: 'declared' });
    expect(world.told).toEqual([]);
  });

  test('comes when the lease has ended by itself', async () => {
    const world = await leased({ ttl: '15m', revocation: { timeout: '1h' } });
    world.leases.revocation = 'fails';
    world.delete();
    await world.pass(20 * MINUTE);
    expect([world.object, world.live]).toEqual([undefined, []]);
    expect(world.counts.at(-1)).toBe('revoked: refused');
  });

  test('does not hang on a connection that cannot log in', async () => {
    const world = await leased();
    world.restart();
    world.always('LOGIN', refused(failed('log in')));
    world.next('REVOKE lease', refused(failed('revoke a lease')));
    world.delete();
    await world.pass(5 * MINUTE);
    expect([world.object, world.live]).toEqual([undefined, []]);
  });
});

describe('an object that is deleted while something is under way', () => {
  test('with a lease in hand: it is revoked, and no Secret is written', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.next('create secrets', refused(timeout));
    await world.settle(0);
    world.delete();
    await world.settle(0);
    expect(world.calls().slice(-2)).toEqual(['REVOKE lease', 'patch leases']);
    expect([world.live, world.secret, world.object]).toEqual([[], undefined, undefined]);
  });

  test('with a lease in hand that was written after all: Secret and lease go', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.next('create secrets', lost(timeout));
    await world.settle(0);
    world.delete();
    await world.settle(0);
    expect([world.live, world.secret, world.object]).toEqual([[], undefined, undefined]);
  });

  test('with an open request: it is settled, and its lease revoked, before the object goes', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.next('CREATE lease', lost(unanswered('create a lease')));
    world.next('LIST leases', refused(failed('list leases')));
    await world.settle(0);
    world.delete();
    await world.settle(0);
    expect(world.object).toBeDefined();
    await world.pass(MINUTE);
    expect([world.live, world.object]).toEqual([[], undefined]);
    expect(world.counts).toEqual(['settled: revoked', 'revoked: confirmed']);
  });

  test('with an open request that cannot be settled: it goes when the timeout is over', async () => {
    const world = new World();
    world.connect();
    world.apply({ revocation: { timeout: '1m' } });
    world.next('CREATE lease', refused(unanswered('create a lease')));
    world.always('LIST leases', refused(failed('list leases')));
    await world.settle(0);
    world.delete();
    await world.pass(MINUTE);
    expect(world.object).toBeUndefined();
  });
});

describe('an object that is taken away by force', () => {
  test('with a lease in its Secret: what this process knows is revoked', async () => {
    const world = await leased();
    force(world);
    await world.settle();
    // The look tells that it is gone, and not another shard's.
    expect(world.calls()).toEqual(['get leases', 'REVOKE lease']);
    expect(world.live).toEqual([]);
    expect(world.parts.memories.under(KEY)).toEqual([]);
  });

  test('with a lease in hand: it is revoked', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.next('create secrets', refused(timeout));
    await world.settle(0);
    force(world);
    await world.settle();
    expect([world.live, world.secret]).toEqual([[], undefined]);
    expect(world.parts.memories.under(KEY)).toEqual([]);
  });

  test('with an open request: it is settled, and its lease revoked', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.next('CREATE lease', lost(unanswered('create a lease')));
    world.next('LIST leases', refused(failed('list leases')));
    await world.settle(0);
    force(world);
    await world.settle();
    expect(world.live).toEqual([]);
    expect(world.counts).toEqual(['settled: revoked', 'revoked: confirmed']);
    expect(world.parts.memories.under(KEY)).toEqual([]);
  });
});

describe('an object made anew under the same name', () => {
  test('gets a lease of its own, while those of the old one are ended', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.next('CREATE lease', lost(unanswered('create a lease')));
    world.next('LIST leases', refused(failed('list leases')));
    await world.settle(0);
    force(world);
    world.apply();
    const { object } = world;
    await world.settle();
    expect(world.leases.rows.map(({ lease }) => lease.tag?.object === object?.uid)).toEqual([false, true]);
    expect([world.live, world.named]).toEqual([[2], 2]);
    expect(world.parts.memories.under(KEY)).toEqual([object?.uid]);
    world.calls();
    await world.pass(5 * MINUTE);
    expect(world.calls()).toEqual([]);
  });

  test("is kept from the old one's Secret until the garbage collector has taken it", async () => {
    const world = await leased();
    force(world);
    world.apply({ ttl: '2h' });
    await world.settle();
    expect([world.live, world.condition('Ready')]).toEqual([[], 'False SecretConflict']);
    expect(world.leases.rows).toHaveLength(1);
    world.kube.collectGarbage();
    await world.settle();
    expect([world.live, world.named, world.condition('Ready')]).toEqual([[2], 2, 'True LeaseActive']);
  });

  test('in the way that the operator itself let the old one go, leaves nothing behind', async () => {
    const world = await leased();
    world.delete();
    world.next('patch leases', (act) => {
      const answer = act();
      world.apply({ ttl: '2h' });
      return answer;
    });
    await world.settle();
    expect([world.live, world.named]).toEqual([[2], 2]);
    expect(world.parts.memories.under(KEY)).toEqual([world.object?.uid]);
  });
});
