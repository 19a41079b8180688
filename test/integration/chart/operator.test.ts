import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { freePorts } from '../../../sandbox/control-plane/ports.ts';
import { SANDBOX_HOSTS } from '../../../sandbox/operator/operator.ts';
import { startStage, type Stage } from '../../support/stage.ts';
import { RELEASE } from '../../../tools/chart/places.ts';
import { containerOf, deploymentIn } from './support/deployment.ts';
import { chart, objectsIn, openHelm, type Helm, type KubeObject, type Values } from './support/helm.ts';
import { startAsPod } from './support/in-pod.ts';
import { overlayOf } from './support/kustomize.ts';
import { mainPath } from './support/main-path.ts';

const scopes = {
  cluster: { scope: 'cluster' },
  namespaces: { scope: 'namespaces', namespaces: ['default'] },
} as const;

/** One cluster on which the operator is installed in all ways, one after the other; each runs with exactly the rights that it got. */
describe('the operator with the rights of its installation', () => {
  let stage: Stage;
  let helm: Helm;
  let port: number;

  beforeAll(async () => {
    [port = 0] = await freePorts(1);
    stage = await startStage({
      install: async (plane) => {
        helm = await openHelm(plane.kubeconfig);
        await installed('cluster');
      },
    });
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await helm[Symbol.asyncDispose]();
  });

  const valuesOf = (scope: keyof typeof scopes): Values => ({
    ...scopes[scope],
    metrics: { address: '127.0.0.1', port },
    allowedHosts: SANDBOX_HOSTS,
  });
  const run = async (...args: readonly string[]): Promise<void> => {
    const { ok, stderr } = await helm.run([...args, '--namespace', RELEASE.namespace]);
    if (!ok) throw new Error(stderr);
  };
  const installed = async (scope: keyof typeof scopes): Promise<void> => {
    const args = ['upgrade', '--install', RELEASE.name, chart, '--create-namespace'];
    const { ok, stderr } = await helm.run([...args, '--namespace', RELEASE.namespace], valuesOf(scope));
    if (!ok) throw new Error(stderr);
  };
  /** Runs the operator of a Deployment through the main path. */
  const works = async (objects: readonly KubeObject[]): Promise<void> => {
    const since = await stage.plane.audit.mark();
    const deployment = deploymentIn(objects);
    await using operator = await startAsPod(stage.plane, deployment);
    await operator.ready();
    const probe = await fetch(`http://127.0.0.1:${String(port)}/readyz`);
    expect([probe.status, await probe.text()]).toEqual([200, 'ok\n']);
    await mainPath(stage, `main-${String(since)}`);
    expect(await operator.stop()).toBe(0);
    const asked = (await stage.plane.audit.events(since)).filter(({ user }) => user === stage.user);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter(({ responseCode }) => responseCode === 401 || responseCode === 403)).toEqual([]);
  };
  const may = async (verb: string, resource: string, namespace: string): Promise<boolean> => {
    const args = ['auth', 'can-i', verb, resource, `--as=${stage.user}`, '-n', namespace];
    return (await stage.plane.kubectlRun(args)).stdout.trim() === 'yes';
  };

  describe('by helm', () => {
    it('for the cluster takes a lease through its life', async () => {
      await works(await helm.objects(valuesOf('cluster')));
      expect(await may('get', 'secrets', 'kube-system')).toBe(true);
    });

    it('for a namespace does, and may read no other Secret', async () => {
      await installed('namespaces');
      await works(await helm.objects(valuesOf('namespaces')));
      expect(await may('get', 'secrets', 'default')).toBe(true);
      for (const verb of ['get', 'list', 'watch', 'create', 'patch', 'delete']) {
        expect([verb, await may(verb, 'secrets', 'kube-system')]).toEqual([verb, false]);
      }
      await run('uninstall', RELEASE.name);
    });
  });

  describe('by kustomize', () => {
    it.each(['cluster', 'namespaces'] as const)(
      'for scope %s takes a lease through its life',
      async (scope) => {
        await using overlay = await overlayOf(scope, {
          '--listen': `127.0.0.1:${String(port)}`,
          '--allowed-hosts': SANDBOX_HOSTS,
        });
        await stage.kubectl('apply', '--server-side', '--force-conflicts', '-k', overlay.folder);
        const objects = objectsIn(await stage.kubectl('kustomize', overlay.folder));
        expect(containerOf(deploymentIn(objects)).args.includes('--namespaces=default')).toBe(
          scope === 'namespaces',
        );
        await works(objects);
        expect(await may('get', 'secrets', 'kube-system')).toBe(scope === 'cluster');
        const own = objects.filter(({ kind }) => !['CustomResourceDefinition', 'Namespace'].includes(kind));
        const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: own });
        await stage.plane.kubectlRun(['delete', '--wait=false', '-f', '-'], { input });
      },
    );
  });
});
