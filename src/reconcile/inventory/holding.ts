import type { LeaseRef } from '../../api/lease.ts';
import type { HeldLease } from '../../lease/inventory.ts';
import { recordOf } from '../../secret/ownership.ts';
import { leasePass, secretKeyOf, type LeaseParts, type LeasePass } from '../lease/context.ts';
import { createdAtOf } from '../lease/gone.ts';
import type { LeaseRecord } from '../ports.ts';
import { groupKey, groupOfRef, type Group } from './groups.ts';

/** What one object has of one group. */
export interface Holding {
  readonly pass: LeasePass;
  readonly object: LeaseRecord;
  /** The leases of this group that status or memory names and that are not known to be revoked or gone. */
  readonly held: readonly HeldLease[];
  /** The lease in use, where it is of this group. */
  readonly current: LeaseRef | undefined;
  /** The id of the lease that the Secret's record names, whether or not anybody vouches for it. */
  readonly recorded: string | undefined;
  /** Ids of all leases of the object, of this group or another. */
  readonly named: ReadonlySet<string>;
}

/** What the objects of a group have of it now. Objects that were let go have nothing. */
export function holdingsOf(parts: LeaseParts, group: Group): readonly Holding[] {
  return [...group.objects].flatMap((key) => {
    const object = parts.cluster.leases.get(key);
    if (object === undefined || parts.memories.of(object.uid).released) return [];
    return [holdingOf(leasePass(parts, key, object.uid), object, group)];
  });
}

function holdingOf(pass: LeasePass, object: LeaseRecord, group: Group): Holding {
  const { discarded, known, settled, absentSince } = pass.memory();
  const { lease, retiring = [] } = object.status;
  const refs = new Map<string, LeaseRef>();
  const all = [
    ...(lease === undefined ? [] : [lease]),
    ...retiring,
    ...discarded,
    ...[...known.values()].map(({ ref }) => ref),
  ];
  for (const ref of all) if (!refs.has(ref.id)) refs.set(ref.id, ref);
  const isHere = (ref: LeaseRef): boolean => keyOf(pass, object, ref) === group.key;
  const held = [...refs.values()].filter((ref) => isHere(ref) && !settled.has(ref.id));
  const secret = pass.cluster.secrets.get(secretKeyOf(object));
  const ofSecrets = pass.cluster.secrets.ownedBy(object.uid).flatMap((one) => recordOf(one)?.lease.id ?? []);
  const recorded = secret === undefined ? undefined : recordOf(secret)?.lease.id;
  return {
    pass,
    object,
    held: held.map((ref) => ({
      id: ref.id,
      expireAt: ref.expireAt,
      createdAt: createdAtOf(pass, ref),
      absentSince: absentSince.get(ref.id),
    })),
    current: lease !== undefined && isHere(lease) ? lease : undefined,
    recorded,
    named: new Set([...refs.keys(), ...ofSecrets, ...(recorded === undefined ? [] : [recorded])]),
  };
}

function keyOf({ cluster, namespace }: LeasePass, object: LeaseRecord, ref: LeaseRef): string {
  const { connection, target } = groupOfRef(cluster, namespace, ref, object);
  return groupKey(namespace, connection, target);
}
