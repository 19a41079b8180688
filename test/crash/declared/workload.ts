import { z } from 'zod';

import { restartKey } from '../../../src/restart/annotation.ts';
import type { Namespaced } from '../namespaced.ts';

/** The Deployment that is restarted for each lease. */
export const WORKLOAD = 'web';

const deployment = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
    }),
  }),
});

/** How the Deployment stands. */
export interface WorkloadView {
  /** 1, and one more for each change of it. */
  readonly generation: number;
  /** The lease of the object that it was restarted for last. */
  readonly lease: string | undefined;
}

/** The Deployment of a life. Its controller does not run here. */
export interface Workload {
  make(): Promise<void>;
  view(): Promise<WorkloadView>;
  /** As its controller does when it has replaced all pods. */
  rollOut(): Promise<void>;
}

/** @param object the lease object that has it restarted. */
export function workloadOf(objects: Namespaced, namespace: string, object: string): Workload {
  const labels = { app: WORKLOAD };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'web', image: 'example.com/web' }] },
  };
  const manifest = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: WORKLOAD, namespace, labels },
    spec: { selector: { matchLabels: labels }, template },
  };
  const now = async (): Promise<z.infer<typeof deployment>> =>
    deployment.parse(await objects.read('deployments', WORKLOAD));
  return {
    make: () => objects.create('deployments', manifest),
    async view() {
      const { metadata, spec } = await now();
      const lease = spec.template.metadata.annotations[restartKey(object)];
      return { generation: metadata.generation, lease };
    },
    async rollOut() {
      const { metadata } = await now();
      const pods = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
      const status = { observedGeneration: metadata.generation, ...pods };
      await objects.mergeStatus('deployments', WORKLOAD, status);
    },
  };
}
