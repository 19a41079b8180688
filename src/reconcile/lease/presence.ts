import type { Absence } from '../../lease/input.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { LeaseRecord } from '../ports.ts';
import type { LeasePass } from './context.ts';

/** One live look at the object of a pass, whatever shard it is of. Undefined where it is gone, for good. */
export async function lookAtObject(pass: LeasePass): Promise<LeaseRecord | undefined> {
  const live = await pass.cluster.leases.look(pass.key);
  if (live?.uid === pass.uid) return live;
  pass.remember({ gone: true });
  return undefined;
}

/**
 * The object of a pass. It counts as gone when there is another one of its name, and when it is being deleted and our
 * finalizer no longer holds it: others' finalizers may keep it for long, and its status still names what was revoked.
 */
export function ownObject(pass: LeasePass): LeaseRecord | undefined {
  const seen = pass.cluster.leases.get(pass.key);
  if (seen?.uid !== pass.uid || pass.memory().released) return undefined;
  return isLetGo(seen) ? undefined : seen;
}

/** On its way, and no longer held by our finalizer. */
function isLetGo({ deletedAt, hasFinalizer }: LeaseRecord): boolean {
  return deletedAt !== undefined && !hasFinalizer;
}

/**
 * Why there is no object to be seen: a live look tells whether one that has left the view is gone, or is another shard's by
 * now. None is needed where nothing was done for it, where it is known to be gone, and where another has its name.
 */
export async function absenceOf(pass: LeasePass): Promise<Absence> {
  const { cluster, key, uid, memories } = pass;
  const { released, gone } = pass.memory();
  if (!memories.has(uid) || released || gone || cluster.leases.get(key) !== undefined) return 'gone';
  try {
    const live = await lookAtObject(pass);
    if (live === undefined) return 'gone';
    if (live.shard !== cluster.shard) return 'moved';
    return isLetGo(live) ? 'gone' : 'unclear';
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return 'unclear';
  }
}

/**
 * Whether this shard serves an object whose Secret another shard has written: the view of it may be the older one, and the
 * object be that shard's by now. Then it leaves the view.
 *
 * @throws KubeError when nobody answers.
 */
export async function isStillServed(pass: LeasePass): Promise<boolean> {
  return (await lookAtObject(pass))?.shard === pass.cluster.shard && ownObject(pass) !== undefined;
}
