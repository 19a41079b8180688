import { objectKey } from '../kube/object-key.ts';
import { isNotFound, KubeError } from '../kube/kube-error.ts';
import { resource, type ResourceType } from '../kube/resource.ts';
import { listPages, snapshot } from '../kube/snapshot.ts';
import type { Transport } from '../kube/transport.ts';
import {
  clusterConnectionType,
  connectionType,
  dynamicSecretType,
  leaseType,
  namespaceType,
} from '../reconcile/cluster.ts';
import type { Seen } from '../reconcile/connection/admission.ts';
import type {
  ConnectionRecord,
  DynamicSecretRecord,
  LeaseRecord,
  NamespaceRecord,
} from '../reconcile/ports.ts';
import { connectionRecord, dynamicSecretRecord, leaseRecord, namespaceRecord } from '../reconcile/records.ts';
import type { Subject } from './command.ts';

/** What is around a connection, read once. */
export interface Surrounding {
  readonly leases: readonly LeaseRecord[];
  readonly dynamicSecrets: readonly DynamicSecretRecord[];
  readonly connections: readonly ConnectionRecord[];
  readonly namespaces: readonly NamespaceRecord[];
}

/** @returns undefined where it does not exist. @throws KubeError */
export async function readConnection(
  transport: Transport,
  { kind, namespace, name }: Subject,
): Promise<ConnectionRecord | undefined> {
  const type = kind === 'InfisicalConnection' ? connectionType : clusterConnectionType;
  try {
    return connectionRecord(await resource(transport, type).get({ namespace, name }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Reads what may use a connection: what is in its namespace, and for one of the cluster what is in the namespaces that are
 * looked after.
 *
 * @param watched undefined: all.
 * @throws KubeError
 */
export async function readSurrounding(
  transport: Transport,
  { kind, namespace }: Subject,
  watched: readonly string[] | undefined,
): Promise<Surrounding> {
  const ofCluster = kind === 'ClusterInfisicalConnection';
  const scopes = ofCluster ? (watched ?? [undefined]) : [namespace];
  const all = async <R>(type: ResourceType, read: (raw: unknown) => R): Promise<readonly R[]> =>
    (await Promise.all(scopes.map((scope) => readAll(transport, type, { read, scope })))).flat();
  const [leases, dynamicSecrets, connections, clusterConnections, namespaces] = await Promise.all([
    all(leaseType, (raw) => leaseRecord(raw)),
    all(dynamicSecretType, dynamicSecretRecord),
    all(connectionType, connectionRecord),
    watched === undefined ? readAll(transport, clusterConnectionType, { read: connectionRecord }) : [],
    ofCluster && watched === undefined
      ? readAll(transport, namespaceType, { read: namespaceRecord, metadataOnly: true })
      : [],
  ]);
  return { leases, dynamicSecrets, connections: [...connections, ...clusterConnections], namespaces };
}

async function readAll<R>(
  transport: Transport,
  type: ResourceType,
  {
    read,
    scope,
    metadataOnly,
  }: {
    readonly read: (raw: unknown) => R;
    readonly scope?: string | undefined;
    readonly metadataOnly?: boolean;
  },
): Promise<readonly R[]> {
  const listed = snapshot<R>((_id, raw) => read(raw));
  await listPages(resource(transport, type), { namespace: scope, metadataOnly }, listed);
  return [...listed.records];
}

/** What was read, as admissions look at it. */
export function viewOf(
  { connections, dynamicSecrets, namespaces }: Surrounding,
  scope: 'cluster' | 'namespaces',
): Seen {
  const labels = new Map(namespaces.map((one) => [one.key, one.labels]));
  return {
    scope,
    connections: keyed(connections),
    dynamicSecrets: keyed(dynamicSecrets),
    labelsOf: (namespace) => labels.get(namespace),
  };
}

function keyed<R extends { readonly key: string }>(records: readonly R[]): ReadonlyMap<string, R> {
  return new Map(records.map((record) => [record.key, record]));
}

/** Whether a refusal is for want of a right, which is told by name elsewhere. */
export function isForbidden(error: unknown): boolean {
  return error instanceof KubeError && error.status === 403;
}

/** The key of the connection that is checked. */
export function keyOf({ namespace, name }: Subject): string {
  return objectKey(namespace, name);
}
