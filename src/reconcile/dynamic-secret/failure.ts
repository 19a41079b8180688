import type { DecisionInput } from '../../dynamic-secret/input.ts';
import { sourcesText } from '../../dynamic-secret/holding.ts';
import { fault, FaultError, type Fault } from '../../errors.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { backoff } from '../../lease/schedule.ts';
import type { DynamicSecretPass } from './context.ts';

/** Remembers that a step failed: the next try waits, longer each time. A changed spec, connection or Secret starts afresh. */
export function fail(pass: DynamicSecretPass, input: DecisionInput, why: Fault): void {
  const { clock, timing } = pass;
  const about = {
    generation: input.object.generation,
    revision: input.connection.revision,
    sources: sourcesText(input.sources),
  };
  const count = 1 + failedBefore(pass, input, { ...about, code: why.code });
  const wait = backoff({ ...why, count }, clock.random(), undefined, timing);
  const nextAt = clock.elapsed() + wait;
  pass.remember({ tried: true, failures: { ...about, fault: why, count, nextAt } });
  pass.metrics.failed('dynamic-secret', why.code);
  pass.log.warn('A step failed.', { reason: why.code, retry: why.retry, count, wait: Math.round(wait) });
}

interface Moment {
  readonly code: Fault['code'];
  readonly generation: number;
  readonly revision: string;
  readonly sources: string;
}

/** How often the same has failed in a row. After a restart the status tells, as far as it was worth a write. */
function failedBefore(pass: DynamicSecretPass, { object }: DecisionInput, now: Moment): number {
  const { failures, tried } = pass.memory();
  if (failures !== undefined) {
    const isSame =
      failures.fault.code === now.code &&
      failures.generation === now.generation &&
      failures.revision === now.revision &&
      failures.sources === now.sources;
    return isSame ? failures.count : 0;
  }
  const { attempts, observedGeneration } = object.status;
  const isReported = tried !== true && observedGeneration === now.generation && attempts?.reason === now.code;
  return isReported ? attempts.count : 0;
}

/** The fault that an error carries; an error that carries none is a defect of ours and goes on up. */
export function faultOf(error: unknown, request: string): Fault {
  if (error instanceof FaultError) return error.fault;
  if (error instanceof KubeError) return fault('KubernetesUnavailable', { request }, error.retryAfter);
  throw error;
}
