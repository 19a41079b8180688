import { sleep, type Clock } from '../clock.ts';
import { startController, type Controller } from '../controller/controller.ts';
import { gates } from '../infisical/gate/gates.ts';
import type { Events, Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import type { WatchedCluster } from './cluster.ts';
import { link } from './connection/link.ts';
import { links, type OpenLink } from './connection/links.ts';
import { reconcileConnection } from './connection/reconciler.ts';
import type { DynamicSecretParts } from './dynamic-secret/context.ts';
import { dynamicSecretMemories } from './dynamic-secret/memory.ts';
import { reconcileDynamicSecret } from './dynamic-secret/reconciler.ts';
import { inventory } from './inventory/inventory.ts';
import { placesIn } from './lanes.ts';
import { whileLeading } from './leading.ts';
import type { LeaseParts } from './lease/context.ts';
import { serverTime } from './lease/gather.ts';
import { memoryStore, type MemoryStore } from './lease/memory.ts';
import { reconcileLease } from './lease/reconciler.ts';
import { clientOverNetwork, type NetworkRules, type OpenClient } from './open-client.ts';
import { reconcileNudges } from './nudge/reconciler.ts';
import { retries } from './nudge/retries.ts';
import { reconcileRestarts } from './restart/reconciler.ts';
import type { LeaseRecord } from './ports.ts';
import { lookAtUsers, subscribe } from './subscriptions.ts';

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

/** The running operator: every object is looked at when something about it changes, and when its time comes. */
export interface Operator {
  /** What the connection of this key refers to has changed, or may have. */
  recheck(key: string): void;
  /** A Secret that the DynamicSecret of this key takes inputs from has changed, or may have. */
  recheckSources(key: string): void;
  /** Begins nothing more, lets what is under way finish, and closes the connections to the lease API. */
  drain(): Promise<void>;
}

/** The names of the controllers, for metrics. */
export const controllerNames = [
  'lease',
  'connection',
  'dynamic-secret',
  'inventory',
  'restart',
  'nudge',
] as const;

/** How many connections are worked on at the same time. */
const CONNECTION_WORKERS = 8;

/** How many DynamicSecrets are worked on at the same time. */
const DYNAMIC_SECRET_WORKERS = 4;

/** In how many namespaces workloads are restarted at the same time. */
const RESTART_WORKERS = 4;

/** For how many objects pods are nudged at the same time, a pod at a time each: leases come first. */
const NUDGE_WORKERS = 4;

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
    hasUsers: (namespace) =>
      [stores.leases, stores.dynamicSecrets].some((store) =>
        namespace === '' ? store.size > 0 : store.count('byNamespace', namespace) > 0,
      ),
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
  const declared: DynamicSecretParts = {
    cluster,
    clock,
    timing,
    log,
    metrics,
    events,
    links: allLinks,
    memories: dynamicSecretMemories(),
  };
  const connectionParts = { ...parts, writtenAt: new Map<string, number>() };
  const nudging = {
    ...parts,
    retries: retries(clock, timing),
    serverNow: (object: LeaseRecord): number | undefined => serverTime(parts, object),
  };
  const places = placesIn(cluster, timing);
  const common = { clock, timing, log, metrics, signal };

  const begun = new Map<string, ReadonlySet<string>>();
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
    'dynamic-secret': startController({
      ...common,
      name: 'dynamic-secret',
      workers: DYNAMIC_SECRET_WORKERS,
      lanes: { placeOf: (key) => places.ofDynamicSecret(key) },
      reconcile: (key, stop) => reconcileDynamicSecret(declared, key, stop),
    }),
    inventory: startController({
      ...common,
      name: 'inventory',
      workers: INVENTORY_WORKERS,
      lanes: { placeOf: (key) => places.ofGroup(allLeases.group(key)) },
      reconcile: (key, stop) => allLeases.visit(key, stop),
    }),
    restart: startController({
      ...common,
      name: 'restart',
      workers: RESTART_WORKERS,
      reconcile: (namespace) => reconcileRestarts({ ...parts, begun }, namespace),
    }),
    nudge: startController({
      ...common,
      name: 'nudge',
      workers: NUDGE_WORKERS,
      reconcile: (key, stop) => reconcileNudges(nudging, key, stop),
    }),
  };

  /** Whatever waits for a server learns at once that it answers again, or no longer. */
  const lookAfterOutage = (connection: string): void => {
    controllers.connection.enqueue(connection);
    const { uid } = cluster.connections.get(connection) ?? { uid: '' };
    lookAtUsers({ stores, controllers }, { key: connection, uid });
  };
  const allLeases = inventory({
    parts,
    stores,
    wake: (group, ms) => controllers.inventory.enqueueAfter(group, ms),
    enqueue: (key) => controllers.lease.enqueue(key, 'background'),
  });

  const unsubscribe = subscribe({
    stores,
    cluster,
    timing,
    metrics,
    controllers,
    links: allLinks,
    forget: (uid) => declared.memories.forget(uid),
  });

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
    recheckSources(key) {
      const found = stores.dynamicSecrets.get(key);
      if (found === undefined) return;
      declared.memories.suspect(found.uid);
      controllers['dynamic-secret'].enqueue(key);
    },
    async drain() {
      unsubscribe();
      allLeases.close();
      allGates.hurry();
      await Promise.all(Object.values(controllers).map((controller) => controller.drain()));
      await deliverWhatIsInHand();
      await allLinks.close();
    },
  };
}
