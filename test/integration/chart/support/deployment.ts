import { z } from 'zod';

import { only, type KubeObject } from './helm.ts';

const deployment = z.looseObject({
  spec: z.looseObject({
    replicas: z.number(),
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        serviceAccountName: z.string(),
        containers: z.tuple([
          z.looseObject({
            image: z.string(),
            command: z.array(z.string()),
            args: z.array(z.string()),
            env: z.array(z.looseObject({ name: z.string() })).default([]),
          }),
        ]),
      }),
    }),
  }),
});

export type Deployment = z.infer<typeof deployment>;

/** The operator's Deployment among the objects of a release. */
export function deploymentIn(objects: readonly KubeObject[]): Deployment {
  return deployment.parse(only(objects, 'Deployment'));
}

/** What the one container of a Deployment is started with. */
export function containerOf({ spec }: Deployment): Deployment['spec']['template']['spec']['containers'][0] {
  return spec.template.spec.containers[0];
}

/** A pod as the Deployment's controller would make it. */
export function podOf({ spec }: Deployment, namespace: string): object {
  const { metadata, ...template } = spec.template;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: 'one-of-it', namespace },
    ...template,
  };
}
