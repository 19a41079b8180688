import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { containerOf, deploymentIn } from './support/deployment.ts';
import { inNamespaces, only, openHelm, type Helm, type KubeObject, type Values } from './support/helm.ts';
import { EVERYTHING, EVERYTHING_IN_NAMESPACES, STRICT } from './support/values.ts';

let helm: Helm;

beforeAll(async () => {
  helm = await openHelm();
});
afterAll(() => helm[Symbol.asyncDispose]());

describe('elections are held apart', () => {
  it.each<[string, Values, string]>([
    ['the release of a cluster', {}, 'leaseholder'],
    ['a shard of it', { shard: 'b' }, 'leaseholder-b'],
    ['a release of some namespaces', { ...inNamespaces('shop'), fullnameOverride: 'shop' }, 'shop'],
    [
      'a shard of some namespaces',
      { ...inNamespaces('shop'), fullnameOverride: 'shop', shard: 'b' },
      'shop-b',
    ],
  ])('%s', async (_what, values, name) => {
    const objects = await helm.objects(values);
    expect(containerOf(deploymentIn(objects)).args).toContain(`--leader-election-name=${name}`);
    const election = objects.find(
      ({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-election'),
    );
    expect(election?.['rules']).toContainEqual(expect.objectContaining({ resourceNames: [name] }));
  });
});

describe('rights', () => {
  it.each<[string, Values]>([
    ['of the least', inNamespaces('shop', 'web')],
    ['of everything', EVERYTHING_IN_NAMESPACES],
    ['of strict access', { ...STRICT, ...inNamespaces('shop') }],
  ])(
    'in namespaces are no rights on Secrets, ConfigMaps, pods or workloads of the cluster: %s',
    async (_what, values) => {
      const objects = await helm.objects(values);
      expect(rulesIn(objects, 'ClusterRole')).not.toMatch(/"(secrets|configmaps|pods|deployments|events)"/);
      const bindings = objects.filter(({ kind }) => kind === 'ClusterRoleBinding');
      // That of kube-system's name; with an installation id not even that.
      expect(bindings).toHaveLength(values['installationId'] === undefined ? 1 : 0);
      const roles = objects.filter(
        ({ kind, metadata }) => kind === 'Role' && metadata.name === 'leaseholder',
      );
      expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(values['namespaces']);
    },
  );

  it('on tokens are for the named accounts alone, by Roles', async () => {
    const objects = await helm.objects(EVERYTHING);
    expect(rulesIn(objects, 'ClusterRole')).not.toContain('serviceaccounts');
    expect(only(objects, 'Role', 'leaseholder-tokens')).toMatchObject({
      metadata: { namespace: 'default' },
      rules: [
        {
          apiGroups: [''],
          resources: ['serviceaccounts/token'],
          resourceNames: ['orders', 'billing'],
          verbs: ['create'],
        },
      ],
    });
    expect(rulesIn(await helm.objects(), 'Role')).not.toContain('serviceaccounts');
  });

  it.each([
    ['restart', 'deployments'],
    ['nudge', 'pods'],
  ])('to %s are there where that is switched on, with a policy', async (feature, resource) => {
    const off = await helm.objects();
    expect(rulesIn(off, 'ClusterRole')).not.toContain(`"${resource}"`);
    expect(off.map(({ kind }) => kind)).not.toContain('ValidatingAdmissionPolicy');
    const on = await helm.objects({ [feature]: { enabled: true } });
    expect(rulesIn(on, 'ClusterRole')).toContain(`"${resource}"`);
    const name = `leaseholder-${feature}`;
    expect(only(on, 'ValidatingAdmissionPolicy', name)).toMatchObject({
      spec: {
        failurePolicy: 'Fail',
        matchConditions: [
          {
            expression: "request.userInfo.username == 'system:serviceaccount:leaseholder-system:leaseholder'",
          },
        ],
      },
    });
    expect(only(on, 'ValidatingAdmissionPolicyBinding', name)['spec']).toEqual({
      policyName: name,
      validationActions: ['Deny'],
    });
  });

  it('of users never give access to cluster connections', async () => {
    const objects = await helm.objects();
    const aggregated = objects.filter(({ metadata }) =>
      Object.keys(metadata.labels).some((label) => label.includes('aggregate-to')),
    );
    expect(aggregated.map(({ metadata }) => metadata.name)).toEqual(['leaseholder-view', 'leaseholder-edit']);
    expect(JSON.stringify(aggregated)).not.toMatch(/clusterinfisicalconnections|\*|"secrets"/);
  });
});

/** The rules of all objects of a kind, as one text. */
function rulesIn(objects: readonly KubeObject[], kind: string): string {
  return JSON.stringify(objects.filter((object) => object.kind === kind).map((object) => object['rules']));
}
