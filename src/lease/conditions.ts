import type { Condition, ConditionType, Reason } from '../api/condition.ts';
import type { Fault } from '../errors.ts';
import { formatInstant } from '../instant.ts';

/** The longest message of a condition. */
const MOST_CHARACTERS = 1024;

/** What is to be said about an object, before times and generations are added. */
export interface Standing {
  /** The Secret names a live lease of what the spec targets. */
  readonly ready: boolean;
  /** The spec itself is refused, or only a change can mend what is wrong. */
  readonly stalled: boolean;
  readonly deleting: boolean;
  /** The spec says that nothing is to be done. */
  readonly suspended: boolean;
  /** Why something that the spec asks for has no effect, where somebody should know. */
  readonly obstacles: readonly Obstacle[];
  /** The lease and its successor will overlap for less than the two minutes that a pod may need to see the new one. */
  readonly tight: boolean;
  readonly fault: Fault | undefined;
  /** What is under way, or why `ready` is false, where no fault says so. */
  readonly pending: keyof typeof pendingMessages | undefined;
}

const activeMessage = 'The Secret holds a live lease.';

const tightMessage = `${activeMessage} It is replaced less than 2 minutes before its end, and a pod may need as long to see the new one: a longer ttl or an earlier rotation.before gives it the time.`;

const obstacleMessages = {
  type: 'spec.rotation.strategy Renew has no effect: credentials of this type of dynamic secret do not live longer by a renewal, so the lease is replaced instead.',
  refused: 'The server does not renew this lease, so it is replaced instead (spec.rotation.strategy Renew).',
  nudges:
    'spec.secret.propagation Nudge has no effect: the operator nudges no pods (its option --nudge-pods is off), so mounted files follow within about 90 seconds.',
} as const;

export type Obstacle = keyof typeof obstacleMessages;

const suspendedMessage =
  'spec.suspend is true: nothing is leased, renewed or revoked until it is false, and the credentials may reach their end.';

interface Word {
  readonly status: 'True' | 'False';
  readonly reason: Reason;
  readonly message: string;
}

const pendingMessages = {
  Leasing: 'A lease is being requested.',
  LeaseExpired: 'The lease that the Secret names has ended.',
  Delivering: 'A lease was issued and is being written into the Secret.',
  Settling: 'A request got no answer; whether it made a lease is being found out.',
} as const;

/** The three conditions of a standing, after the rules of kstatus. */
export function conditionsOf(
  standing: Standing,
  before: readonly Condition[],
  generation: number,
  now: number,
): Condition[] {
  const words: readonly (readonly [ConditionType, Word])[] = [
    ['Ready', readyWord(standing)],
    ['Reconciling', reconcilingWord(standing)],
    ['Stalled', stalledWord(standing)],
  ];
  return words.map(([type, word]) => {
    const last = before.find((one) => one.type === type);
    const lastTransitionTime = last?.status === word.status ? last.lastTransitionTime : formatInstant(now);
    const message = word.message.slice(0, MOST_CHARACTERS);
    return { type, ...word, message, observedGeneration: generation, lastTransitionTime };
  });
}

function readyWord(standing: Standing): Word {
  if (standing.deleting) {
    return {
      status: 'False',
      reason: 'Revoking',
      message: 'The object is being deleted; its leases are being revoked.',
    };
  }
  if (standing.ready) return { status: 'True', reason: 'LeaseActive', message: activeWords(standing) };
  if (standing.suspended) return { status: 'False', reason: 'Suspended', message: suspendedMessage };
  if (standing.fault !== undefined) return faulty('False', standing.fault);
  return pendingWord('False', standing.pending ?? 'Leasing');
}

function activeWords({ tight, obstacles }: Standing): string {
  const first = tight ? tightMessage : activeMessage;
  return [first, ...obstacles.map((obstacle) => obstacleMessages[obstacle])].join(' ');
}

function pendingWord(status: 'True' | 'False', pending: keyof typeof pendingMessages): Word {
  return { status, reason: pending, message: pendingMessages[pending] };
}

function reconcilingWord(standing: Standing): Word {
  if (standing.stalled) return settled;
  if (standing.suspended && !standing.deleting)
    return { status: standing.ready ? 'False' : 'True', reason: 'Suspended', message: suspendedMessage };
  if (standing.fault !== undefined) return faulty('True', standing.fault);
  if (standing.deleting)
    return { status: 'True', reason: 'Revoking', message: 'The leases are being revoked.' };
  return standing.pending === undefined ? settled : pendingWord('True', standing.pending);
}

function stalledWord(standing: Standing): Word {
  if (standing.stalled && standing.fault !== undefined) return faulty('True', standing.fault);
  return { status: 'False', reason: 'Accepted', message: 'The spec is accepted.' };
}

const settled: Word = { status: 'False', reason: 'Settled', message: 'Nothing is under way.' };

function faulty(status: 'True' | 'False', fault: Fault): Word {
  return { status, reason: fault.code, message: fault.message };
}
