import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServer } from '../../../src/observability/server.ts';
import type { Answers, ObservabilityServer } from '../../../src/observability/server.ts';
import type { Log } from '../../../src/telemetry.ts';

const CANARY = 'canary-77aa01';
const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent };

const state = { alive: true, ready: true, waitingFor: [] as string[], broken: false };
const answers: Answers = {
  alive: () => orFail(state.alive),
  ready: () => orFail({ ready: state.ready, waitingFor: state.waitingFor }),
  metrics: () => Promise.resolve(orFail({ contentType: 'text/plain; version=0.0.4', body: 'leases 3\n' })),
};

function orFail<Value>(value: Value): Value {
  if (state.broken) throw new Error(CANARY);
  return value;
}

let server: ObservabilityServer;
beforeEach(async () => {
  Object.assign(state, { alive: true, ready: true, waitingFor: [], broken: false });
  server = await startServer({ host: '127.0.0.1', port: 0 }, answers, silent);
});
afterEach(() => server.close());

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(path: string, method = 'GET', body = ''): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const asked = request({ host: '127.0.0.1', port: server.port, path, method, agent: false }, (response) => {
    text(response).then(
      (received) => resolve({ status: response.statusCode, headers: response.headers, body: received }),
      reject,
    );
  });
  asked.on('error', reject).end(body);
  return promise;
}

describe('what is answered', () => {
  interface Case {
    readonly given?: Partial<typeof state>;
    readonly path: string;
    readonly method?: string;
    readonly status: number;
    readonly body: string;
  }
  const cases: Record<string, Case> = {
    'livez is ok while the process is alive': { path: '/livez', status: 200, body: 'ok\n' },
    'livez fails when the check says so': {
      given: { alive: false },
      path: '/livez',
      status: 503,
      body: 'not alive\n',
    },
    'livez does not care for readiness': {
      given: { ready: false },
      path: '/livez',
      status: 200,
      body: 'ok\n',
    },
    'readyz is ok when ready': { path: '/readyz', status: 200, body: 'ok\n' },
    'readyz lists what is waited for': {
      given: { ready: false, waitingFor: ['leadership', 'list of secrets'] },
      path: '/readyz',
      status: 503,
      body: 'not ready\nwaiting for leadership\nwaiting for list of secrets\n',
    },
    'a query does not matter': { path: '/readyz?verbose', status: 200, body: 'ok\n' },
    'metrics are passed on': { path: '/metrics', status: 200, body: 'leases 3\n' },
    'any other path is unknown': { path: '/healthz', status: 404, body: 'not found\n' },
    'so is the root': { path: '/', status: 404, body: 'not found\n' },
    'a path below is another path': { path: '/livez/x', status: 404, body: 'not found\n' },
    'a name of every object is no path': { path: '/constructor', status: 404, body: 'not found\n' },
    'HEAD has no body': { path: '/livez', method: 'HEAD', status: 200, body: '' },
    'POST is refused': { path: '/livez', method: 'POST', status: 405, body: 'GET and HEAD only\n' },
    'DELETE is refused': { path: '/metrics', method: 'DELETE', status: 405, body: 'GET and HEAD only\n' },
    'a check that throws is a failure without its reason': {
      given: { broken: true },
      path: '/livez',
      status: 500,
      body: 'failed\n',
    },
    'metrics that throw are a failure without their reason': {
      given: { broken: true },
      path: '/metrics',
      status: 500,
      body: 'failed\n',
    },
  };

  test.each(Object.entries(cases))('%s', async (_, { given, path, method, status, body }) => {
    Object.assign(state, given);
    expect(await ask(path, method)).toMatchObject({ status, body });
  });

  test('metrics keep their content type, all else is plain text, nothing is cached', async () => {
    expect((await ask('/metrics')).headers).toMatchObject({ 'content-type': 'text/plain; version=0.0.4' });
    expect((await ask('/livez')).headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  });

  test('a refused method is told which ones are allowed', async () => {
    expect((await ask('/livez', 'PUT')).headers).toMatchObject({ allow: 'GET, HEAD' });
  });

  test('a body that nobody asked for ends the connection', async () => {
    expect((await ask('/livez', 'POST', 'x'.repeat(100))).headers).toMatchObject({ connection: 'close' });
  });
});

describe('the socket', () => {
  test('headers above the limit are refused', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(10_000)}\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('an address in use is an error, not a crash', async () => {
    await expect(
      startServer({ host: '127.0.0.1', port: server.port }, answers, silent),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('closing ends idle and half-sent connections at once, and may be repeated', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /livez HTTP/1.1\r\n');
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    // Reset or ended, both will do: it must not stay open.
    socket.on('error', () => {}).on('close', () => resolve());
    await server.close();
    await ended;
    await server.close();
    await expect(ask('/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
