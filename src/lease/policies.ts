import type { LeaseRef } from '../api/lease.ts';
import { fault } from '../errors.ts';
import { parseInstant } from '../instant.ts';
import { judgeContended, judgeMissing } from './drift.ts';
import { judgeFormer, untilFormer } from './former.ts';
import { blockedByStatus, heldByStatus, ownFailures } from './holding.ts';
import type { Memory } from './input.ts';
import { earliest } from './revocations.ts';
import { judgeAsked, judgeDue, judgeShape, judgeTarget } from './rotation.ts';
import { seekFirst } from './seeking.ts';
import { isNoted } from './target.ts';
import {
  at,
  refuse,
  isSuspended,
  secretNameOf,
  untilEnd,
  untilRotation,
  wait,
  type Case,
  type Verdict,
} from './verdict.ts';

/** One row of the table: undefined = nothing to say, ask the next one. */
export interface Policy {
  readonly name: string;
  readonly judge: (situation: Case) => Verdict | undefined;
}

/** The policy that decides when no other has anything to say: whatever went wrong before is over. */
export const ALL_IS_WELL = 'all is well';

/**
 * The life of a lease, as the table of docs/architecture.md has it. The first policy with something to say decides;
 * the order is the safety argument. Deletion comes before all of them (see deletion.ts).
 */
export const policies: readonly Policy[] = [
  // What was given to us is delivered before anything else can go wrong with it.
  {
    name: 'deliver what is in hand',
    judge: ({ input: { memory, now } }) =>
      memory.inHand && at(memory.inHand.retryAt, now.elapsed, { do: 'deliver', inHand: memory.inHand }),
  },
  // A second request while the fate of the first is open could make two leases.
  {
    name: 'settle the open request',
    judge: ({ input: { memory, now } }) =>
      memory.open && at(memory.open.lookAt, now.elapsed, { do: 'settle', open: memory.open }),
  },
  // Before anything is said of a Secret, or done for want of it.
  {
    name: 'a Secret out of view is looked for',
    judge: ({ input, object }) => seekFirst(input, object),
  },
  {
    name: 'nothing while suspended',
    judge: ({ input, object, current }) => (isSuspended(object) ? wait(untilEnd(input, current)) : undefined),
  },
  {
    name: 'the spec must be in order',
    judge: ({ object }) => (object.spec.valid ? undefined : refuse(object.spec.fault)),
  },
  {
    name: 'what the spec targets must be there',
    judge: ({ input, current }) =>
      input.target.state === 'refused'
        ? refuse(input.target.fault, earliest([input.target.again, untilEnd(input, current)]))
        : undefined,
  },
  {
    name: 'the Secret must be one that can be made',
    judge: ({ input, current }) =>
      input.shape.fault === undefined ? undefined : refuse(input.shape.fault, untilEnd(input, current)),
  },
  {
    name: 'the connection must be in order',
    judge: ({ input, current }) =>
      input.connection.state === 'refused'
        ? refuse(input.connection.fault, earliest([input.connection.again, untilEnd(input, current)]))
        : undefined,
  },
  // From here on a lease may come to exist, and a deletion must not overtake it.
  {
    name: 'the finalizer and the place come before the lease',
    judge: judgeAnnounced,
  },
  {
    name: 'the Secret must be ours to write',
    judge: ({ input, object }) =>
      input.secret.state === 'foreign'
        ? refuse(fault('SecretConflict', { secret: secretNameOf(object), by: input.secret.by }))
        : undefined,
  },
  { name: 'back off after a fault', judge: judgeBackoff },
  // A refused delivery costs a dry run, not another lease: also one of a process before this one.
  {
    name: 'try the refused write dry',
    judge: ({ input, object }) => {
      const blocked = input.memory.blocked?.code ?? blockedByStatus(input, object);
      return blocked && { step: { do: 'tryDry', blocked } };
    },
  },
  { name: 'a record needs a witness', judge: judgeWitness },
  { name: 'a Secret that somebody has written is looked at', judge: judgeUnknownData },
  { name: 'the record follows a lease whose end has moved', judge: judgeMoved },
  {
    name: 'the status follows the record',
    judge: ({ object, current }) =>
      current.state === 'trusted' && object.status.lease?.id !== current.ref.id
        ? { step: { do: 'repair' } }
        : undefined,
  },
  { name: 'there must be a live lease in the Secret', judge: judgeMissing },
  { name: 'the lease must be of what the spec targets', judge: judgeTarget },
  { name: 'the Secret must look as the spec says', judge: judgeShape },
  { name: 'a new lease was asked for', judge: judgeAsked },
  { name: 'a lease is replaced before its end', judge: judgeDue },
  // Somebody keeps editing the Secret? Then it is healed now and then, and its lease still replaced in time.
  { name: 'an edited Secret waits for its turn', judge: judgeContended },
  {
    name: 'labels and annotations follow the spec',
    judge: ({ input: { secret } }) =>
      secret.state === 'ours' && !secret.dressed ? { step: { do: 'dress' } } : undefined,
  },
  { name: 'a Secret by a former name goes with its lease', judge: judgeFormer },
  { name: ALL_IS_WELL, judge: judgeWell },
];

/** Where a lease is asked for must be known to whoever comes after a crash, also when the spec has changed by then. */
function judgeAnnounced({ input: { connection, memory, target }, object }: Case): Verdict | undefined {
  if (!object.hasFinalizer) return { step: { do: 'announce' } };
  const { status, asked } = object;
  if (target.state === 'refused' || connection.state !== 'usable') return undefined;
  const named = [...asked, status.lease, memory.announced].filter((place) => place !== undefined);
  return named.some((place) => isNoted(place, target.wanted, connection.identity.host))
    ? undefined
    : { step: { do: 'announce' } };
}

/** The lease's end may be a little other in a list than in the answer that issued it. */
const SAME_END = 1000;

function judgeMoved({ input: { secret, memory }, current }: Case): Verdict | undefined {
  if (current.state !== 'trusted' || secret.state !== 'ours' || secret.data !== 'intact') return undefined;
  const moved =
    (parseInstant(current.ref.expireAt) ?? 0) - (parseInstant(current.record.lease.expireAt) ?? 0);
  // A status that knows of an earlier end may only be behind a renewal; the server's own word is more.
  const differs = hasServersWord(memory, current.ref) ? Math.abs(moved) > SAME_END : moved > SAME_END;
  return differs && current.mayRevoke ? { step: { do: 'inscribe', ref: current.ref } } : undefined;
}

function hasServersWord({ known, sighted }: Memory, { id }: LeaseRef): boolean {
  return known.has(id) || sighted.has(id);
}

function judgeUnknownData({ input: { secret }, current }: Case): Verdict | undefined {
  if (current.state !== 'trusted' || secret.state !== 'ours' || secret.data !== 'unknown') return undefined;
  return { step: { do: 'inspect', record: current.record } };
}

function judgeBackoff({ input, object }: Case): Verdict | undefined {
  const failures = ownFailures(input, object);
  const left = failures === undefined ? heldByStatus(input, object) : failures.nextAt - input.now.elapsed;
  return left > 0 ? wait(left) : undefined;
}

function judgeWitness({ input: { memory, now }, current }: Case): Verdict | undefined {
  if (current.state !== 'unwitnessed') return undefined;
  const known = memory.attestations.get(current.record.lease.id);
  const due = known?.verdict === 'missing' ? known.lookAt : now.elapsed;
  return at(due, now.elapsed, { do: 'attest', record: current.record });
}

function judgeWell({ input, object, current }: Case): Verdict {
  const rotation = current.state === 'trusted' ? untilRotation(input, object, current.ref) : undefined;
  return wait(earliest([rotation, untilFormer(input, object)]));
}
