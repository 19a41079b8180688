import { sleep, type Clock } from '../clock.ts';
import { startController, type Controller } from '../controller/controller.ts';
import { createLeaseClient, type ConnectedLeaseClient } from '../infisical/client.ts';
import type { ConnectionIdentity } from '../api/lease.ts';
import type { Events, Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import type { WatchedCluster } from './cluster.ts';
import { loginMethod } from './connection/credentials.ts';
import { link } from './connection/link.ts';
import { usesOf } from './connection/in-use.ts';
import { links, type OpenLink } from './connection/links.ts';
import { reconcileConnection } from './connection/reconciler.ts';
import { inventory } from './inventory/inventory.ts';
import type { LeaseParts } from './lease/context.ts';
import { whileLeading } from './leading.ts';
import { memoryStore, type MemoryStore } from './lease/memory.ts';
import { reconcileLease } from './lease/reconciler.ts';
import type { ConnectionRecord, LeaseRecord } from './ports.ts';

export interface OperatorOptions {
  readonly cluster: WatchedCluster;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly events: Events;
  /** Makes the client of a connection whose spec is valid. Default: the lease API's own, over the network. */
  readonly openClient?: OpenClient;
  /** Whether this process leads: without the lead no lease is asked for. Default: yes. */
  readonly mayWrite?: () => boolean;
  /** What this process remembers of objects. Default: a new one; who passes one can look into it. */
  readonly memories?: MemoryStore;
  /** Which installation this is: the first part of each lease's tag. */
  readonly install: string;
  /** How many leases are worked on at the same time. */
  readonly workers: number;
  /** Once aborted, no further step is begun for any object. */
  readonly signal: AbortSignal;
}

/** Makes the client of a connection. `onSessionChange` is to be called after each login and change of its fault. */
export type OpenClient = (
  connection: ConnectionRecord,
  identity: ConnectionIdentity,
  onSessionChange: () => void,
) => ConnectedLeaseClient;

/** The running operator: every object is looked at when something about it changes, and when its time comes. */
export interface Operator {
  /** Begins nothing more, lets what is under way finish, and closes the connections to the lease API. */
  drain(): Promise<void>;
}

/** The names of the controllers, for metrics. */
export const controllerNames = ['lease', 'connection', 'inventory'] as const;

/** How many connections are worked on at the same time. */
const CONNECTION_WORKERS = 8;

/** How many dynamic secrets are listed at the same time. */
const INVENTORY_WORKERS = 4;

/** Starts the operator on a cluster whose watches have synced. */
export function startOperator(options: OperatorOptions): Operator {
  const { cluster, clock, timing, log, metrics, events, install, workers, signal } = options;
  const { stores } = cluster;
  const memories = options.memories ?? memoryStore(clock, timing);

  const openClient = options.openClient ?? clientOverNetwork(options);
  const open: OpenLink = (connection, identity) => {
    const client = openClient(connection, identity, () => controllers.connection.enqueue(connection.key));
    return link({ identity, client: whileLeading(client, options.mayWrite), clock, timing });
  };
  const allLinks = links(open, {
    connections: (namespace) => cluster.connections.inNamespace(namespace),
    hasLeases: (namespace) => cluster.leases.inNamespace(namespace).length > 0,
  });
  const parts: LeaseParts = {
    cluster,
    links: allLinks,
    memories,
    clock,
    timing,
    log,
    metrics,
    events,
    install,
    lookSoon: (namespace, ref, at) => allLeases.lookSoon(namespace, ref, at),
  };
  const common = { clock, timing, log, metrics, signal };

  const controllers: Readonly<Record<(typeof controllerNames)[number], Controller>> = {
    lease: startController({
      ...common,
      name: 'lease',
      workers,
      reconcile: (key, stop) => reconcileLease(parts, key, stop),
    }),
    connection: startController({
      ...common,
      name: 'connection',
      workers: CONNECTION_WORKERS,
      reconcile: (key) => reconcileConnection(parts, key),
    }),
    inventory: startController({
      ...common,
      name: 'inventory',
      workers: INVENTORY_WORKERS,
      reconcile: (key, stop) => allLeases.visit(key, stop),
    }),
  };

  const lookAtConnections = (namespace: string): void => {
    for (const { key } of cluster.connections.inNamespace(namespace)) controllers.connection.enqueue(key);
  };
  const allLeases = inventory({
    parts,
    stores,
    wake: (group, ms) => controllers.inventory.enqueueAfter(group, ms),
    enqueue: (key) => controllers.lease.enqueue(key, 'background'),
  });

  const counts = leaseCounts(metrics);
  const subscriptions = [
    stores.leases.subscribe((key, before, after) => {
      counts(before, after);
      controllers.lease.enqueue(key);
      if (before !== undefined && after === undefined) allLinks.release(before.namespace);
      // A connection is kept while it is in use.
      const { namespace } = before ?? after ?? {};
      if (namespace !== undefined && usesOf(before) !== usesOf(after)) lookAtConnections(namespace);
    }),
    stores.secrets.subscribe((key) => {
      for (const lease of stores.leases.byIndex('bySecret', key)) controllers.lease.enqueue(lease.key);
    }),
    stores.connections.subscribe((key, before, after) => {
      controllers.connection.enqueue(key);
      // Another may have to be kept in its place.
      const { namespace } = before ?? after ?? {};
      if (namespace !== undefined && mattersToOthers(before, after)) lookAtConnections(namespace);
      if (!mattersToLeases(before, after)) return;
      for (const lease of stores.leases.byIndex('byConnection', key)) controllers.lease.enqueue(lease.key);
    }),
  ];
  for (const connection of stores.connections.values()) controllers.connection.enqueue(connection.key);
  for (const lease of stores.leases.values()) {
    counts(undefined, lease);
    controllers.lease.enqueue(lease.key, 'background');
  }

  /** A lease in hand is lost with the process: it is delivered, or given back, before the end. */
  async function deliverWhatIsInHand(): Promise<void> {
    for (let held = memories.holding(); held.length > 0 && !signal.aborted; held = memories.holding()) {
      const outcomes = await Promise.all(held.map((key) => reconcileLease(parts, key, signal)));
      const waits = outcomes.map((outcome) => outcome.again ?? timing.deliveryRetry);
      if (memories.holding().length > 0)
        await sleep(clock, Math.min(...waits), signal).catch(() => undefined);
    }
  }

  return {
    async drain() {
      for (const unsubscribe of subscriptions) unsubscribe();
      allLeases.close();
      await Promise.all(Object.values(controllers).map((controller) => controller.drain()));
      await deliverWhatIsInHand();
      await allLinks.close();
    },
  };
}

function clientOverNetwork({ cluster, clock, timing, log, metrics }: OperatorOptions): OpenClient {
  return (connection, identity, onSessionChange) => {
    if (!connection.spec.valid) throw new RangeError('A link needs a valid connection.');
    const spec = connection.spec.value;
    return createLeaseClient({
      host: identity.host,
      ca: spec.caBundle?.inline,
      login: loginMethod(cluster, connection.namespace, spec),
      clock,
      timing,
      log: log.with({ connection: connection.key }),
      metrics,
      onSessionChange,
    });
  };
}

/** Where a connection leads, and whether it stays. */
function mattersToOthers(before: ConnectionRecord | undefined, after: ConnectionRecord | undefined): boolean {
  return (
    before?.uid !== after?.uid ||
    before?.generation !== after?.generation ||
    before?.deletedAt !== after?.deletedAt
  );
}

/** A connection's login times are no news to its leases; its spec, its coming and going, and whether it works are. */
function mattersToLeases(before: ConnectionRecord | undefined, after: ConnectionRecord | undefined): boolean {
  return (
    before?.uid !== after?.uid ||
    before?.generation !== after?.generation ||
    readiness(before) !== readiness(after)
  );
}

function readiness(connection: ConnectionRecord | undefined): string {
  const ready = connection?.status.conditions?.find((condition) => condition.type === 'Ready');
  return `${ready?.status ?? ''} ${ready?.reason ?? ''}`;
}

/** Counts objects by how they stand, one change at a time. */
function leaseCounts(
  metrics: Pick<Metrics, 'leases'>,
): (before: LeaseRecord | undefined, after: LeaseRecord | undefined) => void {
  const counts = { ready: 0, unready: 0, deleting: 0 };
  return (before, after) => {
    if (before !== undefined) counts[standing(before)] -= 1;
    if (after !== undefined) counts[standing(after)] += 1;
    metrics.leases(counts);
  };
}

function standing(lease: LeaseRecord): 'ready' | 'unready' | 'deleting' {
  if (lease.deletedAt !== undefined) return 'deleting';
  const ready = lease.status.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' ? 'ready' : 'unready';
}
