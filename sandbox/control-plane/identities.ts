import { generateKeyPair, randomBytes } from 'node:crypto';
import { access, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ControlPlaneFiles } from './folder.ts';
import { type KubeconfigContent, writeKubeconfig } from './kubeconfig.ts';

const makeKeyPair = promisify(generateKeyPair);

/** The tokens of those whom the API server knows without service accounts; both may do everything. */
export interface Identities {
  readonly admin: string;
  readonly controllerManager: string;
}

/** Makes the service-account key, unless it is there from before, and new tokens for this start. */
export async function prepareIdentities(files: ControlPlaneFiles): Promise<Identities> {
  const identities = { admin: newToken(), controllerManager: newToken() };
  const lines = [
    `${identities.admin},admin,admin,system:masters`,
    `${identities.controllerManager},system:kube-controller-manager,controller-manager,system:masters`,
  ];
  await Promise.all([
    writeFile(files.tokens, `${lines.join('\n')}\n`, { mode: 0o600 }),
    ensureServiceAccountKey(files.serviceAccountKey),
  ]);
  return identities;
}

/** Writes the kubeconfigs of both identities. */
export async function writeKubeconfigs(
  files: ControlPlaneFiles,
  identities: Identities,
  cluster: Pick<KubeconfigContent, 'server' | 'ca'>,
): Promise<void> {
  await Promise.all([
    writeKubeconfig(files.kubeconfig, { ...cluster, user: 'admin', token: identities.admin }),
    writeKubeconfig(files.controllerManagerKubeconfig, {
      ...cluster,
      user: 'system:kube-controller-manager',
      token: identities.controllerManager,
    }),
  ]);
}

function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** kube-apiserver takes the public half from the private key's file. */
async function ensureServiceAccountKey(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const { privateKey } = await makeKeyPair('rsa', { modulusLength: 2048 });
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
}
