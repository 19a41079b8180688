import type { Clock } from '../clock.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import { backoff } from './backoff.ts';
import type { Priority } from './priority.ts';
import { queue, type QueueOptions } from './queue.ts';
import { schedule } from './schedule.ts';

/** What a reconciliation leaves behind. */
export interface Outcome {
  /** Milliseconds after which the key is to be served again; none: not before something asks for it. */
  readonly again?: number;
  /** The state was looked at and found faulty; for the metric only. */
  readonly faulted?: boolean;
}

export interface ControllerOptions {
  /** For log lines and metrics. */
  readonly name: string;
  /**
   * How many keys are served at the same time, at most. With {@link lanes} those that take long do not count, up to
   * {@link MOST_ASIDE} times this number.
   */
  readonly workers: number;
  /** The lanes of keys that wait for something of their own, such as a server. Default: all keys wait for the same. */
  readonly lanes?: LaneOptions;
  /**
   * Brings one key into order. What it throws is a fault of the program, or one that it does not know how to answer:
   * it is counted, logged by its name alone, and the key is served again after a backoff.
   *
   * @param signal aborted when everything is to stop at once.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'backoffBase' | 'backoffCap' | 'slowAfter'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'queueDepth' | 'queueWaited' | 'reconciled'>;
  /** Stops everything at once: nothing more is begun, and what runs is told. Default: never. */
  readonly signal?: AbortSignal;
}

export interface LaneOptions extends Required<Pick<QueueOptions, 'placeOf'>> {
  /** How many keys of one lane are served at the same time, at most. Default: half of the workers. */
  readonly most?: number;
}

/** With lanes, how many times the number of workers may be in service, the slow ones included. */
const MOST_ASIDE = 8;

/** Slow lanes have one in so many of the workers to themselves. */
const SLOW_LANES = 4;

/** A queue and its workers: level-triggered, so a key says *that* something is to be looked at, never what. */
export interface Controller {
  /** Asks for a key to be served as soon as its priority allows. Default: `normal`. */
  enqueue(key: string, priority?: Priority): void;
  /**
   * Sets the wake-up of a key, instead of the one that it had. Serving the key drops it; the outcome sets another.
   *
   * @throws RangeError when `ms` is not a number.
   */
  enqueueAfter(key: string, ms: number): void;
  /** As `enqueueAfter`, but a wake-up that is set for an earlier time stays. */
  enqueueWithin(key: string, ms: number): void;
  /** Begins nothing more, and resolves when what runs has finished. */
  drain(): Promise<void>;
  /** Resolves when no key waits or is being served; wake-ups may be set. For tests. */
  idle(): Promise<void>;
  /** How many keys wait. */
  readonly depth: number;
}

/** Starts a {@link Controller}. */
export function startController(options: ControllerOptions): Controller {
  const { name, workers, clock, timing, log, metrics } = options;
  const signal = options.signal ?? new AbortController().signal;
  const keys = queue(laneOptions(options));
  const mostTaken = options.lanes === undefined ? workers : workers * MOST_ASIDE;
  const backoffs = backoff(clock, timing.backoffBase, timing.backoffCap);
  const wakeUps = schedule(clock, (key) => enqueue(key));
  const quiet = listeners();
  /** Since when each key has been due. */
  const due = new Map<string, number>();
  let draining = false;
  let beginning = false;

  const stopped = (): boolean => draining || signal.aborted;

  function enqueue(key: string, priority?: Priority): void {
    keys.add(key, priority);
    if (!due.has(key)) due.set(key, clock.elapsed());
    if (beginning) return;
    beginning = true;
    // Of all that is enqueued together the most urgent goes first, not the first that was.
    void Promise.resolve().then(begin);
  }

  function begin(): void {
    beginning = false;
    while (!stopped() && keys.busy < workers && keys.taken < mostTaken) {
      const key = keys.take();
      if (key === undefined) break;
      // The look that is about to be taken answers the wake-up too; one set while it lasts is kept.
      wakeUps.cancel(key);
      void serve(key);
    }
    metrics.queueDepth(name, keys.waiting);
  }

  async function serve(key: string): Promise<void> {
    const since = clock.elapsed();
    metrics.queueWaited(name, (since - (due.get(key) ?? since)) / 1000);
    due.delete(key);
    const patience =
      options.lanes === undefined ? undefined : clock.after(timing.slowAfter, () => setAside(key));
    // A synchronous throw of `reconcile` must end here too.
    await Promise.resolve();
    try {
      const outcome = await options.reconcile(key, signal);
      if (outcome.again !== undefined) wakeBy(key, outcome.again);
      backoffs.reset(key);
      metrics.reconciled(name, resultOf(outcome), (clock.elapsed() - since) / 1000);
    } catch (error) {
      metrics.reconciled(name, 'crashed', (clock.elapsed() - since) / 1000);
      wakeBy(key, backoffs.next(key));
      log.error('A reconciliation failed; it is tried again.', {
        controller: name,
        key,
        error: error instanceof Error ? error.name : typeof error,
        failures: backoffs.failures(key),
      });
    }
    patience?.cancel();
    keys.done(key);
    begin();
    quiet.tell();
  }

  /** Its worker does something else while it waits for a server that takes its time. */
  function setAside(key: string): void {
    keys.setAside(key);
    begin();
  }

  /** A wake-up that somebody set during the reconciliation may answer what it has not seen: the earlier one counts. */
  function wakeBy(key: string, delay: number): void {
    if (stopped()) return;
    const remaining = wakeUps.remaining(key);
    if (remaining === undefined || Number.isNaN(delay) || delay < remaining) wakeUps.set(key, delay);
  }

  signal.addEventListener('abort', () => wakeUps.clear(), { once: true });
  return {
    enqueue,
    enqueueAfter(key, ms) {
      if (!stopped()) wakeUps.set(key, ms);
    },
    enqueueWithin: wakeBy,
    drain() {
      draining = true;
      wakeUps.clear();
      return quiet.until(() => keys.taken === 0);
    },
    idle: () => quiet.until(() => keys.taken === 0 && (keys.waiting === 0 || stopped())),
    get depth() {
      return keys.waiting;
    },
  };
}

function laneOptions({ workers, lanes }: ControllerOptions): QueueOptions {
  if (lanes === undefined) return {};
  const { placeOf, most = Math.ceil(workers / 2) } = lanes;
  return { placeOf, most, slowShare: Math.max(1, Math.floor(workers / SLOW_LANES)) };
}

function resultOf(outcome: Outcome): 'done' | 'requeued' | 'faulted' {
  if (outcome.faulted === true) return 'faulted';
  return outcome.again === undefined ? 'done' : 'requeued';
}

interface Listeners {
  /** Has every waiting condition looked at again. */
  tell(): void;
  until(condition: () => boolean): Promise<void>;
}

function listeners(): Listeners {
  const waiting = new Map<() => void, () => boolean>();
  return {
    tell() {
      for (const [resolve, condition] of waiting) {
        if (!condition()) continue;
        waiting.delete(resolve);
        resolve();
      }
    },
    until(condition) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (condition()) resolve();
      else waiting.set(resolve, condition);
      return promise;
    },
  };
}
