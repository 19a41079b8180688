import type { LeaseRef } from '../../api/lease.ts';
import { fault, type Fault } from '../../errors.ts';
import { isAlreadyExists, isConflict, isDefinite, isNotFound, KubeError } from '../../kube/kube-error.ts';
import type { KnownLease } from '../../lease/input.ts';
import { targetOfRef } from '../../lease/target.ts';
import { changedSecret, newSecret, takenSecret, type Content } from '../../secret/manifest.ts';
import { isOwnedBy, judgeConflict, recordOf } from '../../secret/ownership.ts';
import { shapeOf } from '../../secret/shape.ts';
import type { LeaseRecord, SecretRecord, WriteOptions } from '../ports.ts';
import { claimOf, rivalOf } from './claims.ts';
import { secretKeyOf, type LeasePass, type StepResult } from './context.ts';
import { fail } from './failure.ts';
import { countUnaccounted } from './unaccounted.ts';
import { dressOf } from './gather.ts';
import { isOfOtherShard } from './inspect.ts';
import type { HeldLease } from './memory.ts';
import { isStillServed } from './presence.ts';

/** The causes that heal what somebody else did to the Secret. */
const drift: ReadonlySet<HeldLease['cause']> = new Set(['secret-deleted', 'secret-edited', 'record-refused']);

/**
 * Writes the lease in hand into the Secret: one guarded write of credentials and record.
 *
 * | What comes back | What happens |
 * | --- | --- |
 * | written, or seen by the watch to have been | delivered |
 * | conflict | look: our write had arrived → delivered; still on the lease to be replaced → write again; it may be taken over → that; another was faster, or it is foreign → revoke ours |
 * | a refusal, and no earlier try in doubt | revoke ours; the next lease waits for a dry run that works |
 * | no answer, 5xx, 429 | the same write with the same lease again; past the deadline let go |
 */
export async function deliver(pass: LeasePass, object: LeaseRecord, held: HeldLease): Promise<StepResult> {
  const existing = pass.cluster.secrets.get(secretKeyOf(object));
  const ours = existing !== undefined && claimOf(pass, object, existing) !== 'foreign' ? existing : undefined;
  // An earlier try had arrived, and the watch was faster than its answer.
  if (ours !== undefined && isOwnedBy(ours, object.uid) && recordOf(ours)?.lease.id === held.ref.id) {
    settleDelivery(pass, object, held, { secret: ours, result: 'found' });
    return 'again';
  }
  // Waits that the server asked for, and other objects' turns, may have taken all the time there was.
  if (pass.clock.elapsed() >= held.answeredAt + pass.timing.deliveryDeadline) tryLater(pass, object, held);
  else await writeOnce(pass, object, ours, held);
  return 'again';
}

async function writeOnce(
  pass: LeasePass,
  object: LeaseRecord,
  ours: SecretRecord | undefined,
  held: HeldLease,
): Promise<void> {
  try {
    settleDelivery(pass, object, held, {
      secret: await write(pass, object, ours, { content: held }),
      result: 'written',
    });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    // A 404 for a change: the Secret went away. For a creation it is the namespace that did, which is a refusal.
    if (ours !== undefined && isNotFound(error)) await lookAtConflict(pass, object, held);
    else await answerRefusal(pass, object, held, error);
  }
}

/** The write itself: a guarded change of the Secret that was seen, which may be taken over by it, or its creation. */
export function write(
  { cluster }: LeasePass,
  object: LeaseRecord,
  existing: SecretRecord | undefined,
  { content, ...options }: WriteOptions & { readonly content: Content },
): Promise<SecretRecord> {
  const key = secretKeyOf(object);
  const dress = dressOf(object);
  const { type } = shapeOf(object.spec.valid ? object.spec.value.secret : undefined);
  if (existing === undefined) {
    const made = newSecret({ name: nameOf(key), type }, object, dress, content);
    return cluster.secrets.create(key, made, options);
  }
  const operations = isOwnedBy(existing, object.uid)
    ? changedSecret(existing, recordOf(existing), dress, content)
    : takenSecret(existing, { type, owner: object }, dress, content);
  return cluster.secrets.change(key, operations, options);
}

async function answerRefusal(
  pass: LeasePass,
  object: LeaseRecord,
  held: HeldLease,
  error: KubeError,
): Promise<void> {
  if (isConflict(error) || isAlreadyExists(error)) {
    await lookAtConflict(pass, object, held);
    return;
  }
  if (!isDefinite(error)) {
    tryLater(pass, object, held, error);
    return;
  }
  // An earlier try that nobody answered may have arrived, and then this refusal is not the last word about it.
  if (held.doubtful) await lookAtConflict(pass, object, held);
  else discard(pass, held, { result: 'refused', why: refusedFault(object, error) });
}

/** A conflict, or a refusal after a try in doubt: what is there tells what to do with the lease in hand. */
async function lookAtConflict(pass: LeasePass, object: LeaseRecord, held: HeldLease): Promise<void> {
  try {
    const secret = await pass.cluster.secrets.look(secretKeyOf(object));
    if (secret === undefined) tryLater(pass, object, held);
    else await answerConflict(pass, object, secret, held);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    tryLater(pass, object, held, error);
  }
}

async function answerConflict(
  pass: LeasePass,
  object: LeaseRecord,
  secret: SecretRecord,
  held: HeldLease,
): Promise<void> {
  const claim = claimOf(pass, object, secret);
  if (claim === 'foreign') {
    const why = fault('SecretConflict', { secret: secret.name, by: rivalOf(pass, object, secret) });
    discard(pass, held, { result: 'conflict', why });
    return;
  }
  if (claim === 'free') {
    await writeOver(pass, object, secret, held);
    return;
  }
  // Whoever has put another shard's label there serves the object, unless that is older than its coming here.
  if (isOfOtherShard(pass, secret) && !(await isStillServed(pass))) {
    discard(pass, held, { result: 'conflict' });
    return;
  }
  const expected = new Set([
    ...pass.memory().known.keys(),
    ...reportedIds(object),
    ...held.record.previous.map(idOf),
  ]);
  switch (judgeConflict(secret, held.ref.id, expected)) {
    case 'delivered':
      settleDelivery(pass, object, held, { secret, result: 'found' });
      return;
    case 'retry':
      await writeOver(pass, object, secret, held);
      return;
    case 'overtaken':
      discard(pass, held, { result: 'conflict' });
  }
}

function reportedIds({ status }: LeaseRecord): readonly string[] {
  return status.lease === undefined ? [] : [status.lease.id];
}

function idOf(ref: LeaseRef): string {
  return ref.id;
}

/** The write once more, on the version just seen. A second conflict waits its turn like any other fault. */
async function writeOver(
  pass: LeasePass,
  object: LeaseRecord,
  seen: SecretRecord,
  held: HeldLease,
): Promise<void> {
  try {
    settleDelivery(pass, object, held, {
      secret: await write(pass, object, seen, { content: held }),
      result: 'written',
    });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const moved = isConflict(error) || isNotFound(error);
    if (isDefinite(error) && !moved && !held.doubtful) {
      discard(pass, held, { result: 'refused', why: refusedFault(object, error) });
    } else {
      tryLater(pass, object, held, error);
    }
  }
}

function settleDelivery(
  pass: LeasePass,
  object: LeaseRecord,
  held: HeldLease,
  { secret, result }: { readonly secret: SecretRecord; readonly result: 'written' | 'found' },
): void {
  const { uid, resourceVersion } = secret;
  const listed = new Set([...(object.status.retiring ?? []).map(idOf), ...reportedIds(object)]);
  // What a list has shown of a lease that the status names tells whose it is.
  const named = new Set([...listed, held.replaced?.id]);
  pass.remember({
    inHand: undefined,
    written: { uid, resourceVersion },
    failures: undefined,
    tried: true,
    blocked: undefined,
    known: lastTwo(pass, held),
    // Only those that the status still names have to be remembered as ended.
    settled: new Set([...pass.memory().settled].filter((id) => listed.has(id))),
    attestations: new Map(),
    sighted: new Map([...pass.memory().sighted].filter(([id]) => named.has(id))),
    dynamicSecret: pass.memory().known.get(held.ref.id)?.dynamicSecret,
    lengthening: new Set([...pass.memory().lengthening].filter((id) => named.has(id))),
    unrenewable: new Set(),
    inspected: undefined,
    strayed: undefined,
    sought: false,
    ...(drift.has(held.cause) ? { healedAt: pass.clock.elapsed() } : {}),
  });
  pass.metrics.delivered(result);
  if (held.replaced !== undefined) pass.metrics.rotated();
  const { name } = secret;
  pass.log.info('The Secret holds a new lease.', { lease: held.ref.id, cause: held.cause, secretName: name });
}

/** What is known of leases before the last two is of no use any more. */
function lastTwo(pass: LeasePass, held: HeldLease): ReadonlyMap<string, KnownLease> {
  const kept = [...pass.memory().known].filter(([id]) => id === held.ref.id || id === held.replaced?.id);
  return new Map(kept);
}

/** The lease cannot be delivered: it is revoked, and the next one waits until a dry run works. */
function discard(
  pass: LeasePass,
  held: HeldLease,
  { result, why }: { readonly result: 'conflict' | 'refused'; readonly why?: Fault },
): void {
  pass.remember({ inHand: undefined, discarded: [...pass.memory().discarded, held.ref], blocked: why });
  pass.metrics.delivered(result);
  if (why !== undefined) fail(pass, why, { spent: true });
}

/** The same lease again later; past its deadline nobody may write it any more. */
function tryLater(pass: LeasePass, object: LeaseRecord, held: HeldLease, error?: KubeError): void {
  const { clock, timing } = pass;
  const now = clock.elapsed();
  const doubtful = held.doubtful || (error !== undefined && error.status !== 429 && !isDefinite(error));
  if (now < held.answeredAt + timing.deliveryDeadline) {
    const retryAt = now + (error?.retryAfter ?? timing.deliveryRetry);
    pass.remember({ inHand: { ...held, doubtful, retryAt } });
    return;
  }
  const why = fault('SecretNotWritten', { secret: nameOf(secretKeyOf(object)) });
  if (!doubtful) {
    discard(pass, held, { result: 'refused', why });
    return;
  }
  // Perhaps it was written after all: revoking from memory could kill what pods read. What the Secret names tells.
  // As long as no write works the next lease would share its fate, so a dry run comes first here too.
  pass.remember({ inHand: undefined, blocked: why });
  pass.metrics.delivered('abandoned');
  if (pass.clientFor(held.ref)?.tagSupport(targetOfRef(held.ref)) === 'kept') {
    pass.log.error('A lease could not be written into its Secret in time; the sweep decides about it.', {
      lease: held.ref.id,
    });
  } else {
    // Without tags no sweep finds out whether the Secret names it.
    countUnaccounted(pass, held.answeredAt, held.ref.expireAt);
    pass.log.error('A lease could not be written into its Secret in time; it is left to end.', {
      lease: held.ref.id,
    });
  }
  pass.lookSoon(pass.namespace, held.ref, held.answeredAt + timing.sweepMinimumAge);
  fail(pass, why, { spent: true });
}

/** A refusal of the Kubernetes API, as the user meets it. */
export function refusedFault(object: LeaseRecord, error: KubeError): Fault {
  const details = {
    secret: nameOf(secretKeyOf(object)),
    status: error.status ?? 0,
    reason: error.reason,
  };
  return fault('SecretRefused', details, error.retryAfter);
}

function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}
