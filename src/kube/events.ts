import { z } from 'zod';

import { sleep, type Clock, type Timer } from '../clock.ts';
import type { Events, Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import { deadline } from './deadline.ts';
import { eventBudget } from './event-budget.ts';
import { eventManifest, homeOf, seriesPatch, type ToldEvent } from './event-manifest.ts';
import { isNotFound, KubeError } from './kube-error.ts';
import { objectKey } from './object-key.ts';
import type { KubeResource } from './resource.ts';

/** Events that wait to be written, at most; the one that waits longest makes room. */
const MOST_WAITING = 256;
/** Events that are being written at the same time, at most: leases come first. */
const MOST_UNDERWAY = 4;
/** Events that are remembered as told, at most; what is forgotten early may be told once more. */
const MOST_REMEMBERED = 4096;

export interface EventsOptions {
  readonly resource: Pick<KubeResource, 'create' | 'mergePatch'>;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'eventRepeat' | 'eventDeadline' | 'eventRefill'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'eventTold'>;
  /** Milliseconds since 1970 by the API server's clock. */
  readonly now: () => number;
  /** Which replica tells: the name of its pod. */
  readonly instance: string;
}

/** Events that are written to the Kubernetes API. */
export interface EventRecorder extends Events {
  /** Takes no more events; resolves when those that wait are written, and after `eventDeadline` at the latest. */
  close(): Promise<void>;
}

/** An event and its repetitions. */
interface Told extends ToldEvent {
  /** By which it is known that it is the same. */
  readonly key: string;
  /** The name that the API server gave it; undefined while it has none. */
  name: string | undefined;
  count: number;
  /** When it was told last, in milliseconds since 1970. */
  lastAt: number;
  /** When it was written last, or was to be, in elapsed milliseconds. */
  since: number;
  /** Repetitions wait for it to be written. */
  timer: Timer | undefined;
}

/**
 * Records events. The same one (subject, type, reason, message) is written at once, and its repetitions together, once in
 * `eventRepeat` at most, as the `series` of the one that is there. What is over the budget of its object, or of all, is dropped, and so
 * is what cannot be written: it is never tried again by itself. At the end of the process repetitions that are not written
 * yet are forgotten.
 */
export function recordEvents(options: EventsOptions): EventRecorder {
  const { resource, clock, timing, log, metrics, now, instance } = options;
  const budget = eventBudget(clock, timing);
  const waiting: Told[] = [];
  const underway = new Set<Promise<void>>();
  /** What was written last in the last `eventRepeat`, in the order of those times. */
  const told = new Map<string, Told>();
  const hurry = new AbortController();
  let closed = false;

  function tell(event: Omit<ToldEvent, 'at'>): void {
    if (closed) return;
    forgetOld();
    const key = keyOf(event);
    const before = told.get(key);
    if (before !== undefined) return join(before);
    const at = now();
    const fresh = { ...event, key, at, name: undefined, count: 1, lastAt: at, since: 0, timer: undefined };
    if (write(fresh)) return;
    metrics.eventTold('dropped');
    log.debug('An event is dropped; it is over the budget.', { reason: event.reason });
  }

  /** Counts a repetition; it is told when the time of the last write is over. */
  function join(event: Told): void {
    event.count += 1;
    event.lastAt = now();
    metrics.eventTold('joined');
    const wait = event.since + timing.eventRepeat - clock.elapsed();
    event.timer ??= clock.after(wait, () => repeat(event));
  }

  function repeat(event: Told): void {
    event.timer = undefined;
    if (write(event)) return;
    event.timer = clock.after(timing.eventRepeat, () => repeat(event));
  }

  /** Has an event written, as far as the budget allows. */
  function write(event: Told): boolean {
    if (!budget.take(event.about.uid)) return false;
    event.since = clock.elapsed();
    told.delete(event.key);
    told.set(event.key, event);
    waiting.push(event);
    const oldest = waiting.length > MOST_WAITING ? waiting.shift() : undefined;
    if (oldest !== undefined) drop(oldest);
    pump();
    return true;
  }

  /** It was not told after all. */
  function drop(event: Told): void {
    forget(event);
    metrics.eventTold('dropped');
    log.warn('An event is dropped; too many wait to be written.', { reason: event.reason });
  }

  function forgetOld(): void {
    for (const event of told.values()) {
      const isOld = clock.elapsed() - event.since >= timing.eventRepeat && event.timer === undefined;
      if (!isOld && told.size < MOST_REMEMBERED) break;
      forget(event);
    }
  }

  function forget(event: Told): void {
    event.timer?.cancel();
    event.timer = undefined;
    told.delete(event.key);
  }

  function pump(): void {
    while (underway.size < MOST_UNDERWAY && !hurry.signal.aborted) {
      const next = waiting.shift();
      if (next === undefined) return;
      const writing = send(next).finally(() => {
        underway.delete(writing);
        pump();
      });
      underway.add(writing);
    }
  }

  async function send(event: Told): Promise<void> {
    const limit = deadline(clock, timing.eventDeadline, hurry.signal);
    try {
      await put(event, limit.signal);
      metrics.eventTold('written');
    } catch (error) {
      metrics.eventTold('failed');
      const why = error instanceof KubeError ? error.reason : 'Internal';
      const object = objectKey(event.about.namespace, event.about.name);
      log.debug('An event could not be written.', { object, reason: event.reason, why });
    } finally {
      limit.end();
    }
  }

  async function put(event: Told, signal: AbortSignal): Promise<void> {
    const { about, name } = event;
    if (name !== undefined) {
      const object = { namespace: homeOf(about), name };
      try {
        await resource.mergePatch(object, seriesPatch(event), { signal });
        return;
      } catch (error) {
        // Events live for an hour, or are deleted: then it is told anew.
        if (!isNotFound(error)) throw error;
      }
    }
    const answer = await resource.create(homeOf(about), eventManifest(event, event, instance), { signal });
    event.name = written.safeParse(answer).data?.metadata.name;
  }

  async function allWritten(): Promise<void> {
    while (underway.size > 0) await Promise.all(underway);
  }

  return {
    warn: (about, reason, message) => tell({ about, type: 'Warning', reason, message }),
    note: (about, reason, message) => tell({ about, type: 'Normal', reason, message }),
    async close() {
      closed = true;
      for (const event of told.values()) forget(event);
      const over = new AbortController();
      const patience = sleep(clock, timing.eventDeadline, over.signal).catch(() => undefined);
      await Promise.race([allWritten(), patience]);
      over.abort();
      hurry.abort();
    },
  };
}

const written = z.object({ metadata: z.object({ name: z.string() }) });

function keyOf({ about, type, reason, message }: Omit<ToldEvent, 'at'>): string {
  return [about.uid, type, reason, message].join('\n');
}
