import type { Lease, LeaseTag } from '../../api/lease.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { LeaseList } from '../../lease/inventory.ts';
import { earliest } from '../../lease/revocations.ts';
import { sweepVerdict, type Accounts, type SweepContext } from '../../lease/sweep.ts';
import type { Link } from '../connection/link.ts';
import { leasePass, secretKeyOf, type LeaseParts } from '../lease/context.ts';
import { refOf } from '../lease/request.ts';
import type { LeaseRecord } from '../ports.ts';
import { accountsOf, accountsOfMemory, idsOfObject, idsOfSecret } from './accounts.ts';
import type { Group } from './groups.ts';

/** What a sweep works with, beside what every step of a lease does. */
export interface SweepParts extends LeaseParts {
  /** The key of an object that exists, as far as the watch has told. */
  readonly keyOf: (uid: string) => string | undefined;
  /** Asks for an object to be looked at. */
  readonly enqueue: (key: string) => void;
  /** Ids of the leases that were reported, by the server and dynamic secret that they are of. */
  readonly reported: Map<string, ReadonlySet<string>>;
}

type TaggedLease = Lease & { readonly tag: LeaseTag };

/**
 * Finds the leases of a list that nobody names. One that is lost for sure is handed to its object, to be revoked as any
 * other; what else carries our tag and is nobody's is reported, once.
 *
 * @returns milliseconds until another list of this dynamic secret can say more; undefined where none is needed.
 */
export async function sweep(
  parts: SweepParts,
  group: Group,
  { link, list }: { readonly link: Link; readonly list: LeaseList },
  signal: AbortSignal,
): Promise<number | undefined> {
  const context = contextFor(parts, group, list);
  // Nearly all are in use, by what their objects say themselves: those need no second thought.
  const rest = list.leases.filter((lease) => !isInUse(parts, lease));
  const judged = rest.map((lease) => ({ lease, verdict: sweepVerdict(lease, context(lease.tag)) }));
  const strays = new Set(judged.flatMap(({ lease, verdict }) => (verdict.is === 'stray' ? [lease.id] : [])));
  const looks = judged.map(({ verdict }) => (verdict.is === 'young' ? verdict.again : undefined));
  const suspects = judged.flatMap(({ lease, verdict }) => (verdict.is === 'suspect' ? [lease] : []));
  for (const lease of suspects.filter(isTagged)) {
    if (signal.aborted) break;
    const found = await lookFor(parts, lease);
    if (found === 'lost') handOver(parts, group, link, lease);
    if (found === 'stray') strays.add(lease.id);
    if (found === 'unclear') looks.push(parts.timing.settleRetry);
  }
  report(parts, group, list, strays);
  return earliest(looks);
}

function isInUse({ cluster, keyOf }: SweepParts, { id, tag }: Lease): boolean {
  const key = tag === undefined ? undefined : keyOf(tag.object);
  return key !== undefined && cluster.leases.get(key)?.status.lease?.id === id;
}

function isTagged(lease: Lease): lease is TaggedLease {
  return lease.tag !== undefined;
}

function contextFor(
  parts: SweepParts,
  group: Group,
  { asked }: LeaseList,
): (tag: LeaseTag | undefined) => SweepContext {
  const { install, timing, cluster, keyOf, memories } = parts;
  const { shard } = cluster;
  const known = new Map<string, Accounts | 'elsewhere' | undefined>();
  const objectOf = (uid: string): Accounts | 'elsewhere' | undefined => {
    if (keyOf(uid) === undefined && memories.hasLeft(uid)) return 'elsewhere';
    const key = ownerOf(parts, uid);
    if (key === undefined) return undefined;
    return key.startsWith(`${group.namespace}/`) ? accountsOf(parts, key, uid) : 'elsewhere';
  };
  return (tag) => {
    if (tag?.install === install && !known.has(tag.object)) known.set(tag.object, objectOf(tag.object));
    return { install, shard, timing, serverTime: asked.server, object: known.get(tag?.object ?? '') };
  };
}

/** The key of the object of a tag: one that exists, that something is still done for, or that was let go of late. */
function ownerOf({ keyOf, memories }: SweepParts, uid: string): string | undefined {
  return keyOf(uid) ?? memories.former(uid)?.key;
}

/** Whether a suspect is lost, by a look at the cluster made after the list. */
async function lookFor(
  parts: SweepParts,
  { id, tag }: TaggedLease,
): Promise<'lost' | 'named' | 'stray' | 'unclear'> {
  try {
    const ids = await idsOfLiveLook(parts, tag.object);
    if (ids === 'moved') return 'named';
    if (typeof ids === 'string') return ids;
    // Memory comes last, so that nothing slips through between.
    const memory = accountsOfMemory(parts, tag.object);
    return ids.has(id) || memory.ids.has(id) || memory.attempts.has(tag.attempt) ? 'named' : 'lost';
  } catch (error) {
    if (error instanceof KubeError) return 'unclear';
    throw error;
  }
}

/**
 * The ids that the Secret and then the object name now, in this order: a lease moves from memory to the Secret, and from
 * there to the status. An object that is gone names none, if it is this process that let it go.
 */
async function idsOfLiveLook(
  parts: SweepParts,
  uid: string,
): Promise<ReadonlySet<string> | 'stray' | 'unclear' | 'moved'> {
  const { cluster, memories } = parts;
  const key = ownerOf(parts, uid);
  if (key === undefined) return 'stray';
  const seen = cluster.leases.get(key);
  const secretKeys = seen?.uid === uid ? secretKeysOf(seen) : [];
  const secrets = await Promise.all(secretKeys.map((secretKey) => cluster.secrets.look(secretKey)));
  // One that may not be looked at may name any lease.
  if (secrets.some((secret) => secret?.hidden === true)) return 'unclear';
  const ids = new Set(secrets.flatMap(idsOfSecret));
  const live = await cluster.leases.look(key);
  if (live?.uid !== uid) return memories.former(uid) === undefined ? 'stray' : ids;
  // Another shard serves it by now, and sweeps its leases.
  if (live.shard !== cluster.shard) return 'moved';
  // Its Secret has another name by now than the one that was looked at.
  if (!secretKeys.includes(secretKeyOf(live))) return 'unclear';
  return new Set([...ids, ...idsOfObject(live)]);
}

/** The Secret that the spec names, and the one that was last written. */
function secretKeysOf(object: LeaseRecord): readonly string[] {
  const written = object.status.secret?.name;
  const keys = [secretKeyOf(object), ...(written === undefined ? [] : [`${object.namespace}/${written}`])];
  return [...new Set(keys)];
}

/** From here on it is one of the leases that its object has to revoke. */
function handOver(parts: SweepParts, group: Group, link: Link, lease: TaggedLease): void {
  const { object: uid, attempt } = lease.tag;
  const key = ownerOf(parts, uid);
  if (key === undefined) return;
  const pass = leasePass(parts, key, uid);
  const ref = refOf(lease.id, lease.expireAt, { attempt, connection: link.identity, target: group.target });
  pass.remember({ discarded: [...pass.memory().discarded, ref] });
  pass.metrics.swept('revoked');
  pass.log.warn('A lease that nobody names is revoked.', { lease: lease.id, attempt });
  if (parts.cluster.leases.get(key)?.uid === uid) {
    pass.events.warn(
      pass.subject,
      'LeaseSwept',
      'A lease that neither the object nor its Secret names is revoked.',
    );
  }
  parts.enqueue(key);
}

function report(
  parts: SweepParts,
  { target, connection }: Group,
  list: LeaseList,
  strays: ReadonlySet<string>,
): void {
  const { reported, metrics, log } = parts;
  const place = JSON.stringify([connection.host, target]);
  const before = reported.get(place) ?? new Set();
  for (const id of strays) {
    if (before.has(id)) continue;
    metrics.swept('reported');
    log.warn('A lease carries the tag of this installation and belongs to no object; it is left alone.', {
      lease: id,
    });
  }
  const listed = new Set(list.leases.map(({ id }) => id));
  const known = [...before].filter((id) => listed.has(id));
  if (known.length + strays.size === 0) reported.delete(place);
  else reported.set(place, new Set([...known, ...strays]));
}
