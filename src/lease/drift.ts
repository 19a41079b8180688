import { fault } from '../errors.ts';
import type { LeaseRef } from '../api/lease.ts';
import { hasEnded, isAttested, isForeign, leaseRefOf, untilUsed } from './current.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { mayBeLonger } from './lifetime.ts';
import type { LeaseCause } from './plan.ts';
import {
  lease,
  mayRevoke,
  refuse,
  secretNameOf,
  stillAlive,
  untilRotation,
  wait,
  type Case,
  type TrustedLease,
  type Verdict,
} from './verdict.ts';

/** Drift, and everything else that leaves the Secret without a live lease: a new one, after one live look. */
export function judgeMissing(situation: Case): Verdict | undefined {
  const { input, object, current } = situation;
  if (current.state === 'trusted') return judgeTrusted(situation, current);
  const last = object.status.lease;
  const isThere = input.secret.state === 'ours';
  if (last === undefined && !isThere) return live(situation, 'first', undefined);
  const ours = isAttested(last) && !isForeign(input, last.id);
  const replaced = ours ? stillAlive(input, leaseRefOf(last)) : undefined;
  if (isRenamed(object)) return live(situation, 'secret-renamed', replaced);
  return heal(situation, isThere ? 'record-refused' : 'secret-deleted', replaced);
}

/** The spec gives the Secret another name than that of the last write. */
function isRenamed(object: ObjectView): boolean {
  const written = object.status.secret;
  return written !== undefined && written.name !== secretNameOf(object);
}

function live(situation: Case, cause: LeaseCause, replaced: LeaseRef | undefined): Verdict {
  return lease(situation, cause, { replaced, look: true });
}

function judgeTrusted(situation: Case, current: TrustedLease): Verdict | undefined {
  const { input } = situation;
  if (input.memory.settled.has(current.ref.id)) return live(situation, 'lost', undefined);
  if (hasEnded(current.ref, input.now, input.timing.clockSlack))
    return onceUsed(situation, current.ref, live(situation, 'expired', outliving(input, current)));
  const heals = isEdited(input) && untilHealing(input) === 0;
  return heals ? live(situation, 'secret-edited', mayRevoke(current)) : undefined;
}

/** A lease that seems due or over though it has just been issued: the next one waits for a little while. */
export function onceUsed({ input, object }: Case, ref: LeaseRef, verdict: Verdict): Verdict {
  const early = untilUsed(input, object, ref);
  return early > 0 ? wait(early) : verdict;
}

/** A lease that is past the end that is known of it, and may not be past its own. */
function outliving(input: DecisionInput, current: TrustedLease): LeaseRef | undefined {
  return mayBeLonger(input, current.ref) ? mayRevoke(current) : undefined;
}

function isEdited({ secret }: DecisionInput): boolean {
  return secret.state === 'ours' && secret.data === 'edited';
}

/** Somebody keeps changing the Secret? Then one lease in a while, not one for each change. */
function heal(situation: Case, cause: LeaseCause, replaced: LeaseRef | undefined): Verdict {
  const held = untilHealing(situation.input);
  if (held === 0) return live(situation, cause, replaced);
  return refuse(fault('Contended', { secret: secretNameOf(situation.object) }), held);
}

/** Milliseconds until drift may cost another lease. */
function untilHealing({ memory: { healedAt }, now, timing }: DecisionInput): number {
  return healedAt === undefined ? 0 : Math.max(healedAt + timing.driftInterval - now.elapsed, 0);
}

/** An edited Secret that has to wait for its turn: its lease is still replaced in time. */
export function judgeContended({ input, object, current }: Case): Verdict | undefined {
  if (current.state !== 'trusted' || !isEdited(input)) return undefined;
  const again = Math.min(untilHealing(input), untilRotation(input, object, current.ref));
  return refuse(fault('Contended', { secret: secretNameOf(object) }), again);
}
