import { formatAsked } from '../../api/asked.ts';
import type { LeaseRef } from '../../api/lease.ts';
import { ASKED_ANNOTATION, FINALIZER } from '../../api/names.ts';
import type { SecretRecord as CommitRecord } from '../../api/record.ts';
import { isConflict, isDefinite, isNotFound, KubeError } from '../../kube/kube-error.ts';
import type { DecisionInput } from '../../lease/input.ts';
import { objectKey } from '../../kube/object-key.ts';
import type { LeftLease, SeenSecret } from '../../lease/plan.ts';
import { meets, placeOf } from '../../lease/target.ts';
import { dressedRecord, dressing, releasedSecret } from '../../secret/manifest.ts';
import { recordOf } from '../../secret/ownership.ts';
import type { LeaseRecord } from '../ports.ts';
import { secretKeyOf, type LeasePass, type StepResult } from './context.ts';
import { refusedFault } from './deliver.ts';
import { fail, faultOf } from './failure.ts';
import { dressOf } from './gather.ts';
import { lookAtObject } from './presence.ts';

/**
 * Writes onto the object, before a lease of it can exist, that there may be one (the finalizer) and where (the places
 * asked). The guarded write is the live look at the object, too.
 */
export async function announce(
  pass: LeasePass,
  object: LeaseRecord,
  { connection, target: { wanted } }: DecisionInput,
): Promise<StepResult> {
  const { asked, hasFinalizer, resourceVersion } = object;
  if (wanted === undefined || connection.identity === undefined) return 'rest';
  const place = placeOf(wanted, connection.identity);
  const others = asked.filter((other) => !meets(other, wanted, place.connection.host));
  const annotations = { [ASKED_ANNOTATION]: formatAsked([...others, place]) };
  const finalizers = hasFinalizer ? object.finalizers : [...object.finalizers, FINALIZER];
  return guarded(pass, 'add the finalizer', async () => {
    await pass.cluster.leases.patch(pass.key, { metadata: { resourceVersion, finalizers, annotations } });
    // Without the finalizer no process has asked for a lease of it before.
    pass.remember({ looked: true, announced: place, ...(hasFinalizer ? {} : { accounted: true }) });
  });
}

/** Lets the object go, and says what was not revoked. */
export async function dropFinalizer(
  pass: LeasePass,
  object: LeaseRecord,
  left: readonly LeftLease[],
): Promise<StepResult> {
  return guarded(pass, 'drop the finalizer', async () => {
    const rest = object.finalizers.filter((finalizer) => finalizer !== FINALIZER);
    const metadata = { resourceVersion: object.resourceVersion, finalizers: rest };
    await pass.cluster.leases.patch(pass.key, { metadata });
    forget(pass, left);
  });
}

/** What people are told of a lease that was not revoked, though it was to be. */
const leftMessages: Readonly<Record<Exclude<LeftLease['why'], 'declared' | 'moved'>, string>> = {
  timeout: 'A lease could not be revoked within spec.revocation.timeout and is left to run out.',
  unreachable: 'No connection of the namespace leads to the server of a lease, which is left to run out.',
  unattested: 'A lease that only the Secret names may be of another, and is left to run out.',
};

/** Ends the memory of an object that is no more, and says what was not revoked: never silently. */
export function forget(pass: LeasePass, left: readonly LeftLease[]): void {
  tellLeft(pass, left);
  pass.memories.forget(
    pass.uid,
    left.map(({ ref }) => ref.id),
  );
  // The API server answers the last finalizer's removal with the object's old version, so it stays in view for a while.
  if (pass.cluster.leases.get(pass.key)?.uid === pass.uid) pass.remember({ released: true });
}

/**
 * Ends the memory of an object that another shard serves. A lease that may have reached its Secret is that shard's to find:
 * in the Secret, or with its next lists.
 */
export function leave(pass: LeasePass, left: readonly LeftLease[]): void {
  tellLeft(pass, left);
  pass.memories.leave(pass.uid);
  pass.log.info('The object has gone to another shard, with its Secret and its leases.');
}

function tellLeft(pass: LeasePass, left: readonly LeftLease[]): void {
  for (const { ref, why } of left) {
    if (why === 'moved') {
      pass.metrics.delivered('abandoned');
      pass.log.warn('A lease that may be in the Secret is left to the shard that serves the object now.', {
        lease: ref.id,
      });
      continue;
    }
    pass.metrics.revoked(why === 'declared' ? 'left' : 'abandoned');
    pass.log.warn('A lease is left to run out.', { lease: ref.id, why, expireAt: ref.expireAt });
    if (why !== 'declared') pass.events.warn(pass.subject, 'LeaseLeft', leftMessages[why]);
  }
}

/** Deletes a Secret in the state that was seen. Changed meanwhile, it is looked at again. */
export async function deleteSecret(
  pass: LeasePass,
  { name, uid, resourceVersion }: SeenSecret,
): Promise<StepResult> {
  const key = objectKey(pass.namespace, name);
  // One that has lost our label was seen by a look alone, and no watch will tell that it is gone, or another by now.
  pass.remember({ strayed: undefined, sought: true });
  try {
    await pass.cluster.secrets.delete(key, { uid, resourceVersion });
  } catch (error) {
    return lookAtSecret(pass, key, error, 'delete the Secret');
  }
  return 'again';
}

/** Leaves a Secret there, without anything that says whose it was, and tells what has become of its credentials. */
export async function releaseSecret(pass: LeasePass, { name, uid }: SeenSecret): Promise<StepResult> {
  const key = objectKey(pass.namespace, name);
  const seen = pass.cluster.secrets.get(key) ?? pass.memory().strayed;
  pass.remember({ strayed: undefined, sought: true });
  // What was decided on is gone, or another by now.
  if (seen?.uid !== uid) return 'again';
  const lease = recordOf(seen)?.lease;
  const revoked = lease !== undefined && pass.memory().settled.has(lease.id);
  try {
    await pass.cluster.secrets.change(key, releasedSecret(seen, pass.uid));
  } catch (error) {
    return lookAtSecret(pass, key, error, 'release the Secret');
  }
  pass.log.info('A Secret is left as spec.secret.deletionPolicy says.', { secretName: name, revoked });
  pass.events.note(pass.subject, 'SecretRetained', retainedMessage(name, revoked));
  return 'again';
}

function retainedMessage(name: string, revoked: boolean): string {
  const stays = `Secret ${name} stays, and nobody looks after it any more.`;
  if (revoked) return `${stays} Its lease was revoked: the credentials in it do not work.`;
  return `${stays} The credentials in it work until their lease ends.`;
}

/** Brings the Secret's labels and annotations in step with the spec; its data and its lease stay. */
export async function dress(pass: LeasePass, object: LeaseRecord): Promise<StepResult> {
  return rewrite(pass, object, (record) => record);
}

/** Writes the later end of a lease into the record; the credentials, and so the pods, stay as they are. */
export async function inscribe(pass: LeasePass, object: LeaseRecord, ref: LeaseRef): Promise<StepResult> {
  return rewrite(pass, object, (record) => ({ ...record, lease: ref }));
}

/** The guarded change of a Secret's metadata and record alone. */
async function rewrite(
  pass: LeasePass,
  object: LeaseRecord,
  change: (record: CommitRecord) => CommitRecord,
): Promise<StepResult> {
  const key = secretKeyOf(object);
  const secret = pass.cluster.secrets.get(key) ?? pass.memory().strayed;
  const record = secret === undefined ? undefined : recordOf(secret);
  if (secret === undefined || record === undefined) return 'again';
  const wanted = dressOf(object);
  const { labels: _labels, annotations: _annotations, ...undressed } = change(record);
  const operations = dressing(secret, record, wanted, dressedRecord(undressed, wanted));
  try {
    const { uid, resourceVersion } = await pass.cluster.secrets.change(key, operations);
    pass.remember({ written: { uid, resourceVersion }, strayed: undefined });
  } catch (error) {
    pass.remember({ strayed: undefined });
    if (!isRefusal(error)) return lookAtSecret(pass, key, error, 'patch the Secret');
    fail(pass, refusedFault(object, error));
    return 'rest';
  }
  return 'again';
}

/** The Kubernetes API will not have the Secret so, whatever is there. */
function isRefusal(error: unknown): error is KubeError {
  return error instanceof KubeError && isDefinite(error) && !isConflict(error) && !isNotFound(error);
}

/** A conflict, or a Secret that is not there any more, means that the view of it is old, and a fresh one decides. */
async function lookAtSecret(
  pass: LeasePass,
  key: string,
  error: unknown,
  request: string,
): Promise<StepResult> {
  if (!isConflict(error) && !isNotFound(error)) return failed(pass, error, request);
  return guarded(pass, 'read the Secret', () => pass.cluster.secrets.look(key));
}

/** Runs a guarded write of the object; a conflict means that the view is old, and a fresh one decides. */
export async function guarded(
  pass: LeasePass,
  request: string,
  act: () => Promise<unknown>,
): Promise<StepResult> {
  try {
    await act();
    return 'again';
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) return failed(pass, error, request);
  }
  try {
    await lookAtObject(pass);
  } catch (error) {
    return failed(pass, error, 'read the object');
  }
  return 'again';
}

function failed(pass: LeasePass, error: unknown, request: string): StepResult {
  fail(pass, faultOf(error, request));
  // A deletion has no policy that waits: the next look comes with the backoff.
  return 'rest';
}
