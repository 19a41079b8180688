import { fault, FaultError, type Fault } from '../../errors.ts';
import { parseInstant } from '../../instant.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { backoff } from '../../lease/schedule.ts';
import type { LeasePass } from './context.ts';

/** Remembers that a step failed: the next try waits, longer each time, and well before the lease in use ends. */
export function fail(pass: LeasePass, why: Fault): void {
  const { clock, timing, cluster, key } = pass;
  const object = cluster.leases.get(key);
  const generation = object?.generation ?? 0;
  const before = pass.memory().failures;
  const count = before?.generation === generation && before.fault.code === why.code ? before.count + 1 : 1;
  const end = parseInstant(object?.status.lease?.expireAt);
  const remaining = end === undefined ? undefined : end - cluster.now();
  const wait = backoff({ ...why, count }, clock.random(), remaining, timing);
  pass.remember({ failures: { fault: why, count, generation, nextAt: clock.elapsed() + wait } });
  pass.log.warn('A step failed.', { reason: why.code, retry: why.retry, count, wait: Math.round(wait) });
}

/** The fault that an error carries; an error that carries none is a defect of ours and goes on up. */
export function faultOf(error: unknown, request: string): Fault {
  if (error instanceof FaultError) return error.fault;
  if (error instanceof KubeError) return fault('KubernetesUnavailable', { request }, error.retryAfter);
  throw error;
}
