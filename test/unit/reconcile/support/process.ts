import type { Shard } from '../../../../src/api/shard.ts';
import type { Clock } from '../../../../src/clock.ts';
import { link } from '../../../../src/reconcile/connection/link.ts';
import { links } from '../../../../src/reconcile/connection/links.ts';
import { inventory, type Inventory } from '../../../../src/reconcile/inventory/inventory.ts';
import type { LeaseParts } from '../../../../src/reconcile/lease/context.ts';
import { secretKeyOf } from '../../../../src/reconcile/lease/context.ts';
import { memoryStore } from '../../../../src/reconcile/lease/memory.ts';
import type { Events, Log, Metrics } from '../../../../src/telemetry.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { INSTALL } from '../../../support/builders.ts';
import type { ApiServer } from './api-server.ts';
import { leaseClient } from './lease-client.ts';
import type { LeaseServer } from './lease-server.ts';
import { type MemoryCluster, memoryCluster } from './memory-cluster.ts';
import type { Wire } from './wire.ts';

export { INSTALL };

/** A process of the operator: everything that a crash takes away. */
export interface Process {
  readonly wire: Wire;
  readonly cluster: MemoryCluster;
  readonly parts: LeaseParts;
  /** The keys that are to be looked at. */
  readonly waiting: Set<string>;
  /** Elapsed milliseconds by key. */
  readonly wakeUps: Map<string, number>;
  readonly inventory: Inventory;
  /** When the groups of the inventory are to be listed: elapsed milliseconds by key. */
  readonly lists: Map<string, number>;
}

interface Outside {
  readonly clock: Clock;
  readonly kube: ApiServer;
  readonly leases: LeaseServer;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly events: Events;
}

/** A process that has listed everything of its shard, and has all of it to look at. */
export function startProcess(
  { clock, kube, leases, log, metrics, events }: Outside,
  wire: Wire,
  shard?: Shard,
): Process {
  const cluster = memoryCluster(kube, wire, () => clock.wall(), kube, shard);
  const allLinks = links(
    (_connection, identity) =>
      link({ identity, client: leaseClient(leases, wire), clock, timing: standardTiming }),
    {
      connections: (namespace) => cluster.connections.inNamespace(namespace),
      hasUsers: (namespace) => cluster.leases.inNamespace(namespace).length > 0,
    },
  );
  const waiting = new Set<string>();
  const enqueueAll = (): void => {
    for (const lease of cluster.stores.leases.values()) waiting.add(lease.key);
  };
  enqueueAll();
  cluster.stores.leases.subscribe((key, before, left) => {
    waiting.add(key);
    const others = before === undefined ? [] : cluster.leases.ofSecret(secretKeyOf(before));
    for (const other of others) waiting.add(other.key);
    if (before !== undefined && left === undefined) allLinks.release(before.namespace);
  });
  cluster.stores.connections.subscribe((key, _before, left) => {
    if (left === undefined) allLinks.drop(key);
    enqueueAll();
  });
  cluster.stores.dynamicSecrets.subscribe((key) => {
    for (const lease of cluster.leases.ofDynamicSecret(key)) waiting.add(lease.key);
  });
  cluster.stores.secrets.subscribe((key) => {
    for (const lease of cluster.stores.leases.byIndex('bySecret', key)) waiting.add(lease.key);
  });
  const parts: LeaseParts = {
    cluster,
    links: allLinks,
    memories: memoryStore(clock, standardTiming),
    clock,
    timing: standardTiming,
    log,
    metrics,
    events,
    install: INSTALL,
    lookSoon: (namespace, ref, at) => leaseInventory.lookSoon(namespace, ref, at),
  };
  const lists = new Map<string, number>();
  const leaseInventory = inventory({
    parts,
    stores: cluster.stores,
    wake: (group, ms) => void lists.set(group, clock.elapsed() + ms),
    enqueue: (key) => void waiting.add(key),
  });
  return { wire, cluster, parts, waiting, wakeUps: new Map(), inventory: leaseInventory, lists };
}
