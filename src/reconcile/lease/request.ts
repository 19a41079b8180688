import type { ConnectionIdentity, IssuedLease, LeaseRef, LeaseTag } from '../../api/lease.ts';
import { parseInstant } from '../../instant.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import { objectKey } from '../../kube/object-key.ts';
import { RequestError } from '../../infisical/request-error.ts';
import type { OpenRequest } from '../../lease/input.ts';
import type { Step } from '../../lease/plan.ts';
import { isNewsToLeases, refName } from '../../lease/target.ts';
import { dressedRecord } from '../../secret/manifest.ts';
import { digestOf, render } from '../../secret/render.ts';
import { shapeMark, shapeOf } from '../../secret/shape.ts';
import { admission } from '../connection/admission.ts';
import type { LeaseRecord } from '../ports.ts';
import type { LeasePass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { dressOf } from './gather.ts';
import { isReallyGone } from './inspect.ts';
import type { HeldLease } from './memory.ts';
import { lookAtObject } from './presence.ts';
import { resolve } from './resolve.ts';
import { suspectUnaccounted } from './unaccounted.ts';

/** A request for a lease: the only step that makes something on the server. */
export async function requestLease(
  pass: LeasePass,
  object: LeaseRecord,
  step: Step & { do: 'lease' },
): Promise<StepResult> {
  if (!(await isStillDue(pass, object, step))) return 'again';
  if (!object.spec.valid) return 'again';
  tell(pass, step);
  const spec = object.spec.value;
  const resolved = resolve(pass.cluster, object);
  const chosen = connectionFor(pass, object);
  if (resolved.state === 'refused' || chosen === undefined) return 'again';
  const { target, dynamicSecretId } = resolved.wanted;
  const { identity, client } = chosen;
  const sentAt = pass.clock.elapsed();
  let open: OpenRequest = {
    attempt: pass.clock.uuid(),
    target,
    ...(dynamicSecretId === undefined ? {} : { dynamicSecretId }),
    connection: identity,
    sentAt,
    lookAt: sentAt,
  };
  pass.remember({ untagged: false, looked: false });
  const tag = tagOf(pass, open.attempt);
  // Remembered before it is sent: from here on its fate is open. Its turn, or a login, may have been waited for.
  const beforeSending = (): void => {
    const now = pass.clock.elapsed();
    open = { ...open, sentAt: now, lookAt: now };
    pass.remember({ open });
  };
  const neededBy = neededFor(pass, client, step);
  try {
    const wanted = { target, ttl: spec.ttl, config: spec.config, tag, neededBy, beforeSending };
    const issued = await client.createLease(wanted);
    take(pass, object, step, { open, issued });
  } catch (error) {
    const why = faultOf(error, 'create a lease');
    if (error instanceof RequestError && error.fate === 'unknown') {
      pass.remember({ untagged: !error.tagged || client.tagSupport(target) === 'dropped' });
      pass.log.warn('A request for a lease got no answer.', { attempt: open.attempt, reason: why.code });
    } else {
      pass.remember({ open: undefined });
    }
    fail(pass, why);
  }
  return 'again';
}

function tagOf({ install, uid, cluster: { shard } }: LeasePass, attempt: string): LeaseTag {
  return { install, object: uid, attempt, ...(shard === undefined ? {} : { shard }) };
}

/** The end of the lease that is to be replaced; a first lease is needed after a while. In elapsed milliseconds. */
function neededFor(
  { clock, timing }: LeasePass,
  client: LeaseClient,
  { replaced }: Step & { do: 'lease' },
): number {
  const [end, now] = [parseInstant(replaced?.expireAt), client.now()];
  const left = end === undefined || now === undefined ? timing.firstLeasePatience : end - now;
  return clock.elapsed() + left;
}

async function isStillDue(
  pass: LeasePass,
  object: LeaseRecord,
  { cause, look }: Step & { do: 'lease' },
): Promise<boolean> {
  if (look && !pass.memory().looked && !(await stillTrue(pass, object))) return false;
  if (cause === 'target-changed' && !(await stillDeclared(pass, object))) return false;
  return cause !== 'secret-deleted' || isReallyGone(pass, object);
}

/**
 * One live look before a lease that a stale view could ask for (a restart onto a lagging API server, a missed
 * event). The guarded write of the finalizer counts as one.
 */
async function stillTrue(pass: LeasePass, object: LeaseRecord): Promise<boolean> {
  try {
    const live = await lookAtObject(pass);
    return live !== undefined && live.resourceVersion === object.resourceVersion;
  } catch (error) {
    fail(pass, faultOf(error, 'read the object'));
    return false;
  }
}

/** The same of the DynamicSecret that tells the target, where one does: a stale view of it would replace a good lease. */
async function stillDeclared(pass: LeasePass, object: LeaseRecord): Promise<boolean> {
  const { dynamicSecrets } = pass.cluster;
  const name = refName(object);
  if (name === undefined) return true;
  const key = objectKey(object.namespace, name);
  const seen = dynamicSecrets.get(key);
  try {
    return !isNewsToLeases(seen, await dynamicSecrets.look(key));
  } catch (error) {
    fail(pass, faultOf(error, 'read the DynamicSecret'));
    return false;
  }
}

/** A grant may have been taken back since the decision: it is looked at once more right before the request. */
function connectionFor(
  { cluster, links }: LeasePass,
  object: LeaseRecord,
): { identity: ConnectionIdentity; client: LeaseClient } | undefined {
  const admitted = admission(cluster, object);
  const found = admitted?.admitted === true ? links.of(admitted.connection) : undefined;
  return found?.ok === true ? { identity: found.link.identity, client: found.link.client } : undefined;
}

const driftOf = {
  'secret-deleted': 'deleted',
  'secret-edited': 'edited',
  'record-refused': 'forged',
} as const;

const driftMessages = {
  deleted: 'The Secret was deleted by somebody else; it comes back with a new lease.',
  edited: 'The data of the Secret was changed by somebody else; it is replaced by a new lease.',
  forged: "The record in the Secret names a lease that is not this object's; it is replaced by a new lease.",
} as const;

/** What somebody else has done, asked for, or must know of. */
function tell(
  { events, metrics, log, subject }: LeasePass,
  { cause, crowdedOut }: Step & { do: 'lease' },
): void {
  if (cause in driftOf) {
    const drift = driftOf[cause as keyof typeof driftOf];
    metrics.drifted(drift);
    events.warn(subject, drift === 'forged' ? 'RecordRefused' : 'SecretDrifted', driftMessages[drift]);
  }
  if (cause === 'asked')
    events.note(subject, 'RotationRequested', 'A new lease was asked for by annotation, and is requested.');
  if (crowdedOut === undefined) return;
  metrics.revoked('abandoned');
  log.warn('A replaced lease is left to run out: no more can be listed.', { lease: crowdedOut.id });
  events.warn(
    subject,
    'RetiringDropped',
    'More replaced leases are alive than can be listed; the one that ends first is left to run out.',
  );
}

/** Takes a lease in hand: what was issued is from now on delivered, or revoked, but never forgotten. */
function take(
  pass: LeasePass,
  object: LeaseRecord,
  step: Step & { do: 'lease' },
  { open, issued }: { readonly open: OpenRequest; readonly issued: IssuedLease },
): void {
  const ref = refOf(issued.lease.id, issued.lease.expireAt, asAnswered(open, issued));
  const known = new Map(pass.memory().known).set(ref.id, {
    ref,
    lease: issued.lease,
    dynamicSecret: issued.dynamicSecret,
    askedFor: open.dynamicSecretId,
    issuedAt: pass.clock.elapsed(),
  });
  const name = object.spec.valid ? (object.spec.value.secret?.name ?? object.name) : object.name;
  const shape = shapeOf(object.spec.valid ? object.spec.value.secret : undefined);
  const rendered = render(name, shape, issued.data);
  const mark = shapeMark(shape);
  if (mayRepeat(pass, object, step)) accountForPredecessor(pass, issued, open);
  pass.log.info('A lease was issued.', { lease: ref.id, cause: step.cause });
  if (!rendered.ok) {
    pass.remember({ open: undefined, known, discarded: [...pass.memory().discarded, ref] });
    fail(pass, rendered.fault);
    return;
  }
  const previous = step.replaced === undefined ? [] : [step.replaced];
  const record = {
    lease: ref,
    previous,
    digest: digestOf(rendered.data),
    ...(mark === undefined ? {} : { shape: mark }),
    ...(object.rotate === undefined ? {} : { rotate: object.rotate }),
  };
  const now = pass.clock.elapsed();
  const inHand: HeldLease = {
    ref,
    answeredAt: now,
    retryAt: now,
    data: rendered.data,
    record: dressedRecord(record, dressOf(object)),
    cause: step.cause,
    replaced: step.replaced,
    doubtful: false,
  };
  pass.remember({ open: undefined, known, inHand });
}

/** What was declared may have been made anew since it was last looked at: the answer knows by which id. */
function asAnswered(open: OpenRequest, { lease }: IssuedLease): OpenRequest {
  const isTold = open.dynamicSecretId !== undefined && lease.dynamicSecretId !== '';
  return isTold ? { ...open, dynamicSecretId: lease.dynamicSecretId } : open;
}

/**
 * Whether a process before this one may have sent this request already: it was in the middle of something, or it had
 * noticed like this one that the lease which it had left in use is gone.
 */
function mayRepeat(pass: LeasePass, { status }: LeaseRecord, { cause }: Step & { do: 'lease' }): boolean {
  const { inherited, known } = pass.memory();
  if (inherited) return true;
  return cause === 'lost' && known.get(status.lease?.id ?? '')?.issuedAt === undefined;
}

/**
 * A process before this one may have asked for the same lease and ended before it knew the answer. Where the server keeps
 * tags the sweep finds that one; elsewhere it is counted.
 */
function accountForPredecessor(pass: LeasePass, { lease }: IssuedLease, open: OpenRequest): void {
  pass.remember({ inherited: false });
  const kept = pass.clientFor(open)?.tagSupport(open.target) === 'kept';
  if (!kept) suspectUnaccounted(pass, open.sentAt, lease.expireAt);
}

/** The Ref of a lease that a request of ours made. */
export function refOf(
  id: string,
  expireAt: string,
  open: Pick<OpenRequest, 'attempt' | 'connection' | 'target'> & {
    readonly dynamicSecretId?: string | undefined;
  },
): LeaseRef {
  const { attempt, connection, target, dynamicSecretId } = open;
  const declared = dynamicSecretId === undefined ? {} : { dynamicSecretId };
  return { id, expireAt, attempt, connection, ...target, ...declared };
}
