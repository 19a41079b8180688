import type { LeaseRef } from '../../api/lease.ts';
import type { HeldLease } from '../../lease/inventory.ts';
import { recordOf } from '../../secret/ownership.ts';
import { leasePass, secretKeyOf, type LeaseParts, type LeasePass } from '../lease/context.ts';
import { createdAtOf } from '../lease/gone.ts';
import type { Remembered } from '../lease/memory.ts';
import type { LeaseRecord } from '../ports.ts';
import { isOfGroup, type Group } from './groups.ts';

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

/** Whether the object of a holding is still there, and has not been let go. */
export function isThere({ cluster, memories }: LeaseParts, { pass: { key, uid } }: Holding): boolean {
  return cluster.leases.get(key)?.uid === uid && !memories.of(uid).released;
}

/** The ids of all leases that the objects of a group have now, of this group or another. */
export function idsOf({ cluster, memories }: LeaseParts, group: Group): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const key of group.objects) {
    const object = cluster.leases.get(key);
    if (object !== undefined) for (const { id } of refsOf(object, memories.of(object.uid))) ids.add(id);
  }
  return ids;
}

function refsOf({ status }: LeaseRecord, { discarded, known }: Remembered): readonly LeaseRef[] {
  const { lease, retiring = [] } = status;
  const issued = known.size === 0 ? [] : [...known.values()].map(({ ref }) => ref);
  return [...(lease === undefined ? [] : [lease]), ...retiring, ...discarded, ...issued];
}

function holdingOf(pass: LeasePass, object: LeaseRecord, group: Group): Holding {
  const memory = pass.memory();
  const { settled, absentSince } = memory;
  const { lease } = object.status;
  const refs = new Map<string, LeaseRef>();
  for (const ref of refsOf(object, memory)) if (!refs.has(ref.id)) refs.set(ref.id, ref);
  const isHere = (ref: LeaseRef): boolean => isOfGroup(pass.cluster, group, ref, object);
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
