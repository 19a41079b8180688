import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AuditEvent } from '../../../sandbox/control-plane/audit.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import {
  SANDBOX_HOSTS,
  startOperatorProcess,
  type OperatorProcess,
} from '../../../sandbox/operator/operator.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { RELEASE, root } from '../../../tools/chart/places.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { rightFor } from '../api/support/grants.ts';
import { startKubeProxy, type KubeProxy, type Rule as ProxyRule } from '../operator/support/kube-proxy.ts';
import { containerOf, deploymentIn } from './support/deployment.ts';
import { rightsIn, rolesOf, rulesOf, without } from './support/granted.ts';
import { chart, openHelm, type Helm, type KubeObject, type Values } from './support/helm.ts';
import { COMPANY_CA, ROBOT, wholeLife } from './support/whole-life.ts';

const values: Values = {
  credentials: {
    configMapNames: [COMPANY_CA],
    serviceAccounts: [{ namespace: 'default', name: ROBOT }],
  },
  restart: { enabled: true },
  nudge: { enabled: true },
  metrics: { address: '127.0.0.1', port: 1 },
  allowedHosts: SANDBOX_HOSTS,
};

/** What takes longer to be used than a test should, and where that is shown. */
const usedLater: Readonly<Record<string, string>> = {
  'patch events.events.k8s.io':
    'An event that comes again is counted in the one that is there, once in ten minutes: test/unit/kube/events.test.ts.',
};

/** Everything that the chart can grant is granted; lists are not streamed, so that all is listed that is watched. */
describe('the rights of the chart', () => {
  let helm: Helm;
  let stage: Stage;
  let proxy: KubeProxy;
  let operator: OperatorProcess;
  let roles: readonly KubeObject[];
  let requests: readonly AuditEvent[];

  beforeAll(async () => {
    stage = await startStage({
      controlPlane: { extraApiServerArgs: ['--feature-gates=WatchList=false'] },
      install: async ({ kubeconfig }) => {
        helm = await openHelm(kubeconfig);
        const args = ['install', RELEASE.name, chart, '--create-namespace', '--namespace', RELEASE.namespace];
        const { ok, stderr } = await helm.run(args, values);
        if (!ok) throw new Error(stderr);
      },
    });
    const objects = await helm.objects(values);
    roles = rolesOf(objects, RELEASE.name);
    proxy = await startKubeProxy(stage);
    proxy.when(conflictOnce('infisicalconnections', 'clusterinfisicalconnections', 'dynamicsecrets'));
    const { args } = containerOf(deploymentIn(objects));
    const flags = args.filter((flag) => flag !== 'run' && !flag.startsWith('--listen='));
    const { kubeconfig } = proxy;
    // Its waits are a tenth; the lead is held for half as long as it is meant to be, which a busy machine needs.
    const entry = [path.join(root, 'test', 'support', 'quick-operator.ts'), '0.1/0.5'] as const;
    operator = startOperatorProcess({ entry, kubeconfig, flags });
    await operator.ready();
    await wholeLife(stage);
    requests = (await stage.plane.audit.events()).filter(({ user }) => user === stage.user);
  });
  afterAll(async () => {
    await operator[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
    await helm[Symbol.asyncDispose]();
  });

  it('are enough for all that the operator does', () => {
    expect(requests.filter(({ responseCode }) => responseCode === 401 || responseCode === 403)).toEqual([]);
  });

  it('are used, each of them', () => {
    const used = new Set(requests.flatMap((request) => rightFor(request) ?? []));
    const granted = rightsIn(roles);
    expect([...used].filter((right) => !granted.has(right))).toEqual([]);
    expect([...granted].filter((right) => !used.has(right))).toEqual(Object.keys(usedLater));
  });

  /** Does something while the operator lacks a right. */
  async function lacking<Result>(right: string, act: () => Promise<Result>): Promise<Result> {
    const role = roles.find((one) => rightsIn([one]).has(right));
    if (role === undefined) throw new Error(`No role grants ${right}.`);
    await stage.apply({ ...role, rules: without(rulesOf(role), right) });
    try {
      return await act();
    } finally {
      await stage.apply(role);
    }
  }
  /** What a lease through a connection of the same name says of itself, as soon as that has this reason among it. */
  const reasonsOf = async (name: string, reason: string, spec?: object): Promise<readonly string[]> => {
    const [login, connection] = connectionObjects(stage, { name }) as [object, { spec: object }];
    const changed = { ...connection, spec: { ...connection.spec, ...spec } };
    await stage.apply(login, changed, leaseManifest(name, { connectionRef: { name } }));
    const { status } = await stage.untilLease(name, (lease) => reasonsIn(lease).includes(reason));
    return reasonsIn({ status });
  };

  it.each<[right: string, reason: string, connection?: object]>([
    ['create secrets', 'SecretRefused'],
    ['get secrets', 'CredentialForbidden'],
    [
      'create serviceaccounts/token',
      'TokenRequestForbidden',
      { auth: { kubernetes: { identityId: 'nobody', serviceAccountRef: { name: ROBOT, audience: 'x' } } } },
    ],
  ])('are missed when one is taken away: without %s a lease says %s', async (right, reason, connection) => {
    const name = reason.toLowerCase();
    const reasons = await lacking(right, () => reasonsOf(name, reason, connection));
    expect(reasons).toContain(reason);
  });

  it('are missed: without the patch of a status nothing is reported until it is there again', async () => {
    const right = 'patch dynamicsecretleases.leaseholder.dev/status';
    const since = await stage.plane.audit.mark();
    const silent = await lacking(right, async () => {
      await stage.apply(...connectionObjects(stage, { name: 'mute' }));
      await stage.apply(leaseManifest('mute', { connectionRef: { name: 'mute' } }));
      const refused = async (): Promise<boolean> =>
        (await stage.plane.audit.events(since)).some(
          (event) => event.user === stage.user && event.responseCode === 403 && rightFor(event) === right,
        );
      await awaitCondition(refused, { what: 'a refusal', timeoutMs: 60_000, intervalMs: 200 });
      return stage.lease('mute');
    });
    expect(silent?.status.conditions).toBeUndefined();
    expect(reasonsIn(await stage.untilReady('mute'))).toContain('LeaseActive');
  });

  it('are missed: without the patch of its Lease the lead is lost, and the process ends', async () => {
    const code = await lacking('patch leases.coordination.k8s.io', () => operator.ended());
    expect(code).toBe(1);
    expect(operator.lines.map(({ msg }) => msg)).toContain('The lead was lost.');
  });
});

function reasonsIn({ status: { conditions = [] } }: Pick<LeaseRecord, 'status'>): readonly string[] {
  return conditions.flatMap(({ reason }) => reason);
}

/** The first write of each of these kinds is answered with a conflict: what was changed meanwhile is read again. */
function conflictOnce(...plurals: readonly string[]): ProxyRule {
  const due = new Set(plurals);
  return ({ what }) => {
    const plural = [...due].find((one) => new RegExp(`^PATCH .*\\b${one}(/|$)`).test(what));
    if (plural === undefined) return undefined;
    due.delete(plural);
    return { do: 'answer', status: 409, reason: 'Conflict' };
  };
}
