import { z } from 'zod';

import type { Clock } from '../../clock.ts';
import type { Timing } from '../../timing.ts';
import type { Transport } from '../transport.ts';

/** A token to make requests with. */
export interface AccessToken {
  readonly value: string;
  /** Milliseconds that it lives from now on; undefined where nobody sets an end. */
  readonly life: number | undefined;
}

/** The ways to log in that the server has an endpoint for. */
export type LoginKind = 'universal' | 'kubernetes' | 'oidc' | 'jwt' | 'aws' | 'azure' | 'gcp' | 'ldap';

/** What a login may use. */
export interface LoginContext {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timing: Timing;
  /** Server time in milliseconds since 1970; undefined before the first answer. */
  readonly now: () => number | undefined;
}

/**
 * One way to log in. Reads its credential anew each time.
 *
 * @throws FaultError when the credential cannot be read or the server refuses it.
 */
export type LoginMethod = (context: LoginContext) => Promise<AccessToken>;

const claims = z.object({
  iat: z.number().optional().catch(undefined),
  exp: z.number().optional().catch(undefined),
});

/** The claims of a JWT about its life, in seconds since 1970. Nothing is verified: they are a hint when to log in. */
export function readClaims(token: string): z.infer<typeof claims> {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    return claims.parse(JSON.parse(payload));
  } catch {
    return {};
  }
}

/**
 * The life of a token that was made just now: the shorter of what the login says and of what the token itself says.
 * Either can be absent or 0 for "no limit of mine"; servers report a configured life that the token does not reach.
 *
 * @param expiresIn seconds.
 * @returns milliseconds, or undefined without a limit.
 */
export function lifeOf(token: string, expiresIn: number | null | undefined): number | undefined {
  const { iat, exp } = readClaims(token);
  const limits = [expiresIn ?? 0, iat === undefined || exp === undefined ? 0 : exp - iat].filter(
    (limit) => limit > 0,
  );
  return limits.length === 0 ? undefined : Math.min(...limits) * 1000;
}
