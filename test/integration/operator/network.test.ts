import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import { API_VERSION } from '../../../src/api/names.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import { startProxy, type Certificates, type Proxy } from '../../support/proxy.ts';
import {
  conditionOf,
  connectionObjects,
  leaseManifest,
  startStage,
  type OperatorChoice,
  type Stage,
} from '../../support/stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

/** What speaks TLS in front of the lease API. */
function tlsServer(certificates: Certificates): Promise<Proxy> {
  return startProxy({ target: stage.api.url, certificates, handle: (exchange) => exchange.relay() });
}

/** A connection to a port of loopback, and what its spec says of TLS. */
function connection(name: string, hostAPI: string, spec: object = {}): readonly object[] {
  const [login, made] = connectionObjects(stage, { name, hostAPI }) as [object, { spec: object }];
  return [login, { ...made, spec: { ...made.spec, ...spec } }];
}

function kept(kind: 'ConfigMap' | 'Secret', name: string, data: Record<string, string>): object {
  const metadata = { name, namespace: 'default' };
  return { apiVersion: 'v1', kind, metadata, [kind === 'Secret' ? 'stringData' : 'data']: data };
}

const lease = (name: string): object => leaseManifest(name, { connectionRef: { name } });

const ref = (name: string, key: string): object => ({ name, key });

async function gone(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await stage.kubectl('delete', 'dsl', name, '--timeout=60s');
    await stage.kubectl('delete', 'infisicalconnection', name, '--timeout=60s');
  }
}

async function logins(): Promise<number> {
  return (await stage.api.readLedger()).entries.filter(({ event }) => event === 'login').length;
}

/** An operator for one test: it ends before the next one begins. */
async function operating(choice: OperatorChoice): Promise<AsyncDisposable> {
  return stage.startOperator({ scale: 0.05, ...choice });
}

describe('TLS', () => {
  const bundle = ref('company-ca', 'ca.crt');
  const sources = {
    ConfigMap: { caBundle: { configMapKeyRef: bundle } },
    Secret: { caBundle: { secretKeyRef: bundle } },
  };

  it.each(['ConfigMap', 'Secret'] as const)(
    'trusts a CA in a %s, and another one when that changes, with the same session',
    async (kind) => {
      const name = `ca-${kind.toLowerCase()}`;
      const [first, second] = [createCertificates(), createCertificates()];
      await using server = await tlsServer(first);
      await using _operator = await operating({});
      const address = `https://127.0.0.1:${String(server.port)}`;
      await stage.apply(
        kept(kind, 'company-ca', { 'ca.crt': first.ca }),
        ...connection(name, address, sources[kind]),
        lease(name),
      );
      const before = await stage.untilReady(name);
      const loginsBefore = await logins();

      await server.close();
      server.certify(second);
      await server.open();
      await stage.apply(kept(kind, 'company-ca', { 'ca.crt': second.ca }));
      await stage.kubectl('annotate', 'dsl', name, 'leaseholder.dev/rotate=1');
      const after = await stage.untilLease(
        name,
        ({ status }) => status.lease !== undefined && status.lease.id !== before.status.lease?.id,
      );
      expect(conditionOf(after, 'Ready')?.status).toBe('True');
      expect(await logins()).toBe(loginsBefore);
      await gone(name);
    },
  );

  it('shows a certificate to a server that wants one, and takes the name that is given', async () => {
    const name = 'mutual';
    const own = createCertificates({ names: ['infisical.example.com'] });
    const client = createCertificates();
    await using server = await tlsServer({ ...own, ca: client.ca, requestCert: true });
    await using _operator = await operating({});
    const key = { secretKeyRef: ref('client', 'tls.key') };
    await stage.apply(
      kept('Secret', 'client', { 'tls.crt': client.cert, 'tls.key': client.key }),
      ...connection(name, `https://127.0.0.1:${String(server.port)}`, {
        caBundle: { inline: own.ca },
        tlsServerName: 'infisical.example.com',
        clientCertificate: { certificate: { secretKeyRef: ref('client', 'tls.crt') }, privateKey: key },
      }),
      lease(name),
    );
    expect(conditionOf(await stage.untilReady(name), 'Ready')?.status).toBe('True');
    await gone(name);
  });

  it('is not verified where the connection says so and the operator allows it', async () => {
    const name = 'insecure';
    await using server = await tlsServer(createCertificates());
    await using _operator = await operating({ flags: ['--allow-insecure-tls', 'on'] });
    const address = `https://127.0.0.1:${String(server.port)}`;
    await stage.apply(...connection(name, address, { insecureSkipVerify: true }), lease(name));
    expect(conditionOf(await stage.untilReady(name), 'Ready')?.status).toBe('True');
    await gone(name);
  });
});

describe('the way', () => {
  it('leads through the proxy of the environment, by name', async () => {
    const name = 'proxied';
    const host = 'infisical.example.com:8080';
    await using proxy = await startConnectProxy({ ways: { [host]: new URL(stage.api.url).host } });
    await using _operator = await operating({
      flags: ['--allowed-hosts', 'http://infisical.example.com'],
      environment: { HTTP_PROXY: proxy.url },
    });
    await stage.apply(...connection(name, `http://${host}`), lease(name));
    await stage.untilReady(name);
    await gone(name);
    expect(proxy.asked.length).toBeGreaterThan(2);
    expect(proxy.asked.every((one) => one.includes(` http://${host}/api/`))).toBe(true);
  });

  it('ends before an address inside that a listed name leads to', async () => {
    const name = 'inside';
    await using _operator = await operating({ flags: ['--allowed-hosts', 'http://localhost'] });
    const { entries } = await stage.api.readLedger();
    const hostAPI = stage.api.url.replace('127.0.0.1', 'localhost');
    await stage.apply(...connection(name, hostAPI), lease(name));
    const found = await awaitCondition(
      async () => {
        const seen = await stage.connection(name);
        const ready = seen === undefined ? undefined : conditionOf(seen, 'Ready');
        return ready?.reason === 'AddressNotAllowed' ? ready : undefined;
      },
      { what: 'the connection to be refused' },
    );
    expect(found.message).toContain('loopback');
    expect((await stage.api.readLedger()).entries).toEqual(entries);
    await gone(name);
  });
});

it('an object that mixes what goes together badly is refused with the sentence', async () => {
  const spec = { hostAPI: 'http://infisical', auth: { token: { secretKeyRef: ref('a', 'b') } } };
  const refused = async (part: object): Promise<string | undefined> =>
    stage.refusal({
      apiVersion: API_VERSION,
      kind: 'InfisicalConnection',
      metadata: { name: 'refused', namespace: 'default' },
      spec: { ...spec, ...part },
    });
  expect(await refused({ insecureSkipVerify: true })).toContain('must go with an address in hostAPI');
  expect(await refused({ tlsServerName: 'a.net' })).toContain('tlsServerName must go with');
  expect(await refused({ caBundle: {} })).toContain('caBundle must have exactly one source');
});
