import type { LoginKind, LoginMethod } from './access-token.ts';
import { logIn } from './log-in.ts';

export interface IdentityOptions {
  /** How the server verifies the proof: by this cluster, by the keys of an OpenID issuer, or by keys it was given. */
  readonly method: Extract<LoginKind, 'kubernetes' | 'oidc' | 'jwt'>;
  readonly identityId: string;
  /**
   * The token that proves the identity: a fresh one each time, since one that was kept would be stale when it is needed.
   *
   * @throws FaultError when there is none.
   */
  readonly proof: () => Promise<string>;
  readonly organizationSlug?: string | undefined;
}

/** Kubernetes, OIDC and JWT Auth: somebody else's signed token for one of the server's. */
export function identityLogin({ method, identityId, proof, organizationSlug }: IdentityOptions): LoginMethod {
  return async (context) => {
    const jwt = (await proof()).trim();
    return logIn(context, { method, body: { identityId, jwt, organizationSlug } });
  };
}
