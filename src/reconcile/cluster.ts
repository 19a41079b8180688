import { z } from 'zod';

import { keyed } from '../api/keyed.ts';
import { GROUP, MANAGED_LABEL, MANAGED_VALUE, VERSION } from '../api/names.ts';
import type { Clock } from '../clock.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { startReflector, type Reflector } from '../kube/reflector.ts';
import { resource, type KubeResource, type ResourceType } from '../kube/resource.ts';
import type { Store, StoreRecord } from '../kube/store.ts';
import type { Transport } from '../kube/transport.ts';
import { digestOf } from '../secret/render.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import type {
  Cluster,
  ConnectionRecord,
  Identified,
  LeaseRecord,
  Resource,
  SecretRecord,
  SecretResource,
} from './ports.ts';
import { connectionRecord, leaseRecord, secretRecord } from './records.ts';

/** How the kinds that refer to others are found from what they refer to. */
export interface WatchedStores {
  /** `byConnection` finds leases under namespace/name of their connection, `bySecret` under that of their Secret. */
  readonly leases: Store<LeaseRecord, 'byNamespace' | 'byConnection' | 'bySecret'>;
  readonly connections: Store<ConnectionRecord, 'byNamespace'>;
  readonly secrets: Store<SecretRecord>;
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

/** How leases are found from what they refer to; see {@link WatchedStores}. */
export const leaseIndexes = {
  byNamespace: ({ namespace }: LeaseRecord): readonly string[] => [namespace],
  byConnection: (record: LeaseRecord): readonly string[] => connectionKeys(record),
  bySecret: (record: LeaseRecord): readonly string[] => [secretKey(record)],
};

/** The kinds that are watched, by their plural names. */
export const watchedResources = ['dynamicsecretleases', 'infisicalconnections', 'secrets'] as const;

const own = { group: GROUP, version: VERSION, namespaced: true };

/** Selects the Secrets that the operator writes. */
export const ownSecrets = `${MANAGED_LABEL}=${MANAGED_VALUE}`;

/** The kinds, as the API's paths name them. */
export const leaseType: ResourceType = { ...own, plural: 'dynamicsecretleases' };
export const connectionType: ResourceType = { ...own, plural: 'infisicalconnections' };
export const secretType: ResourceType = { group: '', version: 'v1', plural: 'secrets', namespaced: true };

/** Starts the watches of everything that leases depend on. */
export function watchCluster(options: ClusterOptions): WatchedCluster {
  const { transport, clock, mayWrite } = options;
  const types = {
    leases: resource(transport, leaseType, mayWrite),
    connections: resource(transport, connectionType, mayWrite),
    secrets: resource(transport, secretType, mayWrite),
  };
  const leases = startReflector({
    ...options,
    resource: types.leases,
    project: leaseRecord,
    indexes: leaseIndexes,
  });
  const connections = startReflector({
    ...options,
    resource: types.connections,
    project: connectionRecord,
    indexes: { byNamespace: (record) => [record.namespace] },
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
    ['secrets', secrets],
  ];
  return {
    stores: { leases: leases.store, connections: connections.store, secrets: secrets.store },
    now: () => transport.now() ?? clock.wall(),
    leases: {
      ...customResource(types.leases, leases.store, leaseRecord),
      inNamespace: (namespace) => leases.store.byIndex('byNamespace', namespace),
    },
    connections: {
      ...customResource(types.connections, connections.store, connectionRecord),
      inNamespace: (namespace) => connections.store.byIndex('byNamespace', namespace),
    },
    secrets: secretResource(types.secrets, secrets.store),
    readCredential: (namespace, source) => readCredential(types.secrets, namespace, source.secretKeyRef),
    synced: async () => {
      await Promise.all(reflectors.map(([, reflector]) => reflector.synced()));
    },
    waitingFor: () => reflectors.filter(([, reflector]) => !reflector.hasSynced).map(([name]) => name),
    ended: Promise.all(reflectors.map(([, reflector]) => reflector.ended)),
  };
}

function connectionKeys({ namespace, spec }: LeaseRecord): readonly string[] {
  return spec.valid ? [`${namespace}/${spec.value.connectionRef.name}`] : [];
}

function secretKey({ namespace, name, spec }: LeaseRecord): string {
  return `${namespace}/${(spec.valid ? spec.value.secret?.name : undefined) ?? name}`;
}

interface Name {
  readonly namespace: string;
  readonly name: string;
}

function nameOf(key: string): Name {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** An object that no longer exists is undefined; every other failure stays one. */
async function found(reading: Promise<unknown>): Promise<unknown> {
  try {
    return await reading;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function customResource<Record extends Identified>(
  type: KubeResource,
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
      const raw = await found(type.get(nameOf(key)));
      const known = store.get(key);
      if (raw !== undefined) return observed(raw);
      if (known !== undefined) store.observeDeleted(key, known.uid);
      return undefined;
    },
    patch: async (key, body) => observed(await type.mergePatch(nameOf(key), body)),
    patchStatus: async (key, body) =>
      observed(await type.mergePatch(nameOf(key), body, { subresource: 'status' })),
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

const secretData = z.object({ data: keyed(z.string()).optional() });

function dataOf(raw: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(secretData.parse(raw).data ?? {});
  return new Map(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}

async function readCredential(
  type: KubeResource,
  namespace: string,
  { name, key }: { readonly name: string; readonly key: string },
): Promise<string | undefined> {
  const raw = await found(type.get({ namespace, name }));
  if (raw === undefined) return undefined;
  const encoded = secretData.parse(raw).data;
  const value = encoded !== undefined && Object.hasOwn(encoded, key) ? encoded[key] : undefined;
  const text = value === undefined ? '' : Buffer.from(value, 'base64').toString('utf8');
  return text.trim() === '' ? undefined : text;
}
