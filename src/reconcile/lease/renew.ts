import type { Lease, LeaseRef } from '../../api/lease.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import { RequestError } from '../../infisical/request-error.ts';
import { parseInstant } from '../../instant.ts';
import { targetOfRef } from '../../lease/target.ts';
import type { LeaseRecord } from '../ports.ts';
import type { LeasePass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';

/**
 * Lengthens the lease in use. Each success on the server adds to the lease's end, so a request of unknown fate, or of a
 * process before this one, is not repeated before the lease was looked at.
 *
 * | What comes back | What happens |
 * | --- | --- |
 * | the lease with a later end | it goes on being used; the record follows in a guarded write |
 * | the lease with no later end, or a refusal | it is replaced instead |
 * | no answer | the lease is looked at: later end → as above; else tried again after a while, and replaced near its end |
 */
export async function renew(pass: LeasePass, object: LeaseRecord, ref: LeaseRef): Promise<StepResult> {
  const client = pass.clientFor(ref);
  if (client === undefined) return giveUp(pass, ref);
  try {
    // What a process before this one asked for may have been done.
    const done = pass.memory().known.has(ref.id) ? undefined : await lengthened(client, ref);
    const ttl = object.spec.valid ? object.spec.value.ttl : undefined;
    return take(pass, object, ref, done ?? (await client.renewLease(ref.id, targetOfRef(ref), ttl)));
  } catch (error) {
    return answer({ pass, object, client, ref }, error);
  }
}

interface Renewal {
  readonly pass: LeasePass;
  readonly object: LeaseRecord;
  readonly client: LeaseClient;
  readonly ref: LeaseRef;
}

async function answer({ pass, object, client, ref }: Renewal, error: unknown): Promise<StepResult> {
  const why = faultOf(error, 'renew a lease');
  if (error instanceof RequestError && error.fate === 'refused') {
    // A limit or a login is no word about the lease.
    const final = error.status !== undefined && error.status !== 429 && why.code !== 'TokenRefused';
    if (final) return giveUp(pass, ref);
    fail(pass, why);
    return 'again';
  }
  pass.metrics.renewed('unknown');
  try {
    const done = await lengthened(client, ref);
    if (done !== undefined) return take(pass, object, ref, done);
  } catch (later) {
    fail(pass, faultOf(later, 'read a lease'));
    return 'again';
  }
  fail(pass, why);
  return 'again';
}

/** The lease as the server has it, if its end is later than what is known of it. */
async function lengthened(client: LeaseClient, ref: LeaseRef): Promise<Lease | undefined> {
  const { lease } = await client.getLease(ref.id, targetOfRef(ref));
  return isLater(lease, ref) ? lease : undefined;
}

function isLater(lease: Lease, ref: LeaseRef): boolean {
  return (parseInstant(lease.expireAt) ?? 0) > (parseInstant(ref.expireAt) ?? 0);
}

function take(pass: LeasePass, object: LeaseRecord, ref: LeaseRef, lease: Lease): StepResult {
  if (!isLater(lease, ref)) return giveUp(pass, ref);
  const memory = pass.memory();
  const before = memory.known.get(ref.id);
  const reported = object.status.lease?.id === ref.id ? object.status.lease : undefined;
  const known = new Map(memory.known).set(ref.id, {
    ref: { ...ref, expireAt: lease.expireAt },
    lease,
    dynamicSecret: before?.dynamicSecret,
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
