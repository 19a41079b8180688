import { API_VERSION, FIELD_MANAGER } from '../api/names.ts';
import { sleep, type Clock } from '../clock.ts';
import { formatInstant } from '../instant.ts';
import type { EventReason, Events, EventSubject, Log } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import { deadline } from './deadline.ts';
import { KubeError } from './kube-error.ts';
import { objectKey } from './object-key.ts';
import type { KubeResource, ResourceType } from './resource.ts';

/** Core events: what `kubectl describe` and `kubectl get events` show, of every version. */
export const eventType: ResourceType = { group: '', version: 'v1', plural: 'events', namespaced: true };

/** Events that wait to be written, at most; the one that waits longest makes room. */
const MOST_WAITING = 256;
/** Events that are being written at the same time, at most: leases come first. */
const MOST_UNDERWAY = 4;
/** Events that are remembered as told, at most; what is forgotten early may be told once more. */
const MOST_REMEMBERED = 4096;

export interface EventsOptions {
  readonly resource: Pick<KubeResource, 'create'>;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'eventRepeat' | 'eventDeadline'>;
  readonly log: Log;
  /** Milliseconds since 1970 by the API server's clock. */
  readonly now: () => number;
}

/** Events that are written to the Kubernetes API. */
export interface EventRecorder extends Events {
  /** Takes no more events; resolves when those that wait are written, and after `eventDeadline` at the latest. */
  close(): Promise<void>;
}

interface Told {
  readonly about: EventSubject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * Records events. The same one (subject, type, reason, message) is written once within `eventRepeat`, by this process;
 * a repetition after that is an event of its own. What cannot be written is dropped, never tried again.
 */
export function recordEvents({ resource, clock, timing, log, now }: EventsOptions): EventRecorder {
  const waiting: Told[] = [];
  const underway = new Set<Promise<void>>();
  /** When each event was told last, in the order of those times. */
  const told = new Map<string, number>();
  const hurry = new AbortController();
  let closed = false;

  function tell(event: Told): void {
    if (closed || !isNews(keyOf(event))) return;
    waiting.push(event);
    const dropped = waiting.length > MOST_WAITING ? waiting.shift() : undefined;
    if (dropped !== undefined) {
      // It was not told after all.
      told.delete(keyOf(dropped));
      log.warn('An event is dropped; too many wait to be written.', { reason: dropped.reason });
    }
    pump();
  }

  function isNews(key: string): boolean {
    const time = clock.elapsed();
    for (const [old, at] of told) {
      if (time - at < timing.eventRepeat && told.size < MOST_REMEMBERED) break;
      told.delete(old);
    }
    if (told.has(key)) return false;
    told.set(key, time);
    return true;
  }

  function pump(): void {
    while (underway.size < MOST_UNDERWAY && !hurry.signal.aborted) {
      const next = waiting.shift();
      if (next === undefined) return;
      const writing = write(next).finally(() => {
        underway.delete(writing);
        pump();
      });
      underway.add(writing);
    }
  }

  async function write(event: Told): Promise<void> {
    const limit = deadline(clock, timing.eventDeadline, hurry.signal);
    try {
      await resource.create(homeOf(event.about), manifest(event), { signal: limit.signal });
    } catch (error) {
      const why = error instanceof KubeError ? error.reason : 'Internal';
      const object = objectKey(event.about.namespace, event.about.name);
      log.debug('An event could not be written.', { object, reason: event.reason, why });
    } finally {
      limit.end();
    }
  }

  async function written(): Promise<void> {
    while (underway.size > 0) await Promise.all(underway);
  }

  return {
    warn: (about, reason, message) => tell({ about, type: 'Warning', reason, message, at: now() }),
    note: (about, reason, message) => tell({ about, type: 'Normal', reason, message, at: now() }),
    async close() {
      closed = true;
      const over = new AbortController();
      const patience = sleep(clock, timing.eventDeadline, over.signal).catch(() => undefined);
      await Promise.race([written(), patience]);
      over.abort();
      hurry.abort();
    },
  };
}

/** Where the events of an object are kept: those of an object without a namespace, in this one (Kubernetes convention). */
function homeOf({ namespace }: EventSubject): string {
  return namespace === '' ? 'default' : namespace;
}

function keyOf({ about, type, reason, message }: Told): string {
  return [about.uid, type, reason, message].join('\n');
}

function manifest({ about, type, reason, message, at }: Told): object {
  const { kind, namespace, name, uid } = about;
  const home = homeOf(about);
  const time = formatInstant(at);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    // The API server shortens what is too long, and makes it unique.
    metadata: { namespace: home, generateName: `${name}.` },
    involvedObject: { apiVersion: API_VERSION, kind, ...(namespace === '' ? {} : { namespace }), name, uid },
    type,
    reason,
    message,
    source: { component: FIELD_MANAGER },
    reportingComponent: FIELD_MANAGER,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}
