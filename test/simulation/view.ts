import type { SecretRecord as CommitRecord } from '../../src/api/record.ts';
import { FINALIZER } from '../../src/api/names.ts';
import type { LeaseRecord } from '../../src/reconcile/ports.ts';
import { leaseRecord, secretRecord } from '../../src/reconcile/records.ts';
import { recordOf } from '../../src/secret/ownership.ts';
import type { ApiObject, ApiServer } from '../unit/reconcile/support/api-server.ts';

const leases = new WeakMap<ApiObject, LeaseRecord>();
const records = new WeakMap<ApiObject, { readonly record: CommitRecord | undefined }>();

/** A lease object, read. Objects of the server never change, so each is read once. */
export function leaseOf(object: ApiObject): LeaseRecord {
  const known = leases.get(object);
  if (known !== undefined) return known;
  const read = leaseRecord(object);
  leases.set(object, read);
  return read;
}

/** The record that a Secret carries. */
export function commitOf(secret: ApiObject): CommitRecord | undefined {
  const known = records.get(secret);
  if (known !== undefined) return known.record;
  const record = recordOf(secretRecord(secret));
  records.set(secret, { record });
  return record;
}

export function isOwned(secret: ApiObject, uid: string): boolean {
  return (secret.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid);
}

/** One object of the operator as the Kubernetes API has it, with its own Secret. */
export interface ObjectState {
  readonly lease: LeaseRecord;
  readonly secretKey: string;
  /** Whatever has the name of its Secret. */
  readonly atName: ApiObject | undefined;
  /** That Secret, if it is the object's own. */
  readonly secret: ApiObject | undefined;
  readonly record: CommitRecord | undefined;
}

/** The name of an object's Secret, with its namespace. */
export function secretKeyOf({ spec, namespace, name }: LeaseRecord): string {
  return `${namespace}/${(spec.valid ? spec.value.secret?.name : undefined) ?? name}`;
}

export function objectsOf(kube: ApiServer): readonly ObjectState[] {
  return kube.list('leases').map((raw) => {
    const lease = leaseOf(raw);
    const secretKey = secretKeyOf(lease);
    const atName = kube.find('secrets', secretKey);
    const secret = atName !== undefined && isOwned(atName, lease.uid) ? atName : undefined;
    return { lease, secretKey, atName, secret, record: secret && commitOf(secret) };
  });
}

/** Whether the operator is told to do nothing for an object. */
export function isSuspended({ spec }: LeaseRecord): boolean {
  return spec.valid && spec.value.suspend === true;
}

/** Whether the operator still holds an object that is being deleted. */
export function isHeld({ finalizers }: LeaseRecord): boolean {
  return finalizers.includes(FINALIZER);
}
