import type { LeasePlace } from '../../api/asked.ts';
import type { Lease, LeaseRef, Target } from '../../api/lease.ts';
import { placeOf } from '../../lease/target.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import { leasesOf } from '../../lease/deletion.ts';
import type { DecisionInput } from '../../lease/input.ts';
import type { LeaseRecord } from '../ports.ts';
import type { LeasePass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { refOf } from './request.ts';

/** A place where the server may have leases of the object. */
interface Place {
  readonly client: LeaseClient;
  readonly noted: LeasePlace;
  /** The same, by the name of now. */
  readonly target: Target;
}

/**
 * Lists what the server has for an object that is being deleted, wherever it is known to have leased: whatever carries its
 * tag and is not known of yet is revoked with the rest. A process before this one may have asked for it and ended.
 */
export async function account(
  pass: LeasePass,
  object: LeaseRecord,
  input: DecisionInput,
): Promise<StepResult> {
  try {
    const found: LeaseRef[] = [];
    for (const place of placesOf(pass, object, input)) found.push(...(await taggedIn(pass, place)));
    const named = new Set(leasesOf(input).map(({ id }) => id));
    const unnamed = found.filter((ref) => !named.has(ref.id));
    pass.remember({ accounted: true, discarded: [...pass.memory().discarded, ...unnamed] });
    for (const { id, attempt } of unnamed) {
      pass.metrics.swept('revoked');
      pass.log.warn('A lease that nobody names is revoked.', { lease: id, attempt });
    }
  } catch (error) {
    fail(pass, faultOf(error, 'list the leases'));
    return 'rest';
  }
  return 'again';
}

function placesOf(pass: LeasePass, object: LeaseRecord, input: DecisionInput): readonly Place[] {
  const places = new Map<string, Place>();
  const add = (noted: LeasePlace): void => {
    const client = pass.clientFor(noted);
    const target = pass.targetNow(noted);
    const key = JSON.stringify([noted.connection.host, target]);
    if (client !== undefined && !places.has(key)) places.set(key, { client, noted, target });
  };
  for (const ref of leasesOf(input)) add(ref);
  for (const place of object.asked) add(place);
  const { target, connection } = input;
  if (target.wanted !== undefined && connection.identity !== undefined)
    add(placeOf(target.wanted, connection.identity));
  return [...places.values()];
}

async function taggedIn(pass: LeasePass, { client, noted, target }: Place): Promise<readonly LeaseRef[]> {
  const listed = await recentList(pass, client, target);
  const ours = (listed.get(pass.uid) ?? []).filter(({ tag }) => tag?.install === pass.install);
  return ours.map(({ id, expireAt, tag }) =>
    refOf(id, expireAt, { ...noted, attempt: tag?.attempt ?? '', target }),
  );
}

/** Leases by the object that their tag names. */
type Tagged = ReadonlyMap<string, readonly Lease[]>;

interface RecentList {
  readonly at: number;
  readonly leases: Promise<Tagged>;
}

const recentLists = new WeakMap<LeaseClient, Map<string, RecentList>>();

/** One list for all objects that are deleted within a few seconds: it shows every lease of a dynamic secret. */
function recentList({ clock, timing }: LeasePass, client: LeaseClient, target: Target): Promise<Tagged> {
  const key = JSON.stringify(target);
  const lists = recentLists.get(client) ?? new Map<string, RecentList>();
  recentLists.set(client, lists);
  const recent = lists.get(key);
  if (recent !== undefined && clock.elapsed() < recent.at + timing.goneSecondLook) return recent.leases;
  // Sorted once, not looked through by each object: ten thousand may be deleted together.
  const leases = client.listLeases(target).then((all) => Map.groupBy(all, ({ tag }) => tag?.object ?? ''));
  lists.set(key, { at: clock.elapsed(), leases });
  leases.catch(() => lists.delete(key));
  return leases;
}
