import { z } from 'zod';

import type { Stage } from '../../../support/stage.ts';

const workload = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
    }),
  }),
});

/** Deployments of a stage. No controller of workloads is there: their status is written as it would be. */
export interface Deployments {
  apply(name: string, spec?: object): Promise<void>;
  generation(name: string): Promise<number>;
  /** The annotations of the pod template. */
  templateOf(name: string): Promise<Readonly<Record<string, string>>>;
  /** Its controller has replaced all pods. */
  rolledOut(name: string): Promise<void>;
}

/** Lets the operator restart workloads in every namespace, as a cluster's owner does. */
export async function grantRestarts(stage: Stage): Promise<void> {
  await stage.kubectl(
    'create',
    'clusterrolebinding',
    'restarts',
    '--clusterrole=leaseholder-restart',
    '--serviceaccount=leaseholder-system:leaseholder',
  );
}

export function deploymentsOf(stage: Stage): Deployments {
  const seen = async (name: string): Promise<z.infer<typeof workload>> =>
    workload.parse(await stage.read(`/apis/apps/v1/namespaces/default/deployments/${name}`));
  const generation = async (name: string): Promise<number> => (await seen(name)).metadata.generation;
  return {
    generation,
    apply(name, spec = {}) {
      const labels = { app: name };
      const containers = [{ name: 'app', image: 'example.com/app' }];
      return stage.apply({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: 'default', labels },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers } },
          ...spec,
        },
      });
    },
    templateOf: async (name) => (await seen(name)).spec.template.metadata.annotations,
    async rolledOut(name) {
      const status = {
        observedGeneration: await generation(name),
        replicas: 1,
        updatedReplicas: 1,
        readyReplicas: 1,
        availableReplicas: 1,
      };
      const patch = JSON.stringify({ status });
      await stage.kubectl('patch', 'deployment', name, '--subresource=status', '--type=merge', '-p', patch);
    },
  };
}
