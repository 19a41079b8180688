import type { RestartTarget } from '../../api/restart.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { WorkloadRecord, WorkloadResource } from '../ports.ts';

/** What was found of workloads, and why others could not be looked at or changed. */
export interface Found {
  readonly workloads: readonly WorkloadRecord[];
  /** The reason of the Kubernetes API, by kind and name; without a name for all that a selector may select. */
  readonly failures: ReadonlyMap<string, string>;
}

/** How a failure is found, and a workload told apart. */
export function workloadKey({
  kind,
  name = '',
}: {
  readonly kind: string;
  readonly name?: string | undefined;
}): string {
  return `${kind} ${name}`;
}

/** The workloads that entries of `spec.restart` name, each once and each asked for once. */
export async function workloadsOf(
  resource: WorkloadResource,
  namespace: string,
  targets: readonly RestartTarget[],
): Promise<Found> {
  const entries = new Map(targets.map((target) => [JSON.stringify(target), target]));
  const workloads = new Map<string, WorkloadRecord>();
  const failures = new Map<string, string>();
  for (const target of entries.values()) {
    try {
      for (const one of await ask(resource, namespace, target)) workloads.set(workloadKey(one), one);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      failures.set(workloadKey(target), error.reason);
    }
  }
  return { workloads: [...workloads.values()], failures };
}

async function ask(
  resource: WorkloadResource,
  namespace: string,
  { kind, name, selector }: RestartTarget,
): Promise<readonly WorkloadRecord[]> {
  if (name === undefined) return selector === undefined ? [] : resource.list(kind, namespace, selector);
  const found = await resource.look(kind, namespace, name);
  return found === undefined ? [] : [found];
}
