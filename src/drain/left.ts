import type { ConnectionKind } from '../api/lease.ts';
import type { DynamicSecretRecord, LeaseRecord, SecretRecord } from '../reconcile/ports.ts';

/** An object that a drain waits for. */
export interface Left {
  readonly kind: 'DynamicSecretLease' | 'DynamicSecret' | ConnectionKind | 'Secret';
  /** namespace/name; of a cluster connection its name */
  readonly key: string;
  /** Why it is still there: a sentence. */
  readonly why: string;
}

/** What there is in the scope of a drain. */
export interface Scope {
  readonly leases: Iterable<LeaseRecord>;
  readonly dynamicSecrets: Iterable<DynamicSecretRecord>;
  /** Keys of the connections that carry our finalizer. */
  readonly heldConnections: Iterable<string>;
  /** Secrets that carry our label. */
  readonly secrets: Iterable<SecretRecord>;
  /** Why a deletion could not be asked for, by the key of the object behind its kind. */
  readonly refusals: ReadonlyMap<string, string>;
}

/** Everything that must be gone before the operator may be taken away, with the reason why it is not. */
export function whatIsLeft(scope: Scope): readonly Left[] {
  const { leases, dynamicSecrets, heldConnections, secrets, refusals } = scope;
  const all = [...leases];
  const owners = new Map(all.map((lease) => [lease.uid, lease.key]));
  return [
    ...all.map((lease): Left => ({
      kind: 'DynamicSecretLease',
      key: lease.key,
      why: leaseWhy(lease, refusals),
    })),
    ...[...dynamicSecrets].map((declared): Left => ({
      kind: 'DynamicSecret',
      key: declared.key,
      why: dynamicSecretWhy(declared, { refusals, leases: all.length }),
    })),
    ...[...heldConnections].map((key): Left => ({
      kind: key.includes('/') ? 'InfisicalConnection' : 'ClusterInfisicalConnection',
      key,
      why: 'Leases still need it to be revoked, or dynamic secrets to be removed.',
    })),
    ...[...secrets].map((secret): Left => ({
      kind: 'Secret',
      key: secret.key,
      why: secretWhy(secret, owners),
    })),
  ];
}

function leaseWhy(
  { key, deletedAt, hasFinalizer, status }: LeaseRecord,
  refusals: ReadonlyMap<string, string>,
): string {
  const refusal = refusals.get(`DynamicSecretLease ${key}`);
  if (refusal !== undefined) return refusal;
  if (deletedAt === undefined) return 'Its deletion has not been seen yet.';
  if (!hasFinalizer) return 'A finalizer of another program keeps it.';
  const underWay = status.conditions?.find(({ type }) => type === 'Reconciling');
  return underWay?.status === 'True' ? underWay.message : 'Its leases are being revoked.';
}

function dynamicSecretWhy(
  { key, deletedAt, hasFinalizer, status }: DynamicSecretRecord,
  { refusals, leases }: { readonly refusals: Scope['refusals']; readonly leases: number },
): string {
  const refusal = refusals.get(`DynamicSecret ${key}`);
  if (refusal !== undefined) return refusal;
  if (deletedAt === undefined)
    return leases > 0 ? 'DynamicSecretLeases go first.' : 'Its deletion has not been seen yet.';
  if (!hasFinalizer) return 'A finalizer of another program keeps it.';
  const underWay = status.conditions?.find(({ type }) => type === 'Reconciling');
  return underWay?.status === 'True' ? underWay.message : 'It is being removed from the server.';
}

function secretWhy({ owners, terminating }: SecretRecord, leases: ReadonlyMap<string, string>): string {
  if (terminating) return 'A finalizer of another program keeps it.';
  const owner = owners.map((uid) => leases.get(uid)).find((key) => key !== undefined);
  return owner === undefined
    ? 'No DynamicSecretLease fills it any more. Delete it when nobody reads it.'
    : `DynamicSecretLease ${owner} goes first.`;
}
