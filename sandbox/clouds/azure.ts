import fastify, { type FastifyInstance } from 'fastify';
import { type Issuer, startIssuer } from '../issuer/issuer.ts';
import { type CertificateSet, createCertificates } from '../lease-api/certificate.ts';
import { distrustOf, type Trusted } from './federation.ts';

export interface AzureOptions {
  /** Milliseconds since 1970. @default the system's */
  readonly now?: () => number;
}

/** An identity of a tenant. */
export interface AzureIdentity {
  readonly clientId: string;
  /** Of its service principal: the `oid` of its tokens. */
  readonly objectId: string;
  /** A federated credential. @default it has none */
  readonly trusted?: Trusted;
}

/**
 * Azure on loopback: the metadata service of a machine, without TLS as there, and Entra ID, with TLS because Microsoft's library
 * takes no other. Tokens are those of version 1, which servers look for.
 */
export interface Azure extends AsyncDisposable {
  /** Where the metadata service is. */
  readonly metadataUrl: string;
  /** Where Entra ID is. */
  readonly authority: string;
  /** PEM: whom to trust for it. */
  readonly ca: string;
  readonly tenantId: string;
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** Where the keys of its tokens are. */
  readonly jwksUrl: string;
  /** What it was asked, in order. */
  readonly asked: readonly string[];
  /** Adds an identity, or changes one. */
  addIdentity(identity: AzureIdentity): void;
  /** Says which identities the machine has; the first is its own. */
  host(...clientIds: readonly string[]): void;
  /** Seconds that the next tokens are good for. @default 3600 */
  setLife(seconds: number): void;
  /** Signs with a new key from now on; what the old one signed is refused. */
  rotateKey(): Promise<void>;
}

/** Starts one. */
export async function startAzure({ now = Date.now }: AzureOptions = {}): Promise<Azure> {
  await using started = new AsyncDisposableStack();
  const keys = started.use(await startIssuer({ now }));
  const certificates = createCertificates();
  const state = new State(now, keys);
  const listen = async (app: FastifyInstance): Promise<string> => {
    started.defer(async () => app.close());
    return app.listen({ host: '127.0.0.1', port: 0 });
  };
  const metadataUrl = await listen(metadataService(state));
  const authority = await listen(entra(state, certificates));
  const running = started.move();
  return {
    metadataUrl,
    authority,
    ca: certificates.ca,
    tenantId: state.tenantId,
    issuer: state.issuer,
    jwksUrl: keys.jwksUrl,
    asked: state.asked,
    addIdentity: (identity) => void state.identities.set(identity.clientId, identity),
    host: (...clientIds) => void (state.hosted = clientIds),
    setLife: (seconds) => void (state.life = seconds),
    rotateKey: async () => void (await keys.rotate({ withdrawOld: true })),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

class State {
  readonly now: () => number;
  readonly keys: Issuer;
  readonly tenantId = '11111111-2222-4333-8444-555555555555';
  readonly issuer = `https://sts.windows.net/${this.tenantId}/`;
  readonly identities = new Map<string, AzureIdentity>();
  readonly asked: string[] = [];
  hosted: readonly string[] = [];
  life = 3600;

  constructor(now: () => number, keys: Issuer) {
    this.now = now;
    this.keys = keys;
  }

  async token(identity: AzureIdentity, resource: string): Promise<string> {
    return this.keys.sign(
      {
        iss: this.issuer,
        aud: resource,
        tid: this.tenantId,
        oid: identity.objectId,
        sub: identity.objectId,
        appid: identity.clientId,
        ver: '1.0',
      },
      { lifeSeconds: this.life },
    );
  }
}

function metadataService(state: State): FastifyInstance {
  // Microsoft's library asks with a slash at the end.
  const app = fastify({ forceCloseConnections: true, routerOptions: { ignoreTrailingSlash: true } });
  app.get('/metadata/identity/oauth2/token', async (request, reply) => {
    const query = new URL(request.url, 'http://x').searchParams;
    state.asked.push('metadata token');
    if (request.headers['metadata'] !== 'true' || query.get('api-version') === null)
      return reply.code(400).send({ error: 'bad_request' });
    const client = query.get('client_id') ?? state.hosted[0] ?? '';
    const identity = state.hosted.includes(client) ? state.identities.get(client) : undefined;
    if (identity === undefined)
      return reply.code(400).send({ error: 'invalid_request', error_description: 'Identity not found' });
    const resource = query.get('resource') ?? '';
    return {
      access_token: await state.token(identity, resource),
      client_id: client,
      expires_in: String(state.life),
      expires_on: String(Math.floor(state.now() / 1000) + state.life),
      resource,
      token_type: 'Bearer',
    };
  });
  return app;
}

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function entra(state: State, { key, cert }: CertificateSet): FastifyInstance {
  const app = fastify({ https: { key, cert }, forceCloseConnections: true });
  app.addContentTypeParser(
    /^application\/x-www-form-urlencoded/,
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );
  app.get('/:tenant/v2.0/.well-known/openid-configuration', async ({ host }) => {
    state.asked.push('discovery');
    const base = `https://${host}/${state.tenantId}`;
    return {
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    };
  });
  app.post('/:tenant/oauth2/v2.0/token', async (request, reply) => {
    state.asked.push('token');
    const granted = await grantOf(state, new URLSearchParams(String(request.body)));
    if ('error' in granted) {
      const { error } = granted;
      return reply
        .code(error === 'invalid_request' ? 400 : 401)
        .send({ error, error_description: `AADSTS7000215: ${error}`, error_codes: [7_000_215] });
    }
    return {
      token_type: 'Bearer',
      expires_in: state.life,
      ext_expires_in: state.life,
      access_token: await state.token(granted.identity, granted.resource),
    };
  });
  return app;
}

type Grant =
  | { readonly identity: AzureIdentity; readonly resource: string }
  | { readonly error: 'invalid_request' | 'invalid_client' };

/** Whose token is asked for, and for what: client credentials with an assertion, which has to be the identity's own. */
async function grantOf(state: State, form: URLSearchParams): Promise<Grant> {
  const [, resource] = /^(.+)\/\.default(?: |$)/.exec(form.get('scope') ?? '') ?? [];
  if (form.get('grant_type') !== 'client_credentials' || resource === undefined)
    return { error: 'invalid_request' };
  const identity = state.identities.get(form.get('client_id') ?? '');
  return identity !== undefined && (await isShown(identity, form, state.now()))
    ? { identity, resource }
    : { error: 'invalid_client' };
}

/** Whether the assertion is one that the identity's federated credential takes. */
async function isShown({ trusted }: AzureIdentity, form: URLSearchParams, now: number): Promise<boolean> {
  if (trusted === undefined || form.get('client_assertion_type') !== ASSERTION) return false;
  return (await distrustOf(form.get('client_assertion') ?? '', trusted, now)) === undefined;
}
