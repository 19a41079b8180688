import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import type { ControlPlane } from '../../../../sandbox/control-plane/control-plane.ts';
import { operatorAccount } from '../../../../sandbox/operator/install.ts';

const run = promisify(execFile);

/** Whether a process of this machine can be given another root and another user: then the entrypoint runs to the letter. */
export const canChangeRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** Where the base image has its Node. */
const NODE = '/nodejs/bin/node';

/** Where Kubernetes mounts the service account of a pod. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Lays into a stage's root what its base image and Kubernetes bring: the Node of this process with its libraries, and the
 * operator's service account. Then nobody may write there any more.
 */
export async function furnishRoot(root: string, plane: ControlPlane): Promise<void> {
  await put(process.execPath, root, NODE);
  if (canChangeRoot)
    for (const library of await librariesOf(process.execPath)) await put(library, root, library);
  const account = path.join(root, ACCOUNT);
  await mkdir(account, { recursive: true });
  await writeFile(path.join(account, 'token'), await plane.serviceAccountToken(operatorAccount));
  await writeFile(path.join(account, 'namespace'), operatorAccount.namespace);
  await copyFile(plane.caFile, path.join(account, 'ca.crt'));
  await protect(root);
}

/**
 * How the image's entrypoint is started in its root: with that as `/` and as the image's user, or, without the right to
 * that, by its path from outside and as whoever runs this.
 */
export function startIn(
  root: string,
  user: string,
  entrypoint: readonly string[],
): { readonly file: string; readonly args: readonly string[] } {
  if (canChangeRoot) return { file: 'chroot', args: [`--userspec=${user}`, root, ...entrypoint] };
  const [file = '', ...args] = entrypoint.map((word) =>
    word.startsWith('/') ? path.join(root, word) : word,
  );
  return { file, args: [...args, '--service-account-folder', path.join(root, ACCOUNT)] };
}

async function put(file: string, root: string, place: string): Promise<void> {
  const target = path.join(root, place);
  await mkdir(path.dirname(target), { recursive: true });
  await copyFile(file, target);
}

/** The shared libraries of a program, with its loader. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run('ldd', [program]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, file]) => file ?? []);
}

/** Takes away every right to write, and gives all the right to read. */
async function protect(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const places = [root, ...entries.map(({ parentPath, name }) => path.join(parentPath, name))];
  for (const place of places.toReversed()) {
    await chmod(place, 0o555);
  }
}
