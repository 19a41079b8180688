import type { Fault } from '../../errors.ts';
import {
  isDueBy,
  takeInventory,
  type Inventory,
  type LeaseList,
  type Presence,
} from '../../lease/inventory.ts';
import { earliest } from '../../lease/revocations.ts';
import { backoff } from '../../lease/schedule.ts';
import type { Link } from '../connection/link.ts';
import { faultOf } from '../lease/failure.ts';
import { listTime } from '../lease/gone.ts';
import type { Group } from './groups.ts';
import { holdingsOf, idsOf, isThere, type Holding } from './holding.ts';
import { isAsBefore, mirror, mirrorDynamicSecret } from './mirror.ts';
import { sweep, type SweepParts } from './sweep.ts';

export interface VisitParts extends SweepParts {
  /** Asks for an object to be looked at after the others that vanished with its lease. */
  readonly enqueueAtPace: (key: string) => void;
}

/** How a visit ended, and in how many milliseconds another is worth it. */
export type VisitResult =
  | { readonly result: 'listed'; readonly again: number | undefined }
  /** Nothing is known, and nothing is concluded. */
  | { readonly result: 'failed'; readonly fault: Fault; readonly again: number }
  /** No connection of the namespace leads to the server. */
  | { readonly result: 'unreachable' };

/** What one visit may find out: {@link listGroup}, or the single reads where listing is forbidden. */
export type Visited = { readonly link: Link } | Exclude<VisitResult, { readonly result: 'listed' }>;

/** The link of a group, ready to be used. @param failures how many visits in a row have failed. */
export async function linkOf(parts: VisitParts, group: Group, failures: number): Promise<Visited> {
  const link = parts.links.towards(group.namespace, group.connection);
  if (link === undefined) return { result: 'unreachable' };
  const state = await link.ready();
  if (state.state !== 'failed') return { link };
  const { fault, again } = state;
  return { result: 'failed', fault, again: Math.max(again, waitAfter(parts, fault, failures)) };
}

/** Milliseconds to wait after a failed visit. */
export function waitAfter({ clock, timing }: VisitParts, fault: Fault, failures: number): number {
  return backoff({ ...fault, count: failures + 1 }, clock.random(), undefined, timing);
}

/**
 * One list of a dynamic secret for all its leases: mirrors what the server says of them, notices those that are gone,
 * and finds those that nobody names.
 */
export async function listGroup(
  parts: VisitParts,
  group: Group,
  { link, failures }: { readonly link: Link; readonly failures: number },
  signal: AbortSignal,
): Promise<VisitResult> {
  // What comes to be held while the list is under way need not be in it.
  const before = idsOf(parts, group);
  const askedAt = parts.clock.elapsed();
  try {
    const leases = await link.client.listLeases(group.target);
    const list = { leases, asked: listTime(parts, link.client, askedAt) };
    const holdings = holdingsOf(parts, group);
    const looks = [conclude(parts, group, { list, holdings, before })];
    looks.push(await sweep(parts, group, { link, list }, signal));
    await readDynamicSecret(parts, group, link, { list, holdings });
    const again = earliest(looks);
    // Whatever the clocks say, one list does not follow upon another at once.
    return {
      result: 'listed',
      again: again === undefined ? undefined : Math.max(again, parts.timing.backoffBase),
    };
  } catch (error) {
    const fault = faultOf(error, 'list the leases');
    return { result: 'failed', fault, again: waitAfter(parts, fault, failures) };
  }
}

/** One list, and what the objects of its group had when it came. */
interface Listed {
  readonly list: LeaseList;
  readonly holdings: readonly Holding[];
}

/**
 * @param listed.before ids of the leases that were held when the list was asked for.
 * @returns milliseconds until a second look at what is missing.
 */
function conclude(
  parts: VisitParts,
  group: Group,
  { list, holdings, before }: Listed & { readonly before: ReadonlySet<string> },
): number | undefined {
  const held = holdings.flatMap((holding) => holding.held.filter(({ id }) => before.has(id)));
  const inventory = takeInventory(list, held, parts.timing);
  const seen = withRecorded(inventory, list, holdings);
  for (const holding of holdings) take(parts, holding, { inventory, seen });
  lookAtDue(parts, holdings, list.asked.server);
  const looks = [...inventory.leases.values()].flatMap((presence) =>
    presence.state === 'missing' ? [presence.lookAt - parts.clock.elapsed()] : [],
  );
  if (inventory.mass) {
    parts.log.warn('Many leases of a dynamic secret are missing at once.', {
      ...group.target,
      missing: looks.length,
      held: held.length,
    });
  }
  return earliest(looks);
}

/** An answer of the server may have shown that its clock was set ahead. */
export function lookAtDue(
  parts: Pick<VisitParts, 'enqueue'>,
  holdings: readonly Holding[],
  server: number | undefined,
): void {
  for (const { current, object, pass } of holdings) {
    if (current !== undefined && isDueBy(object.status, server)) parts.enqueue(pass.key);
  }
}

/** The list shows more than what is held: a lease that only a Secret names is looked for, and never missed. */
function withRecorded(
  inventory: Inventory,
  { leases }: LeaseList,
  holdings: readonly Holding[],
): ReadonlyMap<string, Presence> {
  const seen = new Map(inventory.leases);
  const recorded = new Set(holdings.map((holding) => holding.recorded));
  for (const lease of leases) {
    if (recorded.has(lease.id)) seen.set(lease.id, { state: 'present', lease });
  }
  return seen;
}

function take(
  parts: VisitParts,
  holding: Holding,
  { inventory, seen }: { readonly inventory: Inventory; readonly seen: ReadonlyMap<string, Presence> },
): void {
  if (isAsBefore(holding, seen)) return;
  const { held, recorded = '', pass } = holding;
  const own = new Map<string, Presence>();
  for (const id of [...held.map((lease) => lease.id), recorded]) {
    const presence = seen.get(id);
    if (presence !== undefined) own.set(id, presence);
  }
  const toBeRevoked = new Set([
    ...pass.memory().revocations.keys(),
    ...pass.memory().discarded.map(({ id }) => id),
  ]);
  const { news, gone } = mirror(holding, own);
  for (const id of gone) tellGone(holding, id, toBeRevoked.has(id));
  if (!news) return;
  if (gone.length > 0 && inventory.mass) parts.enqueueAtPace(pass.key);
  else parts.enqueue(pass.key);
}

function tellGone({ pass, current, object }: Holding, id: string, toBeRevoked: boolean): void {
  if (toBeRevoked) {
    pass.metrics.revoked('gone');
    pass.log.info('A lease was revoked.', { lease: id, result: 'gone' });
  } else if (id === current?.id && object.deletedAt === undefined) {
    pass.log.warn('The lease in use is gone from the server.', { lease: id });
    const message = 'The lease in use is gone from the server; another takes its place.';
    pass.events.warn(pass.subject, 'LeaseLost', message);
  } else {
    pass.log.info('A replaced lease is gone from the server.', { lease: id });
  }
}

/** One read of any lease of ours tells the dynamic secret's own state, for all its objects. */
async function readDynamicSecret(
  parts: VisitParts,
  group: Group,
  link: Link,
  { list, holdings }: Listed,
): Promise<void> {
  const users = holdings.filter(({ current }) => current !== undefined);
  const listed = new Set(list.leases.map(({ id }) => id));
  const one = users.find(({ current }) => listed.has(current?.id ?? ''))?.current;
  if (one === undefined) return;
  try {
    const { dynamicSecret } = await link.client.getLease(one.id, group.target);
    if (dynamicSecret === undefined) return;
    // Objects may have gone since the list: nothing is to be remembered of those any more.
    for (const holding of users.filter((user) => isThere(parts, user))) {
      if (mirrorDynamicSecret(holding, dynamicSecret)) parts.enqueue(holding.pass.key);
    }
  } catch (error) {
    // It may just have been revoked; the next list comes.
    parts.log.debug('A dynamic secret could not be read.', { reason: faultOf(error, 'read a lease').code });
  }
}
