import type { ConnectionIdentity } from '../../api/lease.ts';
import type { ConnectionRecord, LeaseRecord } from '../ports.ts';
import { hostOf } from './links.ts';

/**
 * Whether something still needs a connection: an object that names it, or a lease of an object that nothing else
 * of the namespace can revoke as well.
 *
 * @param leases all of the namespace.
 * @param connections all of the namespace, this one among them.
 */
export function isInUse(
  connection: ConnectionRecord,
  leases: readonly LeaseRecord[],
  connections: readonly ConnectionRecord[],
): boolean {
  return leases.filter(isUser).some((lease) => {
    if (namedBy(lease) === connection.name) return true;
    return identitiesOf(lease).some((identity) => keeperOf(identity, connections)?.uid === connection.uid);
  });
}

/** Which connections an object may need, as text: while it is the same, no connection's use has changed by it. */
export function usesOf(lease: LeaseRecord | undefined): string {
  if (lease === undefined || !isUser(lease)) return '';
  const leased = identitiesOf(lease).map(({ uid, host }) => `${uid} ${host}`);
  return [namedBy(lease) ?? '', ...[...new Set(leased)].sort()].join('\n');
}

/** An object that is on its way without our finalizer has nothing left that could be revoked for it. */
function isUser({ hasFinalizer, deletedAt }: LeaseRecord): boolean {
  return hasFinalizer || deletedAt === undefined;
}

function namedBy({ spec }: LeaseRecord): string | undefined {
  return spec.valid ? spec.value.connectionRef.name : undefined;
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
