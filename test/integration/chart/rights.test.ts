import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AuditEvent } from '../../../sandbox/control-plane/audit.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { SANDBOX_HOSTS, type OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { RELEASE } from '../../../tools/chart/places.ts';
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
    operator = await stage.startOperator({ scale: 0.1, election: true, kubeconfig, flags });
    await wholeLife(stage);
    requests = (await stage.plane.audit.events()).filter(({ user }) => user === stage.user);
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
    await helm[Symbol.asyncDispose]();
  });

  it('are enough for all that the operator does', () => {
    expect(requests.filter(({ responseCode }) => responseCode === 401 || responseCode === 403)).toEqual([]);
  });

  it('are used, each of them', () => {
    const used = new Set(requests.flatMap((request) => rightFor(request) ?? []));
    expect([...rightsIn(roles)].toSorted()).toEqual([...used].toSorted());
  });

  describe('are missed when one is taken away:', () => {
    /** Runs something while the operator lacks a right. */
    const lacking = async (right: string, act: () => Promise<void>): Promise<void> => {
      const role = roles.find((one) => rightsIn([one]).has(right));
      if (role === undefined) throw new Error(`No role grants ${right}.`);
      await stage.apply({ ...role, rules: without(rulesOf(role), right) });
      try {
        await act();
      } finally {
        await stage.apply(role);
      }
    };
    const says = async (name: string, reason: string): Promise<void> => {
      await stage.untilLease(name, ({ status: { conditions = [] } }) =>
        conditions.some((condition) => condition.reason === reason),
      );
    };
    const applied = async (name: string): Promise<void> => {
      const connectionRef = { name };
      await stage.apply(...connectionObjects(stage, { name }), leaseManifest(name, { connectionRef }));
    };
    const told = async (words: string): Promise<void> => {
      const heard = (): Promise<boolean> =>
        Promise.resolve(operator.lines.some((line) => JSON.stringify(line).includes(words)));
      await awaitCondition(heard, { what: `a log line: ${words}`, timeoutMs: 60_000 });
    };

    it('no Secret is written without create', async () => {
      await lacking('create secrets', async () => {
        await applied('uncreated');
        await says('uncreated', 'SecretRefused');
      });
    });

    it('no credential is read without get', async () => {
      await lacking('get secrets', async () => {
        await applied('unread');
        await says('unread', 'CredentialForbidden');
      });
    });

    it('no token is made without create', async () => {
      await lacking('create serviceaccounts/token', async () => {
        const auth = {
          kubernetes: { identityId: 'nobody', serviceAccountRef: { name: ROBOT, audience: 'x' } },
        };
        const [, spec] = [auth, { hostAPI: stage.api.url, auth }];
        await stage.apply(
          {
            apiVersion: 'leaseholder.dev/v1alpha1',
            kind: 'InfisicalConnection',
            metadata: { name: 'tokenless', namespace: 'default' },
            spec,
          },
          leaseManifest('tokenless', { connectionRef: { name: 'tokenless' } }),
        );
        await says('tokenless', 'TokenRequestForbidden');
      });
    });

    it('no status is written without patch', async () => {
      const right = 'patch dynamicsecretleases.leaseholder.dev/status';
      await lacking(right, async () => {
        const since = await stage.plane.audit.mark();
        await applied('unreported');
        const refused = async (): Promise<boolean> =>
          (await stage.plane.audit.events(since)).some(
            (event) => event.user === stage.user && event.responseCode === 403 && rightFor(event) === right,
          );
        await awaitCondition(refused, { what: 'a refusal', timeoutMs: 60_000 });
        expect((await stage.lease('unreported'))?.status.conditions).toBeUndefined();
      });
      await stage.untilReady('unreported');
    });

    it('the lead is lost without patch', async () => {
      await lacking('patch leases.coordination.k8s.io', async () => {
        await told('The lead was lost.');
        expect(await operator.ended()).toBe(1);
      });
    });
  });
});

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
