import { startControlPlane, type ControlPlane } from '../../../../sandbox/control-plane/control-plane.ts';
import { RELEASE } from '../../../../tools/chart/places.ts';
import { chart, openHelm, type Helm, type Release, type Values } from './helm.ts';

/** A control plane with nothing of ours on it, and helm to install with. */
export interface Cluster extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly helm: Helm;
  /** Installs or upgrades a release. @returns what helm tells its user. @throws Error with helm's words. */
  release(verb: 'install' | 'upgrade', values?: Values, release?: Partial<Release>): Promise<string>;
  /** Runs kubectl as the admin. @throws Error with its stderr when it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** Applies objects. @throws Error with the API server's words when one is refused. */
  apply(...objects: readonly object[]): Promise<void>;
  /** Applies objects in a server-side dry run, strictly. @returns what the API server has against them; empty: nothing. */
  refusals(objects: readonly object[]): Promise<string>;
}

/** The namespaces that releases go to, where only pods of the restricted level are admitted. */
export async function startCluster(...namespaces: readonly string[]): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane());
  const helm = stack.use(await openHelm(plane.kubeconfig));
  const run = async (args: readonly string[], input: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await plane.kubectlRun(args, { input });
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const apply: Cluster['apply'] = async (...objects) =>
    void (await run(['apply', '--server-side', '-f', '-'], listOf(objects)));
  const made = [RELEASE.namespace, ...namespaces].map((name) => restricted(name));
  await apply(...made);
  const kept = stack.move();
  return {
    plane,
    helm,
    apply,
    kubectl: (...args) => run(args, ''),
    async release(verb, values = {}, release = {}) {
      const { name, namespace } = { ...RELEASE, ...release };
      const { ok, stdout, stderr } = await helm.run([verb, name, chart, '--namespace', namespace], values);
      if (!ok) throw new Error(`helm ${verb}: ${stderr}`);
      return stdout;
    },
    async refusals(objects) {
      const args = [
        'apply',
        '--server-side',
        '--force-conflicts',
        '--dry-run=server',
        '--validate=strict',
        '-f',
        '-',
      ];
      const { exitCode, stdout, stderr } = await plane.kubectlRun(args, { input: listOf(objects) });
      const said = stdout.split('\n').filter((line) => line !== '' && !line.endsWith('(server dry run)'));
      return [...said, stderr.trim(), ...(exitCode === 0 || stderr !== '' ? [] : ['failed'])]
        .filter((line) => line !== '')
        .join('\n');
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function restricted(name: string): object {
  const labels = {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/warn': 'restricted',
  };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
