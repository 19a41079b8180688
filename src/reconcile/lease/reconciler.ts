import type { Fault } from '../../errors.ts';
import { decide } from '../../lease/decide.ts';
import type { DecisionInput } from '../../lease/input.ts';
import type { Plan, Step } from '../../lease/plan.ts';
import { ALL_IS_WELL } from '../../lease/policies.ts';
import type { LeaseRecord } from '../ports.ts';
import { account } from './account.ts';
import { attest } from './attest.ts';
import { leasePass, type LeaseParts, type LeasePass, type StepResult } from './context.ts';
import { deliver } from './deliver.ts';
import { tryDry } from './dry-run.ts';
import { gather } from './gather.ts';
import { inspect, seek } from './inspect.ts';
import {
  announce,
  deleteSecret,
  dress,
  dropFinalizer,
  forget,
  inscribe,
  leave,
  releaseSecret,
} from './object.ts';
import { ownObject } from './presence.ts';
import { renew } from './renew.ts';
import { requestLease } from './request.ts';
import { revoke } from './revoke.ts';
import { settle } from './settle.ts';
import { writeStatus } from './status.ts';

/** The most steps taken for one object before others have their turn. */
const MOST_STEPS = 24;

/** What is left to do for an object: `again` in milliseconds, undefined = an event will tell. */
export interface LeaseOutcome {
  readonly again?: number;
  readonly faulted?: boolean;
}

/**
 * Brings one DynamicSecretLease into order: gather → decide → execute, until the decision is to wait; then report.
 *
 * @param signal once aborted no further step is begun.
 */
export async function reconcileLease(
  parts: LeaseParts,
  key: string,
  signal: AbortSignal,
): Promise<LeaseOutcome> {
  const current = parts.cluster.leases.get(key)?.uid;
  const uids = new Set([...parts.memories.under(key), ...(current === undefined ? [] : [current])]);
  const outcomes: LeaseOutcome[] = [];
  // Usually one; an object that was deleted and made anew under the same name has left the other's leases to end.
  for (const uid of uids) outcomes.push(await reconcileObject(leasePass(parts, key, uid), signal));
  const waits = outcomes.map((outcome) => outcome.again).filter((wait) => wait !== undefined);
  const faulted = outcomes.some((outcome) => outcome.faulted === true);
  return { ...(waits.length === 0 ? {} : { again: Math.min(...waits) }), faulted };
}

async function reconcileObject(pass: LeasePass, signal: AbortSignal): Promise<LeaseOutcome> {
  for (let steps = 0; steps < MOST_STEPS && !signal.aborted; steps += 1) {
    const input = await gather(pass);
    const plan = decide(input);
    if (mayInterrupt(pass, plan)) pass.remember({ inherited: true });
    const object = ownObject(pass);
    if ((object === undefined) !== (input.object === undefined)) continue;
    const result = await execute(pass, object, input, plan);
    if (result === 'again' || plan.revocations.length > 0) continue;
    // A repair that failed was a write of the status; the next one waits its turn.
    const written = plan.step.do === 'repair' ? 'rest' : await finish(pass, input, plan);
    if (written === 'rest') return outcomeOf(pass, plan);
  }
  return { again: pass.timing.backoffBase };
}

/**
 * Whether the first thing to do for an object may be what a process before this one was in the middle of. One that is at
 * rest, or has no finalizer yet, was left in peace.
 */
function mayInterrupt(pass: LeasePass, { policy, step, revocations }: Plan): boolean {
  if (pass.memories.has(pass.uid) || policy === ALL_IS_WELL) return false;
  return revocations.length > 0 || !idle.has(step.do);
}

const idle: ReadonlySet<Step['do']> = new Set(['wait', 'refuse', 'announce']);

function outcomeOf(pass: LeasePass, plan: Plan): LeaseOutcome {
  const { failures } = pass.memory();
  const retry = failures === undefined ? undefined : Math.max(failures.nextAt - pass.clock.elapsed(), 0);
  // A fault of the last write is not in the plan yet; whichever comes first.
  const waits = [plan.again, retry].filter((wait) => wait !== undefined && wait > 0);
  const faulted = failures !== undefined || plan.step.do === 'refuse';
  return waits.length === 0 ? { faulted } : { again: Math.min(...waits.map(Number)), faulted };
}

/** Reports where the decision is to wait. A deletion says something only when it is held up. */
async function finish(pass: LeasePass, input: DecisionInput, plan: Plan): Promise<StepResult> {
  const object = ownObject(pass);
  if (object === undefined) return 'rest';
  if (object.deletedAt !== undefined && pass.memory().failures === undefined) return 'rest';
  // What failed before has been overcome, or something else would have been decided.
  if (plan.policy === ALL_IS_WELL) pass.remember({ failures: undefined, tried: true, inherited: false });
  return writeStatus(pass, object, { ...input, object, memory: pass.memory() }, refusalOf(plan.step));
}

function refusalOf(step: Step): Fault | undefined {
  return step.do === 'refuse' ? step.fault : undefined;
}

async function execute(
  pass: LeasePass,
  object: LeaseRecord | undefined,
  input: DecisionInput,
  plan: Plan,
): Promise<StepResult> {
  const [result] = await Promise.all([
    object === undefined ? executeGone(pass, plan.step) : executeStep(pass, object, input, plan.step),
    ...plan.revocations.map((ref) => revoke(pass, ref)),
  ]);
  return result;
}

/** What may be done for an object that is no more, or another shard's. */
async function executeGone(pass: LeasePass, step: Step): Promise<StepResult> {
  if (step.do === 'settle') return settle(pass, step.open);
  if (step.do === 'forget') forget(pass, step.left);
  if (step.do === 'leave') leave(pass, step.left);
  return 'rest';
}

async function executeStep(
  pass: LeasePass,
  object: LeaseRecord,
  input: DecisionInput,
  step: Step,
): Promise<StepResult> {
  switch (step.do) {
    case 'settle':
      return settle(pass, step.open);
    case 'deliver': {
      const { inHand } = pass.memory();
      return inHand === undefined ? 'again' : deliver(pass, object, inHand);
    }
    case 'announce':
      return announce(pass, object, input);
    case 'tryDry':
      return tryDry(pass, object);
    case 'attest':
      return attest(pass, step.record);
    case 'seek':
      return seek(pass, object);
    case 'inspect':
      return inspect(pass, object);
    case 'renew':
      return renew(pass, object, step.ref);
    case 'inscribe':
      return inscribe(pass, object, step.ref);
    case 'account':
      return account(pass, object, input);
    case 'repair':
      return writeStatus(pass, object, input, undefined);
    case 'lease':
      return requestLease(pass, object, step);
    case 'dress':
      return dress(pass, object);
    case 'deleteSecret':
      return deleteSecret(pass, step);
    case 'releaseSecret':
      return releaseSecret(pass, step);
    case 'dropFinalizer':
      return dropFinalizer(pass, object, step.left);
    case 'forget':
      forget(pass, step.left);
      return 'rest';
    case 'leave':
      leave(pass, step.left);
      return 'rest';
    case 'refuse':
    case 'wait':
      return 'rest';
  }
}
