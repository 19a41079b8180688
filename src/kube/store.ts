import { compareVersions } from './resource-version.ts';
import { storeIndexes, type IndexFunction } from './store-index.ts';

/** What every record has; the rest is what its projection keeps. Records are immutable. */
export interface StoreRecord {
  /** As `objectKey` makes it. */
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Told of each change after it is made; `before` or `after` is undefined when the record came or went. */
export type StoreSubscriber<R> = (key: string, before: R | undefined, after: R | undefined) => void;

/**
 * The newest known state of the objects of one kind, as small records. It is fed by a watch and by the answers of our
 * own writes; whichever arrives first, the newest state stays.
 */
export interface Store<R extends StoreRecord, Index extends string = never> {
  get(key: string): R | undefined;
  values(): IterableIterator<R>;
  readonly size: number;
  /** The records that an index finds under a value. */
  byIndex(index: Index, value: string): readonly R[];
  /** How many they are. */
  count(index: Index, value: string): number;
  /**
   * Has changes told. An object that was deleted and made anew is told as gone, then as come.
   *
   * @returns what ends the subscription.
   */
  subscribe(subscriber: StoreSubscriber<R>): () => void;
  /**
   * Takes the answer of an own write, before the watch tells of it. The object must still be one that the watch's
   * selector matches.
   */
  observe(record: R): void;
  /** Takes it that an own request has removed the object: answered as gone, not only as marked for deletion. */
  observeDeleted(key: string, uid: string): void;
  /**
   * Takes it that an own request has shown the object in a state that the watch's selector does not match. It may come
   * back in a later one.
   */
  observeLeft(record: StoreRecord): void;
}

/** All that a list said of one scope. */
export interface Replacement<R> {
  readonly records: Iterable<R>;
  /** The resourceVersion of the list. */
  readonly resourceVersion: string;
  /** What `beginReplace` returned before the list was asked for. */
  readonly since: number;
  /** Keys of objects that exist and could not be read: what was known of them stays. */
  readonly unreadable?: ReadonlySet<string>;
}

/**
 * A store with the side that its reflector feeds. A *scope* is what one watch covers: everything, or one namespace.
 * The events of one scope arrive in the order of their resourceVersions.
 */
export interface FedStore<R extends StoreRecord, Index extends string = never> extends Store<R, Index> {
  /** Takes an `ADDED` or `MODIFIED` event. */
  apply(record: R): void;
  /** Takes a `DELETED` event: the object is gone, or the selector matches it no longer. */
  remove(key: string, uid: string, resourceVersion: string): void;
  /** Notes that the watch of a scope has told everything up to a resourceVersion. */
  progress(scope: string, resourceVersion: string): void;
  /** Must be called before a list is asked for, so that own writes during the list are told from those before it. */
  beginReplace(): number;
  /** Takes a whole list of a scope. The list must be a consistent read. */
  replace(scope: string, replacement: Replacement<R>): void;
}

export interface StoreOptions<R extends StoreRecord, Index extends string> {
  readonly indexes: Readonly<Record<Index, IndexFunction<R>>>;
  /** The scope that a key belongs to. Default: one scope, the empty string. */
  readonly scopeOf?: (key: string) => string;
  /**
   * Whether what an own request removed is remembered, so that a watch that lags does not bring it back. Default: yes. A
   * store that no watch feeds has nobody to confirm it, and a look that lags is put right by the next one.
   */
  readonly buries?: boolean;
  /** Is told what a subscriber threw; the store and the other subscribers go on. */
  readonly onSubscriberError?: (error: unknown) => void;
}

interface Entry<R> {
  readonly record: R;
  /** Set while only an own write has told of this state: which `beginReplace` it came after. */
  readonly observed?: number;
}

interface Tombstone {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly observed: number;
  /** The object is there, and the selector matches it no longer: what is newer is true again. */
  readonly left?: true;
}

/** Makes an empty {@link FedStore}. */
export function fedStore<R extends StoreRecord, Index extends string = never>(
  options: StoreOptions<R, Index>,
): FedStore<R, Index> {
  const { scopeOf = () => '', buries = true, onSubscriberError } = options;
  const entries = new Map<string, Entry<R>>();
  const indexes = storeIndexes<R, Index>(options.indexes);
  /** Objects that an own request removed, or showed to have left, until the watch or a list confirms it. */
  const tombstones = new Map<string, Tombstone>();
  /** How far the watch of each scope has told. What is older and not here is gone. */
  const horizons = new Map<string, string>();
  const subscribers = new Set<StoreSubscriber<R>>();
  let replaces = 0;

  function notify(key: string, before: R | undefined, after: R | undefined): void {
    for (const subscriber of subscribers) {
      try {
        subscriber(key, before, after);
      } catch (error) {
        onSubscriberError?.(error);
      }
    }
  }

  function set(entry: Entry<R>): () => void {
    const { record } = entry;
    const before = entries.get(record.key)?.record;
    if (before !== undefined) indexes.remove(before);
    entries.set(record.key, entry);
    indexes.add(record);
    return () => {
      if (before === undefined || before.uid === record.uid) return notify(record.key, before, record);
      notify(record.key, before, undefined);
      notify(record.key, undefined, record);
    };
  }

  function drop(record: R): () => void {
    entries.delete(record.key);
    indexes.remove(record);
    return () => notify(record.key, record, undefined);
  }

  function bury(key: string, tombstone: Tombstone): void {
    if (buries) tombstones.set(key, tombstone);
  }

  /** A tombstone hides its own object for good, unless that has only left; of others, and of that one, what is older. */
  function buried(record: R): boolean {
    const tombstone = tombstones.get(record.key);
    if (tombstone === undefined) return false;
    if (isForGood(tombstone, record) || isOlder(record, tombstone)) return true;
    tombstones.delete(record.key);
    return false;
  }

  /** An own write made since the list was asked for, and newer than what the list shows. */
  function survives({ record, observed }: Entry<R>, list: Replacement<R>): boolean {
    if (observed === undefined || observed < list.since) return false;
    return (compareVersions(record.resourceVersion, list.resourceVersion) ?? 1) > 0;
  }

  /** What a list does to one record that it holds; undefined: nothing to tell. */
  function takeListed(record: R, list: Replacement<R>): (() => void) | undefined {
    const tombstone = tombstones.get(record.key);
    if (tombstone !== undefined && hides(tombstone, record)) return undefined;
    const entry = entries.get(record.key);
    if (entry !== undefined && isSame(entry.record, record)) {
      entries.set(record.key, { record: entry.record });
      return undefined;
    }
    if (entry !== undefined && survives(entry, list) && isOlder(record, entry.record)) return undefined;
    return set({ record });
  }

  /** What a list does to the records of its scope that it lacks. */
  function dropUnlisted(scope: string, listed: ReadonlyMap<string, R>, list: Replacement<R>): (() => void)[] {
    const told: (() => void)[] = [];
    for (const [key, entry] of entries) {
      if (scopeOf(key) !== scope || listed.has(key) || list.unreadable?.has(key) === true) continue;
      if (!survives(entry, list)) told.push(drop(entry.record));
    }
    return told;
  }

  return {
    get: (key) => entries.get(key)?.record,
    *values() {
      for (const { record } of entries.values()) yield record;
    },
    get size() {
      return entries.size;
    },
    byIndex: (index, value) => indexes.find(index, value),
    count: (index, value) => indexes.count(index, value),
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => void subscribers.delete(subscriber);
    },

    observe(record) {
      if (buried(record)) return;
      const known = entries.get(record.key)?.record;
      if (known !== undefined && (isSame(known, record) || isOlder(record, known))) return;
      // The watch has told everything up to its horizon, and of this object that it is gone.
      if (known === undefined && isWithin(record.resourceVersion, horizons.get(scopeOf(record.key)))) return;
      set({ record, observed: replaces })();
    },
    observeDeleted(key, uid) {
      const record = entries.get(key)?.record;
      // Not here: then the watch was first, and nothing older can follow.
      if (record?.uid !== uid) return;
      bury(key, { uid, resourceVersion: record.resourceVersion, observed: replaces });
      drop(record)();
    },
    observeLeft({ key, uid, resourceVersion }) {
      const record = entries.get(key)?.record;
      if (record?.uid !== uid || !isOlder(record, { resourceVersion })) return;
      bury(key, { uid, resourceVersion, observed: replaces, left: true });
      drop(record)();
    },

    apply(record) {
      horizons.set(scopeOf(record.key), record.resourceVersion);
      if (buried(record)) return;
      const known = entries.get(record.key)?.record;
      if (known !== undefined && isOlder(record, known)) return;
      if (known !== undefined && isSame(known, record)) entries.set(record.key, { record: known });
      else set({ record })();
    },
    remove(key, uid, resourceVersion) {
      horizons.set(scopeOf(key), resourceVersion);
      const tombstone = tombstones.get(key);
      if (tombstone?.uid === uid && !isOlder({ resourceVersion }, tombstone)) tombstones.delete(key);
      const record = entries.get(key)?.record;
      if (record?.uid === uid && !isOlder({ resourceVersion }, record)) drop(record)();
    },
    progress: (scope, resourceVersion) => void horizons.set(scope, resourceVersion),
    beginReplace() {
      replaces += 1;
      return replaces;
    },
    replace(scope, list) {
      horizons.set(scope, list.resourceVersion);
      for (const [key, tombstone] of tombstones) {
        if (scopeOf(key) === scope && tombstone.observed < list.since) tombstones.delete(key);
      }
      const listed = new Map<string, R>();
      for (const record of list.records) listed.set(record.key, record);
      const told = dropUnlisted(scope, listed, list);
      for (const record of listed.values()) {
        const tell = takeListed(record, list);
        if (tell !== undefined) told.push(tell);
      }
      for (const tell of told) tell();
    },
  };
}

function isForGood({ uid, left }: Tombstone, record: StoreRecord): boolean {
  return uid === record.uid && left === undefined;
}

/** Whether a list that may be older than a tombstone shows what that one hides. */
function hides(tombstone: Tombstone, record: StoreRecord): boolean {
  return isForGood(tombstone, record) || (tombstone.uid === record.uid && isOlder(record, tombstone));
}

type Versioned = Pick<StoreRecord, 'resourceVersion'>;

function isOlder(one: Versioned, other: Versioned): boolean {
  return (compareVersions(one.resourceVersion, other.resourceVersion) ?? 0) < 0;
}

function isSame(one: StoreRecord, other: StoreRecord): boolean {
  return one.uid === other.uid && one.resourceVersion === other.resourceVersion;
}

function isWithin(resourceVersion: string, horizon: string | undefined): boolean {
  if (horizon === undefined) return false;
  const comparison = compareVersions(resourceVersion, horizon);
  return comparison !== undefined && comparison <= 0;
}
