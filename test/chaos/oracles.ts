import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import { isReady } from '../support/stage.ts';
import { deadSpans, type Held, type Span } from './dead.ts';
import type { History, Life } from './history.ts';
import { isLong, type World } from './world.ts';

/** An object whose Secret held a dead credential, and when. */
export interface Dead {
  readonly life: Life;
  readonly spans: readonly Span[];
}

/** Something that went wrong with an object or a lease. */
export interface Wrong {
  /** The object's key, where it is known. */
  readonly key: string | undefined;
  readonly seen: string;
}

/** @param until the end of the measurement for objects that were not deleted. */
export function deadCredentials(
  { lives }: Pick<History, 'lives'>,
  ledger: readonly LedgerEntry[],
  until: number,
): readonly Dead[] {
  const ends = endsOf(ledger);
  return lives.flatMap((life) => {
    if (life.readyFrom === undefined) return [];
    const ready = { from: life.readyFrom, to: life.deletedAt ?? until };
    const { logins, excused } = life;
    const spans = deadSpans(
      { ready, held: heldBy(life, ready.to), logins, excused },
      (lease) => ends.get(lease) ?? Infinity,
    );
    return spans.length === 0 ? [] : [{ life, spans }];
  });
}

function heldBy({ held }: Life, until: number): readonly Held[] {
  return held.map((one, index) => ({ ...one, to: held[index + 1]?.from ?? until }));
}

/** When each lease that lives no more was no more: revoked, or at its own end. */
export function endsOf(ledger: readonly LedgerEntry[]): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const { leaseId, event, at, expireAt } of ledger) {
    if (leaseId === null || !['revoked', 'expired', 'dropped'].includes(event)) continue;
    ends.set(leaseId, Math.min(at, expireAt ?? Infinity));
  }
  return ends;
}

/**
 * The leases that live though no status, no record of a Secret and no list of retiring ones names them.
 *
 * @param age those made less than so many milliseconds ago are left out: they may be on their way into a Secret.
 */
export async function unnamed({ api, history }: World, age = 0): Promise<readonly Wrong[]> {
  const { leases } = await api.live();
  const named = history.named();
  const until = Date.now() - age;
  return leases
    .filter(({ leaseId, createdAt }) => !named.has(leaseId) && createdAt <= until)
    .map(({ leaseId, createdAt, tag }) => ({
      key: keyOf(history, tag?.object),
      seen: `lease ${leaseId}, made at ${timeOf(createdAt)} and alive, is named nowhere`,
    }));
}

/**
 * Leases of the long kind that ran out: they are to be revoked when they are replaced and when their object goes, long
 * before their end.
 */
export function ranOut({ history }: World, ledger: readonly LedgerEntry[]): readonly Wrong[] {
  return ledger
    .filter(({ event, dynamicSecret }) => event === 'expired' && isLong(dynamicSecret ?? ''))
    .map(({ leaseId, at, tag }) => ({
      key: keyOf(history, tag?.object),
      seen: `lease ${String(leaseId)} was never revoked and ran out at ${timeOf(at)}`,
    }));
}

function keyOf({ lives }: History, uid: string | undefined): string | undefined {
  return lives.find((life) => life.uid === uid)?.key;
}

/** Objects that are not as they should be when all is calm: ready with a lease that lives, or gone when deleted. */
export async function stuck({ api, history }: World): Promise<readonly Wrong[]> {
  const alive = new Set((await api.live()).leases.map(({ leaseId }) => leaseId));
  return history.present().flatMap((life) => {
    const seen = wrongWith(life, alive);
    return seen === undefined ? [] : [{ key: life.key, seen }];
  });
}

function wrongWith({ lease, secret, deletedAt }: Life, alive: ReadonlySet<string>): string | undefined {
  if (deletedAt !== undefined) return `deleted at ${timeOf(deletedAt)} and not gone`;
  if (!isReady(lease)) return `not Ready: ${JSON.stringify(lease.status.conditions)}`;
  const id = lease.status.lease?.id ?? '';
  if (secret?.lease !== id) return `status names lease ${id}, its Secret ${String(secret?.lease)}`;
  return alive.has(id) ? undefined : `lease ${id} is dead`;
}

/** RFC 3339. */
export function timeOf(instant: number): string {
  return new Date(instant).toISOString();
}
