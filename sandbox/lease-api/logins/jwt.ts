import { createPublicKey, type KeyObject } from 'node:crypto';
import { Refusal } from '../refusal.ts';
import { type Claims, claimAt, permits, permitsOne } from './bounds.ts';
import { denied, forbidden, invalid } from './denial.ts';
import type { Judging } from './oidc.ts';
import type { JwtSettings } from './settings.ts';
import { headerOf, publishedKeys, type Verified, verify } from './signed-token.ts';

/** Servers of 2024 have no such login. */
const profile = 'current';

/**
 * Checks a login with a token that is signed with one of the identity's keys, given or published.
 *
 * @throws Refusal at the first check that fails; Error, which becomes a 500, when the published keys cannot be had or
 *   have none of the token's name, as in the real server
 */
export async function checkJwt(
  settings: JwtSettings,
  jwt: string,
  { now }: Pick<Judging, 'now'>,
): Promise<void> {
  const header = headerOf(jwt);
  if (header === undefined) throw new Refusal('unauthorized', 'Invalid JWT');
  const { jwksUrl, publicKeys = [] } = settings;
  const verified =
    jwksUrl === undefined
      ? await verifiedByAny(jwt, publicKeys.map(createKey), now)
      : await verify(jwt, await publishedKey(jwksUrl, settings.jwksCaCert, header.keyId), { now });
  if ('fault' in verified) throw invalid(verified.fault, profile);
  const refusal = refusalOf(settings, verified.claims);
  if (refusal !== undefined) throw refusal;
}

function createKey(pem: string): KeyObject {
  return createPublicKey(pem);
}

async function publishedKey(url: string, ca: string | undefined, id: string | undefined): Promise<KeyObject> {
  const keys = await publishedKeys(url, { ca, verify: ca !== undefined });
  // A token that names no key can only mean the one there is.
  const found = id === undefined && keys.length === 1 ? keys[0] : keys.find((key) => key.id === id);
  if (found === undefined) throw new Error(`Unable to find a signing key that matches '${id}'`);
  return found.key;
}

async function verifiedByAny(jwt: string, keys: readonly KeyObject[], now: number): Promise<Verified> {
  const faults: string[] = [];
  for (const key of keys) {
    const verified = await verify(jwt, key, { now });
    if ('claims' in verified) return verified;
    faults.push(verified.fault);
  }
  return { fault: `JWT verification failed with all keys. Errors - ${faults.join('; ')}` };
}

/** What the identity's bounds say to a token that is genuine. Pure. */
export function refusalOf(settings: JwtSettings, claims: Claims): Refusal | undefined {
  const { boundIssuer } = settings;
  const { iss } = claims;
  if (boundIssuer !== '' && iss !== boundIssuer) return forbidden('issuer mismatch');
  return subjectFault(settings, claims) ?? audienceFault(settings, claims) ?? claimFault(settings, claims);
}

function subjectFault({ boundSubject }: JwtSettings, { sub }: Claims): Refusal | undefined {
  if (permitsOne(boundSubject, sub)) return undefined;
  return sub === undefined ? denied('token has no subject field', profile) : forbidden('subject not allowed');
}

function audienceFault({ boundAudiences }: JwtSettings, { aud }: Claims): Refusal | undefined {
  if (permits(boundAudiences, aud, 'glob')) return undefined;
  return denied(aud === undefined ? 'token has no audience field' : 'token audience not allowed', profile);
}

function claimFault({ boundClaims }: JwtSettings, claims: Claims): Refusal | undefined {
  for (const [name, allowed] of Object.entries(boundClaims)) {
    const value = claimAt(claims, name, profile);
    if (value === undefined) return denied(`token has no ${name} field`, profile);
    if (!permits(allowed, value, 'glob')) return denied(`claim mismatch for field ${name}`, profile);
  }
  return undefined;
}
