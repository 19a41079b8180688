import type { LeasePlace } from '../../api/asked.ts';
import type { ConnectionIdentity, Target } from '../../api/lease.ts';
import { isSameTarget } from '../../lease/target.ts';
import { follow, resolve } from '../lease/resolve.ts';
import type { Cluster, LeaseRecord } from '../ports.ts';

/** Whose leases one list shows: those of one dynamic secret, seen through one connection of a namespace. */
export interface GroupName {
  readonly namespace: string;
  readonly connection: ConnectionIdentity;
  readonly target: Target;
}

export interface Group extends GroupName {
  readonly key: string;
  /** The keys of the objects that have, or want, leases of it. */
  readonly objects: ReadonlySet<string>;
}

/** The groups of all objects, kept as objects come, change and go. */
export interface Groups {
  get(key: string): Group | undefined;
  /** Places an object into its groups, and nowhere else. An object that is gone has none. */
  place(object: string, names: readonly GroupName[]): void;
  /** Makes sure that a group exists, with or without objects. */
  ensure(name: GroupName): Group;
  drop(key: string): void;
}

/** What the keeper of the groups is told of. */
export interface GroupEvents {
  readonly onNew: (group: Group) => void;
  /** The last object has left. The group stays until it is dropped. */
  readonly onEmpty: (group: Group) => void;
}

export function groups({ onNew, onEmpty }: GroupEvents): Groups {
  const entries = new Map<string, Group & { readonly objects: Set<string> }>();
  const byObject = new Map<string, ReadonlySet<string>>();

  function ensure(name: GroupName): Group & { readonly objects: Set<string> } {
    const key = groupKey(name.namespace, name.connection, name.target);
    const found = entries.get(key);
    if (found !== undefined) return found;
    const made = { ...name, key, objects: new Set<string>() };
    entries.set(key, made);
    onNew(made);
    return made;
  }

  function leave(object: string, key: string): void {
    const group = entries.get(key);
    if (group?.objects.delete(object) === true && group.objects.size === 0) onEmpty(group);
  }

  return {
    get: (key) => entries.get(key),
    place(object, names) {
      const before = byObject.get(object) ?? new Set();
      const now = new Set<string>();
      for (const name of names) {
        const group = ensure(name);
        group.objects.add(object);
        now.add(group.key);
      }
      for (const key of before) if (!now.has(key)) leave(object, key);
      if (now.size === 0) byObject.delete(object);
      else byObject.set(object, now);
    },
    ensure,
    drop: (key) => void entries.delete(key),
  };
}

/** The same for every Ref and spec that one list serves. */
export function groupKey(
  namespace: string,
  { kind, name, host }: Pick<ConnectionIdentity, 'kind' | 'name' | 'host'>,
  { projectSlug, environmentSlug, path, dynamicSecret }: Target,
): string {
  return JSON.stringify([namespace, kind, name, host, projectSlug, environmentSlug, path, dynamicSecret]);
}

/** Whether a lease of an object of the group's namespace is listed with it: {@link groupOfRef} is this group. */
export function isOfGroup(
  cluster: Pick<Cluster, 'dynamicSecrets'>,
  { namespace, connection, target }: GroupName,
  ref: LeasePlace,
  object: Pick<LeaseRecord, 'spec'>,
): boolean {
  const { kind, name, host } = ref.connection;
  if (kind !== connection.kind || name !== connection.name || host !== connection.host) return false;
  return isSameTarget(follow(cluster, namespace, ref, object), target);
}

/** The group of a lease: by the name that its dynamic secret has now, so that no list is made under another one. */
export function groupOfRef(
  cluster: Pick<Cluster, 'dynamicSecrets'>,
  namespace: string,
  ref: LeasePlace,
  object?: Pick<LeaseRecord, 'spec'>,
): GroupName {
  return { namespace, connection: ref.connection, target: follow(cluster, namespace, ref, object) };
}

/**
 * The groups of an object: of what its spec asks for and of what its status names, the spec's first.
 *
 * @param connection the connection that the object leases by, where it leads to a server.
 */
export function groupsOf(
  cluster: Pick<Cluster, 'dynamicSecrets'>,
  object: LeaseRecord,
  connection: ConnectionIdentity | undefined,
): readonly GroupName[] {
  const { namespace, status } = object;
  const target = resolve(cluster, object).wanted?.target;
  const wanted = target !== undefined && connection !== undefined ? [{ namespace, connection, target }] : [];
  const refs = [...(status.lease === undefined ? [] : [status.lease]), ...(status.retiring ?? [])];
  return [...wanted, ...refs.map((ref) => groupOfRef(cluster, namespace, ref, object))];
}
