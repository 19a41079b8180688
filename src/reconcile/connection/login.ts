import type { ConnectionAuth } from '../../api/auth.ts';
import { fault, FaultError } from '../../errors.ts';
import type { LoginMethod } from '../../infisical/auth/access-token.ts';
import { identityLogin } from '../../infisical/auth/identity.ts';
import { ldapLogin } from '../../infisical/auth/ldap.ts';
import { tokenLogin } from '../../infisical/auth/token.ts';
import { universalLogin } from '../../infisical/auth/universal.ts';
import { byCloud, type CloudAccess } from './cloud-login.ts';
import type { Credentials } from './credentials.ts';
import { requestProof, type TokenRequests } from './proof.ts';

export interface LoginOptions extends TokenRequests {
  readonly credentials: Credentials;
  readonly auth: ConnectionAuth;
  /** What of clouds the connection may use. */
  readonly clouds: CloudAccess;
}

/**
 * The login method of a connection, with what it shows got anew at each login.
 *
 * @throws FaultError where the connection may not log in so.
 */
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
  const cloud = byCloud(options);
  if (cloud !== undefined) return cloud;
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
