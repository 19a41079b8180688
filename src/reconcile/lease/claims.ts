import { objectKey } from '../../kube/object-key.ts';
import { claimOn, firstOf, type Claim, type Claimant } from '../../secret/claim.ts';
import type { Cluster, LeaseRecord, SecretRecord } from '../ports.ts';
import { secretKeyOf } from './context.ts';

interface View {
  readonly cluster: { readonly leases: Pick<Cluster['leases'], 'inNamespace' | 'ofSecret'> };
}

/** Whether an object may write a Secret, by all that is known of the objects of its namespace. */
export function claimOf({ cluster }: View, object: LeaseRecord, secret: SecretRecord): Claim {
  return claimOn(secret, claimantOf(object, secretKeyOf(object)), (uid) => ownerOf(cluster, secret, uid));
}

/** The name of the other object that has the Secret, or comes first to one that nobody has. */
export function rivalOf(
  { cluster }: View,
  object: LeaseRecord,
  secret: SecretRecord | undefined,
): string | undefined {
  if (secret?.controller !== undefined) return ownerOf(cluster, secret, secret.controller)?.name;
  return secret === undefined ? forerunnerOf({ cluster }, object) : undefined;
}

/** The name of the object that comes before this one to a Secret which may be had. */
export function forerunnerOf({ cluster }: View, object: LeaseRecord): string | undefined {
  const key = secretKeyOf(object);
  const claimants = cluster.leases
    .ofSecret(key)
    .filter(({ deletedAt }) => deletedAt === undefined)
    .map((one) => claimantOf(one, key));
  const first = firstOf(claimants);
  return first === undefined || first.uid === object.uid ? undefined : first.name;
}

function ownerOf(
  { leases }: View['cluster'],
  { namespace }: SecretRecord,
  uid: string,
): Claimant | undefined {
  const owner = leases.inNamespace(namespace).find((one) => one.uid === uid);
  return owner && claimantOf(owner, secretKeyOf(owner));
}

function claimantOf({ namespace, name, uid, createdAt, spec, status }: LeaseRecord, key: string): Claimant {
  const secret = spec.valid ? spec.value.secret : undefined;
  const had = status.secret !== undefined && objectKey(namespace, status.secret.name) === key;
  const secretName = spec.valid ? (secret?.name ?? name) : undefined;
  return { uid, name, secretName, adopts: secret?.adoption === 'Adopt', had, createdAt };
}
