import { shardSelector, type Shard } from '../api/shard.ts';
import { GROUP, VERSION } from '../api/names.ts';
import type { Clock } from '../clock.ts';
import { namespaceOf } from '../kube/object-key.ts';
import { startReflector } from '../kube/reflector.ts';
import { resource, type ResourceType } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import { storeUnion } from '../kube/store-union.ts';
import type { Transport } from '../kube/transport.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import {
  dynamicSecretIndexes,
  placeKey,
  leaseIndexes,
  usersOf,
  type DynamicSecretIndex,
  type LeaseIndex,
} from './indexes.ts';
import type {
  Cluster,
  ConnectionRecord,
  DynamicSecretRecord,
  LeaseRecord,
  NamespaceRecord,
  SecretRecord,
} from './ports.ts';
import { connectionRecord, dynamicSecretRecord, leaseRecord, namespaceRecord } from './records.ts';
import { watchPods } from './nudge/pod-watch.ts';
import { referents } from './referents.ts';
import { workloads } from './workloads.ts';
import { customResource } from './resources.ts';
import { lookAtSecrets } from './secrets/looked-at.ts';
import type { ObservedSecrets } from './secrets/observed.ts';
import { secretType, watchSecrets } from './secrets/watched.ts';

/** What the watches have shown, by kind. */
export interface WatchedStores {
  readonly leases: Store<LeaseRecord, LeaseIndex>;
  /** Of both kinds; those of the cluster are in the empty namespace. */
  readonly connections: Store<ConnectionRecord, 'byNamespace'>;
  readonly dynamicSecrets: Store<DynamicSecretRecord, DynamicSecretIndex>;
  readonly secrets: Store<SecretRecord, 'byOwner'>;
  /** Empty where the operator looks after some namespaces only. */
  readonly namespaces: Store<NamespaceRecord>;
}

/** The cluster, as the API server shows it and as long as its watches run. */
export interface WatchedCluster extends Cluster {
  readonly stores: WatchedStores;
  /** Resolves when every kind has been listed once; rejects when the watches are ended before. */
  synced(): Promise<void>;
  /** The kinds that have not been listed yet. */
  waitingFor(): readonly string[];
  /** Resolves when every watch has ended. */
  readonly ended: Promise<unknown>;
}

export interface ClusterOptions {
  readonly transport: Transport;
  /** Only these namespaces; undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  /** The shard whose leases, dynamic secrets and Secrets are watched. Default: those of none. */
  readonly shard?: Shard;
  /** Whether no Secret may be read: then those that are written are looked at by dry runs. Default: no. */
  readonly strict?: boolean;
  /** Whether pods are watched, so that they can be nudged. Default: no. */
  readonly nudgePods?: boolean;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  /** Whether this process leads: asked right before each write is sent. Default: yes. */
  readonly mayWrite?: () => boolean;
}

/** The kinds that are watched, by their plural names. */
export const watchedResources = [
  'dynamicsecretleases',
  'infisicalconnections',
  'clusterinfisicalconnections',
  'dynamicsecrets',
  'namespaces',
  'secrets',
  // Only those that other objects name, where the rights allow it.
  'configmaps',
  // Only where pods are nudged.
  'pods',
] as const;

const own = { group: GROUP, version: VERSION, namespaced: true };

/** The kinds, as the API's paths name them. */
export const leaseType: ResourceType = { ...own, plural: 'dynamicsecretleases' };
export const connectionType: ResourceType = { ...own, plural: 'infisicalconnections' };
export const clusterConnectionType: ResourceType = {
  ...own,
  plural: 'clusterinfisicalconnections',
  namespaced: false,
};
export const dynamicSecretType: ResourceType = { ...own, plural: 'dynamicsecrets' };
export const namespaceType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  namespaced: false,
};

/** What is full at some time, and ends. */
type Synced = Pick<ObservedSecrets, 'hasSynced' | 'synced' | 'ended'>;

/** Starts the watches of everything that leases depend on. */
export function watchCluster(options: ClusterOptions): WatchedCluster {
  const { transport, clock, mayWrite, shard, strict = false } = options;
  // On the server's side, so that what others serve costs neither memory nor time here.
  const served = { ...options, labelSelector: shardSelector(shard) };
  const types = {
    leases: resource(transport, leaseType, mayWrite),
    connections: resource(transport, connectionType, mayWrite),
    clusterConnections: resource(transport, clusterConnectionType, mayWrite),
    dynamicSecrets: resource(transport, dynamicSecretType, mayWrite),
    namespaces: resource(transport, namespaceType, mayWrite),
  };
  const leases = startReflector({
    ...served,
    resource: types.leases,
    project: (raw) => readLease(raw),
    indexes: leaseIndexes,
  });
  const readLease = (raw: unknown): LeaseRecord => leaseRecord(raw, (key) => leases.store.get(key));
  const connectionIndexes = { byNamespace: ({ namespace }: ConnectionRecord) => [namespace] };
  const connections = startReflector({
    ...options,
    resource: types.connections,
    project: connectionRecord,
    indexes: connectionIndexes,
  });
  // Whoever may look at some namespaces only may not look at what is in none: no watch at all.
  const everywhere = { ...options, namespaces: options.namespaces === undefined ? undefined : [] };
  const clusterConnections = startReflector({
    ...everywhere,
    resource: types.clusterConnections,
    project: connectionRecord,
    indexes: connectionIndexes,
  });
  const dynamicSecrets = startReflector({
    ...served,
    resource: types.dynamicSecrets,
    project: dynamicSecretRecord,
    indexes: dynamicSecretIndexes,
  });
  const namespaces = startReflector({
    ...everywhere,
    resource: types.namespaces,
    project: namespaceRecord,
    indexes: {},
    metadataOnly: true,
  });
  const secrets = strict ? lookAtSecrets({ ...options, shard }) : watchSecrets({ ...options, shard });
  const reflectors: readonly (readonly [string, Synced])[] = [
    ['dynamicsecretleases', leases],
    ['infisicalconnections', connections],
    ['clusterinfisicalconnections', clusterConnections],
    ['dynamicsecrets', dynamicSecrets],
    ['namespaces', namespaces],
    ['secrets', secrets],
  ];
  const pods = options.nudgePods === true ? watchPods(options) : undefined;
  const allConnections = storeUnion(connections.store, clusterConnections.store, isNamespaced);
  return {
    stores: {
      leases: leases.store,
      connections: allConnections,
      dynamicSecrets: dynamicSecrets.store,
      secrets: secrets.store,
      namespaces: namespaces.store,
    },
    scope: options.namespaces === undefined ? 'cluster' : 'namespaces',
    shard,
    labelsOf: (namespace) => namespaces.store.get(namespace)?.labels,
    isEnding: (namespace) => namespaces.store.get(namespace)?.terminating,
    now: () => transport.now() ?? clock.wall(),
    leases: {
      ...customResource(() => types.leases, { store: leases.store, selected: { shard } }, readLease),
      inNamespace: (namespace) => leases.store.byIndex('byNamespace', namespace),
      usersOf: (connection) => usersOf(leases.store, connection),
      ofDynamicSecret: (key) => leases.store.byIndex('byDynamicSecret', key),
      ofSecret: (key) => leases.store.byIndex('bySecret', key),
    },
    connections: {
      ...customResource(
        (key) => (isNamespaced(key) ? types.connections : types.clusterConnections),
        { store: allConnections, selected: 'all' },
        connectionRecord,
      ),
      inNamespace: (namespace) => allConnections.byIndex('byNamespace', namespace),
    },
    dynamicSecrets: {
      ...customResource(
        () => types.dynamicSecrets,
        { store: dynamicSecrets.store, selected: { shard } },
        dynamicSecretRecord,
      ),
      inNamespace: (namespace) => dynamicSecrets.store.byIndex('byNamespace', namespace),
      usersOf: (connection) => usersOf(dynamicSecrets.store, connection),
      holdersOf: (host, target) => dynamicSecrets.store.byIndex('byPlace', placeKey(host, target)),
    },
    secrets: secrets.resource,
    workloads: workloads(transport, mayWrite),
    pods,
    ...referents(transport, resource(transport, secretType)),
    synced: async () => {
      await Promise.all(reflectors.map(([, reflector]) => reflector.synced()));
    },
    waitingFor: () => reflectors.filter(([, reflector]) => !reflector.hasSynced).map(([name]) => name),
    ended: Promise.all([...reflectors.map(([, reflector]) => reflector.ended), pods?.ended]),
  };
}

/** Whether a key is that of an object in a namespace. */
function isNamespaced(key: string): boolean {
  return namespaceOf(key) !== '';
}
