import type { ConnectionIdentity } from '../../api/lease.ts';
import type { Cluster, ConnectionRecord, LeaseRecord } from '../ports.ts';
import { connectionKey } from './key.ts';
import { hostOf } from './links.ts';

/** As much of the cluster as the use of a connection depends on. */
export interface UseView {
  readonly leases: Pick<Cluster['leases'], 'inNamespace' | 'usersOf'>;
  readonly connections: Pick<Cluster['connections'], 'inNamespace'>;
}

/**
 * Whether something still needs a connection: an object that names it, or a lease of an object that nothing else
 * can revoke as well.
 */
export function isInUse(connection: ConnectionRecord, { leases, connections }: UseView): boolean {
  if (connection.kind === 'ClusterInfisicalConnection') return leases.usersOf(connection).some(isUser);
  const { namespace, key, uid } = connection;
  const others = connections.inNamespace(namespace);
  return leases.inNamespace(namespace).some((lease) => {
    if (!isUser(lease)) return false;
    if (namedBy(lease) === key) return true;
    return identitiesOf(lease).some(
      (identity) => identity.kind === connection.kind && keeperOf(identity, others)?.uid === uid,
    );
  });
}

/** How many objects use a connection. */
export function usersCount(connection: ConnectionRecord, { leases }: Pick<UseView, 'leases'>): number {
  return leases.usersOf(connection).filter(isUser).length;
}

/** Which connections an object may need, as text: while it is the same, no connection's use has changed by it. */
export function usesOf(lease: LeaseRecord | undefined): string {
  if (lease === undefined || !isUser(lease)) return '';
  const leased = identitiesOf(lease).map(({ uid, host }) => `${uid} ${host}`);
  return [namedBy(lease) ?? '', ...[...new Set(leased)].sort()].join('\n');
}

/** The names of the cluster connections that an object uses. */
export function clusterConnectionsOf(lease: LeaseRecord | undefined): readonly string[] {
  if (lease === undefined || !isUser(lease)) return [];
  const named = namedBy(lease) ?? '';
  const lenders = identitiesOf(lease).filter(({ kind }) => kind === 'ClusterInfisicalConnection');
  return [...new Set([...(named.includes('/') ? [] : [named]), ...lenders.map(({ name }) => name)])];
}

/** An object that is on its way without our finalizer has nothing left that could be revoked for it. */
function isUser({ hasFinalizer, deletedAt }: LeaseRecord): boolean {
  return hasFinalizer || deletedAt === undefined;
}

/** The key of the connection that an object names. */
function namedBy({ namespace, spec }: LeaseRecord): string | undefined {
  return spec.valid ? connectionKey(namespace, spec.value.connectionRef) : undefined;
}

/** Through which connections the leases were made that the status names. */
function identitiesOf({ status }: LeaseRecord): readonly ConnectionIdentity[] {
  return [status.lease, ...(status.retiring ?? [])].flatMap((ref) => ref?.connection ?? []);
}

/**
 * The one connection that is kept for a lease: of those to its server the lease's own, else the first by name; one that
 * is being deleted only where no other leads there.
 */
function keeperOf(
  { uid, host }: ConnectionIdentity,
  connections: readonly ConnectionRecord[],
): ConnectionRecord | undefined {
  const leading = connections.filter((one) => hostOf(one) === host);
  const staying = leading.filter((one) => one.deletedAt === undefined);
  const candidates = staying.length > 0 ? staying : leading;
  return (
    candidates.find((one) => one.uid === uid) ??
    candidates.toSorted((one, other) => (one.name < other.name ? -1 : 1))[0]
  );
}
