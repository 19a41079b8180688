import type { ConnectionSpec } from '../../api/infisical-connection.ts';
import type { SecretSource } from '../../api/object.ts';
import { fault, FaultError } from '../../errors.ts';
import type { LoginMethod } from '../../infisical/auth/access-token.ts';
import { tokenLogin } from '../../infisical/auth/token.ts';
import { universalLogin } from '../../infisical/auth/universal.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { Cluster } from '../ports.ts';

/** The login method of a connection, with its credentials read anew at each login. */
export function loginMethod(cluster: Cluster, namespace: string, { auth }: ConnectionSpec): LoginMethod {
  if (auth.universal !== undefined) {
    const sources = auth.universal;
    return universalLogin({
      credential: (name) => read(cluster, namespace, `spec.auth.universal.${name}`, sources[name]),
    });
  }
  if (auth.token !== undefined) {
    const source = auth.token;
    return tokenLogin({ credential: () => read(cluster, namespace, 'spec.auth.token', source) });
  }
  throw new FaultError(
    fault('ConnectionInvalid', {
      field: 'spec.auth',
      rule: 'must name exactly one method: universal or token',
    }),
  );
}

/** Reads one credential. @throws FaultError that names the field, the Secret and the key. */
async function read(
  cluster: Cluster,
  namespace: string,
  field: string,
  source: SecretSource,
): Promise<string> {
  const { name, key } = source.secretKeyRef;
  const value = await readOrRefuse(cluster, namespace, field, source);
  if (value === undefined) throw new FaultError(fault('CredentialNotFound', { field, secret: name, key }));
  return value;
}

async function readOrRefuse(
  cluster: Cluster,
  namespace: string,
  field: string,
  source: SecretSource,
): Promise<string | undefined> {
  try {
    return await cluster.readCredential(namespace, source);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const forbidden = error.status === 403;
    throw new FaultError(
      forbidden
        ? fault('CredentialForbidden', { field, secret: source.secretKeyRef.name })
        : fault('KubernetesUnavailable', { request: 'read a credential' }, error.retryAfter),
      { cause: error },
    );
  }
}
