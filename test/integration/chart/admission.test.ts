import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ApiClient } from '../../../sandbox/control-plane/api-client.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { RELEASE } from '../../../tools/chart/places.ts';
import { clientOf } from '../api/support/api-plane.ts';
import { podChanges, workloadChanges } from './support/changes.ts';
import { startCluster, type Cluster } from './support/cluster.ts';
import { argoRollouts, workload } from './support/workloads.ts';

const kinds = {
  Deployment: '/apis/apps/v1/namespaces/default/deployments/guarded',
  StatefulSet: '/apis/apps/v1/namespaces/default/statefulsets/guarded',
  DaemonSet: '/apis/apps/v1/namespaces/default/daemonsets/guarded',
  Rollout: '/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/guarded',
} as const;
const POD = '/api/v1/namespaces/default/pods/guarded';

const marks = { annotations: { mine: 'x' }, labels: { mine: 'x' } };

/** The rights to restart and to nudge are rights to patch; policies make them what they are for. Tried with the operator's own token. */
describe('the admission policies', () => {
  let cluster: Cluster;
  let operator: ApiClient;
  let admin: ApiClient;

  beforeAll(async () => {
    cluster = await startCluster();
    const { plane } = cluster;
    await cluster.release('install', { restart: { enabled: true }, nudge: { enabled: true } });
    operator = await clientOf(plane, await plane.serviceAccountKubeconfig(RELEASE));
    admin = await clientOf(plane, plane.kubeconfig);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'guarded', namespace: 'default', ...marks },
      spec: { containers: [{ name: 'app', image: 'example.com/app' }] },
    };
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'default' },
    };
    await cluster.apply(argoRollouts());
    await cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
    await cluster.apply(account, pod, ...Object.keys(kinds).map((kind) => workload(kind, 'guarded', marks)));
    // A new policy takes a moment.
    for (const path of [...Object.values(kinds), POD]) {
      const refused = async (): Promise<boolean> =>
        (await patch(operator, path, { metadata: { labels: { trial: 'x' } } }, true)).status === 422;
      await awaitCondition(refused, { what: `the policy for ${path}`, intervalMs: 100 });
    }
  });
  afterAll(async () => {
    await operator.close();
    await admin.close();
    await cluster[Symbol.asyncDispose]();
  });

  describe.each(Object.entries(kinds))('of restarts, for a %s', (_kind, path) => {
    it('let our annotation of the pod template be changed', async () => {
      for (const value of ['one', 'two']) {
        const change = {
          spec: { template: { metadata: { annotations: { 'restart.leaseholder.dev/a': value } } } },
        };
        expect(await patch(operator, path, change)).toMatchObject({ status: 200 });
      }
      const away = {
        spec: { template: { metadata: { annotations: { 'restart.leaseholder.dev/a': null } } } },
      };
      expect(await patch(operator, path, away)).toMatchObject({ status: 200 });
    });

    it.each(Object.entries(workloadChanges))('refuse %s', async (_what, change) => {
      const { status, body } = await patch(operator, path, change);
      expect(JSON.stringify(body)).toContain('leaseholder may change');
      expect(status).toBe(422);
    });
  });

  it('of restarts refuse another number of replicas', async () => {
    const { status } = await patch(operator, kinds.Deployment, { spec: { replicas: 7 } });
    expect(status).toBe(422);
  });

  describe('of nudges', () => {
    it('let our annotation of a pod be changed', async () => {
      const change = { metadata: { annotations: { 'nudge.leaseholder.dev/a': 'a-lease' } } };
      expect(await patch(operator, POD, change)).toMatchObject({ status: 200 });
    });

    it.each(Object.entries(podChanges))('refuse %s', async (_what, change) => {
      const { status, body } = await patch(operator, POD, change);
      expect(JSON.stringify(body)).toContain('leaseholder may change');
      expect(status).toBe(422);
    });
  });

  it('hold nobody else', async () => {
    const image = workloadChanges['another image'] ?? {};
    expect(await patch(admin, kinds.Deployment, image, true)).toMatchObject({ status: 200 });
    expect(await patch(admin, POD, podChanges['another image'] ?? {}, true)).toMatchObject({ status: 200 });
  });
});

function patch(
  client: ApiClient,
  path: string,
  body: object,
  dryRun = false,
): Promise<{ readonly status: number; readonly body: unknown }> {
  // Of a pod's containers one is meant, by its name.
  const contentType = `application/${path === POD ? 'strategic-' : ''}merge-patch+json`;
  return client.send(`${path}${dryRun ? '?dryRun=All' : ''}`, { method: 'PATCH', contentType, body });
}
