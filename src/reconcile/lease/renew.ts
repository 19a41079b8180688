import type { Lease, LeaseRef } from '../../api/lease.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import type { Fault } from '../../errors.ts';
import { RequestError } from '../../infisical/request-error.ts';
import { parseInstant } from '../../instant.ts';
import { targetOfRef } from '../../lease/target.ts';
import type { LeaseRecord } from '../ports.ts';
import { isTagOfAnother, type LeasePass, type StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';

/** How often in a row the server may fail at a renewal before the lease is replaced instead. */
const MOST_FAILURES = 2;

/**
 * Lengthens the lease in use. Each success on the server adds to the lease's end, so a request of unknown fate, or of a
 * process before this one, is not repeated before the lease was looked at.
 *
 * | What comes back | What happens |
 * | --- | --- |
 * | the lease with a later end | it goes on being used; the record follows in a guarded write |
 * | the lease with no later end, or a refusal | it is replaced instead |
 * | no answer | the lease is looked at: later end → as above; else tried again after a while, and replaced near its end |
 * | the server fails at it again and again | it is replaced instead: 2024 servers fail so where nothing can be lengthened |
 * | a look shows the tag of another object or installation | it is no lease of ours: neither renewed nor revoked, but replaced |
 */
export async function renew(pass: LeasePass, object: LeaseRecord, ref: LeaseRef): Promise<StepResult> {
  const client = pass.clientFor(ref);
  if (client === undefined) return giveUp(pass, ref);
  const doubted = pass.memory().lengthening.has(ref.id);
  const renewal = { pass, object, client, ref, doubted };
  try {
    const seen = mayBeDone(pass, ref) ? await look(renewal) : 'as it was';
    if (seen !== 'as it was') return accept(renewal, seen);
    const ttl = object.spec.valid ? object.spec.value.ttl : undefined;
    const neededBy = pass.clock.elapsed() + untilEndOf(ref, client.now());
    // Until an answer says otherwise it may be done, and the lease's known end be none.
    doubt(pass, ref);
    return take(pass, object, ref, await client.renewLease(ref.id, targetOfRef(ref), ttl, neededBy));
  } catch (error) {
    return answer(renewal, error);
  }
}

/** Milliseconds; none where the server's time is not known. */
function untilEndOf({ expireAt }: LeaseRef, now: number | undefined): number {
  return (parseInstant(expireAt) ?? 0) - (now ?? Infinity);
}

/** What a process before this one asked for, or an unanswered request of this one, may have been done by now. */
function mayBeDone(pass: LeasePass, ref: LeaseRef): boolean {
  const { known, failures } = pass.memory();
  return failures !== undefined || !known.has(ref.id);
}

interface Renewal {
  readonly pass: LeasePass;
  readonly object: LeaseRecord;
  readonly client: LeaseClient;
  readonly ref: LeaseRef;
  /** An earlier request to renew it got no answer. */
  readonly doubted: boolean;
}

function doubt(pass: LeasePass, { id }: LeaseRef): void {
  pass.remember({ lengthening: new Set(pass.memory().lengthening).add(id) });
}

function trust(pass: LeasePass, { id }: LeaseRef): void {
  pass.remember({ lengthening: new Set([...pass.memory().lengthening].filter((other) => other !== id)) });
}

async function answer(renewal: Renewal, error: unknown): Promise<StepResult> {
  const why = faultOf(error, 'renew a lease');
  if (error instanceof RequestError && error.fate === 'refused')
    return answerRefusal(renewal, why, error.status);
  return answerSilence(renewal, why);
}

/** A limit or a login is no word about the lease; any other refusal is. */
function answerRefusal({ pass, ref, doubted }: Renewal, why: Fault, status: number | undefined): StepResult {
  if (!doubted) trust(pass, ref);
  if (status !== undefined && status !== 429 && why.code !== 'TokenRefused') return giveUp(pass, ref);
  fail(pass, why);
  return 'again';
}

/** No answer, or none that says what was done: the lease itself tells. */
async function answerSilence(renewal: Renewal, why: Fault): Promise<StepResult> {
  const { pass, ref } = renewal;
  pass.metrics.renewed('unknown');
  try {
    const seen = await look(renewal);
    if (seen !== 'as it was') return accept(renewal, seen);
  } catch (later) {
    fail(pass, faultOf(later, 'read a lease'));
    return 'again';
  }
  const before = pass.memory().failures;
  if (why.code === 'ServerFailed' && before?.fault.code === why.code && before.count >= MOST_FAILURES)
    return giveUp(pass, ref);
  fail(pass, why);
  return 'again';
}

/** What a look has shown to be done already, or not to be ours to do. */
function accept({ pass, object, ref }: Renewal, seen: Lease | 'foreign'): StepResult {
  return seen === 'foreign' ? 'again' : take(pass, object, ref, seen);
}

/** The lease as the server has it, if its end is later than what is known of it. */
async function look({ pass, client, ref }: Renewal): Promise<Lease | 'as it was' | 'foreign'> {
  const { lease } = await client.getLease(ref.id, targetOfRef(ref));
  if (isTagOfAnother(pass, lease)) {
    pass.remember({ sighted: new Map(pass.memory().sighted).set(ref.id, lease) });
    return 'foreign';
  }
  return isLater(lease, ref) ? lease : 'as it was';
}

function isLater(lease: Lease, ref: LeaseRef): boolean {
  return (parseInstant(lease.expireAt) ?? 0) > (parseInstant(ref.expireAt) ?? 0);
}

function take(pass: LeasePass, object: LeaseRecord, ref: LeaseRef, lease: Lease): StepResult {
  trust(pass, ref);
  if (!isLater(lease, ref)) return giveUp(pass, ref);
  const memory = pass.memory();
  const before = memory.known.get(ref.id);
  const reported = object.status.lease?.id === ref.id ? object.status.lease : undefined;
  const known = new Map(memory.known).set(ref.id, {
    ref: { ...ref, expireAt: lease.expireAt },
    lease,
    dynamicSecret: before?.dynamicSecret,
    askedFor: before?.askedFor,
    issuedAt: pass.clock.elapsed(),
    renewedAt: lease.updatedAt,
    renewals: (before?.renewals ?? reported?.renewals ?? 0) + 1,
  });
  const sighted = new Map(memory.sighted);
  sighted.delete(ref.id);
  pass.remember({ known, sighted, failures: undefined, tried: true });
  pass.metrics.renewed('renewed');
  pass.log.info('The lease was renewed.', { lease: ref.id });
  return 'again';
}

/** It is replaced instead, from here on. */
function giveUp(pass: LeasePass, ref: LeaseRef): StepResult {
  pass.remember({ unrenewable: new Set(pass.memory().unrenewable).add(ref.id) });
  pass.metrics.renewed('refused');
  pass.log.info('The lease cannot be renewed; it is replaced.', { lease: ref.id });
  return 'again';
}
