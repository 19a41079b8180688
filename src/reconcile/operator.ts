import { sleep, type Clock } from '../clock.ts';
import { startController, type Controller } from '../controller/controller.ts';
import { createLeaseClient, type ConnectedLeaseClient } from '../infisical/client.ts';
import { gates, type Gates } from '../infisical/gate/gates.ts';
import type { ConnectionIdentity } from '../api/lease.ts';
import { parseAllowedHosts, PUBLIC, type AllowedHosts } from '../network/allowed-hosts.ts';
import { noProxies, type Proxies } from '../network/proxies.ts';
import type { Events, Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import { equal } from '../kube/merge-patch.ts';
import type { WatchedCluster } from './cluster.ts';
import { credentialsIn } from './connection/credentials.ts';
import { link } from './connection/link.ts';
import { clusterConnectionsOf, usesOf } from './connection/in-use.ts';
import { loginMethod } from './connection/login.ts';
import { links, type OpenLink } from './connection/links.ts';
import { reconcileConnection } from './connection/reconciler.ts';
import { placesIn } from './lanes.ts';
import { trustOf } from './connection/trust.ts';
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
  /** Where connections may lead, and how. Default: to public names over https, without proxies. */
  readonly network?: NetworkRules;
  /** Which installation this is: the first part of each lease's tag. */
  readonly install: string;
  /** Namespace of the Secrets that cluster connections name. */
  readonly home: string;
  /** How many leases are worked on at the same time. */
  readonly workers: number;
  /** Once aborted, no further step is begun for any object. */
  readonly signal: AbortSignal;
}

/** What the administrator says of the connections to servers. */
export interface NetworkRules {
  readonly allowedHosts: AllowedHosts;
  /** Whether `insecureSkipVerify` of a connection is heeded. */
  readonly allowInsecure: boolean;
  readonly proxies: Proxies;
}

const strictest: NetworkRules = {
  allowedHosts: parseAllowedHosts(PUBLIC) ?? [],
  allowInsecure: false,
  proxies: noProxies,
};

/**
 * Makes the client of a connection. `onSessionChange` is to be called after each login and change of its fault, `onOutage`
 * when its server has ceased to answer, or answers again.
 */
export type OpenClient = (
  connection: ConnectionRecord,
  identity: ConnectionIdentity,
  onSessionChange: () => void,
  onOutage: () => void,
) => ConnectedLeaseClient;

/** The running operator: every object is looked at when something about it changes, and when its time comes. */
export interface Operator {
  /** What the connection of this key refers to has changed, or may have. */
  recheck(key: string): void;
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

  const allGates = gates({ clock, timing, log, metrics });
  const openClient = options.openClient ?? clientOverNetwork(options, allGates);
  const open: OpenLink = (connection, identity) => {
    const onSessionChange = (): void => controllers.connection.enqueue(connection.key);
    const client = openClient(connection, identity, onSessionChange, () => lookAfterOutage(connection.key));
    return link({ identity, client: whileLeading(client, options.mayWrite), clock, timing });
  };
  const allLinks = links(open, {
    connections: (namespace) => cluster.connections.inNamespace(namespace),
    hasLeases: (namespace) =>
      namespace === '' ? stores.leases.size > 0 : cluster.leases.inNamespace(namespace).length > 0,
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
  const connectionParts = { ...parts, writtenAt: new Map<string, number>() };
  const places = placesIn(cluster, timing);
  const common = { clock, timing, log, metrics, signal };

  const controllers: Readonly<Record<(typeof controllerNames)[number], Controller>> = {
    lease: startController({
      ...common,
      name: 'lease',
      workers,
      lanes: { placeOf: (key) => places.ofLease(key) },
      reconcile: (key, stop) => reconcileLease(parts, key, stop),
    }),
    connection: startController({
      ...common,
      name: 'connection',
      workers: CONNECTION_WORKERS,
      lanes: { placeOf: (key) => places.ofConnection(key) },
      reconcile: (key) => reconcileConnection(connectionParts, key),
    }),
    inventory: startController({
      ...common,
      name: 'inventory',
      workers: INVENTORY_WORKERS,
      lanes: { placeOf: (key) => places.ofGroup(allLeases.group(key)) },
      reconcile: (key, stop) => allLeases.visit(key, stop),
    }),
  };

  /** Whatever waits for a server learns at once that it answers again, or no longer. */
  const lookAfterOutage = (connection: string): void => {
    controllers.connection.enqueue(connection);
    for (const { key } of stores.leases.byIndex('byConnection', connection)) controllers.lease.enqueue(key);
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
      if (namespace === undefined || usesOf(before) === usesOf(after)) return;
      lookAtConnections(namespace);
      for (const shared of [...clusterConnectionsOf(before), ...clusterConnectionsOf(after)]) {
        controllers.connection.enqueue(shared, 'background');
      }
    }),
    stores.secrets.subscribe((key) => {
      for (const lease of stores.leases.byIndex('bySecret', key)) controllers.lease.enqueue(lease.key);
    }),
    // What is granted to a namespace may depend on its labels.
    stores.namespaces.subscribe((namespace, before, after) => {
      if (equal(before?.labels, after?.labels)) return;
      for (const lease of stores.leases.byIndex('byNamespace', namespace)) {
        if (clusterConnectionsOf(lease).length > 0) controllers.lease.enqueue(lease.key);
      }
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

  /** A changed credential is tried at once: whoever has changed it waits for the answer. */
  async function recheck(connection: string): Promise<void> {
    try {
      if (!(await allLinks.recheck(connection))) return;
      log.info('A credential has changed; the connection logs in with it.', { connection });
      controllers.connection.enqueue(connection);
    } catch (error) {
      log.error('A look at the credentials of a connection failed.', {
        connection,
        error: error instanceof Error ? error.name : typeof error,
      });
    }
  }

  return {
    recheck: (connection) => void recheck(connection),
    async drain() {
      for (const unsubscribe of subscriptions) unsubscribe();
      allLeases.close();
      allGates.hurry();
      await Promise.all(Object.values(controllers).map((controller) => controller.drain()));
      await deliverWhatIsInHand();
      await allLinks.close();
    },
  };
}

function clientOverNetwork(options: OperatorOptions, allGates: Gates): OpenClient {
  const { cluster, clock, timing, log, metrics, home, network = strictest } = options;
  const { allowedHosts, allowInsecure, proxies } = network;
  return (connection, identity, onSessionChange, onOutage) => {
    if (!connection.spec.valid) throw new RangeError('A link needs a valid connection.');
    const spec = connection.spec.value;
    const isOfCluster = connection.kind === 'ClusterInfisicalConnection';
    const namespace = isOfCluster ? home : connection.namespace;
    const credentials = credentialsIn(cluster, namespace);
    return createLeaseClient({
      host: identity.host,
      network: {
        rule: isOfCluster ? { rule: 'administrator' } : { rule: 'listed', hosts: allowedHosts },
        proxies,
        tls: trustOf({
          cluster,
          namespace,
          spec,
          allowInsecure,
          maxAge: timing.tlsRefresh,
        }),
      },
      login: loginMethod({ cluster, credentials, namespace, auth: spec.auth }),
      credentialChanged: () => credentials.changed(),
      clock,
      timing,
      log: log.with({ connection: connection.key }),
      metrics,
      gates: allGates,
      onSessionChange,
      onOutage,
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
