import type { CurrentLease, LeaseStatus } from '../../api/dynamic-secret-lease.ts';
import type { DynamicSecret, Lease } from '../../api/lease.ts';
import { parseInstant } from '../../instant.ts';
import { equal } from '../../kube/merge-patch.ts';
import type { Presence } from '../../lease/inventory.ts';
import { endLease } from '../lease/gone.ts';
import type { Remembered } from '../lease/memory.ts';
import type { Holding } from './holding.ts';

/** What a list changed for one object. */
export interface Mirrored {
  /** A decision or the status sees something that it did not see before. */
  readonly news: boolean;
  /** Ids of leases that turned out to be gone. */
  readonly gone: readonly string[];
}

/**
 * Takes what a list (or a single read) showed of an object's leases into memory: the fresh leases, which are missing
 * since when, which are gone. An unchanged world changes nothing.
 *
 * @param seen what is known of leases now, by id; of the others nothing is concluded.
 */
export function mirror(holding: Holding, seen: ReadonlyMap<string, Presence>): Mirrored {
  const { pass, held } = holding;
  const memory = pass.memory();
  const fresh = freshOf(holding, seen);
  const change: Partial<Remembered> = {
    ...changed(memory, 'sighted', sightedNow(holding, memory, fresh)),
    ...changed(memory, 'absentSince', absencesNow(memory, seen)),
  };
  const gone = held.flatMap(({ id }) => (seen.get(id)?.state === 'gone' ? [id] : []));
  const news = gone.length > 0 || [...fresh.values()].some((lease) => isNews(holding, memory, lease));
  if (Object.keys(change).length > 0) pass.remember(change);
  for (const id of gone) endLease(pass, id);
  return { news, gone };
}

/** Whether the server showed of each lease of an object just what it showed before, as it nearly always does. */
export function isAsBefore({ pass, held, recorded }: Holding, seen: ReadonlyMap<string, Presence>): boolean {
  const { sighted, absentSince } = pass.memory();
  if (absentSince.size > 0 || sighted.size > held.length + (recorded === undefined ? 0 : 1)) return false;
  const isKept = (id: string): boolean => {
    const [before, presence] = [sighted.get(id), seen.get(id)];
    return before !== undefined && presence?.state === 'present' && equal(before, presence.lease);
  };
  if (!held.every(({ id }) => isKept(id))) return false;
  return recorded === undefined || held.some(({ id }) => id === recorded) || isKept(recorded);
}

/** The leases of this object that the server showed: those that it holds, and the one that its Secret names. */
function freshOf(
  { held, recorded, pass }: Holding,
  seen: ReadonlyMap<string, Presence>,
): ReadonlyMap<string, Lease> {
  const ids = [...held.map(({ id }) => id), ...(recorded === undefined ? [] : [recorded])];
  return new Map(
    ids.flatMap((id) => {
      const presence = seen.get(id);
      const known = pass.memory().known.get(id)?.lease;
      return presence?.state === 'present' ? [[id, latest(presence.lease, known)] as const] : [];
    }),
  );
}

/** A list may be older than what an answer told of the same lease: it was asked for before, or a replica lags. */
function latest(listed: Lease, known: Lease | undefined): Lease {
  const newer = (parseInstant(known?.updatedAt) ?? 0) > (parseInstant(listed.updatedAt) ?? 0);
  return newer && known !== undefined ? known : listed;
}

function sightedNow(
  { named }: Holding,
  { sighted, known }: Remembered,
  fresh: ReadonlyMap<string, Lease>,
): Remembered['sighted'] {
  const now = new Map([...sighted].filter(([id]) => named.has(id)));
  for (const [id, lease] of fresh) {
    // Thousands of them: what is equal is kept once.
    const before = [sighted.get(id), known.get(id)?.lease].find((one) => equal(one, lease));
    now.set(id, before ?? lease);
  }
  return now;
}

function absencesNow(
  { absentSince }: Remembered,
  seen: ReadonlyMap<string, Presence>,
): Remembered['absentSince'] {
  const now = new Map(absentSince);
  for (const [id, presence] of seen) {
    if (presence.state === 'present') now.delete(id);
    else if (presence.state === 'missing') now.set(id, presence.since);
  }
  return now;
}

function changed<Key extends 'sighted' | 'absentSince'>(
  memory: Remembered,
  key: Key,
  now: Remembered[Key],
): Partial<Remembered> {
  const before = memory[key];
  const same = before.size === now.size && [...now].every(([id, value]) => before.get(id) === value);
  return same ? {} : { [key]: now };
}

/** Whether memory and the status knew this of a lease. Of a replaced one the status shows nothing that could change. */
function isNews({ current, recorded }: Holding, { sighted, known }: Remembered, lease: Lease): boolean {
  const before = sighted.get(lease.id) ?? known.get(lease.id)?.lease;
  if (before !== undefined) return !equal(before, lease);
  if (current?.id === lease.id) return !shows(current, lease);
  return recorded === lease.id;
}

function shows(reported: CurrentLease, lease: Lease): boolean {
  return (
    reported.expireAt === lease.expireAt &&
    reported.version === lease.version &&
    reported.updatedAt === lease.updatedAt &&
    reported.status === (lease.status ?? undefined) &&
    reported.statusDetails === (lease.statusDetails ?? undefined)
  );
}

/**
 * Takes the dynamic secret of the lease in use into memory.
 *
 * @returns whether the status says something else of it.
 */
export function mirrorDynamicSecret(
  { pass, object, current }: Holding,
  dynamicSecret: DynamicSecret,
): boolean {
  if (current === undefined) return false;
  const before = pass.memory().dynamicSecret;
  if (equal(before, dynamicSecret)) return false;
  pass.remember({ dynamicSecret });
  return before !== undefined || !describes(object.status.dynamicSecret, dynamicSecret);
}

function describes(reported: LeaseStatus['dynamicSecret'], seen: DynamicSecret): boolean {
  const { id, name, type, version, defaultTTL } = seen;
  const { maxTTL, status, statusDetails } = seen;
  const optional = Object.entries({ maxTTL, status, statusDetails }).filter(([, value]) => value !== null);
  return equal(reported, { id, name, type, version, defaultTTL, ...Object.fromEntries(optional) });
}
