import { z } from 'zod';

import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';

/** A write of the operator that tells of a lease: which, for which object, and when it was answered. */
export interface Report {
  /** `namespace/name` of the object. */
  readonly object: string;
  readonly leaseId: string;
  readonly ready: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const statusWrite = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
    lease: z.object({ id: z.string().optional() }).nullish(),
  }),
});

/** The successful status writes of a user that name a lease, in the order of the log. */
export function reportsOf(events: readonly AuditEvent[], user: string): readonly Report[] {
  return events.flatMap((event) => {
    if (event.user !== user || event.resource !== 'dynamicsecretleases/status' || event.responseCode !== 200)
      return [];
    const written = statusWrite.safeParse(event.requestObject).data?.status;
    const leaseId = written?.lease?.id;
    if (written === undefined || leaseId === undefined) return [];
    const ready =
      written.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? true;
    return [{ object: `${event.namespace ?? ''}/${event.name ?? ''}`, leaseId, ready, at: instantOf(event) }];
  });
}

export function instantOf({ timestamp }: Pick<AuditEvent, 'timestamp'>): number {
  return Date.parse(timestamp);
}

/** When each object was first reported Ready, in milliseconds since 1970, ascending. */
export function firstReady(reports: readonly Report[]): readonly number[] {
  const first = new Map<string, number>();
  for (const { object, ready, at } of reports) if (ready && !first.has(object)) first.set(object, at);
  return [...first.values()].toSorted((one, other) => one - other);
}

/** The value below which a share of ascending ones lies; undefined where there are none. @param share 0 to 1 */
export function quantile(ascending: readonly number[], share: number): number | undefined {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)];
}

/** Seconds from an instant until shares of the objects were there. */
export interface Course {
  readonly secondsTo50: number;
  readonly secondsTo90: number;
  readonly secondsTo99: number;
  readonly secondsToAll: number;
}

/** @param ascending instants, in milliseconds. @throws Error where there are none. */
export function courseOf(ascending: readonly number[], from: number): Course {
  const after = (share: number): number => {
    const at = quantile(ascending, share);
    if (at === undefined) throw new Error('Nothing became ready: there is nothing to measure.');
    return (at - from) / 1000;
  };
  return {
    secondsTo50: after(0.5),
    secondsTo90: after(0.9),
    secondsTo99: after(0.99),
    secondsToAll: after(1),
  };
}
