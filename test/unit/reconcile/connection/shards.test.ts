import { describe, expect, test } from 'vitest';

import { FINALIZER } from '../../../../src/api/names.ts';
import { SHARD_LABEL, type Shard } from '../../../../src/api/shard.ts';
import { link } from '../../../../src/reconcile/connection/link.ts';
import { links } from '../../../../src/reconcile/connection/links.ts';
import { reconcileConnection } from '../../../../src/reconcile/connection/reconciler.ts';
import type { ConnectionRecord } from '../../../../src/reconcile/ports.ts';
import { connectionRecord } from '../../../../src/reconcile/records.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { aSpec, HOST, HOUR } from '../../../support/builders.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';
import { type ApiEvent, ApiServer } from '../support/api-server.ts';
import { leaseClient } from '../support/lease-client.ts';
import { LeaseServer } from '../support/lease-server.ts';
import { memoryCluster } from '../support/memory-cluster.ts';
import { rememberedEvents } from '../support/telemetry.ts';
import { type CallName, Wire } from '../support/wire.ts';

const KEY = 'shop/infisical';
const OWN = 'leaseholder.dev/connection';

interface Release {
  reconcile(): Promise<void>;
  calls(): readonly CallName[];
}

/** One connection, and the releases without a shard and of the shard `b`. */
class Shared {
  readonly clock = virtualClock();
  readonly server: ApiServer;
  readonly none: Release;
  readonly b: Release;
  readonly #ears: ((event: ApiEvent) => void)[] = [];

  constructor(shard?: string) {
    this.server = new ApiServer(
      () => this.clock.wall(),
      (event) => {
        for (const ear of this.#ears) ear(event);
      },
    );
    const labels = shard === undefined ? {} : { [SHARD_LABEL]: shard };
    this.server.create('connections', {
      metadata: { name: 'infisical', namespace: 'shop', labels },
      spec: { hostAPI: `${HOST}/api`, auth: { token: { secretKeyRef: { name: 'identity', key: 'token' } } } },
    });
    this.none = this.#release(undefined);
    this.b = this.#release('b');
  }

  /** An object that uses the connection. */
  use(name: string, shard?: string): void {
    const labels = shard === undefined ? {} : { [SHARD_LABEL]: shard };
    const metadata = { name, namespace: 'shop', labels, finalizers: [FINALIZER] };
    this.server.create('leases', { metadata, spec: aSpec() });
  }

  end(name: string): void {
    this.server.mergePatch('leases', `shop/${name}`, { metadata: { finalizers: null } });
    this.server.delete('leases', `shop/${name}`);
  }

  async settle(): Promise<void> {
    for (let times = 0; times < 4; times += 1) {
      await this.none.reconcile();
      await this.b.reconcile();
    }
  }

  get connection(): ConnectionRecord | undefined {
    const found = this.server.find('connections', KEY);
    return found === undefined ? undefined : connectionRecord(found);
  }

  #release(shard: Shard): Release {
    const { clock, server } = this;
    const wire = new Wire();
    const cluster = memoryCluster(server, wire, () => clock.wall(), server, shard);
    const leases = new LeaseServer(clock);
    const all = links(
      (_connection, identity) =>
        link({ identity, client: leaseClient(leases, wire), clock, timing: standardTiming }),
      { connections: (namespace) => cluster.connections.inNamespace(namespace), hasUsers: () => true },
    );
    const { events } = rememberedEvents();
    this.#ears.push((event) => cluster.hear(event));
    const parts = { cluster, links: all, events, clock, timing: standardTiming, writtenAt: new Map() };
    let told = 0;
    return {
      reconcile: async () => void (await reconcileConnection(parts, KEY)),
      calls() {
        const fresh = wire.calls.slice(told);
        told = wire.calls.length;
        return fresh;
      },
    };
  }
}

const status: CallName = 'patch connections/status';

describe('a connection that two shards use', () => {
  test('is kept by a finalizer of each, and its status is written by one', async () => {
    const world = new Shared();
    world.use('first');
    world.use('second', 'b');
    await world.settle();
    expect(world.connection?.finalizers.toSorted()).toEqual([OWN, `${OWN}-b`]);
    expect(world.none.calls()).toContain(status);
    expect(world.b.calls()).toEqual(['patch connections', 'TIME', 'LOGIN']);
    expect(world.connection?.status.served).toBe(1);
  });

  test('costs nothing more once that is so', async () => {
    const world = new Shared();
    world.use('first');
    world.use('second', 'b');
    await world.settle();
    world.clock.advance(HOUR);
    world.none.calls();
    world.b.calls();
    await world.settle();
    expect([world.none.calls(), world.b.calls()]).toEqual([[], []]);
  });

  test('is let go by each on its own', async () => {
    const world = new Shared();
    world.use('first');
    world.use('second', 'b');
    await world.settle();
    world.end('first');
    await world.settle();
    expect(world.connection?.finalizers).toEqual([`${OWN}-b`]);
    world.end('second');
    await world.settle();
    expect(world.connection?.finalizers).toEqual([]);
  });

  test('says that its deletion waits, whichever shard still needs it', async () => {
    const world = new Shared();
    world.use('second', 'b');
    await world.settle();
    world.server.delete('connections', KEY);
    await world.settle();
    const reconciling = world.connection?.status.conditions?.find(({ type }) => type === 'Reconciling');
    expect(reconciling).toMatchObject({ status: 'True', reason: 'InUse' });
    world.end('second');
    await world.settle();
    expect(world.connection).toBeUndefined();
  });
});

describe('the status of a connection', () => {
  test('is written by the shard that its label names, though that one uses it not', async () => {
    const world = new Shared('b');
    world.use('first');
    await world.settle();
    expect(world.none.calls()).not.toContain(status);
    expect(world.b.calls()).toContain(status);
    expect(world.connection?.finalizers).toEqual([OWN]);
  });

  test('goes over to another shard with the label', async () => {
    const world = new Shared();
    await world.settle();
    world.none.calls();
    world.server.mergePatch('connections', KEY, { metadata: { labels: { [SHARD_LABEL]: 'b' } } });
    world.clock.advance(HOUR);
    await world.settle();
    expect([world.none.calls().includes(status), world.b.calls().includes(status)]).toEqual([false, true]);
    await world.settle();
    expect([world.none.calls(), world.b.calls()]).toEqual([[], []]);
  });

  test('is nobody’s business to a shard that does not use the connection: it does not even log in', async () => {
    const world = new Shared();
    await world.settle();
    expect(world.b.calls()).toEqual([]);
  });
});
