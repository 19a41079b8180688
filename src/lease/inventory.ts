import type { LeaseStatus } from '../api/dynamic-secret-lease.ts';
import type { Lease } from '../api/lease.ts';
import { parseInstant } from '../instant.ts';
import type { Timing } from '../timing.ts';

/** More missing leases than this, and a larger share of those that are held, is a mass disappearance. */
const MASS_COUNT = 5;
const MASS_SHARE = 0.2;

/** When a list was asked for. */
export interface ListTime {
  /** Elapsed milliseconds of this process. */
  readonly elapsed: number;
  /** Milliseconds since 1970 by the lease API's clock; undefined while it is not known. */
  readonly server: number | undefined;
}

/** One successful list of a dynamic secret. */
export interface LeaseList {
  readonly leases: readonly Lease[];
  readonly asked: ListTime;
}

/** A lease that an object held when the list was asked for, and holds still. */
export interface HeldLease {
  readonly id: string;
  readonly expireAt: string;
  /** Undefined where nobody knows. */
  readonly createdAt: string | undefined;
  /** Elapsed milliseconds of the first list that lacked it, when there was one. */
  readonly absentSince: number | undefined;
}

/** What a list that lacks a lease says of it. `lookAt` and `since` are elapsed milliseconds. */
export type Absence =
  { readonly state: 'missing'; readonly since: number; readonly lookAt: number } | { readonly state: 'gone' };

/** What a list says of a lease that is held. One that is past its end is not looked for. */
export type Presence =
  { readonly state: 'present'; readonly lease: Lease } | { readonly state: 'ended' } | Absence;

export interface Inventory {
  /** By lease id. */
  readonly leases: ReadonlyMap<string, Presence>;
  /** So many leases are missing at once that it may well be the list that is wrong; replacements go at a pace. */
  readonly mass: boolean;
}

/**
 * Compares what is held of a dynamic secret with a list of it. A mass disappearance (a server restored from a backup, a
 * list that lies) is looked at again only after `timing.massSecondLook`.
 */
export function takeInventory(list: LeaseList, held: readonly HeldLease[], timing: Timing): Inventory {
  const listed = new Map(list.leases.map((lease) => [lease.id, lease]));
  const alive = held.filter((lease) => listed.has(lease.id) || !hasEnded(lease, list.asked, timing));
  const missing = alive.filter((lease) => !listed.has(lease.id));
  const mass = missing.length > MASS_COUNT && missing.length > MASS_SHARE * alive.length;
  const secondLook = mass ? timing.massSecondLook : timing.goneSecondLook;
  const leases = new Map<string, Presence>(held.map(({ id }) => [id, { state: 'ended' }]));
  for (const lease of alive) {
    const seen = listed.get(lease.id);
    leases.set(
      lease.id,
      seen === undefined ? absence(lease, list.asked, timing, secondLook) : { state: 'present', lease: seen },
    );
  }
  return { leases, mass };
}

/**
 * What it means that a list lacks a lease. Gone = missing in two lists, apart in time, for a lease old enough that no
 * replica can lag behind it; one of unknown age counts as new when it was first missed.
 *
 * @param secondLook milliseconds between the two lists, at least.
 */
export function absence(
  lease: Pick<HeldLease, 'createdAt' | 'absentSince'>,
  asked: ListTime,
  timing: Pick<Timing, 'goneMinimumAge' | 'goneSecondLook'>,
  secondLook: number = timing.goneSecondLook,
): Absence {
  const since = lease.absentSince ?? asked.elapsed;
  const createdAt = parseInstant(lease.createdAt);
  const oldEnoughAt =
    createdAt === undefined || asked.server === undefined
      ? since + timing.goneMinimumAge
      : asked.elapsed + timing.goneMinimumAge - (asked.server - createdAt);
  const lookAt = Math.max(since + secondLook, oldEnoughAt);
  return asked.elapsed >= lookAt ? { state: 'gone' } : { state: 'missing', since, lookAt };
}

function hasEnded({ expireAt }: HeldLease, { server }: ListTime, { clockSlack }: Timing): boolean {
  const end = parseInstant(expireAt);
  return end !== undefined && server !== undefined && server + clockSlack >= end;
}

/**
 * Whether the lease in use is due to be replaced by the server's clock. Timers run by elapsed time: where that clock was
 * set ahead, none of them goes off in time.
 *
 * @param server milliseconds since 1970; undefined while it is not known.
 */
export function isDueBy({ rotateAt }: Pick<LeaseStatus, 'rotateAt'>, server: number | undefined): boolean {
  const moment = parseInstant(rotateAt);
  return moment !== undefined && server !== undefined && server >= moment;
}
