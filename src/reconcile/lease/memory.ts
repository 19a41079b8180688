import type { Clock } from '../../clock.ts';
import type { LeaseRef } from '../../api/lease.ts';
import type { SecretRecord as CommitRecord } from '../../api/record.ts';
import type { LeaseInHand, Memory } from '../../lease/input.ts';
import type { LeaseCause } from '../../lease/plan.ts';
import type { Timing } from '../../timing.ts';
import type { SecretRecord } from '../ports.ts';

/** A lease in hand, with what is to be written of it. The only place where credentials stay between two steps. */
export interface HeldLease extends LeaseInHand {
  readonly data: ReadonlyMap<string, string>;
  readonly record: CommitRecord;
  readonly cause: LeaseCause;
  readonly replaced: LeaseRef | undefined;
  readonly doubtful: boolean;
}

/** What is remembered of one object, and what only the executor needs. */
export interface Remembered extends Memory {
  readonly inHand: HeldLease | undefined;
  /** The request in `open` cannot be recognised in a list: the server keeps no tags. */
  readonly untagged: boolean;
  /** When a list first lacked a lease that was to be revoked: elapsed milliseconds by lease id. */
  readonly absentSince: ReadonlyMap<string, number>;
  /** What was found when the Secret was last looked at. */
  readonly inspected:
    { readonly uid: string; readonly resourceVersion: string; readonly digest: string } | undefined;
  /** Our Secret as a live look showed it while the watch does not: without our label, or with that of the shard it came from. */
  readonly strayed: SecretRecord | undefined;
  /**
   * There has been something to do since the first look at the object: a process before this one may have ended in the
   * middle of it, with a request for a lease of which nothing is known.
   */
  readonly inherited: boolean;
  /** The object was let go: whatever a view that lags still shows of it, our part in it is over. */
  readonly released: boolean;
  /** A live look has shown that the object is gone. No other will ever show it again. */
  readonly gone: boolean;
}

const blank: Remembered = Object.freeze({
  inHand: undefined,
  open: undefined,
  untagged: false,
  discarded: [],
  known: new Map(),
  sighted: new Map(),
  dynamicSecret: undefined,
  attestations: new Map(),
  revocations: new Map(),
  absentSince: new Map(),
  inspected: undefined,
  strayed: undefined,
  inherited: false,
  lengthening: new Set<string>(),
  unrenewable: new Set<string>(),
  unaccounted: undefined,
  accounted: false,
  sought: false,
  released: false,
  gone: false,
  settled: new Set<string>(),
  failures: undefined,
  tried: false,
  looked: false,
  announced: undefined,
  blocked: undefined,
  healedAt: undefined,
  written: undefined,
});

/**
 * The same without empty maps and sets of its own: all objects share those of {@link blank}. An empty one takes 200 to 300
 * bytes, and nearly all of them are empty nearly always.
 */
function lean(change: Partial<Remembered>): Partial<Remembered> {
  const parts = Object.entries(change).map(([name, value]) => [name, isEmpty(value) ? shared[name] : value]);
  return Object.fromEntries(parts) as Partial<Remembered>;
}

function isEmpty(value: unknown): boolean {
  return (value instanceof Map || value instanceof Set) && value.size === 0;
}

const shared: Readonly<Record<string, unknown>> = { ...blank };

/** What stays for a while of an object that was let go. */
export interface FormerObject {
  readonly key: string;
  /** Ids of the leases that were left to run out, as declared or for want of a way to revoke them. */
  readonly left: ReadonlySet<string>;
}

/** The memory of this process: by object, from the first step taken for it until it is gone. */
export interface MemoryStore {
  of(uid: string): Remembered;
  /** Whether anything was done for an object yet. */
  has(uid: string): boolean;
  update(key: string, uid: string, change: Partial<Remembered>): void;
  /** Ends what is remembered of an object that was let go. `left`: ids of the leases that were left to run out. */
  forget(uid: string, left?: readonly string[]): void;
  /** Another shard serves the object from now on: what is remembered of it ends, but for this. */
  leave(uid: string): void;
  /** Whether another shard serves an object that this process has served. */
  hasLeft(uid: string): boolean;
  /** An object that this process has let go within `timing.formerMemory`. */
  former(uid: string): FormerObject | undefined;
  /** The uids that something is remembered of under a key: one, or more when an object was deleted and made anew. */
  under(key: string): readonly string[];
  /** The keys of objects for which a lease is in hand, not delivered. */
  holding(): readonly string[];
}

export function memoryStore(
  clock: Pick<Clock, 'elapsed'>,
  timing: Pick<Timing, 'formerMemory'>,
): MemoryStore {
  const entries = new Map<string, { readonly key: string; readonly memory: Remembered }>();
  const byKey = new Map<string, readonly string[]>();
  /** The last one let go is the last one here. */
  const former = new Map<string, FormerObject & { readonly until: number }>();

  /** For as long as the process lives: its leases may live longer than any other memory of it. */
  const moved = new Set<string>();

  const under = (key: string): readonly string[] => byKey.get(key) ?? [];

  function end(uid: string, key: string): void {
    entries.delete(uid);
    const uids = under(key).filter((one) => one !== uid);
    if (uids.length === 0) byKey.delete(key);
    else byKey.set(key, uids);
  }

  function keepFormer(uid: string, key: string, left: readonly string[]): void {
    const now = clock.elapsed();
    const before = former.get(uid)?.left ?? [];
    former.delete(uid);
    former.set(uid, { key, left: new Set([...before, ...left]), until: now + timing.formerMemory });
    for (const [oldest, { until }] of former) {
      if (until > now) break;
      former.delete(oldest);
    }
  }

  return {
    of: (uid) => entries.get(uid)?.memory ?? blank,
    has: (uid) => entries.has(uid),
    update(key, uid, change) {
      moved.delete(uid);
      entries.set(uid, { key, memory: { ...(entries.get(uid)?.memory ?? blank), ...lean(change) } });
      if (!under(key).includes(uid)) byKey.set(key, [...under(key), uid]);
    },
    forget(uid, left = []) {
      const entry = entries.get(uid);
      if (entry === undefined) return;
      keepFormer(uid, entry.key, left);
      end(uid, entry.key);
    },
    leave(uid) {
      const entry = entries.get(uid);
      if (entry !== undefined) end(uid, entry.key);
      moved.add(uid);
    },
    hasLeft: (uid) => moved.has(uid),
    former(uid) {
      const found = former.get(uid);
      return found !== undefined && clock.elapsed() < found.until ? found : undefined;
    },
    under,
    holding: () =>
      [...entries.values()].filter(({ memory }) => memory.inHand !== undefined).map(({ key }) => key),
  };
}
