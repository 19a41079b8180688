import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { root } from '../../../../tools/chart/places.ts';

/** A kustomization of a user's over one of ours, in a folder of its own. */
export interface Overlay extends AsyncDisposable {
  readonly folder: string;
}

/** @param args in place of those of the container that are of the same name, and beside the others. */
export async function overlayOf(scope: string, args: Readonly<Record<string, string>>): Promise<Overlay> {
  const folder = await mkdtemp(path.join(tmpdir(), 'leaseholder-overlay-'));
  const place = '/spec/template/spec/containers/0/args';
  const patch = [
    { op: 'test', path: `${place}/1`, value: '--listen=0.0.0.0:8080' },
    { op: 'replace', path: `${place}/1`, value: `--listen=${args['--listen'] ?? ''}` },
    { op: 'add', path: `${place}/-`, value: `--allowed-hosts=${args['--allowed-hosts'] ?? ''}` },
  ];
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [path.relative(folder, path.join(root, 'deploy', 'kustomize', scope))],
    patches: [{ target: { kind: 'Deployment', name: 'leaseholder' }, patch: JSON.stringify(patch) }],
  };
  await writeFile(path.join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
