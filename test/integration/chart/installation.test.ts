import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { leaseManifest } from '../../support/stage.ts';
import { RELEASE } from '../../../tools/chart/places.ts';
import { startCluster, type Cluster } from './support/cluster.ts';
import { deploymentIn, podOf } from './support/deployment.ts';
import { chart, inNamespaces, only, type KubeObject, type Values } from './support/helm.ts';
import { monitoringKinds } from './support/monitoring.ts';
import { EVERYTHING, EVERYTHING_IN_NAMESPACES, KNOWN } from './support/values.ts';

const CONNECTION = 'clusterinfisicalconnection/shared';

/** A connection from values, to this host. */
function connected(host: string): Values {
  const auth = { token: { secretKeyRef: { name: 'shared', key: 'token' } } };
  return { clusterConnection: { enabled: true, name: 'shared', spec: { hostAPI: `https://${host}`, auth } } };
}

/** One cluster, in the order in which a platform team comes to these steps. */
describe('a release', () => {
  let cluster: Cluster;
  let connectionUid: string;

  beforeAll(async () => {
    cluster = await startCluster('shop', 'web', 'leases-of-shop');
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const field = (object: string, jsonpath: string, ...more: readonly string[]): Promise<string> =>
    cluster.kubectl('get', object, '-n', RELEASE.namespace, '-o', `jsonpath={${jsonpath}}`, ...more);
  /** What there is of a release, the kinds included. */
  const found = async (instance = RELEASE.name): Promise<readonly string[]> => {
    const kinds =
      'deploy,sa,pdb,netpol,cm,svc,role,rolebinding,clusterrole,clusterrolebinding,crd,validatingadmissionpolicy,validatingadmissionpolicybinding';
    const label = `app.kubernetes.io/instance=${instance}`;
    const names = '{range .items[*]}{.kind} {.metadata.name}{"\\n"}{end}';
    const text = await cluster.kubectl('get', kinds, '-A', '-l', label, '-o', `jsonpath=${names}`);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .toSorted();
  };

  it('is installed on an empty cluster, with a connection of the kind that it brings, and tells the next command', async () => {
    const values = connected('one.example.com');
    const said = await cluster.release('install', values);
    expect(said).toContain('kubectl -n leaseholder-system rollout status deployment/leaseholder');
    const objects = await cluster.helm.objects(values);
    const ours = objects.filter(({ kind }) => kind !== 'ClusterInfisicalConnection');
    expect(await found()).toEqual(namesOf(ours));
    expect(await field(CONNECTION, '.spec.hostAPI')).toBe('https://one.example.com');
    connectionUid = await field(CONNECTION, '.metadata.uid');
    await cluster.kubectl('get', 'dsl,dynsec,infisicalconnection', '-A');
  });

  it('lets users with the roles of Kubernetes work with leases, and not with cluster connections', async () => {
    for (const role of ['view', 'edit', 'admin']) {
      await cluster.kubectl(
        'create',
        'rolebinding',
        role,
        `--clusterrole=${role}`,
        `--user=${role}`,
        '-n',
        'shop',
      );
    }

    const kinds = ['dynamicsecretleases', 'dynamicsecrets', 'infisicalconnections'];
    // The roles are aggregated by a controller, one after the other.
    await expect.poll(() => listers(cluster), { timeout: 30_000 }).toEqual([true, true, true]);
    for (const kind of kinds) {
      expect([await may(cluster, 'view', 'list', kind), await may(cluster, 'view', 'create', kind)]).toEqual([
        true,
        false,
      ]);
      expect([await may(cluster, 'edit', 'list', kind), await may(cluster, 'edit', 'create', kind)]).toEqual([
        true,
        true,
      ]);
    }
    for (const user of ['view', 'edit', 'admin']) {
      expect(await may(cluster, user, 'get', 'clusterinfisicalconnections')).toBe(false);
      expect(await may(cluster, user, 'create', 'clusterinfisicalconnections')).toBe(false);
    }
  });

  it('is upgraded, and its connection with it, once that is an object of the release', async () => {
    const changed = connected('two.example.com');
    await expect(cluster.release('upgrade', changed)).rejects.toThrow('shared is there with another spec');
    await cluster.release('upgrade', connected('one.example.com'));
    const values = { ...changed, replicas: 3, restart: { enabled: true } };
    await cluster.release('upgrade', values);
    expect(await field('deployment/leaseholder', '.spec.replicas')).toBe('3');
    expect(await field(CONNECTION, '.spec.hostAPI')).toBe('https://two.example.com');
    expect(await field(CONNECTION, '.metadata.uid')).toBe(connectionUid);
    expect(await found()).toContain('ValidatingAdmissionPolicy leaseholder-restart');
    await cluster.release('upgrade', { ...values, restart: { enabled: false } });
    expect(await found()).not.toContain('ValidatingAdmissionPolicy leaseholder-restart');
    expect(await field(CONNECTION, '.metadata.uid')).toBe(connectionUid);
  });

  it('stands beside another one, of some namespaces', async () => {
    const beside = { name: 'shop', namespace: 'leases-of-shop' };
    const values = { ...inNamespaces('shop', 'web'), crds: { install: false } };
    await cluster.release('install', values, beside);
    expect(await found('shop')).toEqual(namesOf(await cluster.helm.objects(values, beside)));
    const { ok } = await cluster.helm.run(['uninstall', 'shop', '--namespace', beside.namespace]);
    expect([ok, await found('shop')]).toEqual([true, []]);
  });

  it('leaves the kinds, the leases and the connection when it is uninstalled, and nothing else', async () => {
    await cluster.apply(leaseManifest('orders-db'));
    const { ok } = await cluster.helm.run(['uninstall', RELEASE.name, '--namespace', RELEASE.namespace]);
    expect(ok).toBe(true);
    const left = await found();
    expect(left.filter((name) => !name.startsWith('CustomResourceDefinition '))).toEqual([]);
    expect(left).toHaveLength(4);
    expect(await field('dsl/orders-db', '.spec.dynamicSecret.name', '-n', 'default')).toBe('orders');
    expect(await field(CONNECTION, '.metadata.uid')).toBe(connectionUid);
  });

  it('is installed again over what is left', async () => {
    const changed = connected('three.example.com');
    await expect(cluster.release('install', changed)).rejects.toThrow('shared is there with another spec');
    await cluster.release('install', connected('two.example.com'));
    await cluster.release('upgrade', changed);
    expect(await field(CONNECTION, '.spec.hostAPI')).toBe('https://three.example.com');
    expect(await field('dsl/orders-db', '.spec.dynamicSecret.name', '-n', 'default')).toBe('orders');
  });

  it('is not installed over kinds of another version, which Helm would leave as they are', async () => {
    await cluster.helm.run(['uninstall', RELEASE.name, '--namespace', RELEASE.namespace]);
    const patch = '[{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns/0"}]';
    await cluster.kubectl('patch', 'crd', 'dynamicsecrets.leaseholder.dev', '--type=json', '-p', patch);
    await expect(cluster.release('install')).rejects.toThrow(
      'dynamicsecrets.leaseholder.dev is there in another version',
    );
    const crds = path.join(chart, 'files', 'crds');
    await cluster.kubectl('apply', '--server-side', '--force-conflicts', '-f', crds);
    await cluster.release('install');
  });

  describe('where only the restricted level of pods is admitted', () => {
    beforeAll(async () => {
      await cluster.apply(...monitoringKinds());
      await cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
      // One account for all: that of the release is there, one of another name is made.
      await cluster.kubectl('create', 'serviceaccount', 'leases', '-n', RELEASE.namespace);
    });

    const most = ['everything', 'everything in namespaces', 'strict', 'names of its own'];
    it.each(Object.entries(KNOWN).filter(([what]) => most.includes(what)))(
      'has objects that the API server takes without a word: %s',
      async (_what, values) => {
        expect(await cluster.refusals(await cluster.helm.objects(values))).toBe('');
      },
    );

    it.each([
      ['the whole cluster', EVERYTHING],
      ['namespaces', EVERYTHING_IN_NAMESPACES],
    ])('has pods that are admitted: %s', async (_what, values) => {
      const pod = podOf(deploymentIn(await cluster.helm.objects(values)), RELEASE.namespace);
      expect(await cluster.refusals([pod])).toBe('');
    });

    it('and others are not', async () => {
      const objects = await cluster.helm.objects();
      const deployment = structuredClone(only(objects, 'Deployment')) as KubeObject & {
        spec: { template: { spec: { securityContext?: object } } };
      };
      delete deployment.spec.template.spec.securityContext;
      deployment.metadata.name = 'careless';
      const refusal = await cluster.refusals([podOf(deploymentIn([deployment]), RELEASE.namespace)]);
      expect(refusal).toContain('violates PodSecurity "restricted:latest"');
      // A Deployment is not refused for its pods, but warned of: what the first test listens for.
      expect(await cluster.refusals([deployment])).toContain('would violate PodSecurity');
    });
  });
});

function namesOf(objects: readonly KubeObject[]): readonly string[] {
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
}

/** Whether a user may do this with one of our kinds in namespace shop. */
async function may({ plane }: Cluster, user: string, verb: string, resource: string): Promise<boolean> {
  const args = ['auth', 'can-i', verb, `${resource}.leaseholder.dev`, `--as=${user}`, '-n', 'shop'];
  return (await plane.kubectlRun(args)).stdout.trim() === 'yes';
}

/** Whether users of the roles view, edit and admin may list our kinds yet. */
function listers(cluster: Cluster): Promise<readonly boolean[]> {
  return Promise.all(['view', 'edit', 'admin'].map((user) => may(cluster, user, 'list', 'dynamicsecrets')));
}
