import type { Clock } from '../clock.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import { follower } from './follower.ts';
import { namespaceOf } from './object-key.ts';
import type { KubeResource } from './resource.ts';
import type { Project } from './snapshot.ts';
import { fedStore, type Store, type StoreRecord } from './store.ts';
import type { IndexFunction } from './store-index.ts';

export interface ReflectorOptions<R extends StoreRecord, Index extends string> {
  readonly resource: KubeResource;
  /**
   * Makes the small record that the store keeps of an object. It may throw for an object that it cannot read: that is
   * logged and counted, the object's last readable state stays, and the others go on. Its key must be the one that
   * `objectKey` makes of the object's namespace and name.
   */
  readonly project: (object: unknown) => R;
  /** Secondary indexes of the store; {} for none. */
  readonly indexes: Readonly<Record<Index, IndexFunction<R>>>;
  /** Watch these namespaces, each by a watch of its own. Default: all of them, by one. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Let nothing but the objects' metadata leave the server. */
  readonly metadataOnly?: boolean | undefined;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'watchBackoffBase' | 'watchBackoffCap' | 'watchLength'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'watchRestarted'>;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called with what a list or a watch failed with, before it is taken up again; it may abort the signal. */
  readonly onFailure?: (failure: unknown) => void;
}

/** A store that follows the API server: it lists, watches, and takes the watch up again for as long as it runs. */
export interface Reflector<R extends StoreRecord, Index extends string = never> {
  readonly store: Store<R, Index>;
  /** Whether every namespace has been listed once. It stays true while a watch is down. */
  readonly hasSynced: boolean;
  /** Resolves with the first `hasSynced`; rejects when the reflector is ended before. */
  synced(): Promise<void>;
  /** Elapsed milliseconds when the watch that has been silent longest last sent a byte; undefined before all have. */
  readonly lastSeen: number | undefined;
  /** Whether a watch broke off, or ended without a word, and has brought nothing since: something may be missed. */
  readonly isBroken: boolean;
  /** How many states of objects could not be read. */
  readonly unreadable: number;
  /** Resolves when the reflector has ended. */
  readonly ended: Promise<void>;
}

/** Starts a {@link Reflector}. */
export function startReflector<R extends StoreRecord, Index extends string = never>(
  options: ReflectorOptions<R, Index>,
): Reflector<R, Index> {
  const { resource, indexes, namespaces, labelSelector, fieldSelector, metadataOnly, signal } = options;
  const { clock, timing, metrics } = options;
  const log = options.log.with({ resource: resource.type.plural });
  const store = fedStore<R, Index>({
    indexes,
    scopeOf: namespaces === undefined ? () => '' : namespaceOf,
    onSubscriberError: (error) =>
      log.error('A subscriber of a watch failed; the watch goes on.', { error: errorName(error) }),
  });

  let unreadable = 0;
  const project: Project<R> = (id, object) => {
    try {
      const record = options.project(object);
      if (record.key === id.key) return record;
      throw new RangeError('The key of a record is not that of its object.');
    } catch (error) {
      unreadable += 1;
      log.error('An object cannot be read; its last readable state is kept.', {
        key: id.key,
        error: errorName(error),
      });
      return undefined;
    }
  };

  const scopes = new Set(namespaces ?? ['']);
  const unsynced = new Set(scopes);
  const synced = Promise.withResolvers<void>();
  // Whoever does not ask for it is not to be troubled by its rejection.
  synced.promise.catch(() => undefined);
  if (unsynced.size === 0) synced.resolve();

  const followers = [...scopes].map((scope) =>
    follower({
      resource,
      selection: { namespace: scope === '' ? undefined : scope, labelSelector, fieldSelector, metadataOnly },
      scope,
      store,
      project,
      clock,
      timing,
      log,
      metrics,
      signal,
      onFailure: options.onFailure,
      onSynced() {
        unsynced.delete(scope);
        if (unsynced.size === 0) synced.resolve();
      },
    }),
  );
  const ended = Promise.all(followers.map((one) => one.run())).then(() => {
    synced.reject(new Error('The watch was ended before its first list was whole.'));
    return undefined;
  });

  return {
    store,
    get hasSynced() {
      return unsynced.size === 0;
    },
    synced: () => synced.promise,
    get lastSeen() {
      const seen = followers.map((one) => one.lastSeen);
      return seen.includes(undefined) ? undefined : Math.min(...seen.map((at) => at ?? 0));
    },
    get isBroken() {
      return followers.some((one) => one.isBroken);
    },
    get unreadable() {
      return unreadable;
    },
    ended,
  };
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
