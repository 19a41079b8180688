import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

import { resolveBinaries } from '../../../../sandbox/binaries/resolve.ts';
import { CHART, RELEASE, root } from '../../../../tools/chart/places.ts';

/** The folder of the chart. */
export const chart = path.join(root, CHART);

export type Values = Readonly<Record<string, unknown>>;

const kubeObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});

/** An object as a manifest has it. */
export type KubeObject = z.infer<typeof kubeObject>;

/** The values of an operator of these namespaces. */
export function inNamespaces(...namespaces: readonly string[]): Values {
  return { scope: 'namespaces', namespaces };
}

/** The objects of a text of several YAML documents. */
export function objectsIn(manifests: string): readonly KubeObject[] {
  return parseAllDocuments(manifests).flatMap((document) => {
    const faults = document.errors;
    if (faults.length > 0) throw new Error(`A manifest is no YAML: ${faults.join('\n')}`);
    const object = document.toJS() as unknown;
    return object === null ? [] : [kubeObject.parse(object)];
  });
}

export interface HelmResult {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a release goes, and what it is called. */
export interface Release {
  readonly namespace: string;
  readonly name: string;
}

/** The real helm, apart from the user's own configuration. */
export interface Helm extends AsyncDisposable {
  /** @param values given as `-f -`, for commands that take values. */
  run(args: readonly string[], values?: Values): Promise<HelmResult>;
  /** What the chart makes of values, by default as {@link RELEASE}. @throws Error with helm's words where it refuses them. */
  objects(values?: Values, release?: Partial<Release>): Promise<readonly KubeObject[]>;
}

/** @param kubeconfig of the cluster that releases are installed into; none is needed to render. */
export async function openHelm(kubeconfig = '/dev/null'): Promise<Helm> {
  const { helm } = await resolveBinaries(['helm']);
  const home = await mkdtemp(path.join(tmpdir(), 'leaseholder-helm-'));
  const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: kubeconfig };
  const run: Helm['run'] = async (args, values) => {
    const given = values === undefined ? [] : ['-f', '-'];
    const child = spawn(helm, [...args, ...given], { env, timeout: 60_000, killSignal: 'SIGKILL' });
    // A helm that refuses its arguments reads nothing.
    child.stdin.on('error', () => undefined);
    child.stdin.end(values === undefined ? '' : JSON.stringify(values));
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { ok: child.exitCode === 0, stdout, stderr };
  };
  return {
    run,
    async objects(values = {}, release = {}) {
      const { name, namespace } = { ...RELEASE, ...release };
      const args = ['template', name, chart, '--namespace', namespace];
      const { ok, stdout, stderr } = await run(args, values);
      if (!ok) throw new Error(stderr);
      return objectsIn(stdout);
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

/** The one object of a kind, or of a kind and name. @throws Error where there is none. */
export function only(objects: readonly KubeObject[], kind: string, name?: string): KubeObject {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  const [object] = found;
  if (object === undefined || found.length > 1) {
    throw new Error(`There are ${String(found.length)} of ${kind} ${name ?? ''}.`);
  }
  return object;
}
