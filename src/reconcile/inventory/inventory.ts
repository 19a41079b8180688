import type { ConnectionIdentity, LeaseRef } from '../../api/lease.ts';
import { schedule } from '../../controller/schedule.ts';
import { equal } from '../../kube/merge-patch.ts';
import type { Store } from '../../kube/store.ts';
import { isNewsToLeases } from '../../lease/target.ts';
import { admission } from '../connection/admission.ts';
import { identityOf } from '../connection/links.ts';
import type { LeaseParts } from '../lease/context.ts';
import { leasesThrough, type DynamicSecretIndex, type LeaseIndex } from '../indexes.ts';
import type { ConnectionRecord, DynamicSecretRecord, LeaseRecord, NamespaceRecord } from '../ports.ts';
import { groupOfRef, groups, groupsOf, type Group } from './groups.ts';
import { beginReads, readSome, type ReadRound } from './single-reads.ts';
import { linkOf, listGroup, type VisitParts, type VisitResult } from './visit.ts';

export interface InventoryOptions {
  readonly parts: LeaseParts;
  readonly stores: {
    readonly leases: Store<LeaseRecord, LeaseIndex>;
    readonly connections: Store<ConnectionRecord, 'byNamespace'>;
    readonly dynamicSecrets: Store<DynamicSecretRecord, DynamicSecretIndex>;
    readonly namespaces: Store<NamespaceRecord>;
  };
  /** Sets the wake-up of a group, in place of a later one. */
  readonly wake: (group: string, ms: number) => void;
  /** Asks for an object to be looked at: a lease of it has changed. */
  readonly enqueue: (object: string) => void;
}

/** The lists of all dynamic secrets that leases come from: one for each and interval, however many leases it has. */
export interface Inventory {
  group(key: string): Group | undefined;
  /** Lists a group. @returns milliseconds until its next list; none when there is no such group any more. */
  visit(group: string, signal: AbortSignal): Promise<{ readonly again?: number; readonly faulted?: boolean }>;
  /** See {@link LeaseParts.lookSoon}. */
  lookSoon(namespace: string, ref: LeaseRef, at: number): void;
  close(): void;
}

/** What is remembered of a group between two visits. */
interface Course {
  /** Elapsed milliseconds of the next visit. */
  readonly due?: number | undefined;
  readonly failures: number;
  readonly reads?: ReadRound | undefined;
  /** Since when it has no object, in elapsed milliseconds. */
  readonly emptySince?: number | undefined;
}

/** How much a list may come earlier or later than the interval says, so that groups do not keep in step. */
const JITTER = 0.1;

export function inventory({ parts, stores, wake, enqueue }: InventoryOptions): Inventory {
  const { clock, timing, cluster } = parts;
  const courses = new Map<string, Course>();
  const objects = new Map<string, string>();
  const paced = schedule(clock, enqueue);
  let free = 0;
  let starting = true;
  let renaming = false;

  const visitParts: VisitParts = {
    ...parts,
    keyOf: (uid) => objects.get(uid),
    enqueue,
    reported: new Map(),
    enqueueAtPace(key) {
      free = Math.max(free, clock.elapsed());
      paced.set(key, free - clock.elapsed());
      free += timing.replacementPace;
    },
  };

  const index = groups({
    onNew(group) {
      const within = starting ? timing.inventoryFirst : timing.inventoryInterval;
      wakeBy(group.key, clock.elapsed() + clock.random() * within);
    },
    // What was left behind of its last object is lost, and must be old enough to be swept.
    onEmpty(group) {
      if (renaming) {
        drop(group.key);
        return;
      }
      const now = clock.elapsed();
      change(group.key, { emptySince: now, due: now + timing.sweepMinimumAge });
      wake(group.key, timing.sweepMinimumAge);
    },
  });

  function change(key: string, course: Partial<Course>): void {
    courses.set(key, { failures: 0, ...courses.get(key), ...course });
  }

  function drop(key: string): void {
    index.drop(key);
    courses.delete(key);
  }

  function wakeBy(key: string, at: number): void {
    const due = courses.get(key)?.due;
    if (due !== undefined && due <= at) return;
    change(key, { due: at });
    wake(key, at - clock.elapsed());
  }

  function place(key: string, object: LeaseRecord | undefined): void {
    index.place(key, object === undefined ? [] : groupsOf(cluster, object, connectionOf(object)));
  }

  function connectionOf(object: LeaseRecord): ConnectionIdentity | undefined {
    const admitted = admission(cluster, object);
    if (admitted === undefined) return undefined;
    return admitted.admitted ? identityOf(admitted.connection) : undefined;
  }

  function takeObject(key: string, before: LeaseRecord | undefined, after: LeaseRecord | undefined): void {
    if (before !== undefined) objects.delete(before.uid);
    if (after !== undefined) objects.set(after.uid, key);
    place(key, after);
    if (before === undefined && after !== undefined) recall(after);
  }

  /** What a DynamicSecret tells of its dynamic secret decides where the leases of its namespace are listed. */
  function takeDynamicSecret(
    before: DynamicSecretRecord | undefined,
    after: DynamicSecretRecord | undefined,
  ): void {
    const { namespace } = before ?? after ?? {};
    if (namespace === undefined || !isNewsToLeases(before, after)) return;
    // What is listed under the new name from now on needs no more lists under the old one.
    renaming = isPlaced(before) && isPlaced(after);
    for (const object of stores.leases.byIndex('byNamespace', namespace)) place(object.key, object);
    renaming = false;
  }

  /** A process before this one may have asked for a lease where the object has none any more: one look is enough. */
  function recall(object: LeaseRecord): void {
    for (const noted of object.asked) {
      const group = index.ensure(groupOfRef(cluster, object.namespace, noted, object));
      if (group.objects.size === 0) lookOnce(group, clock.elapsed() + timing.sweepMinimumAge);
    }
  }

  function lookOnce(group: Group, at: number): void {
    if (group.objects.size === 0) change(group.key, { emptySince: clock.elapsed() });
    wakeBy(group.key, at);
  }

  const subscriptions = [
    stores.leases.subscribe(takeObject),
    stores.connections.subscribe((key, before, after) => {
      const { uid } = before ?? after ?? { uid: '' };
      for (const object of leasesThrough(stores, { key, uid })) place(object.key, object);
    }),
    stores.dynamicSecrets.subscribe((_key, before, after) => takeDynamicSecret(before, after)),
    stores.namespaces.subscribe((namespace, before, after) => {
      if (equal(before?.labels, after?.labels)) return;
      for (const object of stores.leases.byIndex('byNamespace', namespace)) place(object.key, object);
    }),
  ];
  for (const object of stores.leases.values()) takeObject(object.key, undefined, object);
  starting = false;

  /** Lists, or goes on with single reads. */
  async function look(group: Group, signal: AbortSignal): Promise<VisitResult> {
    const { failures, reads } = courses.get(group.key) ?? { failures: 0 };
    const found = await linkOf(visitParts, group, failures);
    if (!('link' in found)) return found;
    if (reads !== undefined) {
      const rest = await readSome(visitParts, group, found.link, reads);
      change(group.key, { reads: rest });
      return { result: 'listed', again: reads.wait };
    }
    const result = await listGroup(visitParts, group, { link: found.link, failures }, signal);
    if (result.result !== 'failed' || result.fault.code !== 'PermissionDenied') return result;
    const round = beginReads(group, timing.inventoryInterval);
    change(group.key, { reads: round });
    return { ...result, again: round.wait };
  }

  function isOver(group: Group, result: VisitResult): boolean {
    const since = courses.get(group.key)?.emptySince;
    if (group.objects.size > 0 || since === undefined) return false;
    const age = clock.elapsed() - since;
    if (age >= timing.formerMemory || result.result === 'unreachable') return true;
    return result.result === 'listed' && result.again === undefined && age >= timing.sweepMinimumAge;
  }

  return {
    group: (key) => index.get(key),
    async visit(key, signal) {
      const group = index.get(key);
      if (group === undefined) return {};
      change(key, { due: undefined });
      const result = await look(group, signal);
      if (isOver(group, result)) {
        drop(key);
        return {};
      }
      const failed = result.result === 'failed';
      const { failures = 0, due = Infinity } = courses.get(key) ?? {};
      const next = (result.result === 'unreachable' ? undefined : result.again) ?? Infinity;
      const interval = timing.inventoryInterval * (1 - JITTER + 2 * JITTER * clock.random());
      const at = Math.min(due, clock.elapsed() + Math.min(next, interval));
      change(key, { failures: failed ? failures + 1 : 0, due: at });
      if (failed) {
        parts.log.info('The leases of a dynamic secret cannot be listed now.', {
          ...group.target,
          namespace: group.namespace,
          reason: result.fault.code,
        });
      }
      return { again: at - clock.elapsed(), faulted: failed };
    },
    lookSoon(namespace, ref, at) {
      lookOnce(index.ensure(groupOfRef(cluster, namespace, ref)), at);
    },
    close() {
      for (const unsubscribe of subscriptions) unsubscribe();
      paced.clear();
    },
  };
}

function isPlaced(record: DynamicSecretRecord | undefined): boolean {
  return record?.status.place !== undefined;
}
