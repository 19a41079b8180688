import { currentLease } from './current.ts';
import { decideDeletion } from './deletion.ts';
import type { DecisionInput } from './input.ts';
import type { Plan } from './plan.ts';
import { policies } from './policies.ts';
import { dueRevocations, earliest, nothingDue } from './revocations.ts';
import { isSuspended } from './verdict.ts';

/**
 * What to do next for one object. Pure and total: the same input gives the same plan, however it came about (I7).
 *
 * | Situation, checked in this order | Primary step |
 * | --- | --- |
 * | being deleted, gone, or another shard's | settle the open request; revoke (or let expire) every lease; delete the Secret; drop the finalizer |
 * | a lease in hand, not delivered | deliver it |
 * | a request whose fate is open | settle it; no second request before |
 * | the Secret of the status is out of view | look for it |
 * | suspended | nothing, no revocation; report |
 * | spec, what it targets, or connection not in order | refuse with a reason; keep what is there |
 * | no finalizer, or no note of where the lease is asked for | add it, before the lease can exist |
 * | the Secret belongs to someone else | refuse |
 * | backoff not over | wait |
 * | the last delivery was refused, in this process or before it | try it dry before any new lease |
 * | the record has no witness | ask the server about its lease |
 * | somebody has written the Secret | compare its data with the record's digest |
 * | record behind a lease whose end has moved | rewrite the record |
 * | status behind the record | repair the status |
 * | no lease; lost; expired; Secret deleted or edited | lease, after one live look |
 * | target changed | lease, after one live look, at the DynamicSecret too where one tells the target |
 * | a new lease was asked for | lease, after one live look |
 * | inside the effective `before` | renew if asked for and useful, else lease |
 * | the edited Secret was healed a short while ago | refuse: somebody keeps changing it |
 * | Secret's labels or annotations changed | patch |
 * | otherwise | wait until the earliest of these moments |
 *
 * Revocations of replaced leases go on beside any of these.
 */
export function decide(input: DecisionInput): Plan {
  const { object } = input;
  if (object === undefined || object.deletedAt !== undefined) return decideDeletion(input);
  const situation = { input, object, current: currentLease(input) };
  const revocations = isSuspended(object) ? nothingDue : dueRevocations(input);
  for (const policy of policies) {
    const verdict = policy.judge(situation);
    if (verdict === undefined) continue;
    const again = earliest([verdict.again, revocations.again]);
    return { policy: policy.name, step: verdict.step, revocations: revocations.now, again };
  }
  throw new RangeError('The last policy decides every case.');
}
