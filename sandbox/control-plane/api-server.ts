import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ControlPlaneFiles } from './folder.ts';
import type { ServiceCommand } from './service.ts';

export interface ApiServerOptions {
  readonly file: string;
  readonly files: ControlPlaneFiles;
  readonly port: number;
  readonly etcd: string;
  readonly extraArgs: readonly string[];
}

/** kube-apiserver as clusters run it: RBAC, TLS, real service-account tokens, the default admission plugins. */
export function apiServerCommand({ file, files, port, etcd, extraArgs }: ApiServerOptions): ServiceCommand {
  return {
    name: 'kube-apiserver',
    file,
    logFile: path.join(files.logs, 'kube-apiserver.log'),
    args: [
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${files.certificates}`,
      `--etcd-servers=${etcd}`,
      '--authorization-mode=RBAC',
      `--token-auth-file=${files.tokens}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${files.serviceAccountKey}`,
      `--service-account-key-file=${files.serviceAccountKey}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--endpoint-reconciler-type=none',
      '--max-requests-inflight=3000',
      '--max-mutating-requests-inflight=1000',
      `--audit-policy-file=${files.auditPolicy}`,
      `--audit-log-path=${files.auditLog}`,
      // Without a size the log would be rotated at 100 MB, under its readers. Megabytes.
      '--audit-log-maxsize=1048576',
      '--audit-log-mode=blocking',
      ...extraArgs,
    ],
  };
}

/**
 * The CA of the serving certificate that kube-apiserver makes in its `--cert-dir`: the second of the two
 * certificates in its file. Also written to `ca.crt`. Undefined as long as the file is not there, whole.
 */
export async function readServingCa(files: ControlPlaneFiles): Promise<string | undefined> {
  const text = await readFile(path.join(files.certificates, 'apiserver.crt'), 'utf8').catch(() => '');
  const ca = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g)?.[1];
  if (ca !== undefined) await writeFile(files.caFile, ca);
  return ca;
}
