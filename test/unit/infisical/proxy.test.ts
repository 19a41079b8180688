import { describe, expect, test } from 'vitest';

import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import type { TLSMaterial } from '../../../src/infisical/dial.ts';
import { createTransport, type Transport, type TransportRequest } from '../../../src/infisical/transport.ts';
import { parseAllowedHosts } from '../../../src/network/allowed-hosts.ts';
import { noProxies, readProxies, type Proxies } from '../../../src/network/proxies.ts';
import { serverClock } from '../../../src/server-clock.ts';
import { startConnectProxy, type ConnectProxyOptions } from '../../support/connect-proxy.ts';
import { virtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { json, scriptedServer, silence } from './scripted-server.ts';
import { recordedTelemetry } from './telemetry.ts';

const NAME = 'infisical.example.com';
const certificates = createCertificates({ names: [NAME] });
const tls = { ca: certificates.ca };

interface Setting {
  readonly transport: Transport;
  readonly clock: VirtualClock;
}

/** No name service: whoever looks a name up himself gets no further. */
function setting(
  host: string,
  proxies: Proxies,
  { material = tls, list = 'public,http://public' }: { material?: TLSMaterial; list?: string } = {},
): Setting {
  const clock = virtualClock();
  const transport = createTransport({
    host,
    proxies,
    tls: material,
    rule: { rule: 'listed', hosts: parseAllowedHosts(list) ?? [] },
    resolve: (_name, done) => done(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), []),
    clock,
    serverClock: serverClock(clock),
    ...recordedTelemetry(),
  });
  return { transport, clock };
}

function ask(overrides: Partial<TransportRequest> = {}): TransportRequest {
  return { method: 'GET', path: '/status', deadline: 60_000, route: 'status', ...overrides };
}

function proxiesOf(url: string): Proxies {
  return { ...noProxies, http: url, https: url };
}

function portOf(url: string): string {
  return new URL(url).port;
}

describe('a server behind a proxy', () => {
  test('is reached over https by a tunnel, by name, and verified by its own name', async () => {
    await using server = await scriptedServer(certificates);
    server.on('status', json(200, { ok: true }));
    const ways = { [`${NAME}:443`]: `127.0.0.1:${portOf(server.host)}` };
    await using proxy = await startConnectProxy({ ways });
    const { transport } = setting(`https://${NAME}`, proxiesOf(proxy.url));
    expect(await transport.request(ask({ token: 'abc' }))).toMatchObject({ status: 200, body: { ok: true } });
    for (let more = 0; more < 6; more += 1) {
      expect(await transport.request(ask())).toMatchObject({ status: 200 });
    }
    await transport.close();
    // A tunnel is used again: undici opens a second one when the first has not been put back yet.
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${NAME}:443`]));
    expect(proxy.asked.length).toBeLessThanOrEqual(2);
    // What is said inside it stays there.
    expect(server.received[0]?.headers).toMatchObject({ authorization: 'Bearer abc', host: NAME });
  });

  test('is reached over http by its URL', async () => {
    await using server = await scriptedServer();
    server.on('status', json(200, {}));
    await using proxy = await startConnectProxy({
      ways: { [`${NAME}:80`]: `127.0.0.1:${portOf(server.host)}` },
    });
    const { transport } = setting(`http://${NAME}`, proxiesOf(proxy.url));
    expect(await transport.request(ask())).toMatchObject({ status: 200 });
    await transport.close();
    expect(proxy.asked).toEqual([`GET http://${NAME}/api/status`]);
  });

  test('is reached with the login of the proxy, which the server never sees', async () => {
    await using server = await scriptedServer(certificates);
    server.on('status', json(200, {}));
    await using proxy = await startConnectProxy({
      ways: { [`${NAME}:443`]: `127.0.0.1:${portOf(server.host)}` },
    });
    const proxies = readProxies({ HTTPS_PROXY: proxy.url.replace('//', '//user:canary@') });
    if ('wrong' in proxies) throw new Error(proxies.wrong);
    const { transport } = setting(`https://${NAME}`, proxies);
    await transport.request(ask());
    await transport.close();
    expect(proxy.authorization()).toBe(`Basic ${Buffer.from('user:canary').toString('base64')}`);
    expect(server.received[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  test('is not trusted for the name of another, but for the name that is given', async () => {
    const other = createCertificates({ names: ['vault.example.com'] });
    await using server = await scriptedServer(other);
    server.on('status', json(200, {}));
    await using proxy = await startConnectProxy({
      ways: { [`${NAME}:443`]: `127.0.0.1:${portOf(server.host)}` },
    });
    const wrong = setting(`https://${NAME}`, proxiesOf(proxy.url), { material: { ca: other.ca } });
    expect(await wrong.transport.request(ask())).toMatchObject({
      sent: false,
      cause: { kind: 'untrusted', words: 'certificate for another host name' },
    });
    await wrong.transport.close();
    const material = { ca: other.ca, serverName: 'vault.example.com' };
    const right = setting(`https://${NAME}`, proxiesOf(proxy.url), { material });
    expect(await right.transport.request(ask())).toMatchObject({ status: 200 });
    await right.transport.close();
  });

  test('is shown the certificate of the client', async () => {
    const client = createCertificates();
    await using server = await scriptedServer({ ...certificates, ca: client.ca, requestCert: true });
    server.on('status', json(200, {}));
    await using proxy = await startConnectProxy({
      ways: { [`${NAME}:443`]: `127.0.0.1:${portOf(server.host)}` },
    });
    const material = { ...tls, client: { certificate: client.cert, key: client.key } };
    const { transport } = setting(`https://${NAME}`, proxiesOf(proxy.url), { material });
    expect(await transport.request(ask())).toMatchObject({ status: 200 });
    await transport.close();
  });

  test.each(['https://localhost', 'https://10.0.0.1', 'https://infisical.infra.svc', 'http://127.0.0.1'])(
    'is not asked for when its name is not allowed: %s',
    async (host) => {
      await using proxy = await startConnectProxy({ ways: {} });
      expect(() => setting(host, proxiesOf(proxy.url))).toThrow('--allowed-hosts');
      expect(proxy.asked).toEqual([]);
    },
  );

  test('of whom NO_PROXY speaks is reached without, and then its address counts', async () => {
    await using proxy = await startConnectProxy({ ways: {} });
    const proxies = { ...proxiesOf(proxy.url), without: 'example.com' };
    const { transport } = setting(`https://${NAME}`, proxies);
    expect(await transport.request(ask())).toMatchObject({ cause: { words: 'host name not found' } });
    await transport.close();
    expect(proxy.asked).toEqual([]);
  });
});

describe('a proxy that does not let a request through: surely nothing was sent', () => {
  const cases: Record<string, { mood: ConnectProxyOptions['mood']; scheme: string; words: string }> = {
    'it forbids the tunnel': { mood: 'forbid', scheme: 'https', words: 'it refused the tunnel' },
    'it asks for a login': { mood: 'ask for a login', scheme: 'https', words: 'it refused the tunnel' },
    'it asks for a login, over http': {
      mood: 'ask for a login',
      scheme: 'http',
      words: 'it asks for a login',
    },
    'it does not find the server': { mood: 'pass', scheme: 'https', words: 'it refused the tunnel' },
    'it breaks off': { mood: 'break off', scheme: 'https', words: 'it broke the connection off' },
  };

  test.each(Object.entries(cases))('%s', async (_sentence, { mood, scheme, words }) => {
    await using proxy = await startConnectProxy({ ways: {}, ...(mood === undefined ? {} : { mood }) });
    const { transport } = setting(`${scheme}://${NAME}`, proxiesOf(proxy.url));
    expect(await transport.request(ask({ method: 'POST', body: {} }))).toEqual({
      kind: 'failed',
      sent: false,
      cause: { kind: 'proxyRefused', words, own: true },
    });
    await transport.close();
  });

  test('nobody listens there', async () => {
    const proxy = await startConnectProxy({ ways: {} });
    await proxy[Symbol.asyncDispose]();
    const { transport } = setting(`https://${NAME}`, proxiesOf(proxy.url));
    expect(await transport.request(ask())).toMatchObject({ kind: 'failed', sent: false });
    await transport.close();
  });

  test('it says nothing until the deadline', async () => {
    await using proxy = await startConnectProxy({ ways: {}, mood: 'be silent' });
    const { transport, clock } = setting(`https://${NAME}`, proxiesOf(proxy.url));
    const outcome = transport.request(ask());
    await expect.poll(() => proxy.asked.length).toBe(1);
    await clock.run(60_000);
    expect(await outcome).toMatchObject({ kind: 'failed', sent: false });
  });
});

test('a server behind a proxy that says nothing leaves the fate open', async () => {
  await using server = await scriptedServer(certificates);
  server.on('status', silence);
  await using proxy = await startConnectProxy({
    ways: { [`${NAME}:443`]: `127.0.0.1:${portOf(server.host)}` },
  });
  const { transport, clock } = setting(`https://${NAME}`, proxiesOf(proxy.url));
  const outcome = transport.request(ask());
  await server.arrived(1);
  await clock.run(60_000);
  expect(await outcome).toMatchObject({ kind: 'failed', sent: true });
  await transport.close();
});
