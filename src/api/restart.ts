import { z } from 'zod';

import { labelSelector } from './label-selector.ts';
import { objectName } from './object.ts';
import type { CelRule } from './rule.ts';

/** The kinds of workloads that can be restarted. `Rollout` is that of Argo Rollouts, where its API is there. */
export const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout'] as const;

export type WorkloadKind = (typeof workloadKinds)[number];

/** The most entries of `spec.restart`. */
const MOST_TARGETS = 16;

/** The most workloads that the status tells of. */
export const MOST_WORKLOADS = 32;

const oneWay = 'must have exactly one of name and selector';

const restartTarget = z
  .object({
    kind: z.enum(workloadKinds).describe('Deployment, StatefulSet, DaemonSet or Rollout (of Argo Rollouts).'),
    name: objectName.optional().describe('Name of the workload.'),
    selector: labelSelector
      .optional()
      .describe('The workloads of that kind in the namespace of this object, by their own labels.'),
  })
  .refine(({ name, selector }) => (name === undefined) !== (selector === undefined), {
    error: oneWay,
    path: ['name'],
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.name) != has(self.selector)',
        message: `an entry of restart ${oneWay}`,
        fieldPath: '.name',
      },
    ] satisfies CelRule[],
  })
  .describe('One workload, or some.');

export type RestartTarget = z.infer<typeof restartTarget>;

export const restartTargets = z.array(restartTarget).max(MOST_TARGETS);

/** How the restart of one workload stands. */
export const workloadPhases = ['Pending', 'RollingOut', 'Paused', 'Failed', 'Complete'] as const;

export type WorkloadPhase = (typeof workloadPhases)[number];

const dateTime = z.string().meta({ format: 'date-time' });

/** How the restarts for the lease in use stand. */
export const restartStatus = z.object({
  lease: z.string().describe('Id of the lease that the workloads are restarted for.'),
  since: dateTime.describe('When that lease came into the Secret.'),
  complete: z.boolean().describe('Whether every workload has taken it up.'),
  workloads: z
    .array(
      z.object({
        kind: z.enum(workloadKinds),
        name: z.string(),
        phase: z.enum(workloadPhases),
        reason: z.string().optional().describe('Why it is not restarted, or does not come up.'),
      }),
    )
    .max(MOST_WORKLOADS)
    .optional()
    .describe('The workloads, by kind and name; the first 32 of them.'),
});

export type RestartStatus = z.infer<typeof restartStatus>;
