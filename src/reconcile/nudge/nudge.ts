import { isDefinite, KubeError } from '../../kube/kube-error.ts';
import { nudgeKey } from '../../nudge/annotation.ts';
import type { NewCredentials } from '../../nudge/plan.ts';
import type { Log, Metrics } from '../../telemetry.ts';
import type { PodRecord, PodResource } from '../ports.ts';

interface NudgeTools {
  readonly pods: Pick<PodResource, 'nudge'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'nudged'>;
  /** Asked before each pod. */
  readonly mayGoOn: () => boolean;
}

/** So many refusals are no matter of single pods. */
const MOST_REFUSALS = 10;

/**
 * Annotates pods, one after the other. One that is gone, or another by now, is left out; after a failure that is not about
 * one pod (no answer, one refusal after the other) the others are left for the next time.
 *
 * @returns the reason of the first failure, by the Kubernetes API; undefined where there was none.
 */
export async function nudge(
  { pods, log, metrics, mayGoOn }: NudgeTools,
  { secret, lease }: Pick<NewCredentials, 'secret' | 'lease'>,
  meant: readonly PodRecord[],
): Promise<string | undefined> {
  const annotations = { [nudgeKey(secret)]: lease };
  const reasons: string[] = [];
  let done = 0;
  for (const pod of meant) {
    if (!mayGoOn() || reasons.length === MOST_REFUSALS) break;
    try {
      await pods.nudge(pod, annotations);
      done += 1;
      metrics.nudged('nudged');
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (isMoot(error)) continue;
      metrics.nudged('failed');
      reasons.push(error.reason);
      if (!isDefinite(error)) break;
    }
  }
  if (done > 0) log.info('Pods are nudged to take up new credentials.', { lease, pods: done });
  if (reasons.length > 0) log.warn('Pods could not be nudged.', { lease, reason: reasons[0] });
  return reasons[0];
}

/** The pod is gone, another has its name, or it has just changed, which the watch tells of. */
function isMoot({ status, fields }: KubeError): boolean {
  return status === 404 || status === 409 || (status === 422 && fields.includes('metadata.uid'));
}
