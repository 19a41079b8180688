import { generateKeyPair, type KeyObject, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { exportJWK, type JWK } from 'jose';

export const ALGORITHMS = ['RS256', 'ES256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** A key that an issuer signs with. */
export interface SigningKey {
  /** The `kid` by which tokens name it. */
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  /** As a JWKS lists it. */
  readonly jwk: JWK;
  /** As an administrator pastes it: SPKI in PEM. */
  readonly pem: string;
}

const makeKeyPair = promisify(generateKeyPair);

/** A fresh key with a name of its own. */
export async function createSigningKey(algorithm: Algorithm): Promise<SigningKey> {
  const { publicKey, privateKey } =
    algorithm === 'RS256'
      ? await makeKeyPair('rsa', { modulusLength: 2048 })
      : await makeKeyPair('ec', { namedCurve: 'P-256' });
  const id = randomUUID();
  return {
    id,
    algorithm,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid: id, alg: algorithm, use: 'sig' },
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}
