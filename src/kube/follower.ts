import { sleep, type Clock } from '../clock.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import { KubeError } from './kube-error.ts';
import type { CallOptions, KubeResource, Selection } from './resource.ts';
import { listPages, snapshot, type Project, type Snapshot } from './snapshot.ts';
import type { FedStore, StoreRecord } from './store.ts';
import { isFutile, isStreamUseless, judgeEnding, type Ending } from './watch-ending.ts';
import { readWatchEvent, type ObjectId, type WatchEvent } from './watch-event.ts';

export interface FollowerOptions<R extends StoreRecord> {
  readonly resource: KubeResource;
  readonly selection: Selection & Pick<CallOptions, 'metadataOnly'>;
  /** The store's scope that this follower feeds. */
  readonly scope: string;
  readonly store: FedStore<R>;
  readonly project: Project<R>;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'watchBackoffBase' | 'watchBackoffCap' | 'watchLength'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'watchRestarted'>;
  readonly signal: AbortSignal;
  /** Called whenever the store has a whole list. */
  readonly onSynced: () => void;
  /** Called with what a list or a watch failed with, before anything is decided; it may abort the signal. */
  readonly onFailure?: ((failure: unknown) => void) | undefined;
}

/** Keeps one scope of a store up to date. */
export interface Follower {
  /** Lists and watches until the signal is aborted. Never throws. */
  run(): Promise<void>;
  /** Elapsed milliseconds when the last byte arrived; undefined before. */
  readonly lastSeen: number | undefined;
  /** Whether the last watch broke off, or ended without a word, and nothing has come since: something may be missed. */
  readonly isBroken: boolean;
}

/** 2 to this power is beyond every cap. */
const MOST_DOUBLINGS = 30;

/** Makes a {@link Follower}. */
export function follower<R extends StoreRecord>(options: FollowerOptions<R>): Follower {
  const { resource, selection, scope, store, project, clock, timing, log, metrics, signal } = options;
  const request = `watch ${resource.type.plural}`;
  const names = { resource: resource.type.plural, ...(scope === '' ? {} : { namespace: scope }) };
  /** The resourceVersion up to which the store knows everything; undefined: a list is needed. */
  let position: string | undefined;
  /** Whether lists come as part of the watch, or in pages. */
  let streams = true;
  let failures = 0;
  let futile = 0;
  let fruitful = false;
  let broken = false;
  let lastSeen: number | undefined;

  function replace(taken: Snapshot<R>, since: number, resourceVersion: string): void {
    const { records, unreadable } = taken;
    store.replace(scope, { records, unreadable, resourceVersion, since });
    move(resourceVersion);
    options.onSynced();
  }

  function move(resourceVersion: string): void {
    position = resourceVersion;
    fruitful = true;
    broken = false;
    failures = 0;
    futile = 0;
  }

  /** What the answer to an own write has told already is not read again. */
  function known({ key, uid, resourceVersion }: ObjectId): R | undefined {
    const record = store.get(key);
    return record?.uid === uid && record.resourceVersion === resourceVersion ? record : undefined;
  }

  function take(event: WatchEvent): void {
    if (event.type === 'bookmark') {
      store.progress(scope, event.resourceVersion);
      return move(event.resourceVersion);
    }
    const { key, uid, resourceVersion } = event.id;
    const record =
      event.type === 'changed' ? (known(event.id) ?? project(event.id, event.object)) : undefined;
    if (event.type === 'deleted') store.remove(key, uid, resourceVersion);
    else if (record === undefined) store.progress(scope, resourceVersion);
    else store.apply(record);
    move(resourceVersion);
  }

  async function page(): Promise<void> {
    const since = store.beginReplace();
    const taken = snapshot(project);
    replace(taken, since, await listPages(resource, { ...selection, signal }, taken));
  }

  /** Watches from the present place, or with the objects that exist first; until the watch ends. */
  async function watch(): Promise<void> {
    const since = store.beginReplace();
    let initial = position === undefined ? snapshot(project) : undefined;
    const events = resource.watch({
      ...selection,
      signal,
      resourceVersion: position,
      sendInitialEvents: initial !== undefined,
      timeoutSeconds: Math.ceil((timing.watchLength * (1 + clock.random())) / 1000),
      onBytes: () => void (lastSeen = clock.elapsed()),
    });
    for await (const line of events) {
      const event = readWatchEvent(request, line);
      if (initial === undefined) take(event);
      else if (event.type === 'changed') initial.add(event.id, event.object);
      else if (event.type === 'deleted') initial.delete(event.id.key);
      else if (event.initialEventsEnd) {
        replace(initial, since, event.resourceVersion);
        initial = undefined;
      }
    }
  }

  /** Lists where that is needed, and watches once. @returns what it failed with; undefined when the server ended it. */
  async function attempt(): Promise<unknown> {
    fruitful = false;
    try {
      if (position === undefined && !streams) await page();
      await watch();
      broken = !fruitful;
      return undefined;
    } catch (error) {
      broken = true;
      if (!signal.aborted) options.onFailure?.(error);
      return error;
    }
  }

  async function round(): Promise<void> {
    const since = clock.elapsed();
    const failure = await attempt();
    if (signal.aborted || fallBack(failure)) return;
    const ending = judgeEnding(failure, { lasted: clock.elapsed() - since, fruitful, futile });
    if (!fruitful && isFutile(failure)) futile += 1;
    if (ending.relist) position = undefined;
    metrics.watchRestarted(names.resource, ending.cause);
    if (failure !== undefined) report(ending, failure);
    await pause(ending);
  }

  /** Turns to pages for good where a list as a stream is refused, or ends or falls silent before it is whole. */
  function fallBack(failure: unknown): boolean {
    if (!streams || position !== undefined) return false;
    if (failure !== undefined && !isStreamUseless(failure)) return false;
    streams = false;
    log.info('The API server does not stream lists; they are read in pages.', names);
    return true;
  }

  function report({ cause, relist }: Ending, failure: unknown): void {
    const reason = failure instanceof KubeError ? failure.reason : 'Internal';
    const status = failure instanceof KubeError ? failure.status : undefined;
    log.warn('A watch broke off; it is taken up again.', { ...names, cause, reason, status, relist });
  }

  async function pause({ wait }: Ending): Promise<void> {
    if (wait === undefined) return;
    const { watchBackoffBase, watchBackoffCap } = timing;
    const longest = Math.min(watchBackoffCap, watchBackoffBase * 2 ** Math.min(failures, MOST_DOUBLINGS));
    failures += 1;
    const delay = Math.max(wait, longest * (0.5 + clock.random() / 2));
    await sleep(clock, delay, signal).catch(() => undefined);
  }

  return {
    async run() {
      while (!signal.aborted) await round();
    },
    get lastSeen() {
      return lastSeen;
    },
    get isBroken() {
      return broken;
    },
  };
}
