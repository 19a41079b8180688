import type { ConnectionIdentity, Target } from '../api/lease.ts';
import { placeTarget } from '../dynamic-secret/targets.ts';
import { objectKey } from '../kube/object-key.ts';
import type { Store } from '../kube/store.ts';
import { refName } from '../lease/target.ts';
import { connectionKey } from './connection/key.ts';
import type { ConnectionRecord, DynamicSecretRecord, LeaseRecord, SecretRecord } from './ports.ts';

/**
 * How leases are found from what they refer to: `byConnection` under the key of the connection that the spec names
 * itself, `byDynamicSecret` under the key of the DynamicSecret that it names, `byLender` under the uid of each connection
 * that the status's leases were made through, `bySecret` under the key of their Secret.
 */
export const leaseIndexes = {
  byNamespace: ({ namespace }: LeaseRecord): readonly string[] => [namespace],
  byConnection: (record: LeaseRecord): readonly string[] => namedConnections(record),
  byDynamicSecret: (record: LeaseRecord): readonly string[] => {
    const name = refName(record);
    return name === undefined ? [] : [objectKey(record.namespace, name)];
  },
  byLender: ({ status }: LeaseRecord): readonly string[] =>
    uids([status.lease, ...(status.retiring ?? [])].map((ref) => ref?.connection)),
  bySecret: (record: LeaseRecord): readonly string[] => [secretKey(record)],
};

export type LeaseIndex = keyof typeof leaseIndexes;

/** How Secrets are found from the uid of an object that owns them. */
export const secretIndexes = {
  byOwner: ({ owners }: SecretRecord): readonly string[] => owners,
};

/**
 * The same of DynamicSecrets: `byLender` under the connection that theirs was made, or is being made, through, `byPlace`
 * under where theirs is.
 */
export const dynamicSecretIndexes = {
  byNamespace: ({ namespace }: DynamicSecretRecord): readonly string[] => [namespace],
  byConnection: (record: DynamicSecretRecord): readonly string[] => namedConnections(record),
  byLender: ({ status }: DynamicSecretRecord): readonly string[] =>
    uids([status.place?.connection, status.intent?.connection]),
  byPlace: ({ status: { place } }: DynamicSecretRecord): readonly string[] =>
    place === undefined ? [] : [placeKey(place.connection.host, placeTarget(place))],
};

/** One dynamic secret of one server. */
export function placeKey(host: string, target: Target): string {
  const { projectSlug, environmentSlug, path, dynamicSecret } = target;
  return JSON.stringify([host, projectSlug, environmentSlug, path, dynamicSecret]);
}

export type DynamicSecretIndex = keyof typeof dynamicSecretIndexes;

/** Who names a connection, or has something on the server that was made through it; each once. */
export function usersOf<Record extends LeaseRecord | DynamicSecretRecord>(
  users: Pick<Store<Record, 'byConnection' | 'byLender'>, 'byIndex'>,
  { key, uid }: Pick<ConnectionRecord, 'key' | 'uid'>,
): readonly Record[] {
  return [...new Set([...users.byIndex('byConnection', key), ...users.byIndex('byLender', uid)])];
}

function namedConnections({
  namespace,
  spec,
}:
  | Pick<LeaseRecord, 'namespace' | 'spec'>
  | Pick<DynamicSecretRecord, 'namespace' | 'spec'>): readonly string[] {
  const named = spec.valid ? spec.value.connectionRef : undefined;
  return named === undefined ? [] : [connectionKey(namespace, named)];
}

/**
 * The leases that are asked for by a connection, by its key: because their spec names it, or their DynamicSecret does, or
 * has been made through it.
 */
export function leasesThrough(
  stores: {
    readonly leases: Pick<Store<LeaseRecord, 'byConnection' | 'byDynamicSecret'>, 'byIndex'>;
    readonly dynamicSecrets: Pick<Store<DynamicSecretRecord, DynamicSecretIndex>, 'byIndex'>;
  },
  connection: Pick<ConnectionRecord, 'key' | 'uid'>,
): readonly LeaseRecord[] {
  const declared = usersOf(stores.dynamicSecrets, connection);
  const referring = declared.flatMap(({ key }) => stores.leases.byIndex('byDynamicSecret', key));
  return [...new Set([...stores.leases.byIndex('byConnection', connection.key), ...referring])];
}

function uids(connections: readonly (ConnectionIdentity | undefined)[]): readonly string[] {
  return [...new Set(connections.flatMap((connection) => connection?.uid ?? []))];
}

function secretKey({ namespace, name, spec }: LeaseRecord): string {
  return objectKey(namespace, (spec.valid ? spec.value.secret?.name : undefined) ?? name);
}
