import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import { createCertificates } from '../../../../sandbox/lease-api/certificate.ts';
import { nudgeKey } from '../../../../src/nudge/annotation.ts';
import { restartKey } from '../../../../src/restart/annotation.ts';
import { dynamicSecretManifest, inputSecret } from '../../../support/dynamic-secret-manifest.ts';
import { startProxy } from '../../../support/proxy.ts';
import { connectionObjects, leaseManifest, type Stage } from '../../../support/stage.ts';
import { clusterConnection } from '../../operator/support/cluster-connection.ts';
import {
  AUDIENCE,
  connectionAndLease,
  reviewingCluster,
  seedIdentity,
  serviceAccount,
} from '../../operator/support/login-scene.ts';
import { untilEvent } from '../../operator/support/observe.ts';
import { annotationsOf, makePod, uses } from '../../operator/support/pods.ts';
import { mainPath } from './main-path.ts';
import { argoRollouts, workload } from './workloads.ts';

/** The account whose tokens the operator may ask for. */
export const ROBOT = 'robot';

/** The ConfigMap with the CA of a connection. */
export const COMPANY_CA = 'company-ca';

/** Everything that the operator does with the Kubernetes API, in namespace default of a stage whose operator runs. */
export async function wholeLife(stage: Stage): Promise<void> {
  await stage.apply(argoRollouts());
  await Promise.all([
    mainPath(stage, 'main'),
    throughCluster(stage),
    declared(stage),
    restarted(stage),
    asRobot(stage),
    behindCompanyCa(stage),
    missed(stage),
    following(stage),
  ]);
}

/** A cluster connection is used, and goes. */
async function throughCluster(stage: Stage): Promise<void> {
  await clusterConnection(stage, 'shared', [{ namespaceSelector: {} }]);
  const connectionRef = { kind: 'ClusterInfisicalConnection', name: 'shared' };
  await stage.apply(leaseManifest('through-shared', { connectionRef }));
  await stage.untilReady('through-shared');
  await stage.kubectl('delete', 'dsl', 'through-shared', '--timeout=60s');
  await stage.kubectl('delete', 'clusterinfisicalconnection', 'shared', '--timeout=60s');
}

/** A dynamic secret is declared, made, and removed. */
async function declared(stage: Stage): Promise<void> {
  const identity = await stage.api.seedIdentity({ grants: [{ projectSlug: 'shop' }] });
  await stage.apply(
    ...connectionObjects({ api: stage.api, identity }, { name: 'declarer' }),
    inputSecret('declared', { password: 'of-the-provider' }),
    dynamicSecretManifest('declared', { connectionRef: { name: 'declarer' } }),
  );
  await stage.kubectl('wait', 'dynamicsecret/declared', '--for=condition=Ready', '--timeout=60s');
  await stage.kubectl('delete', 'dynamicsecret', 'declared', '--timeout=60s');
}

const workloads = {
  Deployment: 'deployments.apps',
  StatefulSet: 'statefulsets.apps',
  DaemonSet: 'daemonsets.apps',
  Rollout: 'rollouts.argoproj.io',
} as const;

/** Workloads of each kind, one named and one selected, are restarted, and a pod is nudged. */
async function restarted(stage: Stage): Promise<void> {
  const kinds = Object.keys(workloads);
  const labels = { uses: 'restarting' };
  await stage.apply(
    ...connectionObjects(stage, { name: 'restarting' }),
    ...kinds.flatMap((kind) => [workload(kind, 'named'), workload(kind, 'selected', { own: labels })]),
  );
  await makePod(stage, 'nudged', uses.volume('restarting'));
  const restart = kinds.flatMap((kind) => [
    { kind, name: 'named' },
    { kind, selector: { matchLabels: labels } },
  ]);
  const spec = { connectionRef: { name: 'restarting' }, restart, secret: { propagation: 'Nudge' } };
  await stage.apply(leaseManifest('restarting', spec));
  await stage.untilReady('restarting');
  await stage.kubectl('annotate', 'dsl', 'restarting', 'leaseholder.dev/rotate=now');
  const { status } = await stage.untilLease('restarting', (lease) => lease.status.rotations === 1);
  const id = status.lease?.id;
  const key = restartKey('restarting').replaceAll('.', '\\.');
  for (const resource of Object.values(workloads)) {
    const template = `{.items[*].spec.template.metadata.annotations.${key}}`;
    const renewed = async (): Promise<boolean> =>
      (await stage.kubectl('get', resource, '-o', `jsonpath=${template}`)) === `${String(id)} ${String(id)}`;
    await awaitCondition(renewed, { what: `the restart of ${resource}`, timeoutMs: 60_000, intervalMs: 200 });
  }
  const nudged = async (): Promise<boolean> =>
    (await annotationsOf(stage, 'nudged'))[nudgeKey('restarting')] === id;
  await awaitCondition(nudged, { what: 'the nudge', intervalMs: 100 });
}

/** A connection logs in by a token of a service account. */
async function asRobot(stage: Stage): Promise<void> {
  const cluster = await reviewingCluster(stage);
  const allowed = { allowedNamespaces: 'default', allowedNames: ROBOT, allowedAudience: AUDIENCE };
  const identityId = await seedIdentity(stage, { kubernetes: { ...cluster, ...allowed } });
  await stage.apply(serviceAccount(ROBOT));
  const serviceAccountRef = { name: ROBOT, audience: AUDIENCE };
  await stage.apply(
    ...connectionAndLease(stage, 'by-robot', { kubernetes: { identityId, serviceAccountRef } }),
  );
  await stage.untilReady('by-robot');
}

/** A connection's server has a certificate of a CA that a ConfigMap holds. */
async function behindCompanyCa(stage: Stage): Promise<void> {
  const certificates = createCertificates();
  await using server = await startProxy({
    target: stage.api.url,
    certificates,
    handle: (exchange) => exchange.relay(),
  });
  const hostAPI = `https://127.0.0.1:${String(server.port)}`;
  const [login, made] = connectionObjects(stage, { name: 'company', hostAPI }) as [object, { spec: object }];
  const caBundle = { configMapKeyRef: { name: COMPANY_CA, key: 'ca.crt' } };
  await stage.apply(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: COMPANY_CA, namespace: 'default' },
      data: { 'ca.crt': certificates.ca },
    },
    login,
    { ...made, spec: { ...made.spec, caBundle } },
    leaseManifest('company', { connectionRef: { name: 'company' } }),
  );
  await stage.untilReady('company');
  await stage.kubectl('delete', 'dsl', 'company', '--timeout=60s');
}

/** A Secret is deleted by hand, and comes back; connection and lease go, the connection first: an event says what it waits for. */
async function missed(stage: Stage): Promise<void> {
  await stage.apply(...connectionObjects(stage, { name: 'missed' }));
  await stage.apply(leaseManifest('missed', { connectionRef: { name: 'missed' } }));
  await stage.untilReady('missed');
  await stage.kubectl('delete', 'secret', 'missed');
  await awaitCondition(() => stage.secret('missed'), { what: 'the Secret', timeoutMs: 60_000 });
  await stage.kubectl('delete', 'infisicalconnection', 'missed', '--wait=false');
  await untilEvent(stage, 'missed', 'InUse');
  await stage.kubectl('delete', 'dsl', 'missed', '--timeout=60s');
  await stage.kubectl('wait', 'infisicalconnection/missed', '--for=delete', '--timeout=60s');
}

/** The lead is renewed. */
async function following(stage: Stage): Promise<void> {
  const lease = '/apis/coordination.k8s.io/v1/namespaces/leaseholder-system/leases/leaseholder';
  const first = JSON.stringify(await stage.read(lease));
  const renewed = async (): Promise<boolean> => JSON.stringify(await stage.read(lease)) !== first;
  await awaitCondition(renewed, { what: 'a renewal' });
}
