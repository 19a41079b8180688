import { describe, expect, test } from 'vitest';

import { CONNECTION_FINALIZER, FINALIZER } from '../../../../src/api/names.ts';
import { fault, FaultError } from '../../../../src/errors.ts';
import { link } from '../../../../src/reconcile/connection/link.ts';
import { links, type Links } from '../../../../src/reconcile/connection/links.ts';
import { reconcileConnection } from '../../../../src/reconcile/connection/reconciler.ts';
import { connectionRecord } from '../../../../src/reconcile/records.ts';
import type { ConnectionRecord } from '../../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { aSpec, HOST, HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { virtualClock, type VirtualClock } from '../../../support/virtual-clock.ts';
import { type ApiEvent, ApiServer } from '../support/api-server.ts';
import { broken } from '../support/kube-errors.ts';
import { leaseClient, unanswered } from '../support/lease-client.ts';
import { LeaseServer } from '../support/lease-server.ts';
import { memoryCluster } from '../support/memory-cluster.ts';
import { rememberedEvents } from '../support/telemetry.ts';
import { after, refused, Wire, works } from '../support/wire.ts';

const KEY = 'shop/infisical';
const spec = {
  hostAPI: `${HOST}/api`,
  auth: { token: { secretKeyRef: { name: 'identity', key: 'token' } } },
};

interface Stage {
  readonly clock: VirtualClock;
  readonly server: ApiServer;
  readonly wire: Wire;
  readonly links: Links;
  /** The Kubernetes events. */
  readonly told: readonly string[];
  reconcile(): ReturnType<typeof reconcileConnection>;
  /** Takes what has changed into the view: a reconciliation begins with that. */
  hear(): void;
  /** What is stored. */
  readonly connection: ConnectionRecord;
  /** A condition as "True LoggedIn". */
  condition(type: string): string;
}

function stage(declared: object = spec): Stage {
  const clock = virtualClock();
  const events: ApiEvent[] = [];
  const server = new ApiServer(
    () => clock.wall(),
    (event) => void events.push(event),
  );
  server.create('connections', { metadata: { name: 'infisical', namespace: 'shop' }, spec: declared });
  const wire = new Wire();
  const cluster = memoryCluster(server, wire, () => clock.wall());
  const leases = new LeaseServer(clock);
  const { events: recorder, told } = rememberedEvents();
  const writtenAt = new Map<string, number>();
  const all = links(
    (_connection, identity) =>
      link({ identity, client: leaseClient(leases, wire), clock, timing: standardTiming }),
    { connections: (namespace) => cluster.connections.inNamespace(namespace), hasUsers: () => false },
  );
  return {
    clock,
    server,
    wire,
    links: all,
    told,
    hear() {
      for (const event of events.splice(0)) cluster.hear(event);
    },
    async reconcile() {
      this.hear();
      return reconcileConnection(
        { cluster, links: all, events: recorder, clock, timing: standardTiming, writtenAt },
        KEY,
      );
    },
    get connection() {
      return connectionRecord(server.get('connections', KEY));
    },
    condition(type) {
      const found = this.connection.status.conditions?.find((one) => one.type === type);
      return `${String(found?.status)} ${String(found?.reason)}`;
    },
  };
}

const loginRefused = new FaultError(fault('LoginRefused', { host: HOST, status: 401, method: 'universal' }));
const unreachable = new FaultError(fault('ServerUnreachable', { host: HOST, cause: 'connection refused' }));

describe('a connection that works', () => {
  test('says so: when the login was, and at which server', async () => {
    const world = stage();
    expect(await world.reconcile()).toEqual({});
    expect(world.wire.calls).toEqual(['TIME', 'LOGIN', 'patch connections/status']);
    expect(world.connection.status).toEqual({
      observedGeneration: 1,
      host: HOST,
      method: 'token',
      served: 0,
      lastLogin: { succeeded: true, at: '2026-01-01T00:00:00Z' },
      conditions: [
        condition('Ready', 'True', 'LoggedIn', 'The server accepts the login.'),
        condition('Reconciling', 'False', 'Settled', 'Nothing is under way.'),
        condition('Stalled', 'False', 'Accepted', 'The spec is accepted.'),
      ],
    });
  });

  test('costs nothing more, however often it is looked at', async () => {
    const world = stage();
    await world.reconcile();
    world.clock.advance(HOUR);
    for (let times = 0; times < 5; times += 1) expect(await world.reconcile()).toEqual({});
    expect(world.wire.calls).toHaveLength(3);
  });

  test('logs in anew when its spec changes, and observes the generation', async () => {
    const world = stage();
    await world.reconcile();
    world.server.mergePatch('connections', KEY, { spec: { hostAPI: 'https://elsewhere.example.com' } });
    await world.reconcile();
    expect(world.wire.calls.slice(3)).toEqual(['TIME', 'LOGIN', 'patch connections/status']);
    expect(world.connection.status).toMatchObject({
      observedGeneration: 2,
      host: 'https://elsewhere.example.com',
    });
  });
});

describe('a connection that objects use', () => {
  const uses = { connectionRef: { name: 'infisical' }, dynamicSecret: aSpec().dynamicSecret };
  const lease = (name: string): object => ({ metadata: { name, namespace: 'shop' }, spec: uses });

  test('says how many they are, at most once in ten seconds', async () => {
    const world = stage();
    world.server.create('leases', lease('a'));
    await world.reconcile();
    expect(world.connection.status.served).toBe(1);
    world.clock.advance(4 * SECOND);
    for (const name of ['b', 'c']) world.server.create('leases', lease(name));
    const before = world.wire.calls.length;
    expect(await world.reconcile()).toEqual({ again: 6 * SECOND });
    expect(world.connection.status.served).toBe(1);
    world.clock.advance(6 * SECOND);
    expect(await world.reconcile()).toEqual({});
    expect(world.connection.status.served).toBe(3);
    expect(world.wire.calls.slice(before)).toEqual(['patch connections/status']);
  });
});

describe('a connection that cannot log in', () => {
  test('is told by an event for each reason, and once more when it works again; the first login is no news', async () => {
    const world = stage();
    await world.reconcile();
    expect(world.told).toEqual([]);
    world.links.drop(KEY);
    world.wire.always('LOGIN', refused(loginRefused));
    for (let times = 0; times < 3; times += 1) {
      await world.reconcile();
      world.clock.advance(2 * MINUTE);
    }
    expect(world.told).toEqual(['Warning ConnectionFailed shop/infisical']);
    world.wire.always('LOGIN', refused(unreachable));
    await world.reconcile();
    expect(world.told).toHaveLength(2);
    world.wire.always('LOGIN', works);
    world.clock.advance(2 * MINUTE);
    await world.reconcile();
    expect(world.told).toEqual([
      'Warning ConnectionFailed shop/infisical',
      'Warning ConnectionFailed shop/infisical',
      'Normal ConnectionReady shop/infisical',
    ]);
  });

  test('says why and since when, tries again by itself, and costs one write', async () => {
    const world = stage();
    world.wire.always('LOGIN', refused(loginRefused));
    const outcome = await world.reconcile();
    expect(outcome).toMatchObject({ faulted: true });
    expect(outcome.again).toBeGreaterThanOrEqual(SECOND);
    expect([world.condition('Ready'), world.condition('Reconciling'), world.condition('Stalled')]).toEqual([
      'False LoginRefused',
      'True LoginRefused',
      'False Accepted',
    ]);
    expect(world.connection.status.lastLogin).toEqual({ succeeded: false, at: '2026-01-01T00:00:00Z' });
    for (let times = 0; times < 5; times += 1) {
      world.clock.advance(MINUTE);
      await world.reconcile();
    }
    expect(world.wire.calls.filter((call) => call === 'LOGIN')).toHaveLength(6);
    expect(world.wire.calls.filter((call) => call === 'patch connections/status')).toHaveLength(1);
  });

  test('does not log in again before its hold-off is over', async () => {
    const world = stage();
    world.wire.always('LOGIN', refused(loginRefused));
    const { again = 0 } = await world.reconcile();
    world.clock.advance(again - 1);
    expect(await world.reconcile()).toMatchObject({ faulted: true });
    expect(world.wire.calls.filter((call) => call === 'LOGIN')).toHaveLength(1);
  });

  test('works again when the server takes the login', async () => {
    const world = stage();
    world.wire.next('LOGIN', refused(loginRefused));
    await world.reconcile();
    world.clock.advance(MINUTE);
    expect(await world.reconcile()).toEqual({});
    expect(world.condition('Ready')).toBe('True LoggedIn');
    expect(world.connection.status.lastLogin).toEqual({ succeeded: true, at: '2026-01-01T00:01:00Z' });
    expect(world.connection.status.conditions).toMatchObject([
      { lastTransitionTime: '2026-01-01T00:01:00Z' },
      { lastTransitionTime: '2026-01-01T00:01:00Z' },
      { lastTransitionTime: '2026-01-01T00:00:00Z' },
    ]);
  });

  test.each([
    ['unreachable', unreachable, 'False ServerUnreachable'],
    ['silent', unanswered('tell the time'), 'False NoAnswer'],
    ['met with a fault of our own', new TypeError('a defect'), 'False Internal'],
  ] as const)('because its server is %s says so, and knows of no login', async (_what, error, words) => {
    const world = stage();
    world.wire.next('TIME', refused(error));
    expect(await world.reconcile()).toMatchObject({ faulted: true });
    expect(world.condition('Ready')).toBe(words);
    expect(world.connection.status.lastLogin).toBeUndefined();
  });
});

describe('a connection whose spec is refused', () => {
  test('is stalled, asks no server, and waits for a change', async () => {
    const world = stage({ ...spec, auth: {} });
    expect(await world.reconcile()).toEqual({ faulted: true });
    expect(await world.reconcile()).toEqual({ faulted: true });
    expect(world.wire.calls).toEqual(['patch connections/status']);
    expect([world.condition('Ready'), world.condition('Reconciling'), world.condition('Stalled')]).toEqual([
      'False ConnectionInvalid',
      'False Settled',
      'True ConnectionInvalid',
    ]);
    expect(world.connection.status.host).toBeUndefined();
    world.server.mergePatch('connections', KEY, { spec });
    expect(await world.reconcile()).toEqual({});
    expect([world.condition('Ready'), world.condition('Stalled')]).toEqual([
      'True LoggedIn',
      'False Accepted',
    ]);
  });
});

describe('the write of its status', () => {
  test('that meets a newer object is made on that one', async () => {
    const world = stage();
    const change = { metadata: { labels: { a: 'b' } } };
    world.wire.next(
      'patch connections/status',
      after(() => world.server.mergePatch('connections', KEY, change)),
    );
    expect(await world.reconcile()).toEqual({ again: 0 });
    expect(world.wire.calls.slice(2)).toEqual(['patch connections/status', 'get connections']);
    expect(await world.reconcile()).toEqual({});
    expect(world.condition('Ready')).toBe('True LoggedIn');
  });

  test('of an object that is gone is no fault', async () => {
    const world = stage();
    world.wire.next(
      'patch connections/status',
      after(() => world.server.delete('connections', KEY)),
    );
    expect(await world.reconcile()).toEqual({ again: 0 });
    expect(await world.reconcile()).toEqual({});
  });

  test('that fails otherwise is left to the engine, which tries again', async () => {
    const world = stage();
    world.wire.next('patch connections/status', refused(broken), works);
    await expect(world.reconcile()).rejects.toBe(broken);
    expect(await world.reconcile()).toEqual({});
    expect(world.condition('Ready')).toBe('True LoggedIn');
  });
});

/** Takes the finalizer of the object away, as the operator does once its leases are gone. */
function letGo({ server }: Stage): void {
  server.mergePatch('leases', 'shop/orders-db', { metadata: { finalizers: null } });
}

describe('a connection that an object names', () => {
  /** An object that holds a lease, as far as its finalizer tells. */
  const lease = {
    metadata: { name: 'orders-db', namespace: 'shop', finalizers: [FINALIZER] },
    spec: aSpec(),
  };
  async function inUse(): Promise<Stage> {
    const world = stage();
    await world.reconcile();
    world.server.create('leases', lease);
    await world.reconcile();
    return world;
  }

  test('is kept by one write', async () => {
    const world = await inUse();
    for (let times = 0; times < 3; times += 1) await world.reconcile();
    expect(world.wire.calls.slice(3)).toEqual(['patch connections']);
    expect(world.connection.finalizers).toEqual([CONNECTION_FINALIZER]);
    expect(world.condition('Reconciling')).toBe('False Settled');
  });

  test('while it logs in is kept before its status tells of the object', async () => {
    const world = stage();
    world.wire.next(
      'LOGIN',
      after(() => {
        world.server.create('leases', lease);
        world.hear();
      }),
    );
    expect(await world.reconcile()).toEqual({ again: 0 });
    expect(await world.reconcile()).toEqual({});
    expect(world.wire.calls).toEqual(['TIME', 'LOGIN', 'patch connections', 'patch connections/status']);
    expect(world.connection.finalizers).toEqual([CONNECTION_FINALIZER]);
    expect(world.connection.status.served).toBe(1);
  });

  test('is kept though it cannot log in', async () => {
    const world = stage({ ...spec, auth: {} });
    world.server.create('leases', lease);
    await world.reconcile();
    expect(world.connection.finalizers).toEqual([CONNECTION_FINALIZER]);
    expect(world.condition('Stalled')).toBe('True ConnectionInvalid');
  });

  test('is kept no longer when the last such object is gone, though it stays', async () => {
    const world = await inUse();
    world.server.delete('leases', 'shop/orders-db');
    await world.reconcile();
    expect(world.wire.calls.slice(4)).toEqual([]);
    letGo(world);
    await world.reconcile();
    expect(world.wire.calls.slice(4)).toEqual(['patch connections']);
    expect(world.connection.finalizers).toEqual([]);
  });

  test('waits when it is being deleted, works, says so, and tells it once', async () => {
    const world = await inUse();
    const before = world.links.of(world.connection);
    world.server.delete('connections', KEY);
    for (let times = 0; times < 3; times += 1) expect(await world.reconcile()).toEqual({});
    expect(world.wire.calls.slice(4)).toEqual(['patch connections/status']);
    expect([world.condition('Ready'), world.condition('Reconciling'), world.condition('Stalled')]).toEqual([
      'True LoggedIn',
      'True InUse',
      'False Accepted',
    ]);
    expect(world.told).toEqual(['Normal InUse shop/infisical']);
    expect(world.links.of(world.connection)).toEqual(before);
  });

  test('goes when it is being deleted and the last such object has gone', async () => {
    const world = await inUse();
    world.server.delete('connections', KEY);
    world.server.delete('leases', 'shop/orders-db');
    await world.reconcile();
    letGo(world);
    expect(await world.reconcile()).toEqual({});
    expect(world.server.find('connections', KEY)).toBeUndefined();
    expect(await world.reconcile()).toEqual({});
    expect(world.wire.calls.slice(4)).toEqual(['patch connections/status', 'patch connections']);
  });

  test('takes no finalizer when it is being deleted already', async () => {
    const world = stage();
    world.server.mergePatch('connections', KEY, { metadata: { finalizers: ['theirs/one'] } });
    world.server.delete('connections', KEY);
    world.server.create('leases', lease);
    await world.reconcile();
    expect(world.wire.calls).toEqual(['TIME', 'LOGIN', 'patch connections/status']);
    expect(world.connection.finalizers).toEqual(['theirs/one']);
    // It is not the leases that its deletion waits for.
    expect(world.condition('Reconciling')).toBe('False Settled');
    expect(world.told).toEqual([]);
  });

  test('leaves the finalizers of others alone', async () => {
    const world = await inUse();
    const both = [CONNECTION_FINALIZER, 'theirs/one'];
    world.server.mergePatch('connections', KEY, { metadata: { finalizers: both } });
    world.server.delete('connections', KEY);
    world.server.delete('leases', 'shop/orders-db');
    letGo(world);
    expect(await world.reconcile()).toEqual({});
    expect(await world.reconcile()).toEqual({});
    expect(world.connection.finalizers).toEqual(['theirs/one']);
    expect(world.wire.calls.slice(4)).toEqual(['patch connections']);
  });

  test('and has changed meanwhile is looked at again', async () => {
    const world = stage();
    world.server.create('leases', lease);
    world.wire.next(
      'patch connections',
      after(() => world.server.mergePatch('connections', KEY, { metadata: { labels: { a: 'b' } } })),
    );
    expect(await world.reconcile()).toEqual({ again: 0 });
    expect(world.wire.calls).toEqual(['patch connections', 'get connections']);
    expect(await world.reconcile()).toEqual({});
    expect(world.connection.finalizers).toEqual([CONNECTION_FINALIZER]);
  });

  test('and cannot be written is left to the engine, which tries again', async () => {
    const world = stage();
    world.server.create('leases', lease);
    world.wire.next('patch connections', refused(broken), works);
    await expect(world.reconcile()).rejects.toBe(broken);
    expect(await world.reconcile()).toEqual({});
    expect(world.connection.finalizers).toEqual([CONNECTION_FINALIZER]);
  });
});

test('a connection that is gone has no link any more', async () => {
  const world = stage();
  await world.reconcile();
  const before = world.links.of(world.connection);
  const record = world.connection;
  world.server.delete('connections', KEY);
  expect(await world.reconcile()).toEqual({});
  expect(world.links.of(record)).not.toEqual(before);
});

function condition(type: string, status: string, reason: string, message: string): object {
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' };
}
