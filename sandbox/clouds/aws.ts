import { randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { distrustOf, type Distrust, type Trusted } from './federation.ts';
import { judge, type Key } from './signature-v4.ts';

export interface AwsOptions {
  /** Milliseconds since 1970. @default the system's */
  readonly now?: () => number;
  /** The region that requests have to be signed for. @default 'eu-central-1' */
  readonly region?: string;
}

/** A user or a role, by its ARN. */
interface Principal {
  readonly arn: string;
  readonly key: Key;
}

/**
 * AWS on loopback: an STS (GetCallerIdentity, AssumeRoleWithWebIdentity), the metadata of an instance (version 2 alone) and the
 * credentials of a container.
 */
export interface Aws extends AsyncDisposable {
  /** The STS; also where the metadata of the instance are. */
  readonly url: string;
  readonly region: string;
  /** Where a container's credentials are. */
  readonly containerUrl: string;
  /** What it was asked, in order: actions of the STS, and methods with paths of the rest. */
  readonly asked: readonly string[];
  /** Makes a key for a user or role. @param life milliseconds that it is good for, with a session token. @default for ever */
  addKey(arn: string, life?: number): Key;
  /** Takes a key away: what it signs is refused from now on. */
  removeKey(accessKeyId: string): void;
  /** A role that can be assumed with tokens of somebody else. */
  addRole(arn: string, trusted: Trusted): void;
  /** Says whose credentials the instance and the container get, the latter for this Authorization. */
  host(arn: string, authorization: string): void;
}

/** How long temporary credentials are good for, in milliseconds. */
const LIFE = 3_600_000;

/** Starts one. */
export async function startAws(options: AwsOptions = {}): Promise<Aws> {
  const { now = Date.now, region = 'eu-central-1' } = options;
  const state = new State(now, region);
  const app = fastify({ forceCloseConnections: true });
  await using started = new AsyncDisposableStack();
  started.defer(async () => app.close());
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );
  serveSts(app, state);
  serveMetadata(app, state);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  state.host = new URL(url).host;
  const running = started.move();
  return {
    url,
    region,
    containerUrl: `${url}/v1/credentials`,
    asked: state.asked,
    addKey: (arn, life) => state.addKey(arn, life),
    removeKey: (id) => void state.principals.delete(id),
    addRole: (arn, trusted) => void state.roles.set(arn, trusted),
    host: (arn, authorization) => void (state.hosted = { arn, authorization }),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

class State {
  readonly now: () => number;
  readonly region: string;
  readonly principals = new Map<string, Principal>();
  readonly roles = new Map<string, Trusted>();
  readonly asked: string[] = [];
  readonly metadataTokens = new Set<string>();
  /** Its own, as requests have to name it. */
  host = '';
  hosted: { readonly arn: string; readonly authorization: string } | undefined;

  constructor(now: () => number, region: string) {
    this.now = now;
    this.region = region;
  }

  addKey(arn: string, life?: number): Key {
    const key = {
      accessKeyId: `${life === undefined ? 'AKIA' : 'ASIA'}${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      ...(life !== undefined && {
        sessionToken: randomBytes(60).toString('base64'),
        endsAt: this.now() + life,
      }),
    };
    this.principals.set(key.accessKeyId, { arn, key });
    return key;
  }
}

function serveSts(app: FastifyInstance, state: State): void {
  app.post('/', async (request, reply) => {
    const form = new URLSearchParams(String(request.body));
    const action = form.get('Action') ?? '';
    state.asked.push(action);
    if (action === 'GetCallerIdentity') return callerIdentity(state, request, reply);
    if (action === 'AssumeRoleWithWebIdentity') return assumedRole(state, form, reply);
    return refuse(reply, 400, 'InvalidAction');
  });
}

async function callerIdentity(
  state: State,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const asked = { method: request.method, target: request.url, headers, body: String(request.body) };
  const judged = judge(asked, {
    keyOf: (id) => state.principals.get(id)?.key,
    now: state.now(),
    service: 'sts',
    region: state.region,
  });
  if ('fault' in judged) return refuse(reply, 403, judged.fault);
  // Whoever signed for another STS has not asked this one.
  if (request.headers.host !== state.host) return refuse(reply, 403, 'SignatureDoesNotMatch');
  const arn = callerArn(state.principals.get(judged.key.accessKeyId)?.arn ?? '');
  const result = { Account: arn.split(':')[4], Arn: arn, UserId: judged.key.accessKeyId };
  return reply.send({ GetCallerIdentityResponse: { GetCallerIdentityResult: result } });
}

/** Whoever acts in a role is told by the session. */
function callerArn(arn: string): string {
  const [, before = '', name = ''] = /^(.*):role\/(.*)$/.exec(arn) ?? [];
  return name === '' ? arn : `${before.replace(':iam:', ':sts:')}:assumed-role/${name}/leaseholder`;
}

const refusals: Readonly<Record<Distrust, readonly [status: number, code: string]>> = {
  signature: [400, 'InvalidIdentityToken'],
  expired: [400, 'ExpiredTokenException'],
  issuer: [400, 'InvalidIdentityToken'],
  audience: [400, 'InvalidIdentityToken'],
  subject: [403, 'AccessDenied'],
};

async function assumedRole(state: State, form: URLSearchParams, reply: FastifyReply): Promise<FastifyReply> {
  const arn = form.get('RoleArn') ?? '';
  const trusted = state.roles.get(arn);
  if (trusted === undefined) return refuse(reply, 403, 'AccessDenied');
  const distrust = await distrustOf(form.get('WebIdentityToken') ?? '', trusted, state.now());
  if (distrust !== undefined) return refuse(reply, ...refusals[distrust]);
  const { accessKeyId, secretAccessKey, sessionToken = '', endsAt = 0 } = state.addKey(arn, LIFE);
  const session = `${arn}/${form.get('RoleSessionName') ?? ''}`;
  return reply.type('text/xml')
    .send(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>${session}</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>
<SessionToken>${sessionToken}</SessionToken><Expiration>${new Date(endsAt).toISOString()}</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`);
}

/** STS answers in XML, also where it was asked for JSON and refuses. */
function refuse(reply: FastifyReply, status: number, code: string): FastifyReply {
  return reply
    .code(status)
    .type('text/xml')
    .send(
      `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${code}</Message></Error></ErrorResponse>`,
    );
}

function serveMetadata(app: FastifyInstance, state: State): void {
  const credentials = '/latest/meta-data/iam/security-credentials/';
  app.put('/latest/api/token', (request, reply) => {
    state.asked.push(`PUT ${request.url}`);
    const token = randomBytes(16).toString('hex');
    state.metadataTokens.add(token);
    return reply.send(token);
  });
  app.get(`${credentials}*`, async (request, reply) => {
    state.asked.push(`GET ${request.url}`);
    const token = String(request.headers['x-aws-ec2-metadata-token']);
    if (!state.metadataTokens.has(token)) return reply.code(401).send();
    if (state.hosted === undefined) return reply.code(404).send();
    const name = state.hosted.arn.split('/').at(-1);
    if (request.url === credentials) return name;
    return request.url === `${credentials}${name}`
      ? handedOut(state, state.hosted.arn)
      : reply.code(404).send();
  });
  app.get('/v1/credentials', async (request, reply) => {
    state.asked.push(`GET ${request.url}`);
    const { hosted } = state;
    if (hosted?.authorization !== request.headers.authorization) return reply.code(401).send();
    return handedOut(state, hosted?.arn ?? '');
  });
}

function handedOut(state: State, arn: string): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken = '', endsAt = 0 } = state.addKey(arn, LIFE);
  return {
    Code: 'Success',
    Type: 'AWS-HMAC',
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: new Date(endsAt).toISOString(),
    LastUpdated: new Date(state.now()).toISOString(),
  };
}
