import type { ConnectionIdentity } from '../../api/lease.ts';
import type { Cluster, ConnectionRecord, DynamicSecretRecord, LeaseRecord } from '../ports.ts';
import { connectionKey } from './key.ts';
import { hostOf } from './links.ts';

/** As much of the cluster as the use of a connection depends on. */
export interface UseView {
  readonly leases: Pick<Cluster['leases'], 'inNamespace' | 'usersOf'>;
  readonly dynamicSecrets: Pick<Cluster['dynamicSecrets'], 'inNamespace' | 'usersOf'>;
  readonly connections: Pick<Cluster['connections'], 'inNamespace'>;
}

/** What uses connections: a lease object, or one that declares a dynamic secret. */
type User = LeaseRecord | DynamicSecretRecord;

/**
 * Whether something still needs a connection: an object that names it, or one with something on the server that nothing
 * else can revoke or remove as well.
 */
export function isInUse(connection: ConnectionRecord, view: UseView): boolean {
  const { leases, dynamicSecrets, connections } = view;
  if (connection.kind === 'ClusterInfisicalConnection') return usersCount(connection, view) > 0;
  const { namespace, key, uid } = connection;
  const others = connections.inNamespace(namespace);
  const needs = (user: User): boolean => {
    if (!isUser(user)) return false;
    if (namedBy(user) === key) return true;
    return identitiesOf(user).some(
      (identity) => identity.kind === connection.kind && keeperOf(identity, others)?.uid === uid,
    );
  };
  return leases.inNamespace(namespace).some(needs) || dynamicSecrets.inNamespace(namespace).some(needs);
}

/** How many objects use a connection. */
export function usersCount(
  connection: ConnectionRecord,
  { leases, dynamicSecrets }: Pick<UseView, 'leases' | 'dynamicSecrets'>,
): number {
  return (
    leases.usersOf(connection).filter(isUser).length +
    dynamicSecrets.usersOf(connection).filter(isUser).length
  );
}

/** Which connections an object may need, as text: while it is the same, no connection's use has changed by it. */
export function usesOf(user: User | undefined): string {
  if (user === undefined || !isUser(user)) return '';
  const leased = identitiesOf(user).map(({ uid, host }) => `${uid} ${host}`);
  return [namedBy(user) ?? '', ...[...new Set(leased)].sort()].join('\n');
}

/** The names of the cluster connections that an object uses. */
export function clusterConnectionsOf(user: User | undefined): readonly string[] {
  if (user === undefined || !isUser(user)) return [];
  const named = namedBy(user) ?? '';
  const lenders = identitiesOf(user).filter(({ kind }) => kind === 'ClusterInfisicalConnection');
  return [...new Set([...(named.includes('/') ? [] : [named]), ...lenders.map(({ name }) => name)])];
}

/** An object that is on its way without our finalizer has nothing left that could be revoked for it. */
export function isUser({ hasFinalizer, deletedAt }: Pick<User, 'hasFinalizer' | 'deletedAt'>): boolean {
  return hasFinalizer || deletedAt === undefined;
}

/** The key of the connection that an object names. That of a DynamicSecret is kept by the DynamicSecret itself. */
function namedBy({ namespace, spec }: User): string | undefined {
  const named = spec.valid ? spec.value.connectionRef : undefined;
  return named && connectionKey(namespace, named);
}

interface Lent {
  readonly connection: ConnectionIdentity;
}

interface Lending {
  readonly lease?: Lent | undefined;
  readonly retiring?: readonly Lent[] | undefined;
  readonly place?: Lent | undefined;
  readonly intent?: Lent | undefined;
}

/** Through which connections that was made, or is being made, which the status names. */
function identitiesOf({ status }: User): readonly ConnectionIdentity[] {
  const { lease, retiring = [], place, intent }: Lending = status;
  return [lease, ...retiring, place, intent].flatMap((one) => one?.connection ?? []);
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
