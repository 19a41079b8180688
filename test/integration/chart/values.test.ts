import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { containerOf, deploymentIn } from './support/deployment.ts';
import {
  chart,
  only,
  openHelm,
  type Helm,
  type KubeObject,
  type Release,
  type Values,
} from './support/helm.ts';
import { EVERYTHING } from './support/values.ts';

let helm: Helm;

beforeAll(async () => {
  helm = await openHelm();
});
afterAll(() => helm[Symbol.asyncDispose]());

describe('what the values say is in the manifests', () => {
  let everything: readonly KubeObject[];

  beforeAll(async () => {
    everything = await helm.objects(EVERYTHING);
  });

  it('in the pod', () => {
    const { spec } = deploymentIn(everything);
    expect(spec.replicas).toBe(3);
    expect(spec.template).toMatchObject({
      metadata: { labels: { team: 'platform' }, annotations: { 'example.com/note': 'yes' } },
      spec: {
        serviceAccountName: 'leaseholder',
        imagePullSecrets: [{ name: 'registry' }],
        priorityClassName: 'system-cluster-critical',
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'infra', operator: 'Exists' }],
        affinity: EVERYTHING['affinity'],
        volumes: [
          {
            name: 'identity-tokens',
            projected: {
              sources: [
                {
                  serviceAccountToken: {
                    path: 'aws',
                    audience: 'sts.amazonaws.com',
                    expirationSeconds: 3600,
                  },
                },
              ],
            },
          },
          { name: 'extra', emptyDir: {} },
        ],
        topologySpreadConstraints: [
          {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: { matchLabels: { 'app.kubernetes.io/instance': 'leaseholder' } },
          },
        ],
        containers: [
          {
            image: `ghcr.io/leaseholder/leaseholder@sha256:${'0123456789abcdef'.repeat(4)}`,
            imagePullPolicy: 'Always',
            env: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example.com:3128' }],
            volumeMounts: [
              { name: 'identity-tokens', mountPath: '/var/run/leaseholder/tokens', readOnly: true },
              { name: 'extra', mountPath: '/extra' },
            ],
            securityContext: { readOnlyRootFilesystem: true },
            resources: { requests: { cpu: '50m', memory: '160Mi' } },
          },
        ],
      },
    });
  });

  it('in the arguments', () => {
    expect(containerOf(deploymentIn(everything)).args).toEqual([
      'run',
      '--listen=0.0.0.0:8080',
      '--log-level=debug',
      '--workers=8',
      '--leader-election-name=leaseholder-blue',
      '--shard=blue',
      '--installation-id=cluster-1',
      '--allowed-hosts=public,http://infisical.infisical.svc',
      '--cloud-identity=all',
      '--allow-insecure-tls=on',
      '--nudge-pods=on',
      '--drain-timeout=20s',
    ]);
  });

  it('in the objects beside it', () => {
    expect(only(everything, 'PodDisruptionBudget')).toMatchObject({ spec: { maxUnavailable: 1 } });
    expect(only(everything, 'ServiceAccount').metadata.annotations).toEqual({
      'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/leases',
    });
    expect(only(everything, 'ServiceMonitor').metadata.labels['release']).toBe('prometheus');
    expect(only(everything, 'ClusterInfisicalConnection')).toMatchObject({
      metadata: { name: 'shared', annotations: { 'helm.sh/resource-policy': 'keep' } },
      spec: (EVERYTHING['clusterConnection'] as Values)['spec'],
    });
  });

  it('in the network policy: nothing but the API server, the given ranges and names', () => {
    expect(only(everything, 'NetworkPolicy')).toMatchObject({
      spec: {
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          { from: (EVERYTHING['networkPolicy'] as Values)['metricsFrom'], ports: [{ port: 'http' }] },
        ],
        egress: [
          {
            ports: [
              { port: 53, protocol: 'UDP' },
              { port: 53, protocol: 'TCP' },
            ],
          },
          { to: [{ ipBlock: { cidr: '10.0.0.1/32' } }], ports: [{ port: 6443 }] },
          {
            to: [{ ipBlock: { cidr: '203.0.113.0/24' } }, { ipBlock: { cidr: '2001:db8::/32' } }],
            ports: [{ port: 443 }],
          },
          { to: [{ ipBlock: { cidr: '169.254.169.254/32' } }] },
        ],
      },
    });
  });

  it('in the alerts and the dashboard, which are those of the files', async () => {
    const alerts = parse(await readFile(path.join(chart, 'files', 'alerts.yaml'), 'utf8')) as unknown;
    expect(only(everything, 'PrometheusRule')['spec']).toEqual(alerts);
    const dashboard = await readFile(path.join(chart, 'files', 'dashboard.json'), 'utf8');
    const { metadata, data } = only(everything, 'ConfigMap');
    expect(metadata.labels['grafana_dashboard']).toBe('1');
    expect(data).toEqual({ 'leaseholder.json': dashboard });
  });

  it('in the kinds: they stay when the release goes, unless somebody wants it otherwise', async () => {
    const kept = everything.filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(kept).toHaveLength(4);
    expect(kept.map(({ metadata }) => metadata.annotations['helm.sh/resource-policy'])).toEqual(
      kept.map(() => 'keep'),
    );
    const loose = await helm.objects({ crds: { keep: false } });
    expect(
      loose.filter(({ metadata }) => metadata.annotations['helm.sh/resource-policy'] === 'keep'),
    ).toEqual([]);
    const without = await helm.objects({ crds: { install: false } });
    expect(without.filter(({ kind }) => kind === 'CustomResourceDefinition')).toEqual([]);
  });

  it('not: what is beside the operator is left out where it is of no use', async () => {
    const kinds = new Set((await helm.objects({ replicas: 1, userRoles: false })).map(({ kind }) => kind));
    expect([...kinds].toSorted()).toEqual(
      [
        'ClusterRole',
        'ClusterRoleBinding',
        'CustomResourceDefinition',
        'Deployment',
        'Role',
        'RoleBinding',
        'ServiceAccount',
      ].toSorted(),
    );
  });

  it('in an address of IPv6', async () => {
    const { args } = containerOf(deploymentIn(await helm.objects({ metrics: { address: '::' } })));
    expect(args).toContain('--listen=[::]:8080');
  });

  it('in names that two releases do not share', async () => {
    const first = await clusterNames({});
    const other = await clusterNames({ namespace: 'elsewhere' });
    const second = await clusterNames({ name: 'second' });
    const all = [...first, ...other, ...second];
    expect(first.length).toBeGreaterThan(3);
    expect(new Set(all).size).toBe(all.length);
  });
});

/** What a release has that is in no namespace, but for the kinds. */
async function clusterNames(release: Partial<Release>): Promise<readonly string[]> {
  const objects = await helm.objects({ crds: { install: false } }, release);
  return objects
    .filter(({ metadata }) => metadata.namespace === undefined)
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}
