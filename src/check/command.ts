import { parseConfig, type Config } from '../config.ts';
import { takeFlags } from '../config/own-flags.ts';
import { namespaceName, objectName } from '../config/values.ts';

/** The connection that is checked. */
export interface Subject {
  readonly kind: 'InfisicalConnection' | 'ClusterInfisicalConnection';
  /** Empty for one of the cluster. */
  readonly namespace: string;
  readonly name: string;
}

export const outputs = ['table', 'json'] as const;

export type Output = (typeof outputs)[number];

/** What the command line of a check asks for. */
export type CheckCommand =
  | { readonly ok: true; readonly config: Config; readonly subject: Subject; readonly output: Output }
  | { readonly ok: false; readonly faults: readonly string[] }
  | { readonly help: string }
  | { readonly version: true };

const flags = { connection: '--connection', cluster: '--cluster-connection', output: '--output' } as const;

/**
 * Reads what stands behind `check`: the flags of the operator, and the command's own. Nothing is served, and of the log
 * only errors are printed where nothing else is asked for: what fails stands in the result.
 *
 * @returns every fault at once.
 */
export function parseCheck(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CheckCommand {
  const { texts, rest } = takeFlags(argv, Object.values(flags));
  const parsed = parseConfig(rest, { LEASEHOLDER_LOG_LEVEL: 'error', ...env });
  if ('help' in parsed) return { help };
  if ('version' in parsed) return parsed;
  const given = (flag: string): readonly string[] => texts.get(flag) ?? [];
  const subject = readSubject(given(flags.connection), given(flags.cluster));
  const output = readOutput(given(flags.output));
  if (parsed.ok && typeof subject !== 'string' && output !== undefined) {
    return { ok: true, config: { ...parsed.config, listen: 'off' }, subject, output };
  }
  const faults = [
    ...(typeof subject === 'string' ? [subject] : []),
    ...(output === undefined ? [`${flags.output} must be one of ${outputs.join(', ')}, given once.`] : []),
    ...(parsed.ok ? [] : parsed.faults),
  ];
  return { ok: false, faults };
}

/** @returns a sentence where nobody can tell which connection is meant. */
function readSubject(names: readonly string[], clusterNames: readonly string[]): Subject | string {
  if (names.length + clusterNames.length !== 1) {
    return `Exactly one of ${flags.connection} NAMESPACE/NAME and ${flags.cluster} NAME must be given, once.`;
  }
  const [cluster] = clusterNames;
  if (cluster !== undefined) {
    const name = objectName(cluster);
    if (name === undefined) return `${flags.cluster} must be the name of a ClusterInfisicalConnection.`;
    return { kind: 'ClusterInfisicalConnection', namespace: '', name };
  }
  const [first = '', second = '', ...more] = (names[0] ?? '').split('/');
  const [namespace, name] = [namespaceName(first), objectName(second)];
  if (namespace === undefined || name === undefined || more.length > 0) {
    return `${flags.connection} must be NAMESPACE/NAME of an InfisicalConnection.`;
  }
  return { kind: 'InfisicalConnection', namespace, name };
}

function readOutput([text = 'table', ...more]: readonly string[]): Output | undefined {
  return more.length > 0 ? undefined : outputs.find((output) => output === text);
}

const help = [
  'leaseholder check: tells whether a connection works, and what would fail.',
  '',
  `Usage: leaseholder check ${flags.connection} NAMESPACE/NAME [${flags.output} table|json] [--flag VALUE ...]`,
  `       leaseholder check ${flags.cluster} NAME [${flags.output} table|json] [--flag VALUE ...]`,
  '',
  'Reads the connection and what it names, reaches its server, logs in, lists the leases of each dynamic',
  'secret that objects use through it, asks the Kubernetes API for the rights that the operator needs, and',
  'logs out. Nothing is leased, created or changed.',
  '',
  'The other flags are those of leaseholder --help: give those that the operator has. Rights are those of',
  "whoever runs it: in the operator's pod, or with a kubeconfig of its service account, they are the operator's.",
  '',
  'Exit code: 0 all is well; 1 something would fail, which is listed with what to do; 2 wrong flags.',
  '',
].join('\n');
