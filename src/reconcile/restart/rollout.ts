import { z } from 'zod';

import type { WorkloadKind } from '../../api/restart.ts';
import type { Rollout } from '../../restart/plan.ts';

/** What all kinds have; what is empty is left out of their JSON. */
const count = z.number().default(0);
const common = z.object({
  metadata: z.object({ generation: z.number().default(0) }),
});

const deployment = common.extend({
  spec: z.object({ replicas: z.number().default(1), paused: z.boolean().default(false) }),
  status: z
    .object({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      availableReplicas: count,
      conditions: z.array(z.object({ type: z.string(), reason: z.string().default('') })).default([]),
    })
    .prefault({}),
});

const type = z.string().default('RollingUpdate');

const statefulSet = common.extend({
  spec: z.object({
    replicas: z.number().default(1),
    updateStrategy: z
      .object({ type, rollingUpdate: z.object({ partition: count }).prefault({}) })
      .prefault({}),
  }),
  status: z
    .object({
      observedGeneration: count,
      updatedReplicas: count,
      readyReplicas: count,
      currentRevision: z.string().default(''),
      updateRevision: z.string().default(''),
    })
    .prefault({}),
});

const daemonSet = common.extend({
  spec: z.object({ updateStrategy: z.object({ type }).prefault({}) }),
  status: z
    .object({
      observedGeneration: count,
      desiredNumberScheduled: count,
      updatedNumberScheduled: count,
      numberAvailable: count,
    })
    .prefault({}),
});

/** Of Argo Rollouts, whose controller sums it up. Its observed generation is a text. */
const argoRollout = common.extend({
  spec: z.object({ paused: z.boolean().default(false) }).prefault({}),
  status: z
    .object({ phase: z.string().default(''), observedGeneration: z.string().default('') })
    .prefault({}),
});

const rolling: Rollout = { phase: 'RollingOut' };
const complete: Rollout = { phase: 'Complete' };
const onDelete: Rollout = { phase: 'Paused', reason: 'OnDelete' };

const readers: Readonly<Record<WorkloadKind, (raw: unknown) => Rollout>> = {
  Deployment: (raw) => {
    const { metadata, spec, status } = deployment.parse(raw);
    if (spec.paused) return { phase: 'Paused', reason: 'Paused' };
    if (status.observedGeneration < metadata.generation) return rolling;
    const late = status.conditions.some(({ reason }) => reason === 'ProgressDeadlineExceeded');
    if (late) return { phase: 'Failed', reason: 'ProgressDeadlineExceeded' };
    const { replicas, updatedReplicas, availableReplicas } = status;
    const isDone =
      updatedReplicas >= spec.replicas && replicas <= updatedReplicas && availableReplicas >= updatedReplicas;
    return isDone ? complete : rolling;
  },
  StatefulSet: (raw) => {
    const { metadata, spec, status } = statefulSet.parse(raw);
    const { updateStrategy } = spec;
    if (updateStrategy.type === 'OnDelete') return onDelete;
    if (status.observedGeneration < metadata.generation) return rolling;
    if (status.readyReplicas < spec.replicas) return rolling;
    if (status.updateRevision === status.currentRevision) return complete;
    // A partition holds the others back until somebody lowers it.
    const { partition } = updateStrategy.rollingUpdate;
    const isHeld = partition > 0 && status.updatedReplicas >= spec.replicas - partition;
    return isHeld ? { phase: 'Paused', reason: 'Partition' } : rolling;
  },
  DaemonSet: (raw) => {
    const { metadata, spec, status } = daemonSet.parse(raw);
    if (spec.updateStrategy.type === 'OnDelete') return onDelete;
    if (status.observedGeneration < metadata.generation) return rolling;
    const { desiredNumberScheduled: desired, updatedNumberScheduled, numberAvailable } = status;
    return updatedNumberScheduled >= desired && numberAvailable >= desired ? complete : rolling;
  },
  Rollout: (raw) => {
    const { metadata, spec, status } = argoRollout.parse(raw);
    if (spec.paused) return { phase: 'Paused', reason: 'Paused' };
    if (status.observedGeneration !== String(metadata.generation)) return rolling;
    switch (status.phase) {
      case 'Healthy':
        return complete;
      case 'Paused':
        return { phase: 'Paused', reason: 'Paused' };
      case 'Degraded':
        return { phase: 'Failed', reason: 'Degraded' };
      default:
        return rolling;
    }
  },
};

/**
 * Reads a workload as the API server has it, by the rules of `kubectl rollout status`.
 *
 * @throws ZodError when it is no workload of that kind.
 */
export function rolloutOf(kind: WorkloadKind, raw: unknown): Rollout {
  return readers[kind](raw);
}
