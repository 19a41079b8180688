import type { Condition, ConditionType, Reason } from '../api/condition.ts';
import type { Fault } from '../errors.ts';
import { formatInstant } from '../instant.ts';

/** The longest message of a condition. */
const MOST_CHARACTERS = 1024;

/** How many of those that still use it a message names. */
const MOST_NAMED = 3;

/** What is to be said about an object, before times and generations are added. */
export interface Standing {
  /** It exists as declared, as far as is known. */
  readonly ready: boolean;
  /** The spec itself is refused, or only a change can mend what is wrong. */
  readonly stalled: boolean;
  readonly deleting: boolean;
  readonly fault: Fault | undefined;
  /** What is under way, or why `ready` is false, where no fault says so. */
  readonly pending: keyof typeof pendingMessages | undefined;
  /** Names of the DynamicSecretLeases that refer to it, sorted. */
  readonly users: readonly string[];
  /** Inputs that the spec no longer names, and that the server keeps. */
  readonly dropped: readonly string[];
  /** Fields that the server shows otherwise though it was told. */
  readonly futile: readonly string[];
}

interface Word {
  readonly status: 'True' | 'False';
  readonly reason: Reason;
  readonly message: string;
}

const pendingMessages = {
  Creating: 'The dynamic secret is being created.',
  Updating: 'What has changed is being sent to the server.',
  Renaming: 'The dynamic secret is being renamed.',
} as const;

const removing = 'The object is being deleted; its dynamic secret is being removed.';

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
  if (standing.deleting) return { status: 'False', reason: 'Removing', message: removing };
  if (standing.ready) return { status: 'True', reason: 'Declared', message: declaredWords(standing) };
  if (standing.fault !== undefined) return faulty('False', standing.fault);
  return pendingWord('False', standing.pending ?? 'Creating');
}

function declaredWords({ dropped, futile }: Standing): string {
  const words = ['The dynamic secret exists as declared.'];
  if (dropped.length > 0)
    words.push(
      `The spec no longer names ${dropped.join(', ')} of the inputs; an input cannot be cleared through the API, so the server keeps it as it was.`,
    );
  if (futile.length > 0)
    words.push(
      `The server shows ${futile.join(', ')} otherwise, though it was told: somebody keeps changing it, or the server does not take it.`,
    );
  return words.join(' ');
}

function pendingWord(status: 'True' | 'False', pending: keyof typeof pendingMessages): Word {
  return { status, reason: pending, message: pendingMessages[pending] };
}

function reconcilingWord(standing: Standing): Word {
  const { stalled, deleting, users, fault, pending } = standing;
  if (stalled) return settled;
  if (deleting && users.length > 0) return { status: 'True', reason: 'InUse', message: inUseWords(users) };
  if (fault !== undefined) return faulty('True', fault);
  if (deleting) return { status: 'True', reason: 'Removing', message: removing };
  return pending === undefined ? settled : pendingWord('True', pending);
}

function inUseWords(users: readonly string[]): string {
  const [named, more] = [users.slice(0, MOST_NAMED).join(', '), users.length - MOST_NAMED];
  const others = more > 0 ? ` and ${String(more)} more` : '';
  return `DynamicSecretLeases refer to it, and it is kept until they are gone: ${named}${others}.`;
}

function stalledWord({ stalled, fault }: Standing): Word {
  if (stalled && fault !== undefined) return faulty('True', fault);
  return { status: 'False', reason: 'Accepted', message: 'The spec is accepted.' };
}

const settled: Word = { status: 'False', reason: 'Settled', message: 'Nothing is under way.' };

function faulty(status: 'True' | 'False', fault: Fault): Word {
  return { status, reason: fault.code, message: fault.message };
}
