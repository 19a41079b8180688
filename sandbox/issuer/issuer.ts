import { randomUUID } from 'node:crypto';
import fastify from 'fastify';
import { SignJWT } from 'jose';
import { type Algorithm, createSigningKey, type SigningKey } from './signing-key.ts';

/** What a token says. Standard claims that are named replace the issuer's own; undefined leaves one out. */
export type TokenClaims = Readonly<Record<string, unknown>>;

export interface IssuerOptions {
  /** @default 'RS256' */
  readonly algorithm?: Algorithm;
  /** @default a free port */
  readonly port?: number;
  /** Serves over TLS; PEM. @default plain HTTP */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The issuer's clock, milliseconds since 1970. @default the system's */
  readonly now?: () => number;
}

export interface SigningOptions {
  /** Seconds from now until `exp`. @default 600 */
  readonly lifeSeconds?: number;
  /** Whether the header names the key. @default true */
  readonly named?: boolean;
  /** @default the issuer's present key */
  readonly key?: SigningKey;
}

/** An OpenID issuer on loopback: it publishes its keys and signs whatever it is asked to. */
export interface Issuer extends AsyncDisposable {
  /** The `iss` of its tokens, and where its discovery document lies. */
  readonly url: string;
  readonly jwksUrl: string;
  /** The key that it signs with now. */
  readonly key: SigningKey;
  /** How often each document was fetched. */
  readonly fetches: { readonly discovery: number; readonly keys: number };
  /** A token with `iss`, `iat`, `nbf`, `exp` and a `jti` of its own, and these claims. */
  sign(claims: TokenClaims, options?: SigningOptions): Promise<string>;
  /** Signs with a new key from now on. The old ones stay published, unless they are withdrawn: then their tokens fail. */
  rotate(options?: { readonly withdrawOld?: boolean }): Promise<SigningKey>;
  stop(): Promise<void>;
}

/** Starts an issuer. */
export async function startIssuer(options: IssuerOptions = {}): Promise<Issuer> {
  const { algorithm = 'RS256', port = 0, tls, now = Date.now } = options;
  let key = await createSigningKey(algorithm);
  let published = [key];
  const fetches = { discovery: 0, keys: 0 };

  const app = fastify({ ...(tls && { https: { ...tls } }), forceCloseConnections: true });
  await using started = new AsyncDisposableStack();
  started.defer(async () => app.close());
  app.get('/.well-known/openid-configuration', async () => {
    fetches.discovery += 1;
    return {
      issuer: url,
      jwks_uri: jwksUrl,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [algorithm],
    };
  });
  app.get('/jwks', async () => {
    fetches.keys += 1;
    return { keys: published.map(({ jwk }) => jwk) };
  });
  const url = await app.listen({ host: '127.0.0.1', port });
  const jwksUrl = `${url}/jwks`;
  const running = started.move();

  return {
    url,
    jwksUrl,
    fetches,
    get key() {
      return key;
    },
    sign: async (claims, { lifeSeconds = 600, named = true, key: signer = key } = {}) => {
      const seconds = Math.floor(now() / 1000);
      const standard = {
        iss: url,
        iat: seconds,
        nbf: seconds,
        exp: seconds + lifeSeconds,
        jti: randomUUID(),
      };
      return new SignJWT({ ...standard, ...claims })
        .setProtectedHeader({ alg: signer.algorithm, typ: 'JWT', ...(named && { kid: signer.id }) })
        .sign(signer.privateKey);
    },
    rotate: async ({ withdrawOld = false } = {}) => {
      key = await createSigningKey(algorithm);
      published = withdrawOld ? [key] : [...published, key];
      return key;
    },
    stop: async () => running.disposeAsync(),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}
