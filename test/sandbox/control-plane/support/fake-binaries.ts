import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import type { DownloadSites } from '../../../../sandbox/binaries/download.ts';
import { currentPlatform } from '../../../../sandbox/binaries/platform.ts';
import {
  type BinaryName,
  binaryVersions,
  helmVersion,
  kubernetesVersion,
} from '../../../../sandbox/binaries/versions.ts';
import { temporaryFolder, writeScript } from './folders.ts';

const run = promisify(execFile);

const { os, arch } = currentPlatform();

/** What a binary of a version prints when asked for it. */
function versionLine(name: BinaryName, version = binaryVersions[name]): string {
  if (name === 'helm') return version;
  if (name === 'etcd') return `etcd Version: ${version.slice(1)}`;
  return name === 'kubectl' ? `Client Version: ${version}` : `Kubernetes ${version}`;
}

/** The body of a script in the role of a binary; `from` tells tests apart where it came from. */
export function fakeBinary(name: BinaryName, from: string, version?: string): string {
  return `echo '${versionLine(name, version)}' # ${from}`;
}

/**
 * The body of a script in the role of Go. It notes each build in the file `$BUILDS` and writes a fake binary; on the
 * way to the binary named by `$HANG_AT` it stops half-way, as a build that is interrupted.
 */
export const fakeGo = `
while [ "$1" != -o ]; do shift; done
output=$2
name=$(basename "$output")
echo "$name" >> "$BUILDS"
if [ "$name" = "$HANG_AT" ]; then
  printf '#!/bin/sh' > "$output"
  echo "compiling $name" >&2
  sleep 300
fi
case $name in
  etcd) line='etcd Version: ${binaryVersions.etcd.slice(1)}';;
  helm) line='${helmVersion}';;
  kubectl) line='Client Version: ${kubernetesVersion}';;
  *) line='Kubernetes ${kubernetesVersion}';;
esac
printf '#!/bin/sh\\necho "%s" # built\\n' "$line" > "$output"`;

export interface FakeSite {
  readonly sites: DownloadSites;
  /** The paths that were asked for, in order. */
  readonly requests: string[];
  /** What is served, by path: tests change it. */
  readonly content: Map<string, Buffer | string>;
}

/** A server in the role of the download sites, with an envtest archive of the given version. */
export async function startFakeSite(archiveVersion: string = kubernetesVersion): Promise<FakeSite> {
  const content = new Map<string, Buffer | string>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    requests.push(url);
    const body = content.get(url);
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body);
  });
  const base = await listen(server);
  const archive = await envtestArchive(archiveVersion);
  const archiveName = `envtest-${archiveVersion}-${os}-${arch}.tar.gz`;
  const entry = {
    hash: createHash('sha512').update(archive).digest('hex'),
    selfLink: `${base}/${archiveName}`,
  };
  content.set('/index.yaml', stringify({ releases: { [archiveVersion]: { [archiveName]: entry } } }));
  content.set(`/${archiveName}`, archive);
  for (const name of ['kube-apiserver', 'kube-controller-manager', 'kubectl'] as const) {
    const body = `#!/bin/sh\n${fakeBinary(name, 'released')}\n`;
    content.set(releasePath(name), body);
    content.set(`${releasePath(name)}.sha256`, createHash('sha256').update(body).digest('hex'));
  }
  const helm = await helmArchive();
  content.set(helmPath, helm);
  content.set(`${helmPath}.sha256sum`, `${createHash('sha256').update(helm).digest('hex')}  ${helmPath}\n`);
  return { sites: { envtestIndex: `${base}/index.yaml`, kubernetes: base, helm: base }, requests, content };
}

/** The path of helm's archive below the site of its releases. */
export const helmPath = `/helm-${helmVersion}-${os}-${arch}.tar.gz`;

async function helmArchive(): Promise<Buffer> {
  const folder = await temporaryFolder();
  const inside = `${os}-${arch}`;
  await writeScript(path.join(folder, inside, 'helm'), fakeBinary('helm', 'released'));
  await run('tar', ['-czf', 'archive.tar.gz', inside], { cwd: folder });
  return readFile(path.join(folder, 'archive.tar.gz'));
}

/** The path of a binary below the site of the Kubernetes releases. */
export function releasePath(name: BinaryName): string {
  return `/${kubernetesVersion}/bin/${os}/${arch}/${name}`;
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

async function envtestArchive(version: string): Promise<Buffer> {
  const folder = await temporaryFolder();
  const inside = path.join(folder, 'controller-tools', 'envtest');
  await writeScript(path.join(inside, 'kube-apiserver'), fakeBinary('kube-apiserver', 'envtest', version));
  await writeScript(path.join(inside, 'kubectl'), fakeBinary('kubectl', 'envtest', version));
  // envtest archives carry the etcd of their time.
  await writeScript(path.join(inside, 'etcd'), fakeBinary('etcd', 'envtest', 'v3.6.4'));
  await run('tar', ['-czf', 'archive.tar.gz', 'controller-tools'], { cwd: folder });
  return readFile(path.join(folder, 'archive.tar.gz'));
}
