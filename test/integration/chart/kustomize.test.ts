import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { resolveBinaries } from '../../../sandbox/binaries/resolve.ts';
import { kustomizeFiles } from '../../../tools/chart/kustomize.ts';
import { root } from '../../../tools/chart/places.ts';
import { inNamespaces, objectsIn, openHelm, type Helm, type KubeObject } from './support/helm.ts';

const run = promisify(execFile);

/** The marks that only Helm reads. */
const marks = ['app.kubernetes.io/managed-by', 'helm.sh/chart', 'helm.sh/resource-policy'];

describe('the plain manifests', () => {
  let helm: Helm;

  beforeAll(async () => {
    helm = await openHelm();
  });
  afterAll(() => helm[Symbol.asyncDispose]());

  it('are those that the chart makes today', async () => {
    const binaries = await resolveBinaries(['helm']);
    for (const [name, text] of await kustomizeFiles(binaries.helm)) {
      expect([name, await readFile(path.join(root, name), 'utf8')]).toEqual([name, text]);
    }
  });

  it.each([
    ['cluster', {}],
    ['namespaces', inNamespaces('default')],
  ])('of scope %s are the objects of a release, and its namespace', async (scope, values) => {
    const { kubectl } = await resolveBinaries(['kubectl']);
    const { stdout } = await run(kubectl, ['kustomize', path.join(root, 'deploy', 'kustomize', scope)]);
    const [plain, released] = [objectsIn(stdout), await helm.objects(values)];
    expect(
      plain
        .filter(({ kind }) => kind !== 'Namespace')
        .map(unmarked)
        .toSorted(byName),
    ).toEqual(released.map(unmarked).toSorted(byName));
    expect(plain.filter(({ kind }) => kind === 'Namespace')).toMatchObject([
      {
        metadata: {
          name: 'leaseholder-system',
          labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
        },
      },
    ]);
  });
});

function unmarked({ metadata, ...object }: KubeObject): KubeObject {
  const { labels, annotations } = metadata;
  return {
    ...object,
    metadata: { ...metadata, labels: withoutMarks(labels), annotations: withoutMarks(annotations) },
  };
}

function withoutMarks(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !marks.includes(key)));
}

function byName(one: KubeObject, other: KubeObject): number {
  return nameOf(one).localeCompare(nameOf(other));
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${String(metadata.namespace)} ${metadata.name}`;
}
