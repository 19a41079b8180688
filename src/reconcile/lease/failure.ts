import { fault, FaultError, type Fault } from '../../errors.ts';
import { parseInstant } from '../../instant.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { backoff } from '../../lease/schedule.ts';
import type { LeaseRecord } from '../ports.ts';
import type { LeasePass } from './context.ts';
import { connectionRevision } from './gather.ts';

/**
 * Remembers that a step failed: the next try waits, longer each time, and well before the lease in use ends.
 *
 * @param cost whether a lease was spent on the try. Default: it was not.
 */
export function fail(
  pass: LeasePass,
  why: Fault,
  cost: { readonly spent: boolean } = { spent: false },
): void {
  const { clock, timing, cluster, key } = pass;
  const object = cluster.leases.get(key);
  const [generation, revision] = [object?.generation ?? 0, connectionRevision(pass, object)];
  const count = 1 + failedBefore(pass, object, { code: why.code, generation, revision });
  const end = parseInstant(object?.status.lease?.expireAt);
  const remaining = end === undefined ? undefined : end - cluster.now();
  const wait = backoff({ ...why, ...cost, count }, clock.random(), remaining, timing);
  const nextAt = clock.elapsed() + wait;
  pass.remember({ tried: true, failures: { fault: why, count, generation, revision, nextAt } });
  pass.metrics.failed('lease', why.code);
  pass.log.warn('A step failed.', { reason: why.code, retry: why.retry, count, wait: Math.round(wait) });
}

/** How often the same has failed in a row. After a restart the status tells, as far as it was worth a write. */
function failedBefore(
  pass: LeasePass,
  object: LeaseRecord | undefined,
  now: { readonly code: Fault['code']; readonly generation: number; readonly revision: string },
): number {
  const { failures, tried } = pass.memory();
  if (failures?.generation === now.generation && failures.revision === now.revision) {
    return failures.fault.code === now.code ? failures.count : 0;
  }
  return tried || object === undefined ? 0 : reportedCount(object, now);
}

function reportedCount(
  { status }: LeaseRecord,
  now: { readonly code: Fault['code']; readonly generation: number },
): number {
  const { attempts, observedGeneration } = status;
  return observedGeneration === now.generation && attempts?.reason === now.code ? attempts.count : 0;
}

/** The fault that an error carries; an error that carries none is a defect of ours and goes on up. */
export function faultOf(error: unknown, request: string): Fault {
  if (error instanceof FaultError) return error.fault;
  if (error instanceof KubeError) return fault('KubernetesUnavailable', { request }, error.retryAfter);
  throw error;
}
