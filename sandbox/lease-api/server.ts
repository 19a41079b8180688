import { randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  begin,
  type Exchange,
  exchangeOf,
  hasConfig,
  secretNameOf,
  tagIn,
  withoutConfig,
} from './exchange.ts';
import { afterHandler, beforeHandler, faultOf, HTML } from './fault-effects.ts';
import type { TlsOptions } from './options.ts';
import { type RateLimiter, sourceAddress } from './rate-limit.ts';
import { errorAnswer, Refusal } from './refusal.ts';
import type { Call, Route } from './route.ts';
import type { World } from './world.ts';

/** Routes that work in maintenance mode although they write. */
const MAINTAINED = ['login', 'token-renew'];

export interface ServerParts {
  readonly world: World;
  readonly routes: readonly Route[];
  readonly limiter: RateLimiter | undefined;
  readonly tls: TlsOptions | undefined;
}

/** The HTTP server over a world; it holds no state of its own. */
export function createServer(parts: ServerParts): FastifyInstance {
  const { world, routes, tls } = parts;
  const app = fastify({
    ...(tls && { https: { key: tls.key, cert: tls.cert } }),
    routerOptions: { ignoreTrailingSlash: true },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    genReqId: () => `req-${randomBytes(8).toString('base64url').slice(0, 14)}`,
  });
  app.setErrorHandler(async (error, request, reply) => {
    await sendError(world, error, request, reply);
  });
  app.setNotFoundHandler(async (request, reply) => {
    await sendNotFound(request, reply);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const faults = exchangeOf(request)?.faults ?? [];
    const sent =
      faults.length === 0 ? payload : await afterHandler(world, faults, { request, reply }, payload);
    void reply.header('date', new Date(world.clock.now()).toUTCString());
    return sent;
  });
  for (const route of routes) addRoute(app, parts, route);
  return app;
}

function addRoute(app: FastifyInstance, parts: ServerParts, route: Route): void {
  const { world, limiter } = parts;
  app.route({
    method: route.method,
    url: route.url,
    onRequest: async (request) => {
      identify(world, begin(request, route), request);
    },
    preValidation: async (request, reply) => {
      const exchange = exchangeOf(request);
      if (limiter !== undefined) limit(limiter, route, request, reply);
      if (exchange !== undefined) return meetFaults(world, exchange, request, reply);
      return undefined;
    },
    handler: async (request) => handle(route, request),
  });
}

/**
 * Verifies an Authorization header, on every route: one that is not needed is not ignored.
 *
 * @throws Refusal for a token that does not hold, and where a token is needed and missing.
 */
function identify(world: World, exchange: Exchange, request: FastifyRequest): void {
  const { authorization } = request.headers;
  const { route } = exchange;
  try {
    // The server cuts off as many characters as "Bearer " has, whatever they are.
    if (authorization !== undefined) exchange.token = world.tokens.use(authorization.slice(7));
  } finally {
    world.ledger.count(route.name, exchange.token?.identity.id);
  }
  if (route.access === 'token' && exchange.token === undefined)
    throw new Refusal('unauthorized', 'Token missing', { error: 'Unauthorized access' });
  const exempt = route.method === 'GET' || MAINTAINED.includes(route.name);
  if (world.switches.maintenance && !exempt) throw world.wording.maintenance();
}

function limit(limiter: RateLimiter, route: Route, request: FastifyRequest, reply: FastifyReply): void {
  // Only this exact address is exempt; with a query it is counted.
  if (request.url === '/api/status') return;
  const { headers, refusal } = limiter.take(route, sourceAddress(request.headers, request.ip));
  void reply.headers(headers);
  if (refusal !== undefined) throw refusal;
}

async function meetFaults(
  world: World,
  exchange: Exchange,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  if (!world.faults.any) return undefined;
  exchange.faults = world.faults.forRequest({
    method: exchange.route.method,
    route: exchange.route.name,
    dynamicSecret: secretNameOf(world, request),
    hasConfig: hasConfig(request.body),
  });
  const dying = faultOf(exchange.faults, 'token-death');
  if (dying !== undefined && exchange.token !== undefined) {
    world.tokens.kill({ tokenId: exchange.token.id }, dying.death);
    // The request that meets the death is refused like every later one.
    world.tokens.use(request.headers.authorization?.slice(7) ?? '');
  }
  return (await beforeHandler(world, exchange.faults, request, reply)) ? reply : undefined;
}

async function handle(route: Route, request: FastifyRequest): Promise<unknown> {
  const exchange = exchangeOf(request);
  const faults = exchange?.faults ?? [];
  const dropped = faultOf(faults, 'config-dropped') !== undefined;
  const call: Call = {
    params: request.params,
    query: request.query,
    body: dropped ? withoutConfig(request.body) : request.body,
    tag: tagIn(request.body),
    lagMs: faultOf(faults, 'replica-lag')?.ms ?? 0,
  };
  if (route.access === 'open') return await route.handle(call);
  if (exchange?.token === undefined) throw new Error('a route was reached without its token');
  return await route.handle({ ...call, identity: exchange.token.identity });
}

async function sendError(
  world: World,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { status, body, retryAfterSeconds } = errorAnswer(error, world.profile, request.id);
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds);
  await reply.code(status).send(body);
}

/** Outside `/api` lies the web interface: a wrong base address is answered with a page, not with an error. */
async function sendNotFound(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (!request.url.startsWith('/api')) {
    await reply.type('text/html; charset=utf-8').send(HTML);
    return;
  }
  const message = `Route ${request.method}:${request.url} not found`;
  await reply.code(404).send({ message, error: 'Not Found', statusCode: 404 });
}
