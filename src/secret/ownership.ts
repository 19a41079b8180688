import { MANAGED_LABEL, MANAGED_VALUE, RECORD_ANNOTATION } from '../api/names.ts';
import { parseRecord, type SecretRecord } from '../api/record.ts';

/** A Secret's metadata as a look at it gives it. */
export interface SecretMetadata {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The uids of the objects that own it, in the order of its owner references. */
  readonly owners: readonly string[];
  /** The uid of the one that controls it: Kubernetes lets only one. */
  readonly controller: string | undefined;
}

/**
 * Whether a Secret is the object's own: it names the object's uid as its owner, which only the operator's own write
 * (or a tenant, to nobody's harm but his own) puts there.
 */
export function isOwnedBy(secret: SecretMetadata, uid: string): boolean {
  return secret.owners.includes(uid);
}

/** The record that a Secret carries, where it is readable. */
export function recordOf(secret: SecretMetadata): SecretRecord | undefined {
  if (!readRecords.has(secret)) readRecords.set(secret, parseRecord(secret.annotations[RECORD_ANNOTATION]));
  return readRecords.get(secret);
}

/** Each look at a Secret that stays as it is asks for the same record; what was seen of one never changes. */
const readRecords = new WeakMap<SecretMetadata, SecretRecord | undefined>();

/** What a conflict with a Secret of ours turns out to be, once its metadata was looked at. */
export type ConflictVerdict =
  /** Our own write had arrived: the lease in hand is delivered. */
  | 'delivered'
  /**
   * It is ours and still names the lease that is to be replaced, or none, or a tenant has had his hand on it: write
   * again, on this version.
   */
  | 'retry'
  /** It is ours and names a lease that this process does not know: another writer was faster. */
  | 'overtaken';

/**
 * Judges a conflict with a Secret that is ours.
 *
 * @param inHand id of the lease that was to be written.
 * @param expected ids of the leases that this object is known to have had.
 */
export function judgeConflict(
  secret: SecretMetadata,
  inHand: string,
  expected: ReadonlySet<string>,
): ConflictVerdict {
  const named = recordOf(secret)?.lease.id;
  if (named === inHand) return 'delivered';
  // Each write of the operator puts its label there: without it, the last hand was not the operator's.
  if (secret.labels[MANAGED_LABEL] !== MANAGED_VALUE) return 'retry';
  return named === undefined || expected.has(named) ? 'retry' : 'overtaken';
}
