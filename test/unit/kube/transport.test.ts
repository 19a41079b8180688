import { afterEach, describe, expect, test } from 'vitest';

import type { Clock } from '../../../src/clock.ts';
import type { KubeAccess, KubeTLS } from '../../../src/kube/access.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { openTransport, reserving, type KubeRequest, type Transport } from '../../../src/kube/transport.ts';
import { standardTiming } from '../../../src/timing.ts';
import { hastyClock } from './support/hasty-clock.ts';
import { json, loopback, refuse, type Handler, type Loopback } from './support/loopback.ts';
import { memoryMetrics } from './support/telemetry.ts';

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

interface Started {
  readonly server: Loopback;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly answers: string[];
  /** How often the credentials were read anew. */
  refreshes: number;
  token: string;
  tls: KubeTLS;
}

/** Starts a server and a transport to it; time runs 20 times as fast. */
async function start(
  handler: Handler,
  options: { connections?: number; path?: string } = {},
): Promise<Started> {
  const server = await loopback(handler);
  open.push(server);
  const clock = hastyClock(20);
  const { metrics, answers } = memoryMetrics();
  const credentials = () =>
    Promise.resolve({ headers: { authorization: `Bearer ${started.token}` }, tls: started.tls });
  const access: KubeAccess = {
    server: server.url + (options.path ?? ''),
    namespace: 'default',
    credentials,
    refresh() {
      started.refreshes += 1;
      started.token = `token-${String(started.refreshes)}`;
      return credentials();
    },
  };
  const transport = openTransport({
    access,
    clock,
    timing: { ...standardTiming, watchWatchdog: 40_000 },
    metrics,
    userAgent: 'leaseholder/test',
    ...(options.connections === undefined ? {} : { connections: options.connections }),
  });
  open.push({ [Symbol.asyncDispose]: () => transport.close() });
  const started: Started = { server, transport, clock, answers, refreshes: 0, token: 'token-0', tls: {} };
  return started;
}

const get: KubeRequest = { method: 'GET', path: '/api/v1/secrets', verb: 'list', resource: 'secrets' };
const post: KubeRequest = {
  method: 'POST',
  path: '/api/v1/secrets',
  verb: 'create',
  resource: 'secrets',
  body: {},
};

async function failureOf(promise: Promise<unknown>): Promise<KubeError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof KubeError)) throw new TypeError('It should have failed with a KubeError.');
  return outcome;
}

describe('a request', () => {
  test('carries the query, the credentials and who asks', async () => {
    const { server, transport, answers } = await start((_, response) => json(response, { items: [] }));
    const query = { labelSelector: 'a=b,c', limit: 500, watch: undefined };
    expect(await transport.request({ ...get, query })).toEqual({ items: [] });
    const [received] = server.received;
    expect(received?.path).toBe('/api/v1/secrets');
    expect([...(received?.query ?? [])]).toEqual([
      ['labelSelector', 'a=b,c'],
      ['limit', '500'],
    ]);
    expect(received?.headers).toMatchObject({
      authorization: 'Bearer token-0',
      accept: 'application/json',
      'user-agent': 'leaseholder/test',
    });
    expect(received?.headers['content-type']).toBeUndefined();
    expect(received?.headers['accept-encoding']).toBeUndefined();
    expect(answers).toEqual(['list secrets 200']);
  });

  test('carries a body in the form that is asked for', async () => {
    const { server, transport } = await start((_, response) => json(response, {}, 201));
    const body = { metadata: { name: 'ä' } };
    await transport.request({
      ...post,
      body,
      contentType: 'application/merge-patch+json',
      accept: 'application/json;x',
    });
    expect(server.received[0]).toMatchObject({ method: 'POST', body: JSON.stringify(body) });
    expect(server.received[0]?.headers).toMatchObject({
      'content-type': 'application/merge-patch+json',
      accept: 'application/json;x',
    });
  });

  test('goes below the path of a server that has one', async () => {
    const { server, transport } = await start((_, response) => json(response, {}), {
      path: '/k8s/clusters/c-1',
    });
    await transport.request(get);
    expect(server.received[0]?.path).toBe('/k8s/clusters/c-1/api/v1/secrets');
  });

  test('shares few connections with hundreds of others', async () => {
    const { server, transport } = await start((_, response) => json(response, {}), { connections: 3 });
    await Promise.all(Array.from({ length: 300 }, () => transport.request(get)));
    expect(server.received).toHaveLength(300);
    expect(server.connections).toBeLessThanOrEqual(3);
  });

  test.each(['GET', 'POST', 'PATCH', 'DELETE'] as const)(
    'leaves the connection open, a %s',
    async (method) => {
      const { server, transport } = await start((_, response) => json(response, {}), { connections: 1 });
      const body = method === 'GET' ? {} : { body: { kind: 'DeleteOptions' } };
      for (let count = 0; count < 5; count += 1) await transport.request({ ...get, method, ...body });
      expect([server.received.length, server.connections]).toEqual([5, 1]);
    },
  );

  test('that is reserved does not wait while others use all connections', async () => {
    const waiting: (() => void)[] = [];
    const { server, transport } = await start(
      ({ path }, response) =>
        path.endsWith('/leases') ? json(response, {}) : waiting.push(() => json(response, {})),
      { connections: 2 },
    );
    const others = [transport.request(get), transport.request(get)];
    await expect.poll(() => server.received.length).toBe(2);
    await reserving(transport).request({ ...get, path: '/apis/coordination.k8s.io/v1/leases' });
    expect(server.connections).toBe(3);
    for (const answer of waiting) answer();
    await Promise.all(others);
  });

  test('goes over new connections when the TLS material has changed', async () => {
    const started = await start((_, response) => json(response, {}), { connections: 1 });
    await started.transport.request(get);
    await started.transport.request(get);
    expect(started.server.connections).toBe(1);
    started.tls = { ca: 'another' };
    await started.transport.request(get);
    expect(started.server.connections).toBe(2);
    await expect.poll(() => started.server.open).toBe(1);
  });

  test("tells the server's time from its answers", async () => {
    const date = 'Thu, 01 Jan 2032 00:00:00 GMT';
    const { transport, clock } = await start((_, response) => json(response, {}, 200, { date }));
    expect(transport.now()).toBeUndefined();
    const before = clock.elapsed();
    await transport.request(get);
    const passed = clock.elapsed() - before;
    const instant = Date.parse(date);
    expect(transport.now()).toBeGreaterThan(instant - passed);
    expect(transport.now()).toBeLessThan(instant + 1000 + passed);
  });
});

describe('a request that fails', () => {
  test('tells the status and the reason, and nothing of the body', async () => {
    const body = { kind: 'Status', reason: 'Invalid', message: 'Invalid value: "hunter2"', code: 422 };
    const { transport, answers } = await start((_, response) => json(response, body, 422));
    const failure = await failureOf(transport.request(post));
    expect(failure).toMatchObject({ status: 422, reason: 'Invalid' });
    expect(failure.message).toBe('The request to create secrets was answered with 422 (Invalid).');
    expect(answers).toEqual(['create secrets 422']);
  });

  test.each([
    ['no JSON', 200, 'hunter2 is no JSON'],
    ['half of a JSON', 200, '{"data": {"password": "hunter2"'],
    ['HTML with a status of its own', 404, '<html>hunter2</html>'],
    ['a redirection', 302, ''],
  ])('because the answer is %s', async (_sentence, status, body) => {
    const { transport } = await start((_, response) => response.writeHead(status).end(body));
    const failure = await failureOf(transport.request(get));
    expect(failure).toMatchObject({ status, reason: 'UnexpectedAnswer' });
    expect(`${failure.message} ${String(failure.stack)} ${String(failure.cause)}`).not.toContain('hunter2');
  });

  test('because nobody is there', async () => {
    const { server, transport, answers } = await start((_, response) => json(response, {}));
    await server[Symbol.asyncDispose]();
    open.shift();
    const failure = await failureOf(transport.request(post));
    expect(failure).toMatchObject({ status: undefined, reason: 'Unreachable' });
    expect(failure.message).toBe('The request to create secrets failed (Unreachable, ECONNREFUSED).');
    expect(answers).toEqual(['create secrets 0']);
  });

  test.each<[string, Handler]>([
    ['no answer begins', () => undefined],
    ['an answer does not end', (_, response) => response.writeHead(200).write('{"a":')],
  ])('because %s within the deadline', async (_sentence, handler) => {
    const { server, transport, clock } = await start(handler);
    const before = clock.elapsed();
    expect(await failureOf(transport.request(get))).toMatchObject({ status: undefined, reason: 'Timeout' });
    expect(clock.elapsed() - before).toBeGreaterThanOrEqual(standardTiming.kubeRequestDeadline);
    expect(server.received).toHaveLength(1);
    await expect.poll(() => server.open).toBe(0);
  });

  test('because the caller gives it up', async () => {
    const stop = new AbortController();
    const { transport } = await start(() => stop.abort(new Error('enough')));
    const failure = await failureOf(transport.request({ ...post, signal: stop.signal }));
    expect(failure).toMatchObject({ status: undefined, reason: 'Aborted' });
  });

  test('because the caller gives it up while it waits for a connection; it is never sent', async () => {
    const waiting: (() => void)[] = [];
    const { server, transport } = await start((_, response) => waiting.push(() => json(response, {})), {
      connections: 1,
    });
    const first = transport.request(get);
    await expect.poll(() => server.received.length).toBe(1);
    const stop = new AbortController();
    const second = failureOf(transport.request({ ...post, signal: stop.signal }));
    const third = transport.request(get);
    stop.abort();
    expect(await second).toMatchObject({ status: undefined, reason: 'Aborted' });
    waiting.shift()?.();
    await first;
    await expect.poll(() => waiting.length).toBe(1);
    waiting.shift()?.();
    await third;
    expect(server.received.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  test('because the caller gives it up between two tries', async () => {
    const stop = new AbortController();
    const { server, transport } = await start((_, response) => {
      refuse(response, 429, 'TooManyRequests', { 'retry-after': '20' });
      response.once('close', () => stop.abort());
    });
    const failure = await failureOf(transport.request({ ...post, signal: stop.signal }));
    expect(failure.reason).toBe('Aborted');
    expect(server.received).toHaveLength(1);
  });

  test('because the caller had given it up before', async () => {
    const { server, transport } = await start((_, response) => json(response, {}));
    expect((await failureOf(transport.request({ ...get, signal: AbortSignal.abort() }))).reason).toBe(
      'Aborted',
    );
    expect(server.received).toHaveLength(0);
  });
});

const drop: Handler = (_, response) => response.destroy();

function refusing(code: number, headers: Record<string, string> = {}): Handler {
  return (_, response) => refuse(response, code, 'Whatever', headers);
}

describe('what is tried again', () => {
  const cases: Record<string, { request: KubeRequest; first: Handler; requests: number }> = {
    'a read after a 429': { request: get, first: refusing(429, { 'retry-after': '1' }), requests: 2 },
    'a write after a 429, which says that nothing was done': {
      request: post,
      first: refusing(429, { 'retry-after': '1' }),
      requests: 2,
    },
    'a read after a 503': { request: get, first: refusing(503), requests: 2 },
    'a read whose connection broke off': { request: get, first: drop, requests: 2 },
    'not a write after a 503': { request: post, first: refusing(503, { 'retry-after': '1' }), requests: 1 },
    'not a write whose connection broke off': { request: post, first: drop, requests: 1 },
    'not a patch whose connection broke off': {
      request: { ...post, method: 'PATCH' },
      first: drop,
      requests: 1,
    },
    'not a deletion whose connection broke off': {
      request: { ...post, method: 'DELETE' },
      first: drop,
      requests: 1,
    },
    'not a write after a 500': { request: post, first: refusing(500), requests: 1 },
    'not a read after a 404': { request: get, first: refusing(404), requests: 1 },
    'not a read after a 500': { request: get, first: refusing(500), requests: 1 },
    'not what would have to wait for longer than the deadline': {
      request: get,
      first: refusing(429, { 'retry-after': '31' }),
      requests: 1,
    },
  };

  test.each(Object.entries(cases))('%s', async (_sentence, { request, first, requests }) => {
    let asked = 0;
    const { server, transport } = await start((received, response) => {
      asked += 1;
      if (asked === 1) first(received, response);
      else json(response, { fine: true });
    });
    const answer = await transport.request(request).catch((error: unknown) => error);
    expect(server.received).toHaveLength(requests);
    expect(answer instanceof KubeError).toBe(requests === 1);
  });

  test('no earlier than the server asks', async () => {
    const times: number[] = [];
    const { transport, clock } = await start((_, response) => {
      times.push(clock.elapsed());
      if (times.length === 1) refuse(response, 429, 'TooManyRequests', { 'retry-after': '4' });
      else json(response, {});
    });
    await transport.request(post);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(4000);
  });

  test('five times at most', async () => {
    const { server, transport } = await start(refusing(429, { 'retry-after': '1' }));
    expect(await failureOf(transport.request(get))).toMatchObject({ status: 429, retryAfter: 1000 });
    expect(server.received).toHaveLength(5);
  });
});

describe('a 401', () => {
  test('has the credentials read anew, and the request sent once more', async () => {
    const started = await start((received, response) => {
      if (received.headers.authorization === 'Bearer token-1') json(response, { fine: true });
      else refuse(response, 401, 'Unauthorized');
    });
    expect(await started.transport.request(post)).toEqual({ fine: true });
    expect(started.refreshes).toBe(1);
    expect(started.answers).toEqual(['create secrets 401', 'create secrets 200']);
  });

  test('is given up when the new credentials are refused as well', async () => {
    const { server, transport } = await start((_, response) => refuse(response, 401, 'Unauthorized'));
    expect(await failureOf(transport.request(get))).toMatchObject({ status: 401, reason: 'Unauthorized' });
    expect(server.received).toHaveLength(2);
  });
});

describe('a stream', () => {
  const watch = { path: '/api/v1/secrets', resource: 'secrets' };

  async function read(transport: Transport): Promise<{ values: unknown[]; failure: unknown }> {
    const values: unknown[] = [];
    let failure: unknown;
    try {
      for await (const value of transport.stream(watch)) values.push(value);
    } catch (error) {
      failure = error;
    }
    return { values, failure };
  }

  test('yields each line and ends when the server ends it', async () => {
    const { server, transport, answers } = await start((_, response) => {
      response.write('{"n":1}\n{"n":');
      response.write('2}\n{"n":3}\n');
      response.end('{"cut');
    });
    expect(await read(transport)).toEqual({ values: [{ n: 1 }, { n: 2 }, { n: 3 }], failure: undefined });
    expect(answers).toEqual(['watch secrets 200']);
    expect(server.received[0]?.headers['accept-encoding']).toBeUndefined();
  });

  test('yields a line of many megabytes', async () => {
    const text = 'x'.repeat(20_000_000);
    const { transport } = await start((_, response) => response.end(`${JSON.stringify({ text })}\n`));
    const { values } = await read(transport);
    expect(values).toHaveLength(1);
    expect((values[0] as { text: string }).text.length).toBe(text.length);
  });

  test.each<[string, Handler, Partial<KubeError>, number]>([
    [
      'breaks off',
      (_, response) => {
        response.write('{"n":1}\n', () => response.destroy());
      },
      { status: undefined, reason: 'NoAnswer' },
      1,
    ],
    [
      'holds what is no JSON',
      (_, response) => response.end('{"n":1}\nhunter2\n'),
      { status: 200, reason: 'UnexpectedAnswer' },
      1,
    ],
    [
      'is refused',
      (_, response) => refuse(response, 403, 'Forbidden'),
      { status: 403, reason: 'Forbidden' },
      0,
    ],
    ['is never opened', () => undefined, { status: undefined, reason: 'Timeout' }, 0],
    [
      'is open and silent',
      (_, response) => response.flushHeaders(),
      { status: undefined, reason: 'Silent' },
      0,
    ],
  ])(
    'fails when it %s',
    async (_sentence, handler, expected, yielded) => {
      const { server, transport } = await start((received, response) => {
        if (received.path === watch.path) handler(received, response);
      });
      const { values, failure } = await read(transport);
      expect(failure).toBeInstanceOf(KubeError);
      expect(failure).toMatchObject(expected);
      expect(String(failure)).not.toContain('hunter2');
      expect(values).toHaveLength(yielded);
      await expect.poll(() => server.open).toBeLessThanOrEqual(1);
    },
    15_000,
  );

  test('lives for as long as bytes come, though no line is whole', async () => {
    let written = 0;
    const { transport, clock } = await start((_, response) => {
      const drip = (): void => {
        written += 1;
        if (written < 8) response.write(' ');
        else response.end('{"n":1}\n');
        if (written < 8) clock.after(500, drip);
      };
      drip();
    });
    const values: unknown[] = [];
    for await (const value of transport.stream(watch, { silence: 2000 })) values.push(value);
    expect(values).toEqual([{ n: 1 }]);
  });

  test('closes its connection when the reader leaves', async () => {
    const { server, transport } = await start((_, response) => response.write('{"n":1}\n'));
    for await (const value of transport.stream(watch)) {
      expect(value).toEqual({ n: 1 });
      break;
    }
    await expect.poll(() => server.open).toBe(0);
  });

  test('does not use up the connections of requests', async () => {
    const { server, transport } = await start(
      (received, response) => {
        if (received.path === watch.path) response.write('{"n":1}\n');
        else json(response, {});
      },
      { connections: 1 },
    );
    const streams = Array.from({ length: 5 }, () => transport.stream(watch));
    await Promise.all(streams.map((stream) => stream.next()));
    await transport.request({ ...get, path: '/other' });
    expect(server.open).toBe(6);
    await Promise.all(streams.map((stream) => stream.return()));
  });

  test('breaks off when the transport is closed', async () => {
    const { transport } = await start((_, response) => response.write('{"n":1}\n'));
    const reading = read(transport);
    await expect.poll(() => transport.now()).toBeDefined();
    await transport.close();
    expect((await reading).failure).toBeInstanceOf(KubeError);
  });
});

describe('a write that needs a permit', () => {
  test('is not sent without it, and counts as no request', async () => {
    const { transport, server, answers } = await start((_received, response) => json(response, {}));
    await expect(transport.request({ ...post, permit: () => false })).rejects.toMatchObject({
      name: 'KubeError',
      reason: 'NotLeading',
      status: undefined,
    });
    expect(server.received).toEqual([]);
    expect(answers).toEqual([]);
  });

  test('is asked for it each time that it is sent', async () => {
    const asked = [true, false];
    const { transport, server } = await start((_received, response) =>
      refuse(response, 429, 'TooManyRequests'),
    );
    const request = transport.request({ ...post, permit: () => asked.shift() ?? true });
    await expect(request).rejects.toMatchObject({ reason: 'NotLeading' });
    expect(server.received).toHaveLength(1);
    expect(asked).toEqual([]);
  });

  test('goes through with it', async () => {
    const { transport } = await start((_received, response) => json(response, { ok: true }));
    expect(await transport.request({ ...post, permit: () => true })).toEqual({ ok: true });
  });
});
