import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';

import type { Clock } from '../clock.ts';
import { cachedCredentials, KubeAccessError, type KubeAccess, type KubeCredentials } from './access.ts';

/** Where a pod finds its API server and its service account. */
export interface InCluster {
  /** `KUBERNETES_SERVICE_HOST` */
  readonly host: string;
  /** `KUBERNETES_SERVICE_PORT` */
  readonly port: string;
  /** The folder of `token`, `ca.crt` and `namespace`. */
  readonly folder: string;
}

/**
 * Access as the pod's own service account. Token and CA are read again each minute, so that both may be rotated.
 *
 * @throws KubeAccessError when the service account is not mounted.
 */
export async function inClusterAccess(clock: Clock, options: InCluster): Promise<KubeAccess> {
  const { host, port, folder } = options;
  const read = async (): Promise<KubeCredentials> => {
    const [token, ca] = await Promise.all([readText(folder, 'token'), readText(folder, 'ca.crt')]);
    return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
  };
  const credentials = await cachedCredentials(clock, read);
  const namespace = await readText(folder, 'namespace');
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return { server, namespace: namespace.trim(), ...credentials };
}

async function readText(folder: string, file: string): Promise<string> {
  const path = join(folder, file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new KubeAccessError(
      `${path} cannot be read. Mount the service account's token, or name a kubeconfig.`,
    );
  }
  // A file that is being replaced may be empty for a moment.
  if (text.trim() === '') throw new KubeAccessError(`${path} is empty.`);
  return text;
}
