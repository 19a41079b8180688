import type { ConnectionAuth } from '../../api/auth.ts';
import { fault, FaultError } from '../../errors.ts';
import type { LoginMethod } from '../../infisical/auth/access-token.ts';
import { identityLogin } from '../../infisical/auth/identity.ts';
import { ldapLogin } from '../../infisical/auth/ldap.ts';
import { tokenLogin } from '../../infisical/auth/token.ts';
import { universalLogin } from '../../infisical/auth/universal.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { Cluster } from '../ports.ts';
import type { Credentials } from './credentials.ts';

/** How long the token of a service account is good for that a login shows: the least that the Kubernetes API makes. */
const PROOF_SECONDS = 600;

export interface LoginOptions {
  readonly cluster: Pick<Cluster, 'requestToken'>;
  readonly credentials: Credentials;
  /** Where the references of the connection lead. */
  readonly namespace: string;
  readonly auth: ConnectionAuth;
}

/** The login method of a connection, with what it shows got anew at each login. */
export function loginMethod(options: LoginOptions): LoginMethod {
  const { auth, credentials } = options;
  const { universal, kubernetes, oidc, jwt, ldap, token } = auth;
  if (universal !== undefined) {
    return universalLogin({
      organizationSlug: universal.organizationSlug,
      credential: (name) => credentials.read(`spec.auth.universal.${name}`, universal[name]),
    });
  }
  if (kubernetes !== undefined) return identity(options, 'kubernetes', kubernetes);
  if (oidc !== undefined) return identity(options, 'oidc', oidc);
  if (jwt !== undefined) return identity(options, 'jwt', jwt);
  if (ldap !== undefined) {
    return ldapLogin({
      identityId: ldap.identityId,
      organizationSlug: ldap.organizationSlug,
      credential: (name) => credentials.read(`spec.auth.ldap.${name}`, ldap[name]),
    });
  }
  if (token !== undefined)
    return tokenLogin({ credential: () => credentials.read('spec.auth.token', token) });
  throw new FaultError(fault('ConnectionInvalid', { field: 'spec.auth', rule: 'names no method' }));
}

type Method = 'kubernetes' | 'oidc' | 'jwt';

function identity(
  options: LoginOptions,
  method: Method,
  auth: NonNullable<ConnectionAuth['oidc']>,
): LoginMethod {
  const { identityId, organizationSlug, serviceAccountRef, secretKeyRef } = auth;
  const field = `spec.auth.${method}`;
  const proof = async (): Promise<string> => {
    if (serviceAccountRef !== undefined)
      return requestProof(options, `${field}.serviceAccountRef`, serviceAccountRef);
    if (secretKeyRef !== undefined) return options.credentials.read(field, { secretKeyRef });
    throw new FaultError(fault('ConnectionInvalid', { field, rule: 'names no token' }));
  };
  return identityLogin({ method, identityId, organizationSlug, proof });
}

type ServiceAccountRef = NonNullable<ConnectionAuth['kubernetes']>['serviceAccountRef'];

/** @throws FaultError that names the field and the service account. */
async function requestProof(
  { cluster, namespace }: LoginOptions,
  field: string,
  { name, audience }: ServiceAccountRef,
): Promise<string> {
  try {
    const token = await cluster.requestToken(namespace, name, { audience, seconds: PROOF_SECONDS });
    if (token !== undefined) return token;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    throw new FaultError(refusalOf(error, { field, name, namespace }), { cause: error });
  }
  throw new FaultError(fault('ServiceAccountNotFound', { field, name, namespace }));
}

function refusalOf(
  { status = 0, retryAfter }: KubeError,
  details: { readonly field: string; readonly name: string; readonly namespace: string },
): ReturnType<typeof fault> {
  if (status === 403) return fault('TokenRequestForbidden', details);
  // Conflicts and limits pass; a request that is not taken as it is does not.
  if (status === 400 || status === 422) return fault('TokenRequestRefused', { ...details, status });
  return fault('KubernetesUnavailable', { request: 'make a token of a service account' }, retryAfter);
}
