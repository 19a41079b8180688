import { z } from 'zod';

import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import { sharesOf, type Point } from './points.ts';

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

/** What a request reports; undefined for one that is no successful status write that names a lease. */
export function reportOf(event: AuditEvent): Report | undefined {
  if (event.resource !== 'dynamicsecretleases/status' || event.responseCode !== 200) return undefined;
  const { lease, conditions } = statusWrite.safeParse(event.requestObject).data?.status ?? {};
  if (lease?.id === undefined) return undefined;
  // A merge patch leaves out what stays as it is.
  const ready = conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? true;
  return { object: objectOf(event), leaseId: lease.id, ready, at: instantOf(event) };
}

/** `namespace/name` of what a request was about. */
export function objectOf({ namespace = '', name = '' }: AuditEvent): string {
  return `${namespace}/${name}`;
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

/** When the operator's first write of a lease object was answered, in milliseconds since 1970. */
export function firstWrite(events: readonly AuditEvent[], user: string): number {
  const own = events.filter((event) => event.user === user && isLeaseWrite(event));
  return Math.min(...own.map((event) => instantOf(event)));
}

/** When the operator let each object go, in milliseconds since 1970, ascending: its last write of it. */
export function goneAt(events: readonly AuditEvent[], user: string): readonly number[] {
  const last = new Map<string, number>();
  for (const event of events)
    if (event.user === user && isLeaseWrite(event)) last.set(objectOf(event), instantOf(event));
  return [...last.values()].toSorted((one, other) => one - other);
}

function isLeaseWrite({ verb, resource, responseCode }: AuditEvent): boolean {
  return verb === 'patch' && resource === 'dynamicsecretleases' && responseCode === 200;
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
  /** The same as a curve: the share that was there, over seconds. */
  readonly readiness: readonly Point[];
}

/** @param ascending instants, in milliseconds. @throws Error where there are none. */
export function courseOf(ascending: readonly number[], from: number): Course {
  const after = (share: number): number => {
    const at = quantile(ascending, share);
    if (at === undefined) throw new Error('Nothing became ready: there is nothing to measure.');
    return Number(((at - from) / 1000).toFixed(2));
  };
  return {
    secondsTo50: after(0.5),
    secondsTo90: after(0.9),
    secondsTo99: after(0.99),
    secondsToAll: after(1),
    readiness: sharesOf(ascending, from),
  };
}
