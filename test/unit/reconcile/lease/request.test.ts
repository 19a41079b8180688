import { describe, expect, test } from 'vitest';

import { FINALIZER } from '../../../../src/api/names.ts';
import { HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { broken } from '../support/kube-errors.ts';
import { denied, failed, limited, unanswered } from '../support/lease-client.ts';
import { after, type CallName, lost, refused, works } from '../support/wire.ts';
import { INSTALL, KEY, TARGET, World } from '../support/world.ts';

const noAnswer = unanswered('create a lease');

/** The attempt of a world's first request. */
const FIRST_ATTEMPT = '00000000-0000-4000-8000-000000000001';

function aWorld(finalizers: readonly string[] = []): World {
  const world = new World();
  world.connect();
  world.apply({}, finalizers);
  return world;
}

function count(calls: readonly CallName[], name: CallName): number {
  return calls.filter((call) => call === name).length;
}

describe('a request for a lease that gets no answer', () => {
  test('is found by a list made at once; its lease is revoked, and another one requested', async () => {
    const world = aWorld();
    world.next('CREATE lease', lost(noAnswer));
    await world.settle(0);
    expect(world.calls().slice(3)).toEqual([
      'CREATE lease',
      'LIST leases',
      'REVOKE lease',
      'patch leases/status',
    ]);
    expect(world.counts).toEqual(['settled: revoked', 'revoked: confirmed']);
    await world.pass(MINUTE);
    expect(world.live).toEqual([2]);
    expect(world.named).toBe(2);
    expect(world.condition('Reconciling')).toBe('False Settled');
  });

  test('was never made when a list of 90 s later lacks it; until then there is no second one', async () => {
    const world = aWorld();
    world.next('CREATE lease', refused(noAnswer));
    await world.pass(90 * SECOND - 1);
    const before = world.calls();
    expect([count(before, 'CREATE lease'), count(before, 'LIST leases')]).toEqual([1, 6]);
    expect(world.condition('Ready')).toBe('False NoAnswer');
    await world.pass(1);
    expect(world.counts).toEqual(['settled: never-made', 'delivered: written']);
    expect(world.named).toBe(1);
  });

  test('has its fate settled from when it was sent, not from when its turn was waited for', async () => {
    const world = aWorld();
    world.leases.whileWaiting.push(() => world.clock.advance(80 * SECOND));
    world.next('CREATE lease', refused(noAnswer));
    await world.pass(80 * SECOND + 90 * SECOND - 1);
    expect(count(world.calls(), 'CREATE lease')).toBe(1);
    await world.pass(1);
    expect(world.counts).toEqual(['settled: never-made', 'delivered: written']);
  });

  test('is found by a later list too', async () => {
    const world = aWorld();
    const object = world.object?.uid ?? '';
    const madeLate = (): unknown =>
      world.leases.seed(TARGET, { install: INSTALL, object, attempt: FIRST_ATTEMPT });
    world.next('CREATE lease', refused(noAnswer));
    world.next('LIST leases', works, works, after(madeLate));
    await world.pass(5 * MINUTE);
    expect(world.counts).toEqual(['settled: revoked', 'revoked: confirmed', 'delivered: written']);
    expect(world.live).toEqual([2]);
  });

  test('stays open while the leases cannot be listed, however long', async () => {
    const world = aWorld();
    world.next('CREATE lease', refused(noAnswer));
    world.always('LIST leases', refused(failed('list leases')));
    await world.pass(2 * HOUR);
    expect(count(world.calls(), 'CREATE lease')).toBe(1);
    world.always('LIST leases', works);
    await world.pass(MINUTE);
    expect(world.counts).toEqual(['settled: never-made', 'delivered: written']);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });

  test('is not taken for a lease of another attempt or of another object', async () => {
    const world = aWorld();
    const object = world.object?.uid ?? '';
    world.leases.seed(TARGET, { install: INSTALL, object, attempt: 'another' });
    world.leases.seed(TARGET, { install: INSTALL, object: 'another', attempt: FIRST_ATTEMPT });
    world.leases.seed(TARGET);
    world.next('CREATE lease', refused(noAnswer));
    await world.pass(5 * MINUTE);
    expect(world.counts).toEqual(['settled: never-made', 'delivered: written']);
    expect(world.live).toEqual([1, 2, 3, 4]);
  });

  test('cannot be recognised when it went without its tag: it is over after 90 s, without a list', async () => {
    const world = aWorld();
    world.next('CREATE lease', lost(unanswered('create a lease', { tagged: false })));
    await world.pass(90 * SECOND - 1);
    expect(world.leases.rows).toHaveLength(1);
    await world.pass(1);
    expect(count(world.calls(), 'LIST leases')).toBe(0);
    expect(world.counts).toEqual(['settled: unattributed', 'delivered: written']);
    expect([world.live, world.named]).toEqual([[1, 2], 2]);
  });

  test('cannot be recognised on a server that is known to drop tags', async () => {
    const world = aWorld();
    world.leases.tags = 'dropped';
    await world.pass(30 * MINUTE);
    world.calls();
    world.next('CREATE lease', lost(noAnswer));
    await world.pass(10 * MINUTE);
    expect(world.counts.slice(1)).toEqual(['settled: unattributed', 'delivered: written', 'rotated']);
    expect(count(world.calls(), 'LIST leases')).toBe(0);
    expect(world.named).toBe(3);
  });

  test('is not said to have made nothing where a lease without a tag may be its own', async () => {
    const world = aWorld();
    world.leases.tags = 'dropped';
    world.next('CREATE lease', lost(noAnswer));
    await world.pass(2 * MINUTE);
    expect(world.counts).toEqual(['settled: unattributed', 'delivered: written']);
    expect([world.live, world.named]).toEqual([[1, 2], 2]);
  });

  test('is settled by the session in memory when its connection is gone', async () => {
    const world = aWorld();
    world.next('CREATE lease', lost(noAnswer));
    world.next('LIST leases', refused(failed('list leases')));
    await world.settle(0);
    world.kube.delete('connections', 'shop/infisical');
    await world.pass(2 * MINUTE);
    expect(world.counts).toEqual(['settled: revoked', 'revoked: confirmed']);
    expect(world.live).toEqual([]);
    expect(world.condition('Ready')).toBe('False ConnectionNotFound');
  });

  test('is settled too when it ended in an error that nobody foresaw', async () => {
    const world = aWorld();
    world.tell();
    world.next('CREATE lease', lost(new TypeError('a defect')));
    await expect(world.reconcile()).rejects.toThrow(TypeError);
    await world.pass(5 * MINUTE);
    expect(world.counts).toEqual(['settled: revoked', 'revoked: confirmed', 'delivered: written']);
    expect(world.live).toEqual([2]);
  });
});

describe('a request for a lease that is refused', () => {
  test('is tried again every few minutes, with a live look before each', async () => {
    const world = aWorld();
    world.always('CREATE lease', refused(denied('create a lease', TARGET)));
    await world.pass(2 * HOUR);
    const calls = world.calls();
    const tries = count(calls, 'CREATE lease');
    expect(tries).toBeGreaterThan(24);
    expect(tries).toBeLessThan(60);
    expect(count(calls, 'get leases')).toBe(tries - 1);
    expect(count(calls, 'LIST leases')).toBe(0);
    expect(world.condition('Ready')).toBe('False PermissionDenied');
    expect(world.status.attempts).toMatchObject({ reason: 'PermissionDenied' });
    world.always('CREATE lease', works);
    await world.pass(6 * MINUTE);
    expect(world.condition('Ready')).toBe('True LeaseActive');
    expect(world.status.attempts).toBeUndefined();
  });

  test('for its rate waits as long as the server wishes', async () => {
    const world = aWorld();
    world.next('CREATE lease', refused(limited(40 * SECOND)));
    await world.pass(40 * SECOND - 1);
    expect(count(world.calls(), 'CREATE lease')).toBe(1);
    await world.pass(1);
    expect(count(world.calls(), 'CREATE lease')).toBe(1);
  });

  test('is asked for again at once when the spec changes', async () => {
    const world = aWorld();
    world.always('CREATE lease', refused(denied('create a lease', TARGET)));
    await world.pass(HOUR);
    world.always('CREATE lease', works);
    world.edit({
      dynamicSecret: { name: 'orders-postgres', projectSlug: 'shop', environmentSlug: 'dev', path: '/' },
    });
    await world.settle(0);
    expect(world.leases.rows.map(({ target }) => target.environmentSlug)).toEqual(['dev']);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });
});

describe('a lease whose credentials cannot become a Secret', () => {
  test('is revoked; the next one comes after minutes, and then ever more rarely', async () => {
    const world = aWorld();
    world.leases.more = { 'not a key': 'x' };
    await world.settle(0);
    expect(world.calls().slice(3)).toEqual(['CREATE lease', 'REVOKE lease', 'patch leases/status']);
    expect(world.condition('Ready')).toBe('False SecretInvalid');
    await world.pass(24 * HOUR);
    expect(world.live).toEqual([]);
    // Half an hour on average, once the wait has come to an hour.
    expect(world.leases.rows.length).toBeGreaterThan(20);
    expect(world.leases.rows.length).toBeLessThan(60);
    world.leases.more = {};
    await world.pass(HOUR);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });

  test('costs no more of them for each new process', async () => {
    const world = aWorld();
    world.leases.more = { 'not a key': 'x' };
    await world.settle(0);
    for (let times = 0; times < 10; times += 1) {
      world.restart();
      await world.settle(0);
    }
    expect(world.leases.rows).toHaveLength(1);
  });

  test('is asked for again at once when the spec changes', async () => {
    const world = aWorld();
    world.leases.more = { 'not a key': 'x' };
    await world.settle(0);
    world.leases.more = {};
    world.edit({ ttl: '2h' });
    await world.settle(0);
    expect([world.named, world.condition('Ready')]).toEqual([2, 'True LeaseActive']);
  });
});

/** A process whose view ends before something happens to the object. */
async function afterStale(happens: (world: World) => void): Promise<World> {
  const world = aWorld([FINALIZER]);
  world.tell();
  world.watching = false;
  happens(world);
  world.calls();
  await world.settle(0);
  return world;
}

describe('the live look before a lease', () => {
  test('is saved by the guarded write of the finalizer', async () => {
    const world = aWorld();
    await world.settle(0);
    expect(count(world.calls(), 'get leases')).toBe(0);
  });

  test('is taken where the finalizer was there already', async () => {
    const world = await afterStale(() => undefined);
    expect(world.calls().slice(2)).toEqual([
      'get leases',
      'CREATE lease',
      'create secrets',
      'patch leases/status',
    ]);
  });

  test('asks for none when the object is gone', async () => {
    const world = await afterStale((one) => {
      one.delete();
      one.kube.mergePatch('leases', KEY, { metadata: { finalizers: [] } });
    });
    expect(world.calls().slice(2)).toEqual(['get leases']);
    expect(world.leases.rows).toEqual([]);
  });

  test('asks for none when the object is being deleted', async () => {
    const world = await afterStale((one) => one.delete());
    expect(world.leases.rows).toEqual([]);
    expect(world.object).toBeUndefined();
  });

  test('asks for what the object says now', async () => {
    const world = await afterStale((one) => {
      one.edit({
        dynamicSecret: { name: 'orders-postgres', projectSlug: 'shop', environmentSlug: 'dev', path: '/' },
      });
    });
    expect(world.leases.rows.map(({ target }) => target.environmentSlug)).toEqual(['dev']);
  });

  test('asks for an object made anew under the same name, and not for the old one', async () => {
    const world = await afterStale((one) => {
      one.delete();
      one.kube.mergePatch('leases', KEY, { metadata: { finalizers: [] } });
      one.apply();
    });
    expect(world.leases.rows.map(({ lease }) => lease.tag?.object)).toEqual([world.object?.uid]);
    expect(world.named).toBe(1);
  });

  test('that fails asks for none, and is tried again', async () => {
    const world = aWorld([FINALIZER]);
    world.next('get leases', refused(broken));
    await world.settle(0);
    expect(world.leases.rows).toEqual([]);
    expect(world.condition('Ready')).toBe('False KubernetesUnavailable');
    await world.pass(MINUTE);
    expect(world.condition('Ready')).toBe('True LeaseActive');
    expect(world.condition('Reconciling')).toBe('False Settled');
  });
});
