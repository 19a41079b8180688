import type { LeaseRef } from '../../api/lease.ts';
import { fault, type Fault } from '../../errors.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import { RequestError } from '../../infisical/request-error.ts';
import { absence } from '../../lease/inventory.ts';
import { backoff } from '../../lease/schedule.ts';
import { targetOfRef } from '../../lease/target.ts';
import type { RevocationResult } from '../../telemetry.ts';
import { isTagOfAnother, type LeasePass } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { createdAtOf, endLease, listTime } from './gone.ts';

/**
 * Revokes one lease, or learns that it is gone. Confirmed is only what the server confirms: a 200 with `status` null,
 * or two lists apart that lack the lease. A 200 with `Failed to delete` and a 4xx are neither; they lead to a look.
 */
export async function revoke(pass: LeasePass, ref: LeaseRef): Promise<void> {
  const client = pass.clientFor(ref);
  if (client === undefined) {
    // A connection to that server may come back; a deletion does not wait for it.
    postpone(pass, ref, revocationFault(ref));
    return;
  }
  const why = pass.memory().absentSince.has(ref.id) ? revocationFault(ref) : await askFor(pass, client, ref);
  if (why !== undefined) await lookOrPostpone(pass, client, ref, why);
}

/**
 * Whether a lease that only the status speaks for is ours indeed. A cluster that was cloned has the status of the other
 * one: the server's tag tells them apart, where their installation ids differ.
 */
async function isAnothers(pass: LeasePass, client: LeaseClient, ref: LeaseRef): Promise<boolean> {
  const memory = pass.memory();
  if (memory.known.has(ref.id) || memory.discarded.some(({ id }) => id === ref.id)) return false;
  const lease = memory.sighted.get(ref.id) ?? (await client.getLease(ref.id, targetOfRef(ref))).lease;
  return isTagOfAnother(pass, lease);
}

/** Asks for the revocation. @returns why the lease must be looked for; undefined where there is no need. */
async function askFor(pass: LeasePass, client: LeaseClient, ref: LeaseRef): Promise<Fault | undefined> {
  try {
    if (await isAnothers(pass, client, ref)) {
      pass.log.warn('A lease is of another installation, and is left to it.', { lease: ref.id });
      settled(pass, ref, 'left');
      return undefined;
    }
    const answer = await client.revokeLease(ref.id, targetOfRef(ref));
    if (answer.status !== null) return revocationFault(ref);
    settled(pass, ref, 'confirmed');
  } catch (error) {
    const why = faultOf(error, 'revoke a lease');
    if (error instanceof RequestError && refusedByName(error)) return why;
    postpone(pass, ref, why);
  }
  return undefined;
}

/** A 4xx that may mean "no such lease": older servers say so with 400. */
function refusedByName(error: RequestError): boolean {
  return (
    error.fate === 'refused' && (error.notFound !== undefined || error.status === 400 || error.status === 404)
  );
}

async function lookOrPostpone(
  pass: LeasePass,
  client: LeaseClient,
  ref: LeaseRef,
  why: Fault,
): Promise<void> {
  try {
    await lookForIt(pass, client, ref, why);
  } catch (error) {
    postpone(pass, ref, faultOf(error, 'list the leases'));
  }
}

/** Looks whether the list still has the lease; see {@link absence}. */
async function lookForIt(pass: LeasePass, client: LeaseClient, ref: LeaseRef, why: Fault): Promise<void> {
  const askedAt = pass.clock.elapsed();
  const listed = await client.listLeases(pass.targetNow(ref));
  const absentSince = new Map(pass.memory().absentSince);
  if (listed.some((lease) => lease.id === ref.id)) {
    absentSince.delete(ref.id);
    pass.remember({ absentSince });
    postpone(pass, ref, why);
    return;
  }
  const missed = { createdAt: createdAtOf(pass, ref), absentSince: absentSince.get(ref.id) };
  const found = absence(missed, listTime(pass, client, askedAt), pass.timing);
  if (found.state === 'gone') {
    settled(pass, ref, 'gone');
    return;
  }
  pass.remember({ absentSince: absentSince.set(ref.id, found.since) });
  schedule(pass, ref, { nextAt: found.lookAt, reason: undefined });
}

function settled(pass: LeasePass, ref: LeaseRef, result: RevocationResult): void {
  endLease(pass, ref.id);
  pass.metrics.revoked(result);
  if (result !== 'left') pass.log.info('A lease was revoked.', { lease: ref.id, result });
}

function postpone(pass: LeasePass, ref: LeaseRef, why: Fault): void {
  const attempts = (pass.memory().revocations.get(ref.id)?.attempts ?? 0) + 1;
  const wait = backoff({ ...why, count: attempts }, pass.clock.random(), undefined, pass.timing);
  schedule(pass, ref, { nextAt: pass.clock.elapsed() + wait, reason: why.code });
  pass.metrics.revoked('refused');
  pass.metrics.failed('revocation', why.code);
  // While an object is being deleted nothing else would tell why it is still there.
  if (pass.cluster.leases.get(pass.key)?.deletedAt !== undefined) fail(pass, why);
}

function schedule(
  pass: LeasePass,
  ref: LeaseRef,
  { nextAt, reason }: { readonly nextAt: number; readonly reason: Fault['code'] | undefined },
): void {
  const before = pass.memory().revocations.get(ref.id);
  const attempts = (before?.attempts ?? 0) + (reason === undefined ? 0 : 1);
  const entry = { attempts, nextAt, reason: reason ?? before?.reason };
  pass.remember({ revocations: new Map(pass.memory().revocations).set(ref.id, entry) });
}

function revocationFault({ projectSlug, environmentSlug, path, dynamicSecret }: LeaseRef): Fault {
  return fault('RevocationFailed', { projectSlug, environmentSlug, path, dynamicSecret });
}
