import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { connectionSpec } from '../../../src/api/infisical-connection.ts';
import { FaultError } from '../../../src/errors.ts';
import type { Resolve } from '../../../src/infisical/dial.ts';
import type { Outcome } from '../../../src/infisical/exchange.ts';
import { createTransport, type Transport } from '../../../src/infisical/transport.ts';
import { parseAllowedHosts, type DialRule } from '../../../src/network/allowed-hosts.ts';
import { serverClock } from '../../../src/server-clock.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { answers, hosts, refusedByPattern } from './ssrf-corpus.ts';
import { recordedTelemetry } from './telemetry.ts';

/** Servers inside, at one port of several addresses of loopback, that count who comes. */
let servers: readonly Server[] = [];
let port = 0;
const came: string[] = [];

async function listen(address: string): Promise<Server> {
  const server = createServer((request, response) => {
    const elsewhere = `http://127.0.0.2:${String(port)}/inside`;
    response.writeHead(302, { location: elsewhere, 'content-type': 'application/json' }).end('{}');
    request.resume();
  });
  server.on('connection', ({ localAddress }) => came.push(localAddress ?? ''));
  server.listen(port, address);
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  return server;
}

beforeAll(async () => {
  servers = [await listen('127.0.0.1'), await listen('127.0.0.2')];
});

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** What is allowed by default, and the same without TLS: so that nothing is refused for its scheme alone. */
const byDefault = 'public,http://public';

function rule(list: string): DialRule {
  return { rule: 'listed', hosts: parseAllowedHosts(list) ?? [] };
}

function transportTo(host: string, list = byDefault, resolve?: Resolve): Transport {
  const clock = virtualClock();
  return createTransport({
    host,
    rule: rule(list),
    resolve,
    clock,
    serverClock: serverClock(clock),
    ...recordedTelemetry(),
  });
}

/** A name service of the test's own; each look-up takes the next answer, the last one again and again. */
function nameService(...all: readonly (readonly string[])[]): { resolve: Resolve; lookups: () => number } {
  let lookups = 0;
  return {
    lookups: () => lookups,
    resolve(_host, done) {
      const addresses = all[Math.min(lookups, all.length - 1)] ?? [];
      lookups += 1;
      done(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      );
    },
  };
}

async function ask(transport: Transport): Promise<Outcome> {
  const outcome = await transport.request({
    method: 'GET',
    path: '/status',
    deadline: 60_000,
    route: 'status',
  });
  await transport.close();
  return outcome;
}

function faultOf(outcome: Outcome): string | undefined {
  return outcome.kind === 'failed' && outcome.cause.kind === 'fault' ? outcome.cause.fault.code : undefined;
}

test('there are more than a hundred forms', () => {
  for (const forms of [hosts, refusedByPattern]) expect(new Set(forms).size).toBe(forms.length);
  expect(hosts.length + Object.keys(answers).length).toBeGreaterThan(120);
});

describe.each(['http', 'https'])('a host that leads inside, over %s: no transport is made', (scheme) => {
  test.each(hosts)('%s', (host) => {
    const hostAPI = `${scheme}://${host}:${String(port)}`;
    // The operator, and nobody before it, has to refuse these.
    expect(connectionSpec.shape.hostAPI.safeParse(hostAPI).success).toBe(true);
    let code: string | undefined;
    try {
      transportTo(hostAPI);
    } catch (error) {
      code = error instanceof FaultError ? error.fault.code : undefined;
    }
    expect(code).toBe('HostNotAllowed');
    expect(came).toEqual([]);
  });
});

describe.each(['http', 'https'])(
  'a name whose addresses lead inside, over %s: nothing is dialled',
  (scheme) => {
    test.each(Object.entries(answers))('%s', async (_sentence, addresses) => {
      const { resolve, lookups } = nameService(addresses);
      const transport = transportTo(`${scheme}://rebind.example.com:${String(port)}`, byDefault, resolve);
      const outcome = await ask(transport);
      expect(outcome).toMatchObject({ kind: 'failed', sent: false });
      expect(faultOf(outcome)).toBe('AddressNotAllowed');
      expect(lookups()).toBe(1);
      expect(came).toEqual([]);
    });
  },
);

describe('an address that the API server does not accept', () => {
  test.each(refusedByPattern)('%j', (hostAPI) => {
    expect(connectionSpec.shape.hostAPI.safeParse(hostAPI).success).toBe(false);
  });
});

function url(host: string): string {
  return `http://${host}:${String(port)}`;
}

describe('what is allowed', () => {
  test('the listeners do count', async () => {
    came.length = 0;
    expect(await ask(transportTo(url('127.0.0.1'), 'http://127.0.0.1'))).toMatchObject({ status: 302 });
    expect(came).toEqual(['127.0.0.1']);
  });

  test('a redirect to the inside is an answer, and nobody goes there', async () => {
    came.length = 0;
    const { resolve } = nameService(['127.0.0.1']);
    const transport = transportTo(url('example.com'), 'http://public,http://127.0.0.1', resolve);
    expect(await ask(transport)).toMatchObject({ kind: 'answered', status: 302 });
    expect(came).toEqual(['127.0.0.1']);
  });

  test('a name that says otherwise after the check: the address that was checked is dialled', async () => {
    came.length = 0;
    const { resolve, lookups } = nameService(['127.0.0.1'], ['127.0.0.2']);
    const transport = transportTo(url('example.com'), 'http://public,http://127.0.0.1', resolve);
    expect(await ask(transport)).toMatchObject({ status: 302 });
    expect(lookups()).toBe(1);
    expect(came).toEqual(['127.0.0.1']);
  });

  test('a name that says otherwise at the next connection is not followed there', async () => {
    came.length = 0;
    const { resolve } = nameService(['127.0.0.1'], ['127.0.0.2']);
    const allowed = 'http://public,http://127.0.0.1';
    expect(await ask(transportTo(url('example.com'), allowed, resolve))).toMatchObject({ status: 302 });
    const outcome = await ask(transportTo(url('example.com'), allowed, resolve));
    expect(faultOf(outcome)).toBe('AddressNotAllowed');
    expect(came).toEqual(['127.0.0.1']);
  });

  test('one address of several that is not listed spoils the answer', async () => {
    came.length = 0;
    const { resolve } = nameService(['127.0.0.1', '127.0.0.2']);
    const transport = transportTo(url('example.com'), 'http://public,http://127.0.0.1', resolve);
    expect(faultOf(await ask(transport))).toBe('AddressNotAllowed');
    expect(came).toEqual([]);
  });

  test('a name that nobody knows is unreachable: the name service gives an error, and no addresses at all', async () => {
    const transport = transportTo(url('example.com'), byDefault, (_host, done) =>
      done(Object.assign(new Error('none'), { code: 'ENOTFOUND' })),
    );
    expect(await ask(transport)).toMatchObject({ sent: false, cause: { words: 'host name not found' } });
  });

  test('a name without an address is unreachable', async () => {
    const { resolve } = nameService([]);
    const transport = transportTo(url('example.com'), byDefault, resolve);
    expect(await ask(transport)).toMatchObject({ cause: { words: 'host name not found' } });
  });
});
