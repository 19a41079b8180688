import { heldBack } from './holding.ts';
import type { DecisionInput } from './input.ts';
import type { Plan } from './plan.ts';
import { elsewhereFault, type Policy } from './policies.ts';
import {
  drop,
  judgeAbsence,
  judgeCreation,
  judgeDoubt,
  judgeOwner,
  judgeRemoval,
  judgeRename,
  judgeSuccessor,
  withTarget,
} from './removing.ts';
import { earliest, refuse, wait, type Verdict } from './verdict.ts';

/**
 * Deleting means gone: the dynamic secret leaves the server before the object goes.
 *
 * | Situation, checked in this order | Step |
 * | --- | --- |
 * | no finalizer | wait: the object is gone in a moment |
 * | no place, no intent | drop the finalizer: nothing was made |
 * | `deletionPolicy: Retain` | drop it (`left: declared`) |
 * | the namespace is ending, or that is unknown, and `timing.removalTimeout` is over | drop it (`timeout`) |
 * | DynamicSecretLeases refer to it, or have leases of it still | wait for them |
 * | its connection exists no more | drop it (`unreachable`) |
 * | connection or spec not in order | refuse with a reason, and wait |
 * | backoff not over | wait |
 * | an answer was lost | look |
 * | an intent | find out what became of it: acknowledge it, or take it back once settled |
 * | no recent look | look |
 * | absent: DELETE has said so too, or twice | drop it |
 * | absent, and listed by another name | acknowledge that name |
 * | present, though DELETE has answered that it is gone | look for a while; then drop it (`foreign`), unless a list shows ours |
 * | present, no list since | list |
 * | another's: another mark, another id | drop it (`foreign`) |
 * | forced by annotation, and a removal has failed | DELETE, forced |
 * | leases live there | revoke them one by one |
 * | no leases | DELETE; again only after some time, longer each time |
 *
 * An object that waits says why in its conditions.
 */
export function decideRemoval(input: DecisionInput): Plan {
  for (const { name, judge } of rows) {
    const verdict = judge(input);
    if (verdict === undefined) continue;
    const idle = verdict.step.do === 'wait' || verdict.step.do === 'refuse';
    const again = idle ? earliest([verdict.again, nextTimeout(input)]) : verdict.again;
    return { policy: name, step: verdict.step, again };
  }
  throw new RangeError('The last row decides every case.');
}

const rows: readonly Policy<DecisionInput>[] = [
  {
    name: 'let go already',
    judge: ({ object }) => (object.hasFinalizer ? undefined : wait()),
  },
  {
    name: 'nothing was made',
    judge: afterKubeBackoff(({ object: { status } }) =>
      status.place === undefined && status.intent === undefined ? drop(undefined) : undefined,
    ),
  },
  {
    name: 'left as declared',
    judge: afterKubeBackoff(({ object: { spec } }) =>
      spec.valid && spec.value.deletionPolicy === 'Retain' ? drop('declared') : undefined,
    ),
  },
  {
    name: 'left when time is over',
    judge: afterKubeBackoff((input) => (untilTimeout(input) === 0 ? drop('timeout') : undefined)),
  },
  {
    name: 'kept while it is in use',
    // That a lease of one that refers to another by now has ended is told by nothing but time.
    judge: ({ users, timing }) => (users.length > 0 ? wait(timing.inventoryInterval) : undefined),
  },
  {
    name: 'left where nothing leads to its server',
    judge: afterKubeBackoff(({ connection }) =>
      connection.state === 'refused' && connection.fault.code === 'ConnectionNotFound'
        ? drop('unreachable')
        : undefined,
    ),
  },
  { name: 'the connection must be in order', judge: judgeConnection },
  { name: 'back off after a fault', judge: judgeBackoff },
  { name: 'a lost answer is looked after', judge: withTarget(judgeDoubt) },
  { name: 'an open creation', judge: withTarget(judgeCreation) },
  { name: 'an open rename', judge: withTarget(judgeRename) },
  { name: 'it is looked for', judge: withTarget(judgeAbsence) },
  { name: 'another may have come into its place', judge: withTarget(judgeSuccessor) },
  { name: 'it must be ours', judge: withTarget(judgeOwner) },
  { name: 'remove it', judge: withTarget(judgeRemoval) },
];

/** The last write can only fail at the Kubernetes API, and then its backoff is waited for. */
function afterKubeBackoff(judge: Policy<DecisionInput>['judge']): Policy<DecisionInput>['judge'] {
  return (input) => {
    const verdict = judge(input);
    if (verdict === undefined || input.memory.failures?.fault.code !== 'KubernetesUnavailable')
      return verdict;
    return judgeBackoff(input) ?? verdict;
  };
}

/** The same while it lies ahead: when it is over, only a backoff keeps the object. */
function nextTimeout(input: DecisionInput): number | undefined {
  const left = untilTimeout(input);
  return left === 0 ? undefined : left;
}

/** Milliseconds until the removal is no longer waited for; undefined where it is, for as long as it takes. */
function untilTimeout({ object, namespaceEnding, now, timing }: DecisionInput): number | undefined {
  if (object.deletedAt === undefined || namespaceEnding === false) return undefined;
  return Math.max(object.deletedAt + timing.removalTimeout - now.kube, 0);
}

function judgeConnection(input: DecisionInput): Verdict | undefined {
  const { connection, object } = input;
  if (connection.state === 'refused') return refuse(connection.fault, connection.again);
  const elsewhere = elsewhereFault(input);
  if (elsewhere !== undefined) return refuse(elsewhere);
  // Without a place only the spec tells where it was asked for.
  return object.spec.valid || object.status.place !== undefined ? undefined : refuse(object.spec.fault);
}

function judgeBackoff(input: DecisionInput): Verdict | undefined {
  const held = heldBack(input);
  return held > 0 ? wait(held) : undefined;
}
