import { z } from 'zod';

import { selectorText } from '../api/label-selector.ts';
import type { WorkloadKind } from '../api/restart.ts';
import { KubeError } from '../kube/kube-error.ts';
import { resource, type KubeResource, type ResourceType } from '../kube/resource.ts';
import { listPages, snapshot } from '../kube/snapshot.ts';
import type { Transport } from '../kube/transport.ts';
import type { WorkloadRecord, WorkloadResource } from './ports.ts';
import { rolloutOf } from './restart/rollout.ts';

const apps = { group: 'apps', version: 'v1', namespaced: true } as const;

const types: Readonly<Record<WorkloadKind, ResourceType>> = {
  Deployment: { ...apps, plural: 'deployments' },
  StatefulSet: { ...apps, plural: 'statefulsets' },
  DaemonSet: { ...apps, plural: 'daemonsets' },
  Rollout: { group: 'argoproj.io', version: 'v1alpha1', plural: 'rollouts', namespaced: true },
};

const text = z.record(z.string(), z.string()).default({});

const envelope = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    resourceVersion: z.string(),
    labels: text,
  }),
  spec: z.object({
    template: z.object({ metadata: z.object({ annotations: text }).prefault({}) }).prefault({}),
  }),
});

/** Workloads, asked for one by one or by their labels. */
export function workloads(transport: Transport, mayWrite: (() => boolean) | undefined): WorkloadResource {
  const all = new Map<WorkloadKind, KubeResource>();
  const of = (kind: WorkloadKind): KubeResource => {
    const known = all.get(kind) ?? resource(transport, types[kind], mayWrite);
    all.set(kind, known);
    return known;
  };
  return {
    async look(kind, namespace, name) {
      const raw = await unlessAbsent(of(kind).get({ namespace, name }));
      return raw === undefined ? undefined : workloadRecord(kind, raw);
    },
    async list(kind, namespace, selector) {
      const records = snapshot((_id, raw): WorkloadRecord => workloadRecord(kind, raw));
      const selection = { namespace, labelSelector: selectorText(selector) };
      await unlessAbsent(listPages(of(kind), selection, records));
      return [...records.records];
    },
    async annotate({ kind, namespace, name, resourceVersion }, annotations) {
      const body = { metadata: { resourceVersion }, spec: { template: { metadata: { annotations } } } };
      return workloadRecord(kind, await of(kind).mergePatch({ namespace, name }, body));
    },
  };
}

/** Nothing where there is no such object, nor where its kind does not exist: that one is a 404 without a Status. */
async function unlessAbsent<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}

/** @throws ZodError when it is no workload of that kind. */
export function workloadRecord(kind: WorkloadKind, raw: unknown): WorkloadRecord {
  const { metadata, spec } = envelope.parse(raw);
  const { annotations } = spec.template.metadata;
  return { kind, ...metadata, annotations, rollout: rolloutOf(kind, raw) };
}
