import type { DynamicSecret, Lease, LeaseRef } from '../../api/lease.ts';
import type { SecretRecord as CommitRecord } from '../../api/record.ts';
import { RequestError } from '../../infisical/request-error.ts';
import { leaseRefOf } from '../../lease/current.ts';
import type { Attestation } from '../../lease/input.ts';
import { targetOfRef } from '../../lease/target.ts';
import type { LeasePass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';

/**
 * Asks the server about a lease that only the Secret's record names: after a crash between the Secret's write and the
 * status', or when a tenant has written the record himself. The server's tag decides; without one the lease counts as
 * the current one if it is of the dynamic secret that the record says, but is never revoked on that word (I3).
 */
export async function attest(pass: LeasePass, record: CommitRecord): Promise<StepResult> {
  const { lease: ref } = record;
  const client = pass.clientFor(ref);
  if (client === undefined) {
    // A server that no connection of this namespace leads to is nobody's witness.
    conclude(pass, ref.id, { verdict: 'forged' });
    return 'again';
  }
  try {
    const { lease, dynamicSecret } = await client.getLease(ref.id, targetOfRef(ref));
    const verdict = judge(pass, record, lease, dynamicSecret);
    if (verdict === 'ours') {
      // The server's own end, not the record's.
      const confirmed = { ...(listed(pass, ref.id) ?? ref), expireAt: lease.expireAt };
      pass.remember({
        known: new Map(pass.memory().known).set(ref.id, { ref: confirmed, lease, dynamicSecret }),
      });
    } else {
      conclude(pass, ref.id, { verdict });
    }
  } catch (error) {
    if (error instanceof RequestError && error.notFound === 'lease') noteMissing(pass, ref.id);
    else fail(pass, faultOf(error, 'read a lease'));
  }
  return 'again';
}

function judge(
  pass: LeasePass,
  { lease: ref }: CommitRecord,
  lease: Lease,
  dynamicSecret: DynamicSecret | undefined,
): 'ours' | 'unattested' | 'forged' {
  if (lease.tag !== undefined) {
    const ours =
      lease.tag.object === pass.uid &&
      lease.tag.attempt === ref.attempt &&
      lease.tag.install === pass.install;
    return ours ? 'ours' : 'forged';
  }
  if (dynamicSecret === undefined || !isOf(pass, ref, dynamicSecret)) return 'forged';
  return listed(pass, ref.id) === undefined ? 'unattested' : 'ours';
}

/** Whether a dynamic secret is that of a Ref: by its name then, or by the name that it has now. */
function isOf(pass: LeasePass, ref: LeaseRef, { name }: DynamicSecret): boolean {
  return name === ref.dynamicSecret || name === pass.targetNow(ref).dynamicSecret;
}

/** A replaced lease may come back with a Secret of yesterday: what the status lists is as much the object's own as it was. */
function listed(pass: LeasePass, id: string): LeaseRef | undefined {
  const retiring = pass.cluster.leases.get(pass.key)?.status.retiring ?? [];
  const found = retiring.find((ref) => ref.id === id);
  return found && leaseRefOf(found);
}

/** Once may be a replica that lags; twice, with time between, is an answer. */
function noteMissing(pass: LeasePass, id: string): void {
  const before = pass.memory().attestations.get(id);
  const now = pass.clock.elapsed();
  if (before?.verdict === 'missing' && now >= before.lookAt) conclude(pass, id, { verdict: 'gone' });
  else conclude(pass, id, { verdict: 'missing', lookAt: now + pass.timing.goneSecondLook });
}

function conclude(pass: LeasePass, id: string, attestation: Attestation): void {
  pass.remember({ attestations: new Map(pass.memory().attestations).set(id, attestation) });
  if (attestation.verdict === 'forged') {
    pass.events.warn(
      pass.subject,
      'RecordRefused',
      "The record in the Secret names a lease that is not this object's; it is ignored.",
    );
    pass.log.warn("The Secret names a lease that is not this object's; the record is ignored.", {
      lease: id,
    });
  }
}
