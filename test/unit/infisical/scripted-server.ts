import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import type { CertificateSet } from '../../../sandbox/lease-api/certificate.ts';

/** One request as the server got it. */
export interface Received {
  readonly route: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** What becomes of one request. */
export type Reply = (response: ServerResponse, request: Received) => void;

/** A server on loopback that answers what a test wrote down. */
export interface ScriptedServer extends AsyncDisposable {
  readonly host: string;
  readonly received: readonly Received[];
  /** How many connections there have been. */
  readonly connections: number;
  /** The replies to a route in their order; the last is repeated. */
  on(route: Route, ...replies: readonly [Reply, ...Reply[]]): void;
  /** The requests to a route so far. */
  to(route: Route): readonly Received[];
  /** Resolves when this many requests have come. */
  arrived(count: number): Promise<void>;
}

export type Route =
  | 'login'
  | 'status'
  | 'create'
  | 'get'
  | 'list'
  | 'renew'
  | 'revoke'
  | 'createSecret'
  | 'updateSecret'
  | 'deleteSecret'
  | 'listSecrets'
  | 'other';

const routes: readonly (readonly [Route, string, RegExp])[] = [
  ['login', 'POST', /^\/api\/v1\/auth\/universal-auth\/login$/],
  ['status', 'GET', /^\/api\/status$/],
  ['create', 'POST', /^\/api\/v1\/dynamic-secrets\/leases$/],
  ['get', 'GET', /^\/api\/v1\/dynamic-secrets\/leases\/[^/]+$/],
  ['revoke', 'DELETE', /^\/api\/v1\/dynamic-secrets\/leases\/[^/]+$/],
  ['renew', 'POST', /^\/api\/v1\/dynamic-secrets\/leases\/[^/]+\/renew$/],
  ['list', 'GET', /^\/api\/v1\/dynamic-secrets\/[^/]+\/leases$/],
  ['createSecret', 'POST', /^\/api\/v1\/dynamic-secrets$/],
  ['updateSecret', 'PATCH', /^\/api\/v1\/dynamic-secrets\/[^/]+$/],
  ['deleteSecret', 'DELETE', /^\/api\/v1\/dynamic-secrets\/[^/]+$/],
  ['listSecrets', 'GET', /^\/api\/v1\/dynamic-secrets$/],
];

/** With `requestCert` a client has to show a certificate that `ca` has signed. */
export async function scriptedServer(
  tls?: CertificateSet & { readonly requestCert?: boolean },
): Promise<ScriptedServer> {
  const received: Received[] = [];
  const script = new Map<string, Reply[]>();
  const waiting: { count: number; resolve: () => void }[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const got = await receive(request);
    received.push(got);
    for (const waiter of waiting) if (received.length >= waiter.count) waiter.resolve();
    const replies = script.get(got.route) ?? [json(418, { error: 'Unscripted' })];
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    reply?.(response, got);
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    void answer(request, response);
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  let connections = 0;
  server.on('connection', () => void (connections += 1));
  // Handshakes of clients that do not trust the certificate end in errors that belong to the test.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    host: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${String(port)}`,
    received,
    get connections() {
      return connections;
    },
    on: (route, ...replies) => void script.set(route, [...replies]),
    to: (route) => received.filter((request) => request.route === route),
    arrived(count) {
      if (received.length >= count) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push({ count, resolve });
      });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

async function receive(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? '/', 'http://server');
  const method = request.method ?? '';
  const content = Buffer.concat(chunks).toString('utf8');
  return {
    route: routes.find(([, verb, path]) => verb === method && path.test(url.pathname))?.[0] ?? 'other',
    method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
    body: content === '' ? undefined : JSON.parse(content),
  };
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(JSON.stringify(body));
  };
}

export function text(status: number, type: string, body: string): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  };
}

export function html(status: number, body = '<html>A page</html>'): Reply {
  return text(status, 'text/html', body);
}

/** Never answers. */
export const silence: Reply = () => undefined;

/** Breaks the connection off without an answer. */
export const reset: Reply = (response) => void response.socket?.resetAndDestroy();

/** Sends the head and the beginning of a body, then nothing more. */
export const stuckBody: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"lease":');
};

/** Sends the head and the beginning of a body, then breaks the connection off. */
export const truncated: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"lease":', () => response.socket?.destroy());
};

/** A body of this many bytes, with or without saying so beforehand. */
export function large(bytes: number, options: { announced: boolean }): Reply {
  return (response) => {
    const body = JSON.stringify({ padding: 'x'.repeat(bytes) });
    response.writeHead(200, {
      'content-type': 'application/json',
      ...(options.announced ? { 'content-length': String(body.length) } : {}),
    });
    response.end(body);
  };
}
