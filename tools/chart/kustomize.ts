import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { isMap, parseAllDocuments, type Document } from 'yaml';

import { cacheRoot, cachedPath, findExecutables } from '../../sandbox/binaries/cache.ts';
import { currentPlatform } from '../../sandbox/binaries/platform.ts';
import { CHART, RELEASE, root } from './places.ts';

const run = promisify(execFile);

const HEAD = '# Generated from the chart by tools/generate.ts.\n';

/** The values of the two scopes; all others are the chart's own. */
export const scopes = {
  cluster: ['scope=cluster'],
  namespaces: ['scope=namespaces', 'namespaces={default}'],
} as const;

/** Where helm is, if some earlier run has got it. */
export async function helmAtHand(): Promise<string | undefined> {
  const cache = cacheRoot(process.env);
  const found = await findExecutables(['helm'], (name) => cachedPath(cache, currentPlatform(), name));
  return found.helm;
}

/** The plain manifests of deploy/kustomize, by their paths: what the chart makes of its defaults, without the marks of Helm. */
export async function kustomizeFiles(helm: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const [scope, values] of Object.entries(scopes)) {
    files.set(
      `deploy/kustomize/${scope}/operator.yaml`,
      await rendered(helm, [...values, 'crds.install=false']),
    );
  }
  const kinds = await rendered(helm, [], ['--show-only', 'templates/crds.yaml']);
  return files.set('deploy/kustomize/crds/crds.yaml', kinds);
}

async function rendered(
  helm: string,
  values: readonly string[],
  more: readonly string[] = [],
): Promise<string> {
  const { name, namespace } = RELEASE;
  const settings = values.flatMap((value) => ['--set', value]);
  const args = ['template', name, path.join(root, CHART), '--namespace', namespace, ...settings, ...more];
  const { stdout } = await run(helm, args, { maxBuffer: 64 * 1024 * 1024 });
  const documents = parseAllDocuments(stdout.replaceAll(/^# Source: .*\n/gm, ''));
  return (
    HEAD +
    documents
      .filter((document) => document.contents !== null)
      .map(plain)
      .join('---\n')
  );
}

/** An object without what only Helm reads. */
function plain(document: Document.Parsed): string {
  for (const label of ['app.kubernetes.io/managed-by', 'helm.sh/chart']) {
    document.deleteIn(['metadata', 'labels', label]);
  }
  const annotations = document.getIn(['metadata', 'annotations']);
  if (isMap(annotations)) annotations.delete('helm.sh/resource-policy');
  if (isMap(annotations) && annotations.items.length === 0) document.deleteIn(['metadata', 'annotations']);
  document.directives.docStart = null;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
