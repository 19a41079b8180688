import { decodeJwt } from 'jose';
import { publishedKeys, verify } from '../lease-api/logins/signed-token.ts';

/** Whose tokens a cloud takes for one of its own identities: what an administrator writes into a trust policy. */
export interface Trusted {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** PEM, for the keys. @default any certificate will do */
  readonly ca?: string | undefined;
  readonly subject: string;
  readonly audience: string;
}

/** Why a token is not taken. */
export type Distrust = 'signature' | 'expired' | 'issuer' | 'subject' | 'audience';

/** Verifies a token against a trust policy. @returns undefined where it is taken */
export async function distrustOf(
  token: string,
  trusted: Trusted,
  now: number,
): Promise<Distrust | undefined> {
  const { issuer, jwksUrl, ca, subject, audience } = trusted;
  const faults: string[] = [];
  for (const { key } of await publishedKeys(jwksUrl, { ca, verify: ca !== undefined })) {
    const verified = await verify(token, key, { now });
    if ('fault' in verified) {
      faults.push(verified.fault);
      continue;
    }
    const { iss, sub, aud } = decodeJwt(token);
    if (iss !== issuer) return 'issuer';
    if (sub !== subject) return 'subject';
    return [aud].flat().includes(audience) ? undefined : 'audience';
  }
  return faults.includes('jwt expired') ? 'expired' : 'signature';
}
