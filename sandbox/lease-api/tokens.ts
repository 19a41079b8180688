import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Identity } from './identities.ts';
import { type Profile, Refusal } from './refusal.ts';

/** How a token can die before its time. */
export const TOKEN_DEATHS = [
  'revoked',
  'expired',
  'ttl-passed',
  'uses-exhausted',
  'address-refused',
] as const;
export type TokenDeath = (typeof TOKEN_DEATHS)[number];

export interface TokenRow {
  readonly id: string;
  readonly identity: Identity;
  readonly createdAt: number;
  /** When its time to live began: at the login or the last renewal. */
  countsFrom: number;
  uses: number;
  death: TokenDeath | undefined;
}

const payloadSchema = z.object({
  identityId: z.string(),
  identityAccessTokenId: z.string(),
  exp: z.number().optional(),
});
const headerSchema = z.object({ alg: z.literal('HS256') });

/** Access tokens: JWTs signed with HS256 by a key of this server's own, each with a row that decides whether it lives. */
export class Tokens {
  readonly #rows = new Map<string, TokenRow>();
  readonly #key = randomBytes(32);
  readonly #clock: Clock;
  readonly #profile: Profile;

  constructor(clock: Clock, profile: Profile) {
    this.#clock = clock;
    this.#profile = profile;
  }

  /** A new token. The answer of a login repeats the configured lifetimes, not the true ones. */
  issue(identity: Identity): { accessToken: string; row: TokenRow } {
    const now = this.#clock.now();
    const row: TokenRow = {
      id: randomUUID(),
      identity,
      createdAt: now,
      countsFrom: now,
      uses: 0,
      death: undefined,
    };
    this.#rows.set(row.id, row);
    return { accessToken: this.#sign(row), row };
  }

  /**
   * Accepts a token for one call and counts the use.
   *
   * @throws Refusal of kind `token` for what is wrong with the string itself, `unauthorized` for what its row says.
   */
  use(accessToken: string): TokenRow {
    const row = this.#read(accessToken);
    this.#refuseDead(row);
    const limit = row.identity.accessTokenNumUsesLimit;
    if (limit > 0 && row.uses >= limit) {
      this.#rows.delete(row.id);
      throw this.#usesExhausted();
    }
    row.uses += 1;
    return row;
  }

  /**
   * Renews a token: 2024 servers answer the same string, the current one a new string of the same token.
   *
   * @throws Refusal when the renewal would pass the maximal TTL; the token is deleted then.
   */
  renew(accessToken: string): { accessToken: string; row: TokenRow } {
    const row = this.#read(accessToken);
    this.#refuseDead(row);
    const { accessTokenTTL, accessTokenMaxTTL } = row.identity;
    const end = row.createdAt + accessTokenMaxTTL * 1000;
    if (accessTokenMaxTTL > 0 && this.#clock.now() + accessTokenTTL * 1000 > end) {
      this.#rows.delete(row.id);
      throw new Refusal('unauthorized', 'Failed to renew MI access token past its Max TTL expiration');
    }
    row.countsFrom = this.#clock.now();
    return { accessToken: this.#profile === '2024' ? accessToken : this.#sign(row), row };
  }

  /** Deletes the token itself. */
  revoke(accessToken: string): void {
    this.#rows.delete(this.#read(accessToken).id);
  }

  /** Lets tokens die: one, or all of an identity. Returns how many. */
  kill(which: { tokenId?: string; identityId?: string }, death: TokenDeath): number {
    const dying = [...this.#rows.values()].filter(
      ({ id, identity }) => id === which.tokenId || identity.id === which.identityId,
    );
    for (const row of dying) row.death = death;
    return dying.length;
  }

  #read(accessToken: string): TokenRow {
    const [header = '', payload = '', signature = '', ...rest] = accessToken.split('.');
    const claims = decoded(payloadSchema, payload);
    if (claims === undefined || rest.length > 0 || decoded(headerSchema, header) === undefined)
      throw this.#tokenError('malformed');
    if (!this.#signed(`${header}.${payload}`, signature)) throw this.#tokenError('signature');
    if (this.#expired(claims)) throw this.#tokenError('expired');
    const row = this.#rows.get(claims.identityAccessTokenId);
    if (row === undefined) throw this.#gone();
    return row;
  }

  #expired({ exp }: z.infer<typeof payloadSchema>): boolean {
    return exp !== undefined && exp * 1000 <= this.#clock.now();
  }

  #signed(content: string, signature: string): boolean {
    const expected = this.#signature(content);
    const given = Buffer.from(signature, 'base64url');
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #refuseDead(row: TokenRow): void {
    const ttl = row.identity.accessTokenTTL * 1000;
    const passed = ttl > 0 && row.countsFrom + ttl <= this.#clock.now();
    const death = row.death ?? (passed ? 'ttl-passed' : undefined);
    switch (death) {
      case undefined:
        return;
      case 'revoked':
        throw this.#gone();
      case 'expired':
        throw this.#tokenError('expired');
      case 'ttl-passed':
        throw new Refusal('unauthorized', 'Failed to renew MI access token due to TTL expiration');
      case 'uses-exhausted':
        this.#rows.delete(row.id);
        throw this.#usesExhausted();
      case 'address-refused':
        throw new Refusal('unauthorized', 'Failed to authenticate');
    }
  }

  #sign({ id, identity }: TokenRow): string {
    const now = Math.floor(this.#clock.now() / 1000);
    // In 2024 the string outlives the TTL, which only its row knows; 0 means without end.
    const seconds = this.#profile === '2024' ? identity.accessTokenMaxTTL : identity.accessTokenTTL;
    const claims = {
      identityId: identity.id,
      identityAccessTokenId: id,
      authTokenType: 'identityAccessToken',
      iat: now,
      ...(seconds > 0 && { exp: now + seconds }),
    };
    const content = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
    return `${content}.${this.#signature(content).toString('base64url')}`;
  }

  #signature(content: string): Buffer {
    return createHmac('sha256', this.#key).update(content).digest();
  }

  #gone(): Refusal {
    const old = this.#profile === '2024';
    return new Refusal(
      'unauthorized',
      old ? 'You are not allowed to access this resource' : 'No identity access token found',
    );
  }

  #usesExhausted(): Refusal {
    const kind = this.#profile === '2024' ? 'bad-request' : 'unauthorized';
    return new Refusal(kind, 'Unable to renew because access token number of uses limit reached');
  }

  #tokenError(problem: keyof typeof TOKEN_MESSAGES): Refusal {
    return new Refusal('token', TOKEN_MESSAGES[problem][this.#profile]);
  }
}

const TOKEN_MESSAGES = {
  malformed: {
    current:
      'The provided access token is malformed. Please use a valid token or generate a new one and try again.',
    '2024': 'jwt malformed',
  },
  signature: { current: 'invalid signature', '2024': 'invalid signature' },
  expired: {
    current: 'Your token has expired. Please re-authenticate.',
    '2024': 'jwt expired',
  },
} as const satisfies Record<string, Record<Profile, string>>;

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decoded<S extends z.ZodType>(schema: S, part: string): z.output<S> | undefined {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(part, 'base64url').toString())).data;
  } catch {
    return undefined;
  }
}
