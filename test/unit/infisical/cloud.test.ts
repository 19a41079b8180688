import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { fault, FaultError } from '../../../src/errors.ts';
import { awsProof } from '../../../src/infisical/auth/aws-proof.ts';
import { azureProof } from '../../../src/infisical/auth/azure-proof.ts';
import {
  CloudError,
  cloudLogin,
  type CloudOptions,
  type ProofContext,
} from '../../../src/infisical/auth/cloud.ts';
import { cloudEnvironment } from '../../../src/infisical/auth/cloud-environment.ts';
import { askCloud } from '../../../src/infisical/auth/cloud-request.ts';
import { gcpProof } from '../../../src/infisical/auth/gcp-proof.ts';
import type { Transport } from '../../../src/infisical/transport.ts';
import { parseAllowedHosts } from '../../../src/network/allowed-hosts.ts';
import { noProxies } from '../../../src/network/proxies.ts';
import { standardTiming } from '../../../src/timing.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { rejection } from './pump.ts';

const administrator = { rule: { rule: 'administrator' }, proxies: noProxies } as const;

/** A server on loopback. */
async function serving(listener: RequestListener): Promise<AsyncDisposable & { url: string; host: string }> {
  const server = createServer(listener);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    url: `http://${host}`,
    host,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => void server.close(closed));
    },
  };
}

/** A server that nothing may reach. */
const unreached: Transport = {
  host: 'https://infisical.example',
  request: () => Promise.reject(new Error('The server was asked.')),
  close: () => Promise.resolve(),
};

function login(prove: CloudOptions['prove']): {
  failed: Promise<FaultError>;
  clock: ReturnType<typeof virtualClock>;
} {
  const clock = virtualClock();
  const method = cloudLogin({
    method: 'aws',
    identityId: 'an-identity',
    network: administrator,
    environment: {},
    prove,
  });
  const context = { transport: unreached, clock, timing: standardTiming, now: () => 1_700_000_000_500 };
  return { failed: rejection(method(context), FaultError), clock };
}

describe('a proof of identity', () => {
  test('that takes too long is given up, and what makes it is told', async () => {
    let signal: AbortSignal | undefined;
    const { promise: never } = Promise.withResolvers<never>();
    const { failed, clock } = login((context) => {
      ({ signal } = context);
      return never;
    });
    await clock.run(standardTiming.apiRequestDeadline);
    expect((await failed).fault).toMatchObject({
      code: 'CloudIdentityUnavailable',
      message: expect.stringContaining('spec.auth.aws (no answer in time)') as unknown,
    });
    expect(signal?.aborted).toBe(true);
  });

  test("is dated by the server's time", async () => {
    let seconds = 0;
    const { failed } = login((context) => {
      ({ seconds } = context);
      return Promise.reject(new CloudError('enough'));
    });
    expect((await failed).message).toContain('(enough)');
    expect(seconds).toBe(1_700_000_000);
  });

  const raised: Readonly<Record<string, readonly [error: unknown, words: string]>> = {
    'a fault of ours as it is': [
      new FaultError(fault('CredentialNotFound', { field: 'spec.auth.aws', secret: 's', key: 'k' })),
      'names key k of Secret s',
    ],
    'a connection by its code': [
      Object.assign(new Error('to 10.0.0.1 c4n4ry'), { code: 'ECONNREFUSED' }),
      '(connection refused)',
    ],
    'anything else without its words': [new Error('c4n4ry'), '(network error)'],
  };
  test.each(Object.entries(raised))('that fails tells %s', async (_what, [error, words]) => {
    const { failed } = login(() => Promise.reject(error));
    const { message } = await failed;
    expect(message).toContain(words);
    expect(message).not.toContain('c4n4ry');
  });
});

describe('a request to a cloud', () => {
  const options = { signal: new AbortController().signal, field: 'spec.auth.aws.stsEndpoint' };

  test('follows no redirect', async () => {
    const asked: string[] = [];
    await using server = await serving((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    const answer = await askCloud(administrator, { method: 'GET', url: `${server.url}/a?b=c` }, options);
    expect(answer.status).toBe(302);
    expect(asked).toEqual(['/a?b=c']);
  });

  test('takes no answer without an end', async () => {
    await using server = await serving((_request, response) => {
      for (let sent = 0; sent < 40; sent += 1) response.write(Buffer.alloc(16 * 1024));
      response.end();
    });
    const failed = rejection(
      askCloud(administrator, { method: 'GET', url: server.url }, options),
      CloudError,
    );
    expect((await failed).words).toBe('an answer that is too large');
  });

  const hosts = parseAllowedHosts('public,https://cloud.example') ?? [];
  test.each([
    ['http://169.254.169.254/', 'HostNotAllowed'],
    ['https://10.0.0.1/', 'HostNotAllowed'],
    ['https://sts.internal/', 'HostNotAllowed'],
    ['http://sts.amazonaws.com/', 'HostNotAllowed'],
  ] as const)('for a connection of a namespace does not go to %s', async (url, code) => {
    const network = { rule: { rule: 'listed', hosts }, proxies: noProxies } as const;
    const { fault: raised } = await rejection(askCloud(network, { method: 'GET', url }, options), FaultError);
    expect(raised.code).toBe(code);
    expect(raised.message).toContain('spec.auth.aws.stsEndpoint');
  });
});

/** In every place where a cloud could have it. */
const CANARY = 'c4n4ry';

const answers: Readonly<Record<string, RequestListener>> = {
  'an error in XML': (_request, response) =>
    void response
      .writeHead(403, { 'content-type': 'text/xml', 'x-amzn-requestid': CANARY })
      .end(
        `<ErrorResponse><Error><Type>Sender</Type><Code>${CANARY}</Code><Message>${CANARY}</Message></Error></ErrorResponse>`,
      ),
  'an error in JSON': (_request, response) =>
    void response
      .writeHead(400, { 'content-type': 'application/json' })
      .end(JSON.stringify({ error: CANARY, error_description: CANARY, code: CANARY, message: CANARY })),
  'a failure': (_request, response) => void response.writeHead(500).end(CANARY),
  'another form': (_request, response) =>
    void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ Code: CANARY, access_token: { [CANARY]: CANARY } })),
  'broken JSON': (_request, response) => void response.writeHead(200).end(`{"${CANARY}": ${CANARY}`),
  'a page': (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end(`<html>${CANARY}</html>`),
  'what is no HTTP': (_request, response) => void response.socket?.end(`${CANARY}\r\n\r\n`),
};

describe('nothing of what a cloud says is in a fault', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const ways: Readonly<Record<string, (url: string, context: ProofContext) => Promise<unknown>>> = {
    'an STS': (stsEndpoint, context) =>
      awsProof(
        {
          region: 'eu-central-1',
          stsEndpoint,
          source: { kind: 'webIdentity', roleArn: 'arn', token: `token-${CANARY}` },
        },
        context,
      ),
    'the metadata of an instance of AWS': (url, context) => {
      vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', url);
      return awsProof({ region: 'eu-central-1', source: { kind: 'operator' } }, context);
    },
    'a metadata server of Google Cloud': (url, context) => {
      const environment = cloudEnvironment({ GCE_METADATA_HOST: new URL(url).host });
      const source = { kind: 'operator', impersonate: 'a@b.iam.gserviceaccount.com' } as const;
      return gcpProof({ identityId: 'x', source }, { ...context, environment });
    },
    'a key of a service account': () =>
      gcpProof(
        { identityId: 'x', source: { kind: 'key', json: `{"private_key": "${CANARY}"` } },
        { seconds: 0, signal: new AbortController().signal, network: administrator, environment: {} },
      ),
  };
  const cases = Object.keys(ways).flatMap((way) =>
    Object.keys(answers).map((answer) => [way, answer] as const),
  );

  const outcomeOf = async (way: string, answer: string): Promise<FaultError> => {
    await using server = await serving(answers[answer] ?? (() => undefined));
    const { failed } = login(async (context) => {
      await ways[way]?.(server.url, context);
      throw new Error('It worked.');
    });
    return await failed;
  };

  test.each(cases)('%s: %s', async (way, answer) => {
    const { fault: raised } = await outcomeOf(way, answer);
    expect(raised.code).toBe('CloudIdentityUnavailable');
    expect(inspect(raised, { depth: Infinity })).not.toContain(CANARY);
  });

  test('the metadata of a machine of Azure, whatever it says', async () => {
    let listener: RequestListener | undefined;
    let asked = 0;
    // Its library keeps the first address of a process: one server gives all answers.
    await using server = await serving((request, response) => {
      asked += 1;
      listener?.(request, response);
    });
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', server.url);
    for (const answer of Object.values(answers)) {
      listener = answer;
      const { failed } = login(async (context) => {
        await azureProof({ source: { kind: 'operator' } }, context);
        throw new Error('It worked.');
      });
      const { fault: raised } = await failed;
      expect(raised.code).toBe('CloudIdentityUnavailable');
      expect(inspect(raised, { depth: Infinity })).not.toContain(CANARY);
    }
    expect(asked).toBe(Object.keys(answers).length);
  });
});
