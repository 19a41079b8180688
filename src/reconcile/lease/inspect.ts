import { MANAGED_LABEL, MANAGED_VALUE } from '../../api/names.ts';
import { shardOf } from '../../api/shard.ts';
import { fault } from '../../errors.ts';
import type { LeaseRecord, SecretRecord } from '../ports.ts';
import { claimOf, rivalOf } from './claims.ts';
import { secretKeyOf, type LeasePass, type StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { isStillServed } from './presence.ts';

/**
 * Looks at a Secret of ours that somebody has written since we did: one read of its data, of which only the digest is
 * kept. Whoever only adds a label or an annotation costs this one read and nothing more.
 */
export async function inspect(pass: LeasePass, object: LeaseRecord): Promise<StepResult> {
  const key = secretKeyOf(object);
  try {
    const seen = await pass.cluster.secrets.inspect(key);
    if (seen !== undefined) {
      const { uid } = seen.secret;
      const watched = pass.cluster.secrets.get(key);
      // One that has lost our label is not taken into the view: until the watch tells so, this was a look at what it shows.
      const { resourceVersion } = watched?.uid === uid ? watched : seen.secret;
      pass.remember({ inspected: { uid, resourceVersion, digest: seen.digest } });
    }
    // Until it has our label again, what was seen here is all that shows it.
    const same = seen?.secret.uid === pass.memory().strayed?.uid ? seen?.secret : undefined;
    pass.remember({ strayed: pass.cluster.secrets.get(key) === undefined ? same : undefined });
  } catch (error) {
    fail(pass, faultOf(error, 'read the Secret'));
  }
  return 'again';
}

/**
 * One live look at a Secret that the watch no longer shows, before a lease is spent on it: it may only have lost our
 * label, or be another's by now.
 *
 * @returns whether it is gone indeed.
 */
export async function isReallyGone(pass: LeasePass, object: LeaseRecord): Promise<boolean> {
  try {
    const secret = await pass.cluster.secrets.look(secretKeyOf(object));
    if (secret === undefined || secret.terminating) return true;
    const claim = claimOf(pass, object, secret);
    if (claim === 'free') return true;
    if (claim === 'ours') {
      takeStrayed(pass, secret);
    } else {
      const why = fault('SecretConflict', { secret: secret.name, by: rivalOf(pass, object, secret) });
      pass.remember({ blocked: why });
      fail(pass, why);
    }
  } catch (error) {
    fail(pass, faultOf(error, 'read the Secret'));
  }
  return false;
}

/**
 * One look for a Secret that the status names and the watch does not show: an object that has come from another shard brings
 * its Secret along, with that shard's label.
 */
export async function seek(pass: LeasePass, object: LeaseRecord): Promise<StepResult> {
  try {
    const secret = await pass.cluster.secrets.look(secretKeyOf(object));
    const isThere = secret !== undefined && !secret.terminating && claimOf(pass, object, secret) === 'ours';
    if (!isThere) pass.remember({ sought: true });
    else if (!isOfOtherShard(pass, secret) || (await isStillServed(pass))) takeStrayed(pass, secret);
  } catch (error) {
    fail(pass, faultOf(error, 'read the Secret'));
  }
  return 'again';
}

/** Whether the last hand on a Secret was that of another shard: its own label says so. */
export function isOfOtherShard({ cluster }: LeasePass, { labels }: SecretRecord): boolean {
  return labels[MANAGED_LABEL] === MANAGED_VALUE && shardOf(labels) !== cluster.shard;
}

/** Until it has our labels again, this look is all that shows it, unless it has brought it into view. */
function takeStrayed(pass: LeasePass, secret: SecretRecord): void {
  if (pass.cluster.secrets.get(secret.key)?.uid === secret.uid) return;
  pass.remember({ strayed: secret });
  if (isOfOtherShard(pass, secret)) {
    pass.log.info('The Secret has the label of another shard; it gets that of this one.');
    return;
  }
  pass.metrics.drifted('unlabelled');
  pass.log.warn('The Secret has lost the label by which it is watched; it is put back.');
}
