import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { describe, expect, test } from 'vitest';

import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import { FaultError } from '../../../src/errors.ts';
import type { Outcome } from '../../../src/infisical/exchange.ts';
import { createTransport, type Transport, type TransportRequest } from '../../../src/infisical/transport.ts';
import { serverClock } from '../../../src/server-clock.ts';
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts';
import {
  html,
  json,
  large,
  type Reply,
  reset,
  scriptedServer,
  silence,
  stuckBody,
  text,
  truncated,
} from './scripted-server.ts';
import { recordedTelemetry } from './telemetry.ts';

const DEADLINE = 60_000;

interface Setting {
  readonly transport: Transport;
  readonly clock: VirtualClock;
  readonly now: () => number | undefined;
  readonly telemetry: ReturnType<typeof recordedTelemetry>;
}

function setting(host: string, ca?: string): Setting {
  const clock = virtualClock();
  const time = serverClock(clock);
  const telemetry = recordedTelemetry();
  const { log, metrics } = telemetry;
  const transport = createTransport({
    host,
    rule: { rule: 'administrator' },
    tls: { ca },
    clock,
    serverClock: time,
    log,
    metrics,
  });
  return { transport, clock, now: () => time.now(), telemetry };
}

function ask(overrides: Partial<TransportRequest> = {}): TransportRequest {
  return { method: 'GET', path: '/status', deadline: DEADLINE, route: 'status', ...overrides };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

describe('what becomes of a request', () => {
  const cases: Record<string, { reply: Reply; outcome: Partial<Outcome>; label: string }> = {
    'an answer in JSON is handed on with its status': {
      reply: json(404, { error: 'NotFound' }),
      outcome: { kind: 'answered', status: 404, body: { error: 'NotFound' } },
      label: '404',
    },
    'a JSON type with a suffix is JSON too': {
      reply: text(200, 'application/problem+json', '{}'),
      outcome: { kind: 'answered', status: 200, body: {} },
      label: '200',
    },
    'a page is not parsed, whatever its status': {
      reply: html(200),
      outcome: { kind: 'unreadable', status: 200, problem: 'not marked as JSON' },
      label: 'unreadable',
    },
    'an answer without a body is unreadable': {
      reply: (response) => response.writeHead(204).end(),
      outcome: { kind: 'unreadable', status: 204, problem: 'not marked as JSON' },
      label: 'unreadable',
    },
    'a body that is not JSON although it says so is unreadable': {
      reply: text(200, 'application/json', '{"lease":'),
      outcome: { kind: 'unreadable', status: 200, problem: 'not valid JSON' },
      label: 'unreadable',
    },
    'a body over the cap is not read, when it is announced': {
      reply: large(2048, { announced: true }),
      outcome: { kind: 'unreadable', status: 200, problem: 'too large' },
      label: 'unreadable',
    },
    'a body over the cap is not read to its end, when it is not announced': {
      reply: large(2048, { announced: false }),
      outcome: { kind: 'unreadable', status: 200, problem: 'too large' },
      label: 'unreadable',
    },
    'a redirect is an answer and is not followed': {
      reply: json(302, {}, { location: '/elsewhere' }),
      outcome: { kind: 'answered', status: 302 },
      label: '3xx',
    },
    'a connection that breaks off before the answer leaves the fate open': {
      reply: reset,
      outcome: { kind: 'failed', sent: true },
      label: 'lost',
    },
    'a connection that breaks off within the body leaves the fate open': {
      reply: truncated,
      outcome: { kind: 'failed', sent: true },
      label: 'lost',
    },
  };

  test.each(Object.entries(cases))('%s', async (_sentence, { reply, outcome, label }) => {
    await using server = await scriptedServer();
    server.on('status', reply);
    const { transport, telemetry } = setting(server.host);
    expect(await transport.request(ask({ maxBytes: 1024 }))).toMatchObject(outcome);
    expect(telemetry.counts).toEqual([['apiAnswered', 'status', label, 0]]);
    expect(server.received).toHaveLength(1);
    await transport.close();
  });

  test('the interim answers of HTTP are passed over', async () => {
    await using server = await scriptedServer();
    server.on('status', (response, request) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      json(200, { message: 'Ok' })(response, request);
    });
    const { transport } = setting(server.host);
    expect(await transport.request(ask())).toMatchObject({ kind: 'answered', status: 200 });
    await transport.close();
  });
});

describe('the deadline', () => {
  const cases: Record<string, Reply> = {
    'passes while the server says nothing': silence,
    'passes while the body does not come to its end': stuckBody,
  };

  test.each(Object.entries(cases))('%s', async (_sentence, reply) => {
    await using server = await scriptedServer();
    server.on('status', reply);
    const { transport, clock } = setting(server.host);
    const outcome = transport.request(ask());
    await server.arrived(1);
    await clock.run(DEADLINE);
    expect(await outcome).toMatchObject({ kind: 'failed', sent: true });
    expect(clock.timers).toBe(0);
    await transport.close();
  });

  test('a request that waited for a connection until its deadline is never sent', async () => {
    await using server = await scriptedServer();
    server.on('status', silence);
    const { transport, clock } = setting(server.host);
    const first = Array.from({ length: 16 }, () => transport.request(ask({ deadline: 2 * DEADLINE })));
    await server.arrived(16);
    const late = transport.request(ask());
    await clock.run(DEADLINE);
    expect(await late).toMatchObject({ kind: 'failed', sent: false });
    await clock.run(DEADLINE);
    await Promise.all(first);
    await transport.close();
    expect(server.received).toHaveLength(16);
  });

  test('a deadline that has passed already sends nothing', async () => {
    await using server = await scriptedServer();
    const { transport, clock } = setting(server.host);
    clock.advance(DEADLINE);
    expect(await transport.request(ask())).toMatchObject({ kind: 'failed', sent: false });
    expect(server.received).toHaveLength(0);
  });
});

describe('what surely was not sent', () => {
  test('nobody listens', async () => {
    const { transport } = setting(`http://127.0.0.1:${String(await freePort())}`);
    expect(await transport.request(ask())).toEqual({
      kind: 'failed',
      sent: false,
      cause: { kind: 'unreachable', words: 'connection refused' },
    });
  });

  test('a token that no header can carry', async () => {
    await using server = await scriptedServer();
    const { transport } = setting(server.host);
    expect(await transport.request(ask({ token: 'line\nbreak' }))).toEqual({
      kind: 'failed',
      sent: false,
      cause: { kind: 'unreachable', words: 'the access token is no valid header', own: true },
    });
    expect(server.received).toHaveLength(0);
  });

  test('a client that is closed', async () => {
    await using server = await scriptedServer();
    const { transport } = setting(server.host);
    await transport.close();
    expect(await transport.request(ask())).toMatchObject({ kind: 'failed', sent: false });
  });
});

describe('TLS', () => {
  const trusted = createCertificates();
  const expired = createCertificates({ notBefore: 0, notAfter: 86_400_000 });

  test('a server whose certificate the given CA has signed is trusted', async () => {
    await using server = await scriptedServer(trusted);
    server.on('status', json(200, {}));
    const { transport } = setting(server.host, trusted.ca);
    expect(await transport.request(ask())).toMatchObject({ kind: 'answered', status: 200 });
    await transport.close();
  });

  const cases: Record<string, { server: typeof trusted; ca: string | undefined; words: string }> = {
    'no CA is given': { server: trusted, ca: undefined, words: 'unknown issuer' },
    'another CA is given': { server: trusted, ca: expired.ca, words: 'unknown issuer' },
    'the certificate has expired': { server: expired, ca: expired.ca, words: 'certificate expired' },
  };

  test.each(Object.entries(cases))(
    'nothing is sent when %s',
    async (_sentence, { server: own, ca, words }) => {
      await using server = await scriptedServer(own);
      const { transport } = setting(server.host, ca);
      expect(await transport.request(ask())).toEqual({
        kind: 'failed',
        sent: false,
        cause: { kind: 'untrusted', words },
      });
      expect(server.received).toHaveLength(0);
    },
  );

  test('a port that speaks no TLS is unreachable, not untrusted', async () => {
    await using server = await scriptedServer();
    const { transport } = setting(server.host.replace('http:', 'https:'));
    expect(await transport.request(ask())).toMatchObject({
      kind: 'failed',
      sent: false,
      cause: { kind: 'unreachable', words: 'no TLS on this port' },
    });
  });
});

describe('what is sent', () => {
  test('a bearer token and a body in JSON, below /api of the host', async () => {
    await using server = await scriptedServer();
    server.on('other', json(200, {}));
    const { transport } = setting(`${server.host}/infisical`);
    await transport.request(
      ask({ method: 'DELETE', path: '/v1/thing', query: { path: '/a b' }, body: { a: 1 }, token: 'abc' }),
    );
    expect(server.received[0]).toMatchObject({
      method: 'DELETE',
      path: '/infisical/api/v1/thing',
      query: { path: '/a b' },
      body: { a: 1 },
      headers: {
        authorization: 'Bearer abc',
        'content-type': 'application/json',
        accept: 'application/json',
      },
    });
    await transport.close();
  });

  test.each(['POST', 'PATCH', 'DELETE'] as const)('over connections that are kept, a %s', async (method) => {
    await using server = await scriptedServer();
    server.on('other', json(200, {}));
    const { transport } = setting(server.host);
    for (let count = 0; count < 10; count += 1)
      await transport.request(ask({ method, path: '/v1/thing', body: { a: 1 } }));
    expect(server.received).toHaveLength(10);
    // The first one may not be free again at once.
    expect(server.connections).toBeLessThanOrEqual(2);
    await transport.close();
  });

  test('no token to a login, even when there is one', async () => {
    await using server = await scriptedServer();
    server.on('login', json(200, {}));
    const { transport } = setting(server.host);
    await transport.request(
      ask({ method: 'POST', path: '/v1/auth/universal-auth/login', body: {}, token: 'abc' }),
    );
    expect(server.received[0]?.headers['authorization']).toBeUndefined();
    await transport.close();
  });
});

describe("the server's time", () => {
  const date = 'Thu, 01 Jan 2026 12:00:00 GMT';
  const middle = Date.parse(date) + 500;
  const cases: Record<string, { reply: Reply; now: number | undefined }> = {
    'is learnt from an answer': { reply: json(200, {}, { date }), now: middle },
    'is learnt from a failure': { reply: json(500, {}, { date }), now: middle },
    'is not learnt from an old answer out of a cache': {
      reply: json(200, {}, { date, age: '30' }),
      now: undefined,
    },
    'is not learnt from a page': {
      reply: (response) => response.writeHead(200, { 'content-type': 'text/html', date }).end(),
      now: undefined,
    },
  };

  test.each(Object.entries(cases))('%s', async (_sentence, { reply, now }) => {
    await using server = await scriptedServer();
    server.on('status', reply);
    const actual = setting(server.host);
    await actual.transport.request(ask());
    expect(actual.now()).toBe(now);
    await actual.transport.close();
  });
});

describe('what is refused at once', () => {
  const cases: Record<string, { host?: string; ca?: string; field: string }> = {
    'a host that is no address': { host: 'https://[', field: 'spec.hostAPI' },
    'a CA without a certificate': { ca: '-----BEGIN CERTIFICATE-----', field: 'spec.caBundle' },
    'a CA with a certificate that cannot be read': {
      ca: `${createCertificates().ca}-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n`,
      field: 'spec.caBundle',
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { host = 'https://localhost', ca, field }) => {
    const create = (): unknown => setting(host, ca);
    expect(create).toThrow(FaultError);
    expect(create).toThrow(field);
  });
});
