import { createPublicKey, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { ask, type Trust } from './exchange.ts';
import type { Claims } from './bounds.ts';

export interface NamedKey {
  /** The `kid` by which tokens name it. */
  readonly id: string | undefined;
  readonly key: KeyObject;
}

/** What is wrong with a token is worded as the real server's library does. */
export type Verified = { readonly claims: Claims } | { readonly fault: string };

export interface Verification {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** @default any */
  readonly issuer?: string;
}

/** Signatures that a public key can check: a token that is signed with that key as a shared secret is none. */
const ALGORITHMS = ['RS', 'PS', 'ES'].flatMap((family) => [256, 384, 512].map((bits) => `${family}${bits}`));

const keySet = z.object({ keys: z.array(z.looseObject({ kid: z.string().optional() })) });

/** @returns undefined where it is no token; else the `kid` that it names, if any. */
export function headerOf(jwt: string): { readonly keyId: string | undefined } | undefined {
  try {
    return { keyId: decodeProtectedHeader(jwt).kid };
  } catch {
    return undefined;
  }
}

/** Verifies signature, `exp`, `nbf` and, where one is given, `iss`, to the second. */
export async function verify(jwt: string, key: KeyObject, { now, issuer }: Verification): Promise<Verified> {
  try {
    const { payload } = await jwtVerify(jwt, key, {
      algorithms: ALGORITHMS,
      currentDate: new Date(now),
      ...(issuer !== undefined && { issuer }),
    });
    return { claims: payload };
  } catch (error) {
    return { fault: faultOf(error, issuer) };
  }
}

/**
 * The keys that an issuer publishes.
 *
 * @throws Error when they cannot be had
 */
export async function publishedKeys(url: string, trust: Trust): Promise<readonly NamedKey[]> {
  const { keys } = keySet.parse(await document(url, trust));
  return keys.map((jwk) => ({ id: jwk.kid, key: createPublicKey({ key: jwk, format: 'jwk' }) }));
}

/** A document that an issuer publishes. @throws Error when it cannot be had */
export async function document(url: string, trust: Trust): Promise<unknown> {
  const { status, body } = await ask({ method: 'GET', url, trust });
  if (status !== 200) throw new Error(`Request failed with status code ${status}`);
  return body;
}

function faultOf(error: unknown, issuer: string | undefined): string {
  if (error instanceof errors.JWTExpired) return 'jwt expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'invalid signature';
  if (error instanceof errors.JWTClaimValidationFailed) return claimFault(error.claim, issuer);
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'jwt malformed';
  // Another algorithm, or a key that is none for it.
  return 'invalid algorithm';
}

function claimFault(claim: string, issuer: string | undefined): string {
  switch (claim) {
    case 'iss':
      return `jwt issuer invalid. expected: ${issuer}`;
    case 'nbf':
      return 'jwt not active';
    default:
      return `invalid ${claim} value`;
  }
}
