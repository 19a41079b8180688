import { readFileSync } from 'node:fs';
import path from 'node:path';

import { CHART, RELEASE, root } from './places.ts';

interface RoleChoice {
  readonly kind: 'ClusterRole' | 'Role';
  readonly name: string;
  /** Files of the chart's rules, without their ending. */
  readonly rules: readonly string[];
  /** Whether the operator has it. */
  readonly bound: boolean;
  /** What stands above it. */
  readonly about?: readonly string[];
}

const { namespace, name } = RELEASE;

const roles: readonly RoleChoice[] = [
  {
    kind: 'ClusterRole',
    name,
    rules: ['objects', 'secrets', 'configmaps', 'installation', 'cluster'],
    bound: true,
  },
  {
    kind: 'Role',
    name,
    rules: ['election'],
    bound: true,
    about: [
      'A release with --shard NAME holds the election of leaseholder-NAME: add it to the resourceNames, or make a Role of its own.',
    ],
  },
  {
    kind: 'ClusterRole',
    name: `${name}-drain`,
    rules: ['drain'],
    bound: false,
    about: [
      'For whoever runs `leaseholder drain` before an uninstall, beside the rights above. Bound to nobody: the operator',
      'itself must not be able to take leases or dynamic secrets away.',
    ],
  },
  {
    kind: 'ClusterRole',
    name: `${name}-restart`,
    rules: ['restart'],
    bound: false,
    about: [
      'For `spec.restart`: bind it to the operator, in the cluster or in some namespaces, where workloads are to be restarted. It',
      'is bound to nobody here; the chart binds it together with an admission policy.',
    ],
  },
  {
    kind: 'ClusterRole',
    name: `${name}-nudge`,
    rules: ['nudge'],
    bound: false,
    about: [
      'For `spec.secret.propagation: Nudge`, beside the option --nudge-pods: bind it to the operator in the cluster, or, where it',
      'looks after some namespaces only, in those. It is bound to nobody here; the chart binds it together with an admission policy.',
    ],
  },
];

/** deploy/rbac.yaml: the rights of an operator of a whole cluster, from the chart's rules, for a cluster without Helm. */
export function renderRbac(): string {
  const documents = [
    [
      "# The operator's own namespace, identity and rights. Generated from the chart's files/rules by tools/generate.ts.",
      'apiVersion: v1',
      'kind: Namespace',
      'metadata:',
      `  name: ${namespace}`,
    ],
    ['apiVersion: v1', 'kind: ServiceAccount', 'metadata:', `  name: ${name}`, `  namespace: ${namespace}`],
    ...roles.flatMap((role) => [documentOf(role), ...(role.bound ? [bindingOf(role)] : [])]),
  ];
  return `${documents.map((lines) => lines.join('\n')).join('\n---\n')}\n`;
}

function documentOf(role: RoleChoice): readonly string[] {
  const about = (role.about ?? []).map((line) => `# ${line}`);
  return [...about, ...headOf(role.kind, role), 'rules:', ...role.rules.flatMap(ruleLines)];
}

function bindingOf(role: RoleChoice): readonly string[] {
  return [
    ...headOf(`${role.kind}Binding`, role),
    'roleRef:',
    '  apiGroup: rbac.authorization.k8s.io',
    `  kind: ${role.kind}`,
    `  name: ${role.name}`,
    'subjects:',
    '  - kind: ServiceAccount',
    `    name: ${name}`,
    `    namespace: ${namespace}`,
  ];
}

function headOf(kind: string, role: RoleChoice): readonly string[] {
  const place = role.kind === 'Role' ? [`  namespace: ${namespace}`] : [];
  return [
    'apiVersion: rbac.authorization.k8s.io/v1',
    `kind: ${kind}`,
    'metadata:',
    `  name: ${role.name}`,
    ...place,
  ];
}

function ruleLines(file: string): readonly string[] {
  const text = readFileSync(path.join(root, CHART, 'files', 'rules', `${file}.yaml`), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
}
