import { z } from 'zod';

import { GROUP, MANAGED_LABEL, MANAGED_VALUE, VERSION } from '../api/names.ts';
import type { Clock } from '../clock.ts';
import { found } from '../kube/kube-error.ts';
import { nameOf as nameIn, namespaceOf } from '../kube/object-key.ts';
import { startReflector, type Reflector } from '../kube/reflector.ts';
import { resource, type KubeResource, type ResourceType } from '../kube/resource.ts';
import type { Store, StoreRecord } from '../kube/store.ts';
import { storeUnion } from '../kube/store-union.ts';
import type { Transport } from '../kube/transport.ts';
import { digestOf } from '../secret/render.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import type {
  Cluster,
  ConnectionRecord,
  Identified,
  LeaseRecord,
  NamespaceRecord,
  Resource,
  SecretRecord,
  SecretResource,
} from './ports.ts';
import { connectionKey } from './connection/key.ts';
import { connectionRecord, leaseRecord, namespaceRecord, objectData, secretRecord } from './records.ts';
import { referents } from './referents.ts';

/** How the kinds that refer to others are found from what they refer to. */
export interface WatchedStores {
  readonly leases: Store<LeaseRecord, LeaseIndex>;
  /** Of both kinds; those of the cluster are in the empty namespace. */
  readonly connections: Store<ConnectionRecord, 'byNamespace'>;
  readonly secrets: Store<SecretRecord>;
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
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  /** Whether this process leads: asked right before each write is sent. Default: yes. */
  readonly mayWrite?: () => boolean;
}

/**
 * How leases are found from what they refer to: `byConnection` under the key of the connection that the spec names,
 * `byLender` under the uid of each connection that the status's leases were made through, `bySecret` under the key of
 * their Secret.
 */
export const leaseIndexes = {
  byNamespace: ({ namespace }: LeaseRecord): readonly string[] => [namespace],
  byConnection: (record: LeaseRecord): readonly string[] => connectionKeys(record),
  byLender: (record: LeaseRecord): readonly string[] => lendersOf(record),
  bySecret: (record: LeaseRecord): readonly string[] => [secretKey(record)],
};

export type LeaseIndex = keyof typeof leaseIndexes;

/** The kinds that are watched, by their plural names. */
export const watchedResources = [
  'dynamicsecretleases',
  'infisicalconnections',
  'clusterinfisicalconnections',
  'namespaces',
  'secrets',
  // Only those that connections name, where the rights allow it.
  'configmaps',
] as const;

const own = { group: GROUP, version: VERSION, namespaced: true };

/** Selects the Secrets that the operator writes. */
export const ownSecrets = `${MANAGED_LABEL}=${MANAGED_VALUE}`;

/** The kinds, as the API's paths name them. */
export const leaseType: ResourceType = { ...own, plural: 'dynamicsecretleases' };
export const connectionType: ResourceType = { ...own, plural: 'infisicalconnections' };
export const clusterConnectionType: ResourceType = {
  ...own,
  plural: 'clusterinfisicalconnections',
  namespaced: false,
};
const namespaceType: ResourceType = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };
export const secretType: ResourceType = { group: '', version: 'v1', plural: 'secrets', namespaced: true };

/** Starts the watches of everything that leases depend on. */
export function watchCluster(options: ClusterOptions): WatchedCluster {
  const { transport, clock, mayWrite } = options;
  const types = {
    leases: resource(transport, leaseType, mayWrite),
    connections: resource(transport, connectionType, mayWrite),
    clusterConnections: resource(transport, clusterConnectionType, mayWrite),
    namespaces: resource(transport, namespaceType, mayWrite),
    secrets: resource(transport, secretType, mayWrite),
  };
  const leases = startReflector({
    ...options,
    resource: types.leases,
    project: leaseRecord,
    indexes: leaseIndexes,
  });
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
  const namespaces = startReflector({
    ...everywhere,
    resource: types.namespaces,
    project: namespaceRecord,
    indexes: {},
    metadataOnly: true,
  });
  // Metadata alone, and only of Secrets that carry our label: credentials are written, never read back.
  const secrets = startReflector({
    ...options,
    resource: types.secrets,
    project: secretRecord,
    indexes: {},
    labelSelector: ownSecrets,
    metadataOnly: true,
  });
  const reflectors: readonly (readonly [
    string,
    Pick<Reflector<StoreRecord>, 'hasSynced' | 'synced' | 'ended'>,
  ])[] = [
    ['dynamicsecretleases', leases],
    ['infisicalconnections', connections],
    ['clusterinfisicalconnections', clusterConnections],
    ['namespaces', namespaces],
    ['secrets', secrets],
  ];
  const allConnections = storeUnion(connections.store, clusterConnections.store, isNamespaced);
  return {
    stores: {
      leases: leases.store,
      connections: allConnections,
      secrets: secrets.store,
      namespaces: namespaces.store,
    },
    scope: options.namespaces === undefined ? 'cluster' : 'namespaces',
    labelsOf: (namespace) => namespaces.store.get(namespace)?.labels,
    now: () => transport.now() ?? clock.wall(),
    leases: {
      ...customResource(() => types.leases, leases.store, leaseRecord),
      inNamespace: (namespace) => leases.store.byIndex('byNamespace', namespace),
      usersOf: (connection) => usersOf(leases.store, connection),
    },
    connections: {
      ...customResource(
        (key) => (isNamespaced(key) ? types.connections : types.clusterConnections),
        allConnections,
        connectionRecord,
      ),
      inNamespace: (namespace) => allConnections.byIndex('byNamespace', namespace),
    },
    secrets: secretResource(types.secrets, secrets.store),
    ...referents(transport, types.secrets),
    synced: async () => {
      await Promise.all(reflectors.map(([, reflector]) => reflector.synced()));
    },
    waitingFor: () => reflectors.filter(([, reflector]) => !reflector.hasSynced).map(([name]) => name),
    ended: Promise.all(reflectors.map(([, reflector]) => reflector.ended)),
  };
}

/** Whether a key is that of an object in a namespace. */
function isNamespaced(key: string): boolean {
  return namespaceOf(key) !== '';
}

function connectionKeys({ namespace, spec }: LeaseRecord): readonly string[] {
  return spec.valid ? [connectionKey(namespace, spec.value.connectionRef)] : [];
}

function lendersOf({ status }: LeaseRecord): readonly string[] {
  return [...new Set([status.lease, ...(status.retiring ?? [])].flatMap((ref) => ref?.connection.uid ?? []))];
}

/** See {@link LeaseResource.usersOf}. */
export function usersOf(
  leases: Store<LeaseRecord, LeaseIndex>,
  { key, uid }: Pick<ConnectionRecord, 'key' | 'uid'>,
): readonly LeaseRecord[] {
  return [...new Set([...leases.byIndex('byConnection', key), ...leases.byIndex('byLender', uid)])];
}

function secretKey({ namespace, name, spec }: LeaseRecord): string {
  return `${namespace}/${(spec.valid ? spec.value.secret?.name : undefined) ?? name}`;
}

interface Name {
  readonly namespace: string;
  readonly name: string;
}

function nameOf(key: string): Name {
  return { namespace: namespaceOf(key), name: nameIn(key) };
}

function customResource<Record extends Identified>(
  typeOf: (key: string) => KubeResource,
  store: Store<Record>,
  read: (raw: unknown) => Record,
): Omit<Resource<Record>, 'inNamespace'> {
  const observed = (raw: unknown): Record => {
    const record = read(raw);
    store.observe(record);
    return record;
  };
  return {
    get: (key) => store.get(key),
    async look(key) {
      const raw = await found(typeOf(key).get(nameOf(key)));
      const known = store.get(key);
      if (raw !== undefined) return observed(raw);
      if (known !== undefined) store.observeDeleted(key, known.uid);
      return undefined;
    },
    patch: async (key, body) => observed(await typeOf(key).mergePatch(nameOf(key), body)),
    patchStatus: async (key, body) =>
      observed(await typeOf(key).mergePatch(nameOf(key), body, { subresource: 'status' })),
  };
}

function secretResource(type: KubeResource, store: Store<SecretRecord>): SecretResource {
  // The store is that of a watch with a selector: what does not carry the label is not its business.
  const observed = (raw: unknown, dryRun = false): SecretRecord => {
    const record = secretRecord(raw);
    if (!dryRun && record.labels[MANAGED_LABEL] === MANAGED_VALUE) store.observe(record);
    return record;
  };
  return {
    get: (key) => store.get(key),
    async look(key) {
      const raw = await found(type.get(nameOf(key), { metadataOnly: true }));
      const known = store.get(key);
      const record = raw === undefined ? undefined : observed(raw);
      // Another may have taken its name, and be none that is kept here.
      if (known !== undefined && known.uid !== record?.uid) store.observeDeleted(key, known.uid);
      return record;
    },
    async inspect(key) {
      const raw = await found(type.get(nameOf(key)));
      const known = store.get(key);
      if (raw === undefined) {
        if (known !== undefined) store.observeDeleted(key, known.uid);
        return undefined;
      }
      return { secret: observed(raw), digest: digestOf(dataOf(raw)) };
    },
    create: async (key, body, options = {}) =>
      observed(
        await type.create(nameOf(key).namespace, body, { ...options, metadataOnly: true }),
        options.dryRun,
      ),
    change: async (key, operations, options = {}) =>
      observed(
        await type.jsonPatch(nameOf(key), operations, { ...options, metadataOnly: true }),
        options.dryRun,
      ),
    async delete(key, expected) {
      const raw = await found(type.delete(nameOf(key), expected, { metadataOnly: true }));
      // An object in place of a Status: it is marked, and still there.
      if (isObjectMetadata(raw)) observed(raw);
      else store.observeDeleted(key, expected.uid);
    },
  };
}

const objectAnswer = z.object({ metadata: z.object({ uid: z.string() }) });

function isObjectMetadata(raw: unknown): boolean {
  return objectAnswer.safeParse(raw).success;
}

function dataOf(raw: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(objectData.parse(raw).data ?? {});
  return new Map(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}
