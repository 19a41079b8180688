import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The files of one control plane. */
export interface ControlPlaneFiles {
  readonly directory: string;
  readonly etcdData: string;
  readonly certificates: string;
  readonly caFile: string;
  readonly serviceAccountKey: string;
  readonly tokens: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
  readonly kubeconfig: string;
  readonly controllerManagerKubeconfig: string;
  readonly logs: string;
  /** HOME for kubectl, with its caches. */
  readonly home: string;
}

/** Tells a control plane's folder from any other, so that no other is ever removed. */
const marker = '.leaseholder-control-plane';

/**
 * Makes the folder, or takes one that an earlier control plane left on purpose (`keepData`).
 *
 * @throws Error when the named folder holds something else.
 */
export async function prepareFolder(named?: string): Promise<ControlPlaneFiles> {
  const directory = named === undefined ? await temporaryFolder() : await namedFolder(path.resolve(named));
  const files: ControlPlaneFiles = {
    directory,
    etcdData: path.join(directory, 'etcd'),
    certificates: path.join(directory, 'certificates'),
    caFile: path.join(directory, 'ca.crt'),
    serviceAccountKey: path.join(directory, 'service-account.key'),
    tokens: path.join(directory, 'tokens.csv'),
    auditPolicy: path.join(directory, 'audit-policy.json'),
    auditLog: path.join(directory, 'audit.log'),
    kubeconfig: path.join(directory, 'kubeconfig'),
    controllerManagerKubeconfig: path.join(directory, 'kubeconfig-controller-manager'),
    logs: path.join(directory, 'logs'),
    home: path.join(directory, 'home'),
  };
  await Promise.all(
    [files.etcdData, files.certificates, files.logs, files.home].map((folder) =>
      mkdir(folder, { recursive: true, mode: 0o700 }),
    ),
  );
  await writeFile(path.join(directory, marker), '');
  return files;
}

async function temporaryFolder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'leaseholder-control-plane-'));
}

async function namedFolder(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const entries = await readdir(directory);
  if (entries.length > 0 && !entries.includes(marker)) {
    throw new Error(`${directory} is not empty and not a control plane's folder: it is left alone.`);
  }
  return directory;
}

/** Removal is tried again while ending processes still write; 10 s at most. */
const caretakerScript = `
read -r _
tries=0
while ! rm -rf "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
`;

/** Removes a folder when told to, or when this process ends in any way without having told it. */
export interface Caretaker {
  remove(): Promise<void>;
}

export function startCaretaker(directory: string): Caretaker {
  const child = spawn('/bin/sh', ['-c', caretakerScript, 'sh', directory], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(child, 'exit');
  return {
    remove: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
