import { isConflict, isNotFound, KubeError } from '../../kube/kube-error.ts';
import { restartsOf, type Renewal } from '../../restart/plan.ts';
import type { Log, Metrics } from '../../telemetry.ts';
import type { WorkloadRecord, WorkloadResource } from '../ports.ts';
import { workloadKey, type Found } from './gather.ts';

interface RollParts {
  readonly resource: WorkloadResource;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'restarted'>;
}

/**
 * Changes the pod template of each workload that has not taken up the leases of its objects: one guarded write for all of
 * them. One that somebody has changed meanwhile is looked at again with the next pass.
 *
 * @returns how everything stands then.
 */
export async function roll(
  { resource, log, metrics }: RollParts,
  renewals: readonly Renewal[],
  found: Found,
): Promise<Found> {
  const after = new Map(found.workloads.map((one) => [workloadKey(one), one]));
  const failures = new Map(found.failures);
  for (const { workload, annotations } of restartsOf<WorkloadRecord>(renewals, found.workloads)) {
    const key = workloadKey(workload);
    try {
      after.set(key, await resource.annotate(workload, annotations));
      metrics.restarted('restarted');
      log.info('A workload is restarted.', { workload: key, leases: Object.keys(annotations).length });
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (isNotFound(error)) after.delete(key);
      if (isConflict(error) || isNotFound(error)) continue;
      metrics.restarted('failed');
      failures.set(key, error.reason);
    }
  }
  return { workloads: [...after.values()], failures };
}
