import type { Shard } from '../../../../src/api/shard.ts';
import { isNotFound } from '../../../../src/kube/kube-error.ts';
import { nameOf, namespaceOf } from '../../../../src/kube/object-key.ts';
import { fedStore, type FedStore } from '../../../../src/kube/store.ts';
import type { WatchedCluster } from '../../../../src/reconcile/cluster.ts';
import {
  dynamicSecretIndexes,
  leaseIndexes,
  secretIndexes,
  placeKey,
  usersOf,
  type DynamicSecretIndex,
  type LeaseIndex,
} from '../../../../src/reconcile/indexes.ts';
import type {
  ConnectionRecord,
  DynamicSecretRecord,
  Identified,
  LeaseRecord,
  NamespaceRecord,
  Resource,
  SecretRecord,
  SecretResource,
  Sharded,
  WorkloadResource,
} from '../../../../src/reconcile/ports.ts';
import {
  connectionRecord,
  dynamicSecretRecord,
  hiddenSecret,
  leaseRecord,
  secretRecord,
} from '../../../../src/reconcile/records.ts';
import { isSelected, type Selected } from '../../../../src/reconcile/resources.ts';
import { isManaged } from '../../../../src/reconcile/secrets/resource.ts';
import { digestOf } from '../../../../src/secret/render.ts';
import { type ApiEvent, type ApiObject, type ApiServer, keyOf, type Kind } from './api-server.ts';
import type { CallName, Requests } from './wire.ts';

/** What a list shows: the objects as of one version. */
export type Listing = Pick<ApiServer, 'list' | 'version'>;

/** A cluster in which nothing runs. */
const noWorkloads: WorkloadResource = {
  look: () => Promise.resolve(undefined),
  list: () => Promise.resolve([]),
  annotate: () => Promise.reject(new Error('There is no workload.')),
};

/** A `Cluster` upon an {@link ApiServer}: what one process sees of it. */
export interface MemoryCluster extends WatchedCluster {
  readonly stores: {
    readonly leases: FedStore<LeaseRecord, LeaseIndex>;
    readonly connections: FedStore<ConnectionRecord, 'byNamespace'>;
    readonly dynamicSecrets: FedStore<DynamicSecretRecord, DynamicSecretIndex>;
    readonly secrets: FedStore<SecretRecord, 'byOwner'>;
    /** Fed by hand. */
    readonly namespaces: FedStore<NamespaceRecord>;
  };
  /** The watch tells of an event: later than the answer to the write that caused it. */
  hear(event: ApiEvent): void;
  /** The watch of a kind has lost its place and takes a whole list, asked for when the store said `since`. */
  relist(kind: Kind, listing: Listing, since: number): void;
}

/**
 * A cluster whose watches have just listed everything.
 *
 * @param listing what they were shown. Default: what is there.
 * @param shard whose objects they show. Default: those of none.
 */
export function memoryCluster(
  server: ApiServer,
  wire: Requests,
  now: () => number,
  listing: Listing = server,
  shard?: Shard,
): MemoryCluster {
  const own: Selected = { shard };
  const stores: MemoryCluster['stores'] = {
    leases: fedStore({ indexes: leaseIndexes }),
    connections: fedStore({
      indexes: { byNamespace: ({ namespace }: ConnectionRecord): readonly string[] => [namespace] },
    }),
    dynamicSecrets: fedStore({ indexes: dynamicSecretIndexes }),
    secrets: fedStore({ indexes: secretIndexes }),
    namespaces: fedStore({ indexes: {} }),
  };
  const readLease = (raw: unknown): LeaseRecord => leaseRecord(raw, (key) => stores.leases.get(key));
  const isOwn = (record: Sharded): boolean => isSelected(own, record);
  /** Takes an event: what the selector does not match is gone for the watch. */
  const take = <R extends Identified & Sharded>(store: FedStore<R>, record: R): void => {
    if (isOwn(record)) store.apply(record);
    else store.remove(record.key, record.uid, record.resourceVersion);
  };
  const relist = (kind: Kind, given: Listing, since: number): void => {
    const objects = given.list(kind);
    const common = { resourceVersion: given.version, since };
    if (kind === 'leases')
      stores.leases.replace('', { records: objects.map(readLease).filter(isOwn), ...common });
    else if (kind === 'connections')
      stores.connections.replace('', { records: objects.map(connectionRecord), ...common });
    else if (kind === 'dynamicSecrets')
      stores.dynamicSecrets.replace('', {
        records: objects.map(dynamicSecretRecord).filter(isOwn),
        ...common,
      });
    else
      stores.secrets.replace('', {
        records: objects.map(secretRecord).filter((one) => isManaged(one, shard)),
        ...common,
      });
  };
  for (const kind of kinds) relist(kind, listing, stores[kind].beginReplace());

  return {
    stores,
    now,
    synced: () => Promise.resolve(),
    waitingFor: () => [],
    ended: new Promise(() => undefined),
    relist,
    scope: 'cluster',
    shard,
    labelsOf: (namespace) => stores.namespaces.get(namespace)?.labels,
    isEnding: (namespace) => stores.namespaces.get(namespace)?.terminating,
    leases: {
      ...customResource({ server, wire, kind: 'leases', selected: own }, stores.leases, readLease),
      usersOf: (connection) => usersOf(stores.leases, connection),
      ofDynamicSecret: (key) => stores.leases.byIndex('byDynamicSecret', key),
      ofSecret: (key) => stores.leases.byIndex('bySecret', key),
    },
    connections: customResource(
      { server, wire, kind: 'connections', selected: 'all' },
      stores.connections,
      connectionRecord,
    ),
    dynamicSecrets: {
      ...customResource(
        { server, wire, kind: 'dynamicSecrets', selected: own },
        stores.dynamicSecrets,
        dynamicSecretRecord,
      ),
      usersOf: (connection) => usersOf(stores.dynamicSecrets, connection),
      holdersOf: (host, target) => stores.dynamicSecrets.byIndex('byPlace', placeKey(host, target)),
    },
    secrets: secretResource({ server, wire }, stores.secrets, shard),
    workloads: noWorkloads,
    pods: undefined,
    readCredential: async (namespace, { secretKeyRef: { name, key } }) => {
      const secret = await wire.call('get credential', () => server.find('secrets', `${namespace}/${name}`));
      const text = Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
      if (secret === undefined || text.trim() === '') return undefined;
      const { uid, resourceVersion } = secret.metadata;
      return { value: text, uid, resourceVersion };
    },
    readVersion: async (namespace, name) => {
      const secret = await found(
        wire.call('get secrets', () => server.get('secrets', `${namespace}/${name}`)),
      );
      if (secret === undefined) return undefined;
      const { uid, resourceVersion } = secret.metadata;
      return { uid, resourceVersion };
    },
    readConfigMap: () => Promise.resolve(undefined),
    requestToken: () => Promise.resolve(undefined),
    hear({ kind, type, object }) {
      const { uid, resourceVersion } = object.metadata;
      if (kind === 'leases' && type === 'written') take(stores.leases, readLease(object));
      else if (kind === 'connections' && type === 'written')
        stores.connections.apply(connectionRecord(object));
      else if (kind === 'dynamicSecrets' && type === 'written')
        take(stores.dynamicSecrets, dynamicSecretRecord(object));
      else if (type === 'written' && isManaged(secretRecord(object), shard))
        stores.secrets.apply(secretRecord(object));
      else stores[kind].remove(keyOf(object), uid, resourceVersion);
    },
  };
}

/** The side of a store that answers go to. */
type Seen<R extends Identified> = Pick<
  FedStore<R>,
  'get' | 'values' | 'observe' | 'observeDeleted' | 'observeLeft'
>;

const kinds: readonly Kind[] = ['leases', 'connections', 'dynamicSecrets', 'secrets'];

interface Source {
  readonly server: ApiServer;
  readonly wire: Requests;
  readonly kind: Exclude<Kind, 'secrets'>;
  readonly selected: Selected;
}

function customResource<R extends Identified & Sharded>(
  { server, wire, kind, selected }: Source,
  store: Seen<R> & Pick<FedStore<R, 'byNamespace'>, 'byIndex'>,
  project: (raw: unknown) => R,
): Resource<R> {
  const observed = (raw: unknown): R => {
    const record = project(raw);
    if (isSelected(selected, record)) store.observe(record);
    else store.observeLeft(record);
    return record;
  };
  return {
    get: (key) => store.get(key),
    inNamespace: (namespace) => store.byIndex('byNamespace', namespace),
    look: (key) => looked({ server, wire }, kind, key, store, observed),
    patch: async (key, body) =>
      observed(await wire.call(`patch ${kind}`, () => server.mergePatch(kind, key, body))),
    patchStatus: async (key, body) =>
      observed(await wire.call(`patch ${kind}/status`, () => server.mergePatch(kind, key, body, 'status'))),
  };
}

async function looked<R extends Identified>(
  { server, wire }: Omit<Source, 'kind' | 'selected'>,
  kind: Kind,
  key: string,
  store: Seen<R>,
  observed: (raw: unknown) => R,
): Promise<R | undefined> {
  const raw = await found(wire.call(`get ${kind}`, () => server.get(kind, key)));
  const known = store.get(key);
  const record = raw === undefined ? undefined : observed(raw);
  if (known !== undefined && known.uid !== record?.uid) store.observeDeleted(key, known.uid);
  return record;
}

async function found(asked: Promise<ApiObject | undefined>): Promise<ApiObject | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function secretResource(
  { server, wire }: Pick<Source, 'server' | 'wire'>,
  store: FedStore<SecretRecord, 'byOwner'>,
  shard: Shard,
): SecretResource {
  const observed = (raw: unknown, dryRun = false): SecretRecord => {
    const record = secretRecord(raw);
    if (dryRun) return record;
    if (isManaged(record, shard)) store.observe(record);
    else store.observeLeft(record);
    return record;
  };
  return {
    get: (key) => store.get(key),
    ownedBy: (uid) => store.byIndex('byOwner', uid),
    async look(key) {
      if (!server.hidden.has(key)) return looked({ server, wire }, 'secrets', key, store, observed);
      const hidden = await wire.call('get secrets', () => hiddenSecret(namespaceOf(key), nameOf(key)));
      const known = store.get(key);
      if (known !== undefined) store.observeDeleted(key, known.uid);
      return hidden;
    },
    async inspect(key) {
      const raw = await found(wire.call('read secrets', () => server.get('secrets', key)));
      const known = store.get(key);
      if (raw === undefined) {
        if (known !== undefined) store.observeDeleted(key, known.uid);
        return undefined;
      }
      const decoded = Object.entries(raw.data ?? {}).map(([name, value]): [string, string] => [
        name,
        Buffer.from(value, 'base64').toString(),
      ]);
      const secret = secretRecord(raw);
      if (isManaged(secret, shard)) store.observe(secret);
      return { secret, digest: digestOf(new Map(decoded)) };
    },
    create: async (_key, body, options = {}) =>
      observed(
        await wire.call(callOf('create', options.dryRun), () => server.create('secrets', body, options)),
        options.dryRun,
      ),
    async change(key, operations, options = {}) {
      const { dryRun } = options;
      const raw = await wire.call(callOf('patch', dryRun), () =>
        server.jsonPatch('secrets', key, operations, options),
      );
      return observed(raw, dryRun);
    },
    async delete(key, expected) {
      const kept = await found(wire.call('delete secrets', () => server.delete('secrets', key, expected)));
      if (kept !== undefined) observed(kept);
      else store.observeDeleted(key, expected.uid);
    },
  };
}

function callOf(verb: 'create' | 'patch', dryRun = false): CallName {
  return dryRun ? `${verb} secrets, dry` : `${verb} secrets`;
}
