import type { Values } from './helm.ts';

/** Everything that can be switched on, in the scope of the whole cluster. */
export const EVERYTHING: Values = {
  image: { digest: `sha256:${'0123456789abcdef'.repeat(4)}`, pullPolicy: 'Always' },
  imagePullSecrets: ['registry'],
  credentials: {
    configMapNames: ['company-ca'],
    serviceAccounts: [
      { namespace: 'default', name: 'orders' },
      { namespace: 'default', name: 'billing' },
    ],
  },
  restart: { enabled: true },
  nudge: { enabled: true },
  shard: 'blue',
  installationId: 'cluster-1',
  replicas: 3,
  clusterConnection: {
    enabled: true,
    name: 'shared',
    spec: {
      hostAPI: 'https://eu.infisical.com',
      auth: { token: { secretKeyRef: { name: 'shared', key: 'token' } } },
      grants: [{ namespaces: ['shop'], projects: ['shop'] }],
    },
  },
  allowedHosts: 'public,http://infisical.infisical.svc',
  allowInsecureTls: true,
  cloudIdentity: 'all',
  identityTokens: [{ name: 'aws', audience: 'sts.amazonaws.com' }],
  log: { level: 'debug' },
  workers: 8,
  extraArgs: ['--drain-timeout=20s'],
  extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example.com:3128' }],
  extraVolumes: [{ name: 'extra', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'extra', mountPath: '/extra' }],
  serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/leases' } },
  podLabels: { team: 'platform' },
  podAnnotations: { 'example.com/note': 'yes' },
  priorityClassName: 'system-cluster-critical',
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'infra', operator: 'Exists' }],
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, preference: { matchExpressions: [{ key: 'infra', operator: 'Exists' }] } },
      ],
    },
  },
  networkPolicy: {
    enabled: true,
    apiServerCIDRs: ['10.0.0.1/32'],
    serverCIDRs: ['203.0.113.0/24', '2001:db8::/32'],
    extraEgress: [{ to: [{ ipBlock: { cidr: '169.254.169.254/32' } }] }],
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
  },
  metrics: {
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    dashboard: { enabled: true },
  },
};

/** The same for some namespaces, where there are no cluster connections. */
export const EVERYTHING_IN_NAMESPACES: Values = {
  ...EVERYTHING,
  scope: 'namespaces',
  namespaces: ['default', 'shop'],
  clusterConnection: { enabled: false },
  metrics: { podMonitor: { enabled: true, labels: { release: 'prometheus' } } },
};

/** Secrets are written and not read. */
export const STRICT: Values = { secretAccess: 'strict', credentials: { secretNames: ['infisical-login'] } };

/** Sets of values that people install with, by what they are. */
export const KNOWN: Readonly<Record<string, Values>> = {
  defaults: {},
  everything: EVERYTHING,
  'everything in namespaces': EVERYTHING_IN_NAMESPACES,
  strict: STRICT,
  'strict in namespaces': { ...STRICT, scope: 'namespaces', namespaces: ['shop'] },
  'one replica, nothing beside it': { replicas: 1, userRoles: false, crds: { install: false } },
  'names of its own': {
    fullnameOverride: 'leases',
    serviceAccount: { create: false, name: 'leases' },
    crds: { keep: false },
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
    ],
  },
};
