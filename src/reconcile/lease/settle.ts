import type { Lease, Target } from '../../api/lease.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import type { OpenRequest } from '../../lease/input.ts';
import type { LeasePass, StepResult } from './context.ts';
import { refOf } from './request.ts';
import { faultOf } from './failure.ts';
import { countUnaccounted } from './unaccounted.ts';

/**
 * Finds out whether a request without an answer made a lease: the list of the dynamic secret shows our attempt (then
 * the lease is revoked: its credentials are lost), or a list made long enough after the request lacks it (then it
 * was never made), or nothing can be said yet (then no second request is sent).
 */
export async function settle(pass: LeasePass, open: OpenRequest): Promise<StepResult> {
  const { clock, timing, metrics } = pass;
  const client = pass.clientFor(open);
  const listedAt = clock.elapsed();
  if (client === undefined || pass.memory().untagged) {
    giveUpUnrecognisable(pass, open);
    return 'again';
  }
  try {
    const { target: then, ...request } = open;
    const target = pass.targetNow({ ...then, ...request });
    const leases = await client.listLeases(target);
    const made = leases.filter(
      (lease) => lease.tag?.attempt === open.attempt && lease.tag.object === pass.uid,
    );
    const refs = made.map((lease) => refOf(lease.id, lease.expireAt, open));
    if (refs.length > 0) {
      pass.remember({ open: undefined, discarded: [...pass.memory().discarded, ...refs] });
      metrics.requestSettled('revoked');
      pass.log.info('A request without an answer had made a lease; it is revoked.', {
        attempt: open.attempt,
      });
    } else if (listedAt < open.sentAt + timing.settleAfter) {
      lookAgain(pass, open);
    } else if (!keepsTags(client, [then, target]) && showNoTags(leases)) {
      // The answer would have been the first to tell whether the server keeps tags: one of these may be ours.
      leaveUnattributed(pass, open);
    } else {
      pass.remember({ open: undefined });
      metrics.requestSettled('never-made');
      pass.log.info('A request without an answer had made no lease.', { attempt: open.attempt });
    }
  } catch (error) {
    const { code } = faultOf(error, 'list the leases');
    pass.log.warn('Leases could not be listed; a request stays open.', {
      attempt: open.attempt,
      reason: code,
    });
    lookAgain(pass, open);
  }
  return 'again';
}

/** Whether the server is known to keep tags: for the name by which the lease was asked for, or for that of now. */
function keepsTags(client: LeaseClient, names: readonly Target[]): boolean {
  return names.some((target) => client.tagSupport(target) === 'kept');
}

/** Whether there are leases, and none shows a tag of anybody. */
function showNoTags(leases: readonly Lease[]): boolean {
  return leases.length > 0 && leases.every((lease) => lease.tag === undefined);
}

/** In a while, and exactly when a list can tell for good. */
function lookAgain(pass: LeasePass, open: OpenRequest): void {
  const now = pass.clock.elapsed();
  const decisive = open.sentAt + pass.timing.settleAfter;
  const soon = now + pass.timing.settleRetry;
  pass.remember({ open: { ...open, lookAt: now < decisive ? Math.min(soon, decisive) : soon } });
}

/** A server without tags cannot be asked whose a lease is. Once the request must be over, another may follow. */
function giveUpUnrecognisable(pass: LeasePass, open: OpenRequest): void {
  const over = open.sentAt + pass.timing.settleAfter;
  if (pass.clock.elapsed() < over) pass.remember({ open: { ...open, lookAt: over } });
  else leaveUnattributed(pass, open);
}

function leaveUnattributed(pass: LeasePass, open: OpenRequest): void {
  pass.remember({ open: undefined });
  pass.metrics.requestSettled('unattributed');
  countUnaccounted(pass, open.sentAt);
  pass.log.warn('A request without an answer cannot be settled; what it may have made is left to end.', {
    attempt: open.attempt,
  });
}
