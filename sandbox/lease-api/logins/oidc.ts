import { z } from 'zod';
import { type Profile, Refusal } from '../refusal.ts';
import { type Claims, claimAt, permits, permitsOne } from './bounds.ts';
import { denied, forbidden, invalid } from './denial.ts';
import type { Trust } from './exchange.ts';
import type { OidcSettings } from './settings.ts';
import { document, headerOf, type NamedKey, publishedKeys, type Verified, verify } from './signed-token.ts';

const discovery = z.object({ jwks_uri: z.url() });

export interface Judging {
  readonly profile: Profile;
  /** The server's clock, in milliseconds since 1970. */
  readonly now: number;
}

/**
 * Checks a login with a token of an OpenID issuer: signature by the keys that its discovery document leads to, issuer,
 * times, then what the identity binds. Document and keys are fetched for each login.
 *
 * @throws Refusal at the first check that fails
 */
export async function checkOidc(settings: OidcSettings, jwt: string, judging: Judging): Promise<void> {
  const { profile } = judging;
  const keys = await issuerKeys(settings, profile);
  const header = headerOf(jwt);
  if (header === undefined)
    throw new Refusal(profile === '2024' ? 'token' : 'unauthorized', noToken[profile]);
  const { keyId } = header;
  const candidates = keyId === undefined ? keys : keys.filter(({ id }) => id === keyId);
  if (candidates.length === 0) throw unknownKey(keyId, profile);
  const verified = await verifiedByOne(jwt, candidates, { now: judging.now, issuer: settings.boundIssuer });
  if ('fault' in verified) throw invalid(verified.fault, profile);
  const refusal = refusalOf(settings, verified.claims, profile);
  if (refusal !== undefined) throw refusal;
}

const noToken = { current: 'Invalid JWT', '2024': 'jwt malformed' } as const;

async function issuerKeys(settings: OidcSettings, profile: Profile): Promise<readonly NamedKey[]> {
  const { caCert: ca, oidcDiscoveryUrl, boundIssuer } = settings;
  const url = (oidcDiscoveryUrl ?? boundIssuer).replace(/\/$/, '');
  const trust: Trust = { ca, verify: ca !== undefined };
  const found = discovery.safeParse(
    await document(`${url}/.well-known/openid-configuration`, trust).catch((error: unknown) => {
      throw unavailable(error, `Failed to fetch OIDC discovery document from ${url}.`, profile);
    }),
  );
  if (!found.success) {
    const what = 'OIDC discovery document does not contain a jwks_uri.';
    throw unavailable('The identity provider may be misconfigured.', what, profile);
  }
  return publishedKeys(found.data.jwks_uri, trust).catch((error: unknown) => {
    throw unavailable(error, 'Failed to retrieve signing key from OIDC provider:', profile);
  });
}

/** A server of 2024 passes on what the request failed with, as a 500. */
function unavailable(error: unknown, what: string, profile: Profile): Refusal {
  const text = error instanceof Error ? error.message : String(error);
  return profile === '2024' ? new Refusal('internal', text) : denied(`${what} ${text}`, profile);
}

function unknownKey(keyId: string | undefined, profile: Profile): Refusal {
  if (profile === '2024')
    return new Refusal('internal', `Unable to find a signing key that matches '${keyId}'`);
  return denied(
    keyId === undefined
      ? "No signing keys available from OIDC provider's JWKS endpoint."
      : `Unable to verify JWT signature. The signing key '${keyId}' was not found in the OIDC provider's JWKS endpoint. This may indicate an invalid token or misconfigured OIDC provider.`,
    profile,
  );
}

/** Tries one key after the other; the last one's fault counts. */
async function verifiedByOne(
  jwt: string,
  keys: readonly NamedKey[],
  against: { readonly now: number; readonly issuer: string },
): Promise<Verified> {
  let verified: Verified = { fault: 'invalid signature' };
  for (const { key } of keys) {
    verified = await verify(jwt, key, against);
    if ('claims' in verified) return verified;
  }
  return verified;
}

/** What the identity's bounds say to a token that is genuine. Pure. */
export function refusalOf(settings: OidcSettings, claims: Claims, profile: Profile): Refusal | undefined {
  const { boundSubject, boundAudiences, boundClaims } = settings;
  const { sub, aud } = claims;
  if (!permitsOne(boundSubject, sub)) return forbidden('OIDC subject not allowed.');
  if (!permits(boundAudiences, aud, 'glob')) return denied('OIDC audience not allowed.', profile);
  for (const [name, allowed] of Object.entries(boundClaims)) {
    const value = claimAt(claims, name, profile);
    if (value === undefined && profile === 'current') return denied(`token has no ${name} field`, profile);
    if (!permits(allowed, value, 'glob')) return denied('OIDC claim not allowed.', profile);
  }
  return undefined;
}
