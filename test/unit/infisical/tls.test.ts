import { describe, expect, test } from 'vitest';

import { createCertificates, type CertificateSet } from '../../../sandbox/lease-api/certificate.ts';
import { fault, FaultError } from '../../../src/errors.ts';
import type { TLSMaterial } from '../../../src/infisical/dial.ts';
import { causeOf } from '../../../src/infisical/failure.ts';
import { verdictOn } from '../../../src/infisical/faults.ts';
import { pairProblem, isReadable } from '../../../src/infisical/pem.ts';
import { createTransport, type Transport, type TransportRequest } from '../../../src/infisical/transport.ts';
import type { TLSSource } from '../../../src/infisical/way.ts';
import { serverClock } from '../../../src/server-clock.ts';
import { virtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { json, scriptedServer, type Reply } from './scripted-server.ts';
import { recordedTelemetry } from './telemetry.ts';

const MINUTE = 60_000;
const own = createCertificates();
const other = createCertificates();
const client = createCertificates();
const shown = { certificate: client.cert, key: client.key };

interface Setting {
  readonly transport: Transport;
  readonly clock: VirtualClock;
  readonly telemetry: ReturnType<typeof recordedTelemetry>;
}

function setting(host: string, tls: TLSSource): Setting {
  const clock = virtualClock();
  const telemetry = recordedTelemetry();
  const transport = createTransport({
    host,
    rule: { rule: 'administrator' },
    tls,
    clock,
    serverClock: serverClock(clock),
    ...telemetry,
  });
  return { transport, clock, telemetry };
}

function ask(overrides: Partial<TransportRequest> = {}): TransportRequest {
  return { method: 'GET', path: '/status', deadline: 1e9, route: 'status', ...overrides };
}

/** What is read, and how often. */
function kept(
  first: TLSMaterial | FaultError,
): TLSSource & { value: TLSMaterial | FaultError; reads: number } {
  const source = {
    value: first,
    reads: 0,
    maxAge: MINUTE,
    read(): Promise<TLSMaterial> {
      source.reads += 1;
      return source.value instanceof FaultError
        ? Promise.reject(source.value)
        : Promise.resolve(source.value);
    },
  };
  return source;
}

const missing = new FaultError(
  fault('CredentialNotFound', { field: 'spec.caBundle.secretKeyRef', secret: 'ca', key: 'ca.crt' }),
);

describe('what TLS is made with', () => {
  const cases: Record<
    string,
    { server: CertificateSet & { requestCert?: true }; tls: TLSMaterial; is: object }
  > = {
    'the name that is given, in place of that of the address': {
      server: createCertificates({ names: ['infisical.example.com'] }),
      tls: { insecure: false, serverName: 'infisical.example.com' },
      is: { cause: { kind: 'untrusted', words: 'unknown issuer' } },
    },
    'no verification, where that is said': { server: own, tls: { insecure: true }, is: { status: 200 } },
    'a certificate of the client': {
      server: { ...own, ca: client.ca, requestCert: true },
      tls: { ca: own.ca, client: shown },
      is: { status: 200 },
    },
  };

  test.each(Object.entries(cases))('%s', async (_sentence, { server: how, tls, is }) => {
    await using server = await scriptedServer(how);
    server.on('status', json(200, {}));
    const { transport } = setting(server.host, tls);
    expect(await transport.request(ask())).toMatchObject(is);
    await transport.close();
  });

  test('a name that is given has to be that of the certificate', async () => {
    const named = createCertificates({ names: ['infisical.example.com'] });
    await using server = await scriptedServer(named);
    server.on('status', json(200, {}));
    for (const [serverName, is] of [
      [undefined, { cause: { words: 'certificate for another host name' } }],
      ['vault.example.com', { cause: { words: 'certificate for another host name' } }],
      ['infisical.example.com', { status: 200 }],
    ] as const) {
      const { transport } = setting(server.host, { ca: named.ca, serverName });
      expect(await transport.request(ask())).toMatchObject(is);
      await transport.close();
    }
  });
});

describe('what is read where it is kept', () => {
  test('is read before the first request, and then once a minute at most', async () => {
    await using server = await scriptedServer(own);
    server.on('status', json(200, {}));
    const source = kept({ ca: own.ca });
    const { transport, clock } = setting(server.host, source);
    expect(source.reads).toBe(0);
    await Promise.all([transport.request(ask()), transport.request(ask())]);
    await transport.request(ask());
    expect(source.reads).toBe(1);
    clock.advance(MINUTE);
    await transport.request(ask());
    expect(source.reads).toBe(2);
    await transport.close();
  });

  test('is the fault of each request that is not sent for want of it, until it is there', async () => {
    await using server = await scriptedServer(own);
    server.on('status', json(200, {}));
    const source = kept(missing);
    const { transport } = setting(server.host, source);
    expect(await transport.request(ask())).toEqual({
      kind: 'failed',
      sent: false,
      cause: { kind: 'fault', fault: missing.fault, own: true },
    });
    source.value = { ca: own.ca };
    expect(await transport.request(ask())).toMatchObject({ status: 200 });
    await transport.close();
  });

  test('is read anew after the server was not trusted, at once', async () => {
    await using server = await scriptedServer(own);
    server.on('status', json(200, {}));
    const source = kept({ ca: other.ca });
    const { transport, clock } = setting(server.host, source);
    expect(await transport.request(ask())).toMatchObject({ cause: { kind: 'untrusted' } });
    source.value = { ca: own.ca };
    clock.advance(1000);
    expect(await transport.request(ask())).toMatchObject({ status: 200 });
    await transport.close();
  });

  test('no longer trusts a server of the former CA once it has changed', async () => {
    await using server = await scriptedServer(own);
    server.on('status', json(200, {}));
    const source = kept({ ca: own.ca });
    const { transport, clock } = setting(server.host, source);
    expect(await transport.request(ask())).toMatchObject({ status: 200 });
    source.value = { ca: other.ca };
    clock.advance(MINUTE);
    expect(await transport.request(ask())).toMatchObject({ cause: { kind: 'untrusted' } });
    await transport.close();
  });

  test('changes while a request is under way: that one ends on its own connection', async () => {
    await using server = await scriptedServer(own);
    const released = Promise.withResolvers<void>();
    const held: Reply = (response, request) => {
      void released.promise.then(() => json(200, { held: true })(response, request));
    };
    server.on('status', held, json(200, { held: false }));
    const source = kept({ ca: own.ca });
    const { transport, clock } = setting(server.host, source);
    const first = transport.request(ask());
    await server.arrived(1);
    source.value = { ca: `${own.ca}${other.ca}` };
    clock.advance(MINUTE);
    expect(await transport.request(ask())).toMatchObject({ status: 200, body: { held: false } });
    released.resolve();
    expect(await first).toMatchObject({ status: 200, body: { held: true } });
    await transport.close();
  });

  test('stays in use when it cannot be read any more; that is logged, once a reading', async () => {
    await using server = await scriptedServer(own);
    server.on('status', json(200, {}));
    const source = kept({ ca: own.ca });
    const { transport, clock, telemetry } = setting(server.host, source);
    await transport.request(ask());
    source.value = missing;
    clock.advance(MINUTE);
    expect(await transport.request(ask())).toMatchObject({ status: 200 });
    expect(await transport.request(ask())).toMatchObject({ status: 200 });
    expect(source.reads).toBe(2);
    expect(JSON.stringify(telemetry)).toContain('CredentialNotFound');
    await transport.close();
  });
});

describe('what a server says in TLS of a client', () => {
  const cases: Record<string, object> = {
    ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: {
      kind: 'clientUntrusted',
      words: 'none was shown',
      own: true,
    },
    'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE': {
      kind: 'clientUntrusted',
      words: 'it cannot be read or verified there',
      own: true,
    },
    ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: { kind: 'clientUntrusted', words: 'it has expired', own: true },
    ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: {
      kind: 'clientUntrusted',
      words: 'its issuer is unknown there',
      own: true,
    },
    'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': {
      kind: 'unreachable',
      words: 'TLS refused by the server',
      own: true,
    },
    ERR_SSL_WRONG_VERSION_NUMBER: { kind: 'unreachable', words: 'no TLS on this port', own: true },
  };

  test.each(Object.entries(cases))('%s', (code, cause) => {
    expect(causeOf(Object.assign(new Error('canary'), { code }))).toEqual(cause);
  });

  test('it is told as that, though the request had left by then', () => {
    const host = 'https://infisical.example.com';
    const cause = { kind: 'clientUntrusted', words: 'none was shown' } as const;
    const verdict = verdictOn({ kind: 'status', host }, { kind: 'failed', sent: true, cause });
    expect(verdict).toMatchObject({ fault: { code: 'ClientCertificateRefused' }, fate: 'unknown' });
  });
});

describe('what is in PEM', () => {
  test('certificates are readable when all of them are', () => {
    expect(isReadable(own.ca)).toBe(true);
    expect(isReadable(`\n${own.ca}\n${other.ca}`)).toBe(true);
    for (const text of [
      '',
      own.key,
      `${own.ca}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
    ]) {
      expect(isReadable(text)).toBe(false);
    }
  });

  test('a certificate and a key are a pair or not', () => {
    expect(pairProblem(client.cert, client.key)).toBeUndefined();
    expect(pairProblem(`${client.cert}${client.ca}`, client.key)).toBeUndefined();
    expect(pairProblem('none', client.key)).toBe('certificate');
    expect(pairProblem(client.cert, 'none')).toBe('key');
    expect(pairProblem(client.cert, own.key)).toBe('pair');
  });
});
