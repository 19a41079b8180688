import { randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { type Issuer, startIssuer } from '../issuer/issuer.ts';
import { createSigningKey, type SigningKey } from '../issuer/signing-key.ts';

export interface GcpOptions {
  /** Milliseconds since 1970. @default the system's */
  readonly now?: () => number;
}

/** What a machine says of itself in its tokens. */
export interface Machine {
  /** The email address of its service account. */
  readonly account: string;
  readonly projectId: string;
  readonly zone: string;
}

/**
 * Google Cloud on loopback: the metadata server of a machine, the IAM that signs for service accounts, and where the keys of
 * both are published.
 */
export interface Gcp extends AsyncDisposable {
  /** Host and port of the metadata server. */
  readonly metadataHost: string;
  /** Where IAM is. */
  readonly iamUrl: string;
  /** Where the keys of Google's own ID tokens are. */
  readonly jwksUrl: string;
  /** Where the keys of service accounts are, each under its address. */
  readonly accountKeysUrl: string;
  /** What it was asked, in order. */
  readonly asked: readonly string[];
  /** Says what runs here. */
  host(machine: Machine): void;
  /** A service account. @param signers who may have IAM sign for it. @default nobody */
  addAccount(email: string, signers?: readonly string[]): Promise<void>;
  /** Makes a key of a service account, as the JSON that is downloaded. The keys before it stay good. */
  createKey(email: string): Promise<string>;
  /** Takes the keys of an account away, those that are downloaded and IAM's own. */
  removeKeys(email: string): void;
  /** Seconds that the next ID tokens are good for. @default 3600 */
  setLife(seconds: number): void;
}

/** Starts one. */
export async function startGcp({ now = Date.now }: GcpOptions = {}): Promise<Gcp> {
  await using started = new AsyncDisposableStack();
  const google = started.use(await startIssuer({ now }));
  const state = new State(now, google);
  const app = fastify({ forceCloseConnections: true });
  started.defer(async () => app.close());
  serveMetadata(app, state);
  serveIam(app, state);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const running = started.move();
  return {
    metadataHost: new URL(url).host,
    iamUrl: url,
    jwksUrl: google.jwksUrl,
    accountKeysUrl: `${url}/service_accounts/v1/jwk`,
    asked: state.asked,
    host: (machine) => void (state.machine = machine),
    addAccount: async (email, signers = []) => state.add(email, signers),
    createKey: async (email) => state.createKey(email),
    removeKeys: (email) => void state.accounts.get(email)?.keys.splice(0),
    setLife: (seconds) => void (state.life = seconds),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

interface Account {
  readonly signers: readonly string[];
  readonly keys: SigningKey[];
}

class State {
  readonly now: () => number;
  readonly google: Issuer;
  readonly accounts = new Map<string, Account>();
  readonly accessTokens = new Map<string, string>();
  readonly asked: string[] = [];
  machine: Machine | undefined;
  life = 3600;

  constructor(now: () => number, google: Issuer) {
    this.now = now;
    this.google = google;
  }

  async add(email: string, signers: readonly string[]): Promise<void> {
    this.accounts.set(email, { signers, keys: [await createSigningKey('RS256')] });
  }

  async createKey(email: string): Promise<string> {
    const key = await createSigningKey('RS256');
    this.accounts.get(email)?.keys.push(key);
    return JSON.stringify({
      type: 'service_account',
      project_id: 'a-project',
      private_key_id: key.id,
      private_key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: email,
      client_id: '1',
      token_uri: 'https://oauth2.googleapis.com/token',
    });
  }
}

function serveMetadata(app: FastifyInstance, state: State): void {
  const account = '/computeMetadata/v1/instance/service-accounts/default';
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/computeMetadata')) return undefined;
    state.asked.push(`metadata ${new URL(request.url, 'http://x').pathname.split('/').at(-1)}`);
    void reply.header('metadata-flavor', 'Google');
    if (request.headers['metadata-flavor'] !== 'Google') return reply.code(403).send();
    return state.machine === undefined ? reply.code(404).send() : undefined;
  });
  app.get(`${account}/identity`, async (request, reply) => {
    const query = new URL(request.url, 'http://x').searchParams;
    const audience = query.get('audience');
    const { machine } = state;
    if (audience === null || machine === undefined) return reply.code(400).send();
    const google = { compute_engine: { project_id: machine.projectId, zone: machine.zone } };
    const token = await state.google.sign(
      {
        iss: 'https://accounts.google.com',
        aud: audience,
        email: machine.account,
        email_verified: true,
        // Only the full format says what the machine is.
        ...(query.get('format') === 'full' && { google }),
      },
      { lifeSeconds: state.life },
    );
    return reply.type('text/html').send(token);
  });
  app.get(`${account}/token`, async () => {
    const token = `ya29.${randomBytes(24).toString('hex')}`;
    state.accessTokens.set(token, state.machine?.account ?? '');
    return { access_token: token, expires_in: 3599, token_type: 'Bearer' };
  });
}

const signing = z.object({ payload: z.string() });
const claimSet = z.looseObject({ exp: z.number() });

/** Of a token that IAM signs, in seconds. */
const LONGEST_LIFE = 12 * 3600;

type Signer = { readonly key: SigningKey } | { readonly refusal: readonly [code: number, status: string] };

/** The key to sign with for an account, where the bearer may have it used. */
function signerFor(state: State, email: string, bearer: string): Signer {
  const asking = state.accessTokens.get(bearer);
  if (asking === undefined) return { refusal: [401, 'UNAUTHENTICATED'] };
  const account = state.accounts.get(email);
  const key = account?.keys[0];
  if (account === undefined || key === undefined) return { refusal: [404, 'NOT_FOUND'] };
  return account.signers.includes(asking) ? { key } : { refusal: [403, 'PERMISSION_DENIED'] };
}

function serveIam(app: FastifyInstance, state: State): void {
  app.post('/v1/projects/-/serviceAccounts/:call', async (request, reply) => {
    state.asked.push('signJwt');
    const [, email = ''] = /\/([^/]+):signJwt$/.exec(request.url) ?? [];
    const bearer = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const signer = signerFor(state, decodeURIComponent(email), bearer);
    const claims = claimSet.parse(JSON.parse(signing.parse(request.body).payload));
    const tooLong = claims.exp > state.now() / 1000 + LONGEST_LIFE;
    if ('refusal' in signer || tooLong) {
      const [code, status] = 'refusal' in signer ? signer.refusal : [400, 'INVALID_ARGUMENT'];
      return reply.code(code).send({ error: { code, status, message: status } });
    }
    const { key } = signer;
    const signedJwt = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.id })
      .sign(key.privateKey);
    return { keyId: key.id, signedJwt };
  });
  app.get('/service_accounts/v1/jwk/:email', (request, reply) => {
    const [, email = ''] = /\/([^/]+)$/.exec(request.url) ?? [];
    const keys = state.accounts.get(decodeURIComponent(email))?.keys ?? [];
    return reply.send({ keys: keys.map(({ jwk }) => jwk) });
  });
}
