import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { ControlPlane } from '../../sandbox/control-plane/control-plane.ts';

/** Where a pod finds the API server and its service account. */
export interface PodIdentity {
  readonly environment: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

/** Lays out a service account as Kubernetes mounts it: so the operator comes to the API server as it does in a cluster. */
export async function podIdentity(
  { directory, server, caFile }: ControlPlane,
  token: string,
  namespace: string,
): Promise<PodIdentity> {
  const folder = path.join(directory, 'service-account');
  await mkdir(folder);
  await Promise.all([
    writeFile(path.join(folder, 'token'), token, { mode: 0o600 }),
    writeFile(path.join(folder, 'namespace'), namespace),
    copyFile(caFile, path.join(folder, 'ca.crt')),
  ]);
  const { hostname, port } = new URL(server);
  return {
    environment: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    flags: ['--service-account-folder', folder],
  };
}
