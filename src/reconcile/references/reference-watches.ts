import type { Clock } from '../../clock.ts';
import { schedule } from '../../controller/schedule.ts';
import { watchObject, type ObjectWatch, type ObjectWatchOptions } from '../../kube/object-watch.ts';
import { resource } from '../../kube/resource.ts';
import type { Store, StoreRecord } from '../../kube/store.ts';
import type { Transport } from '../../kube/transport.ts';
import type { Log } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import { secretType } from '../secrets/watched.ts';
import { configMapType } from '../referents.ts';
import { mentions } from './mentions.ts';
import type { Reference } from './references.ts';

/** Opens the watch of one object. Nothing is told before it returns. */
export type OpenStream = (
  reference: Reference,
  told: Pick<ObjectWatchOptions, 'onChange' | 'onForbidden'>,
) => ObjectWatch;

/** The objects of one kind, as far as they refer to others. */
export interface Referrers {
  /** Tells objects of different kinds apart. */
  readonly kind: string;
  /**
   * Has it told what each object names, now and at each change of it; nothing: it is gone.
   *
   * @returns what ends that.
   */
  follow(told: (key: string, references: readonly Reference[]) => void): () => void;
  /** Is told of each object that refers to something that has changed, or may have. It must not throw. */
  recheck(key: string): void;
}

/** The {@link Referrers} of a store. */
export function referrers<R extends StoreRecord>(options: {
  readonly kind: string;
  readonly store: Pick<Store<R>, 'values' | 'subscribe'>;
  readonly referencesOf: (record: R) => readonly Reference[];
  readonly recheck: (key: string) => void;
}): Referrers {
  const { kind, store, referencesOf, recheck } = options;
  return {
    kind,
    follow(told) {
      const unsubscribe = store.subscribe((key, _before, now) =>
        told(key, now === undefined ? [] : referencesOf(now)),
      );
      for (const record of store.values()) told(record.key, referencesOf(record));
      return unsubscribe;
    },
    recheck,
  };
}

export interface ReferenceWatchesOptions {
  readonly referrers: readonly Referrers[];
  readonly open: OpenStream;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'referenceInterval' | 'referencePace' | 'referenceRetry'>;
  readonly log: Log;
}

/** Everything that objects refer to, watched or looked at. */
export interface ReferenceWatches {
  /** Nothing is told any more. Resolves when every watch has ended. */
  close(): Promise<void>;
}

/** Each watch is a connection of its own to the API server, and a goroutine there: what is named beyond is looked at. */
const MOST_STREAMS = 50;

/** A look comes up to this share of its interval sooner, so that looks that began together do not stay together. */
const SPREAD = 0.2;

interface Followed {
  readonly recheck: () => void;
  /** What the object uses was read after this moment, in elapsed milliseconds. */
  since: number;
  /** Something that it names has changed, and it has not been told yet. */
  changed: boolean;
}

/**
 * Has a changed credential or CA take effect within a minute, whatever the rights are: each object that others name is
 * watched by its name, by one watch however many name it. Where that is not possible (the rights do not allow it, the
 * watch is broken, there are too many) whoever names it is rechecked at intervals, which is a look at what it refers to;
 * and once after a watch began to see, because what was read before then may have changed unseen.
 *
 * That something is deleted is not told: what was read of it stays in use.
 */
export function watchReferences(options: ReferenceWatchesOptions): ReferenceWatches {
  const { open, clock, timing, log } = options;
  const named = mentions();
  /** By the key of the object behind its kind. */
  const followed = new Map<string, Followed>();
  const streams = new Map<string, ObjectWatch>();
  /** References without a watch that shall have one, those that have waited longest first. */
  const waiting = new Set<string>();
  /** References of which it was said that they may not be watched. */
  const reported = new Set<string>();
  const looks = schedule(clock, look);
  const retries = schedule(clock, (reference) => {
    waiting.add(reference);
    fill();
  });

  const jittered = (delay: number): number => delay * (1 - SPREAD * clock.random());

  function follow(namer: string, references: readonly Reference[], tell: () => void): void {
    const { changed, first, last } = named.set(namer, references);
    if (!changed) return;
    for (const reference of last) release(reference);
    for (const reference of first) waiting.add(reference);
    fill();
    if (references.length === 0) {
      followed.delete(namer);
      looks.cancel(namer);
    } else {
      followed.set(namer, { since: clock.elapsed(), changed: false, recheck: tell });
      looks.set(namer, jittered(timing.referenceInterval));
    }
  }

  function release(reference: string): void {
    waiting.delete(reference);
    reported.delete(reference);
    retries.cancel(reference);
    void streams.get(reference)?.close();
    streams.delete(reference);
  }

  /** Opens as many watches as there may be. */
  function fill(): void {
    for (const key of waiting) {
      if (streams.size >= MOST_STREAMS) return;
      waiting.delete(key);
      const reference = named.get(key);
      if (reference === undefined) continue;
      const told = { onChange: () => note(key), onForbidden: () => giveUp(key, reference) };
      streams.set(key, open(reference, told));
    }
  }

  function note(reference: string): void {
    for (const namer of named.namersOf(reference)) {
      const state = followed.get(namer);
      if (state === undefined) continue;
      state.changed = true;
      // Changes that come together are one, and whoever changes something all the time is not heard all the time.
      looks.set(namer, state.since + timing.referencePace - clock.elapsed());
    }
  }

  function giveUp(key: string, { kind, namespace, name }: Reference): void {
    const wasWatched = streams.get(key)?.sightedAt !== undefined;
    streams.delete(key);
    if (wasWatched || !reported.has(key)) {
      const right = `list and watch ${kind === 'Secret' ? 'secrets' : 'configmaps'}`;
      log.info(
        'The rights do not allow to watch what an object refers to; it is looked at instead, within a minute of a change. A rule with resourceNames is enough.',
        { kind, namespace, name, right },
      );
    }
    reported.add(key);
    retries.set(key, jittered(timing.referenceRetry));
    fill();
  }

  /** The time of an object has come: it is told of a change, or of one that nobody would have seen. */
  function look(namer: string): void {
    const state = followed.get(namer);
    if (state === undefined) return;
    if (state.changed || !named.namedBy(namer).every((reference) => isSeen(reference, state.since))) {
      state.changed = false;
      state.since = clock.elapsed();
      state.recheck();
    }
    looks.set(namer, jittered(timing.referenceInterval));
  }

  /** Whether every change of an object after a moment has been told. */
  function isSeen(reference: string, since: number): boolean {
    const stream = streams.get(reference);
    return stream?.sightedAt !== undefined && stream.sightedAt < since && !stream.isBroken;
  }

  const endings = options.referrers.map((kind) =>
    kind.follow((key, references) => follow(`${kind.kind} ${key}`, references, () => kind.recheck(key))),
  );

  return {
    async close() {
      for (const end of endings) end();
      looks.clear();
      retries.clear();
      waiting.clear();
      followed.clear();
      const all = [...streams.values()];
      streams.clear();
      await Promise.all(all.map((stream) => stream.close()));
    },
  };
}

/** Opens watches of Secrets and ConfigMaps over a transport. */
export function objectStreams(
  options: Omit<ObjectWatchOptions, 'resource' | 'namespace' | 'name' | 'onChange' | 'onForbidden'> & {
    readonly transport: Transport;
  },
): OpenStream {
  const { transport, clock, timing, log, metrics } = options;
  const kinds = { Secret: resource(transport, secretType), ConfigMap: resource(transport, configMapType) };
  return ({ kind, namespace, name }, told) =>
    watchObject({ clock, timing, log, metrics, ...told, resource: kinds[kind], namespace, name });
}
