import type { Clock } from '../clock.ts';
import type { KubeAccess } from './access.ts';
import { inClusterAccess, type InCluster } from './in-cluster.ts';
import { kubeconfigAccess, type KubeconfigOptions } from './kubeconfig.ts';

export interface ConnectOptions extends KubeconfigOptions {
  readonly clock: Clock;
  /** Where a pod finds its API server; undefined outside of clusters. A kubeconfig that is named goes first. */
  readonly inCluster?: InCluster | undefined;
}

/**
 * Finds the API server and the credentials for it. Nothing is sent yet.
 *
 * @throws KubeAccessError when there is no way to it, with a sentence that says what is missing.
 */
export function connect(options: ConnectOptions): Promise<KubeAccess> {
  const { clock, inCluster, kubeconfig, context } = options;
  if (inCluster !== undefined && isPod(options)) return inClusterAccess(clock, inCluster);
  return kubeconfigAccess(clock, { kubeconfig, context });
}

/** Whether the way to the API server is that of a pod, and `KubeAccess.namespace` so the pod's own. */
export function isPod({
  inCluster,
  kubeconfig,
  context,
}: Pick<ConnectOptions, 'inCluster' | 'kubeconfig' | 'context'>): boolean {
  return inCluster !== undefined && kubeconfig === undefined && context === undefined;
}
