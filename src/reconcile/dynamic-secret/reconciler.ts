import { decide } from '../../dynamic-secret/decide.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import type { Plan } from '../../dynamic-secret/plan.ts';
import { acknowledge } from './acknowledge.ts';
import { claim } from './claim.ts';
import {
  dynamicSecretPass,
  type DynamicSecretParts,
  type DynamicSecretPass,
  type StepResult,
} from './context.ts';
import { create } from './create.ts';
import { dropFinalizer } from './finalizer.ts';
import { forget } from './forget.ts';
import { gather } from './gather.ts';
import { intend } from './intend.ts';
import { list } from './list.ts';
import { look } from './look.ts';
import { remove } from './remove.ts';
import { revoke } from './revoke.ts';
import { writeStatus } from './status.ts';
import { subjectOf, type Subject } from './subject.ts';
import { update } from './update.ts';

/** The most steps taken for one object before others have their turn. */
const MOST_STEPS = 24;

/** What is left to do for an object: `again` in milliseconds, undefined = an event will tell. */
export interface DynamicSecretOutcome {
  readonly again?: number;
  readonly faulted?: boolean;
}

/**
 * Brings one DynamicSecret into order: gather → decide → execute, until the decision is to wait; then report. It must not
 * run beside itself for one object.
 *
 * @param signal once aborted no further step is begun.
 */
export async function reconcileDynamicSecret(
  parts: DynamicSecretParts,
  key: string,
  signal: AbortSignal,
): Promise<DynamicSecretOutcome> {
  const uid = parts.cluster.dynamicSecrets.get(key)?.uid;
  if (uid === undefined) return {};
  const pass = dynamicSecretPass(parts, key, uid);
  for (let steps = 0; steps < MOST_STEPS && !signal.aborted; steps += 1) {
    const outcome = await takeStep(pass);
    if (outcome !== 'again') return outcome;
  }
  return { again: pass.timing.backoffBase };
}

/** One step; `again` where another one follows at once. */
async function takeStep(pass: DynamicSecretPass): Promise<DynamicSecretOutcome | 'again'> {
  const seen = subjectOf(pass);
  if (seen === undefined) return {};
  const input = await gather(pass, seen);
  const subject = subjectOf(pass);
  // What has changed meanwhile is looked at anew.
  if (subject?.known.generation !== input.object.generation) return 'again';
  const plan = decide(input);
  if ((await execute(pass, subject, input, plan)) === 'again') return 'again';
  const now = subjectOf(pass);
  if (now === undefined) return {};
  return (await finish(pass, now, input, plan)) === 'rest' ? outcomeOf(pass, plan) : 'again';
}

function outcomeOf(pass: DynamicSecretPass, plan: Plan): DynamicSecretOutcome {
  const { failures } = pass.memory();
  const retry = failures === undefined ? undefined : failures.nextAt - pass.clock.elapsed();
  const waits = [plan.again, retry].filter((wait) => wait !== undefined && wait > 0).map(Number);
  const faulted = failures !== undefined || plan.step.do === 'refuse';
  return waits.length === 0 ? { faulted } : { again: Math.min(...waits), faulted };
}

/** Reports where the decision is to wait. */
async function finish(
  pass: DynamicSecretPass,
  subject: Subject,
  input: DecisionInput,
  { step }: Plan,
): Promise<StepResult> {
  const { failures } = pass.memory();
  // What failed before has been overcome, or its time would not be over while there is nothing to do.
  if (step.do === 'wait' && failures !== undefined && failures.nextAt <= pass.clock.elapsed())
    pass.remember({ failures: undefined, tried: true });
  return writeStatus(pass, subject, input, step.do === 'refuse' ? step.fault : undefined);
}

async function execute(
  pass: DynamicSecretPass,
  subject: Subject,
  input: DecisionInput,
  { step }: Plan,
): Promise<StepResult> {
  switch (step.do) {
    case 'claim':
      return claim(pass, subject, input);
    case 'look':
      return look(pass, input, step.target);
    case 'list':
      return list(pass, input, step.target);
    case 'intend':
      return intend(pass, subject, input, step.intent);
    case 'create':
      return create(pass, input, step.target);
    case 'update':
      return update(pass, input, step);
    case 'acknowledge':
      return acknowledge(pass, input, step.target);
    case 'forget':
      return forget(pass, subject, input, step.target);
    case 'revoke':
      return revoke(pass, step);
    case 'remove':
      return remove(pass, input, step);
    case 'dropFinalizer':
      return dropFinalizer(pass, subject, input, step.left);
    case 'refuse':
    case 'wait':
      return 'rest';
  }
}
