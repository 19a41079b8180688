import { describe, expect, test } from 'vitest';

import type { WorkloadKind } from '../../../../src/api/restart.ts';
import { rolloutOf } from '../../../../src/reconcile/restart/rollout.ts';
import type { Rollout } from '../../../../src/restart/plan.ts';

const metadata = { generation: 3 };
const seen = { observedGeneration: 3 };
const up = { ...seen, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const late = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' };
const set = { ...seen, readyReplicas: 2, updatedReplicas: 2, currentRevision: 'b', updateRevision: 'b' };
const daemon = { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 };

const rolling: Rollout = { phase: 'RollingOut' };
const complete: Rollout = { phase: 'Complete' };
const paused = (reason: string): Rollout => ({ phase: 'Paused', reason });
const failed = (reason: string): Rollout => ({ phase: 'Failed', reason });

interface Case {
  readonly kind: WorkloadKind;
  readonly spec?: object;
  readonly status?: object;
  readonly is: Rollout;
}

const cases: Readonly<Record<string, Case>> = {
  'a Deployment that is all new': { kind: 'Deployment', spec: { replicas: 2 }, status: up, is: complete },
  'a Deployment without pods': { kind: 'Deployment', spec: { replicas: 0 }, status: seen, is: complete },
  'a Deployment whose change nobody has seen': {
    kind: 'Deployment',
    spec: { replicas: 2 },
    status: { ...up, observedGeneration: 2 },
    is: rolling,
  },
  'a Deployment that nobody looks after': { kind: 'Deployment', spec: {}, is: rolling },
  'a Deployment with an old pod left': {
    kind: 'Deployment',
    spec: { replicas: 2 },
    status: { ...up, replicas: 3 },
    is: rolling,
  },
  'a Deployment with a new pod that is not available': {
    kind: 'Deployment',
    spec: { replicas: 2 },
    status: { ...up, availableReplicas: 1 },
    is: rolling,
  },
  'a Deployment that is late': {
    kind: 'Deployment',
    spec: { replicas: 2 },
    status: { ...up, availableReplicas: 1, conditions: [late] },
    is: failed('ProgressDeadlineExceeded'),
  },
  'a Deployment that is paused': {
    kind: 'Deployment',
    spec: { replicas: 2, paused: true },
    status: up,
    is: paused('Paused'),
  },
  'a StatefulSet that is all new': { kind: 'StatefulSet', spec: { replicas: 2 }, status: set, is: complete },
  'a StatefulSet with an old pod left': {
    kind: 'StatefulSet',
    spec: { replicas: 2 },
    status: { ...set, updatedReplicas: 1, currentRevision: 'a' },
    is: rolling,
  },
  'a StatefulSet with a pod that is not ready': {
    kind: 'StatefulSet',
    spec: { replicas: 2 },
    status: { ...set, readyReplicas: 1 },
    is: rolling,
  },
  'a StatefulSet that is held back by its partition': {
    kind: 'StatefulSet',
    spec: { replicas: 2, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
    status: { ...set, updatedReplicas: 1, currentRevision: 'a' },
    is: paused('Partition'),
  },
  'a StatefulSet whose pods somebody deletes': {
    kind: 'StatefulSet',
    spec: { replicas: 2, updateStrategy: { type: 'OnDelete' } },
    status: set,
    is: paused('OnDelete'),
  },
  'a DaemonSet that is all new': { kind: 'DaemonSet', spec: {}, status: daemon, is: complete },
  'a DaemonSet with a node left': {
    kind: 'DaemonSet',
    spec: {},
    status: { ...daemon, updatedNumberScheduled: 1 },
    is: rolling,
  },
  'a DaemonSet whose pods somebody deletes': {
    kind: 'DaemonSet',
    spec: { updateStrategy: { type: 'OnDelete' } },
    status: daemon,
    is: paused('OnDelete'),
  },
  'a Rollout that is healthy': {
    kind: 'Rollout',
    status: { phase: 'Healthy', observedGeneration: '3' },
    is: complete,
  },
  'a Rollout whose change nobody has seen': {
    kind: 'Rollout',
    status: { phase: 'Healthy', observedGeneration: '2' },
    is: rolling,
  },
  'a Rollout that waits for somebody': {
    kind: 'Rollout',
    status: { phase: 'Paused', observedGeneration: '3' },
    is: paused('Paused'),
  },
  'a Rollout that has failed': {
    kind: 'Rollout',
    status: { phase: 'Degraded', observedGeneration: '3' },
    is: failed('Degraded'),
  },
};

describe('the rollout of', () => {
  test.each(Object.entries(cases))('%s', (_what, { kind, spec, status, is }) => {
    expect(rolloutOf(kind, { metadata, spec, status })).toEqual(is);
  });

  test('something else is none', () => {
    expect(() => rolloutOf('Deployment', { metadata, spec: { replicas: 'two' } })).toThrow('expected number');
  });
});
