import { describe, expect, test } from 'vitest';

import type { ConnectionSpec } from '../../../../src/api/infisical-connection.ts';
import { FaultError, type FaultCode } from '../../../../src/errors.ts';
import { KubeError } from '../../../../src/kube/kube-error.ts';
import type { LoginContext } from '../../../../src/infisical/auth/access-token.ts';
import { noProxies } from '../../../../src/network/proxies.ts';
import type { CloudAccess } from '../../../../src/reconcile/connection/cloud-login.ts';
import { credentialsIn } from '../../../../src/reconcile/connection/credentials.ts';
import { loginMethod } from '../../../../src/reconcile/connection/login.ts';
import type { Cluster } from '../../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { HOST, SECOND } from '../../../support/builders.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';
import { ApiServer } from '../support/api-server.ts';
import { broken, busy, forbidden } from '../support/kube-errors.ts';
import { memoryCluster } from '../support/memory-cluster.ts';
import { type Fate, refused, Wire } from '../support/wire.ts';

const source = (key: string, name = 'identity'): { secretKeyRef: { name: string; key: string } } => ({
  secretKeyRef: { name, key },
});
const token: ConnectionSpec['auth'] = { token: source('token') };
const identity = { identityId: 'an-identity', organizationSlug: 'acme' };
const universal: ConnectionSpec['auth'] & { universal: object } = {
  universal: { clientId: source('id'), clientSecret: source('secret') },
};

const clouds: CloudAccess = {
  identity: 'cluster',
  ofCluster: false,
  network: { rule: { rule: 'administrator' }, proxies: noProxies },
  environment: {},
};

interface Login {
  readonly auth: ConnectionSpec['auth'];
  /** Default: a connection of a namespace, as shipped. */
  readonly clouds?: Partial<CloudAccess>;
  /** The keys of the Secret `identity`; none: it does not exist. */
  readonly data?: Readonly<Record<string, string>>;
  readonly fate?: Fate;
  /** What a request for a service account's token brings. */
  readonly requestToken?: Cluster['requestToken'];
  /** What the server answers. Default: 200. */
  readonly status?: number;
}

/** Logs in once. @returns the token, what was sent to the server, and what was asked of Kubernetes. */
async function logIn({ auth, data, fate, requestToken, status = 200, ...login }: Login): Promise<{
  value: string;
  sent: unknown;
  path: string;
  reads: number;
}> {
  const server = new ApiServer(
    () => 0,
    () => undefined,
  );
  const wire = new Wire();
  if (fate !== undefined) wire.always('get credential', fate);
  if (data !== undefined) {
    server.create('secrets', { metadata: { name: 'identity', namespace: 'shop' }, data: encoded(data) });
  }
  const clock = virtualClock();
  let sent: unknown;
  let path = '';
  const transport: LoginContext['transport'] = {
    host: HOST,
    request(asked) {
      sent = JSON.parse(JSON.stringify(asked.body)) as unknown;
      path = asked.path;
      const body = { accessToken: 'made', expiresIn: 60 };
      return Promise.resolve({ kind: 'answered', status, headers: {}, body });
    },
    close: () => Promise.resolve(),
  };
  const memory = memoryCluster(server, wire, () => 0);
  const cluster = { ...memory, ...(requestToken === undefined ? {} : { requestToken }) };
  const credentials = credentialsIn(cluster, 'shop');
  const access = { ...clouds, ...login.clouds };
  const method = loginMethod({ cluster, credentials, namespace: 'shop', auth, clouds: access });
  const { value } = await method({ transport, clock, timing: standardTiming, now: () => 0 });
  return { value, sent, path, reads: wire.calls.length };
}

function encoded(data: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const pairs = Object.entries(data).map(
    ([key, text]) => [key, Buffer.from(text).toString('base64')] as const,
  );
  return Object.fromEntries(pairs);
}

async function faultOf(login: Login): Promise<FaultError['fault']> {
  try {
    await logIn(login);
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('The login works.');
}

describe('a login', () => {
  test('with a token takes it from its Secret', async () => {
    expect(await logIn({ auth: token, data: { token: ' t0ken\n' } })).toMatchObject({
      value: 't0ken',
      reads: 1,
    });
  });

  test('with a client id and secret exchanges them', async () => {
    const data = { id: 'the-id\n', secret: 'the-secret\n' };
    expect(await logIn({ auth: universal, data })).toEqual({
      value: 'made',
      sent: { clientId: 'the-id', clientSecret: 'the-secret' },
      path: '/v1/auth/universal-auth/login',
      reads: 2,
    });
  });

  test('says which organisation it is for', async () => {
    const auth = {
      universal: { ...universal.universal, organizationSlug: 'acme' },
    } as ConnectionSpec['auth'];
    const { sent } = await logIn({ auth, data: { id: 'i', secret: 's' } });
    expect(sent).toEqual({ clientId: 'i', clientSecret: 's', organizationSlug: 'acme' });
  });

  test.each(['kubernetes', 'oidc', 'jwt'] as const)(
    'by %s has a token of the service account made, for its audience and ten minutes',
    async (method) => {
      const asked: unknown[] = [];
      const { sent, path } = await logIn({
        auth: { [method]: { ...identity, serviceAccountRef: { name: 'robot', audience: 'infisical' } } },
        requestToken: (...request) => {
          asked.push(request);
          return Promise.resolve(' the-proof\n');
        },
      });
      expect(asked).toEqual([['shop', 'robot', { audience: 'infisical', seconds: 600 }]]);
      expect(path).toBe(`/v1/auth/${method}-auth/login`);
      expect(sent).toEqual({ identityId: 'an-identity', jwt: 'the-proof', organizationSlug: 'acme' });
    },
  );

  test.each(['oidc', 'jwt'] as const)('by %s takes the token of a Secret as it is', async (method) => {
    const { sent } = await logIn({
      auth: { [method]: { identityId: 'an-identity', ...source('proof') } },
      data: { proof: 'the-proof\n' },
    });
    expect(sent).toEqual({ identityId: 'an-identity', jwt: 'the-proof' });
  });

  test('of a user of a directory shows name and password, without the line end of the latter', async () => {
    const auth = { ldap: { ...identity, username: source('name'), password: source('password') } };
    const { sent, path, reads } = await logIn({ auth, data: { name: ' ann\n', password: ' a word \r\n' } });
    expect(path).toBe('/v1/auth/ldap-auth/login');
    expect(sent).toEqual({ ...identity, username: 'ann', password: ' a word ' });
    expect(reads).toBe(2);
  });

  const federated: readonly (readonly [method: string, audience: string, auth: ConnectionSpec['auth']])[] = [
    [
      'aws.webIdentity',
      'sts.amazonaws.com',
      {
        aws: {
          identityId: 'x',
          region: 'eu-central-1',
          webIdentity: {
            roleArn: 'arn:aws:iam::123456789012:role/a',
            serviceAccountRef: { name: 'robot' },
          },
        },
      },
    ],
    [
      'azure.workloadIdentity',
      'api://AzureADTokenExchange',
      {
        azure: {
          identityId: 'x',
          workloadIdentity: { tenantId: 't', clientId: 'c', serviceAccountRef: { name: 'robot' } },
        },
      },
    ],
  ];
  test.each(federated)('by %s has a token made for %s', async (method, audience, auth) => {
    const asked: unknown[] = [];
    const raised = await faultOf({
      auth,
      requestToken: (...request) => {
        asked.push(request);
        return Promise.resolve(undefined);
      },
    });
    expect(asked).toEqual([['shop', 'robot', { audience, seconds: 600 }]]);
    expect(raised).toMatchObject({
      code: 'ServiceAccountNotFound',
      message: expect.stringContaining(`spec.auth.${method}.serviceAccountRef names`) as unknown,
    });
  });

  const key = { accessKeyId: source('id'), secretAccessKey: source('secret') };
  const stored: readonly (readonly [field: string, auth: ConnectionSpec['auth']])[] = [
    [
      'aws.accessKey.secretAccessKey names key secret',
      { aws: { identityId: 'x', region: 'eu-central-1', accessKey: key } },
    ],
    ['gcp.serviceAccountKey names key json', { gcp: { identityId: 'x', serviceAccountKey: source('json') } }],
  ];
  test.each(stored)('without its key says so: spec.auth.%s', async (words, auth) => {
    expect(await faultOf({ auth, data: { id: 'AKIA' } })).toMatchObject({
      code: 'CredentialNotFound',
      message: expect.stringContaining(`spec.auth.${words}`) as unknown,
    });
  });

  const own: readonly (readonly [cloud: string, auth: ConnectionSpec['auth']])[] = [
    ['aws', { aws: { identityId: 'x', region: 'eu-central-1', operatorIdentity: {} } }],
    ['azure', { azure: { identityId: 'x', operatorIdentity: {} } }],
    ['gcp', { gcp: { identityId: 'x', operatorIdentity: {} } }],
  ];
  const barred: readonly Partial<CloudAccess>[] = [
    { identity: 'cluster', ofCluster: false },
    { identity: 'off', ofCluster: false },
    { identity: 'off', ofCluster: true },
  ];
  test.each(own.flatMap(([cloud, auth]) => barred.map((access) => [cloud, access, auth] as const)))(
    'by the identity of the operator at %s is not for %o',
    async (cloud, access, auth) => {
      expect(await faultOf({ auth, clouds: access })).toMatchObject({
        code: 'CloudIdentityNotAllowed',
        message: expect.stringContaining(`spec.auth.${cloud}.operatorIdentity asks`) as unknown,
      });
    },
  );

  test('by no method is a fault that names the field', () => {
    const cluster = memoryCluster(
      new ApiServer(
        () => 0,
        () => undefined,
      ),
      new Wire(),
      () => 0,
    );
    const credentials = credentialsIn(cluster, 'shop');
    expect(() => loginMethod({ cluster, credentials, namespace: 'shop', auth: {}, clouds })).toThrow(
      "The connection's spec.auth names no method.",
    );
  });

  test('is refused in words about what its method shows', async () => {
    const cases: Record<string, ConnectionSpec['auth']> = {
      'the client id and secret that spec.auth.universal names': universal,
      'spec.auth.kubernetes.identityId takes Kubernetes logins': {
        kubernetes: { ...identity, serviceAccountRef: { name: 'robot' } },
      },
      'spec.auth.oidc.identityId takes OIDC logins': {
        oidc: { ...identity, serviceAccountRef: { name: 'robot' } },
      },
      'spec.auth.jwt.identityId takes JWT logins': {
        jwt: { ...identity, serviceAccountRef: { name: 'robot' } },
      },
      'spec.auth.ldap.identityId takes LDAP logins': {
        ldap: { ...identity, username: source('id'), password: source('secret') },
      },
    };
    for (const [words, auth] of Object.entries(cases)) {
      const raised = await faultOf({
        auth,
        data: { id: 'i', secret: 's' },
        requestToken: () => Promise.resolve('proof'),
        status: 403,
      });
      expect(raised).toMatchObject({
        code: 'LoginRefused',
        message: expect.stringContaining(words) as unknown,
      });
    }
  });
});

const refusing =
  (status: number, reason = 'x'): Cluster['requestToken'] =>
  () =>
    Promise.reject(new KubeError('create serviceaccounts/token', { status, reason, retryAfter: 3000 }));

const defective = (): Promise<never> => Promise.reject(new TypeError('a defect'));

describe('a token of a service account', () => {
  const auth: ConnectionSpec['auth'] = { kubernetes: { ...identity, serviceAccountRef: { name: 'robot' } } };

  test.each<[string, Cluster['requestToken'], FaultCode, string]>([
    [
      'that does not exist',
      () => Promise.resolve(undefined),
      'ServiceAccountNotFound',
      'spec.auth.kubernetes.serviceAccountRef names ServiceAccount robot, which does not exist in namespace shop',
    ],
    ['that may not be requested', refusing(403), 'TokenRequestForbidden', 'create" on serviceaccounts/token'],
    ['that is refused', refusing(422), 'TokenRequestRefused', 'with status 422'],
    ['that the server fails to make', refusing(500), 'KubernetesUnavailable', 'tried again'],
    ['that meets a limit', refusing(429), 'KubernetesUnavailable', 'tried again'],
  ])('%s is told so that one knows what to do', async (_what, requestToken, code, words) => {
    const raised = await faultOf({ auth, requestToken });
    expect(raised).toMatchObject({ code, message: expect.stringContaining(words) as unknown });
  });

  test('that met a defect of ours is no fault', async () => {
    await expect(logIn({ auth, requestToken: defective })).rejects.toThrow(TypeError);
  });
});

describe('a credential', () => {
  test.each<[string, Login, string]>([
    ['whose Secret does not exist', { auth: token }, 'spec.auth.token names key token of Secret identity'],
    ['whose key does not exist', { auth: token, data: { other: 'x' } }, 'spec.auth.token names key token'],
    ['that is empty', { auth: token, data: { token: '' } }, 'spec.auth.token names key token'],
    ['that is blank', { auth: token, data: { token: ' \n' } }, 'spec.auth.token names key token'],
    [
      'that is missing of two',
      { auth: universal, data: { id: 'x' } },
      'spec.auth.universal.clientSecret names key secret',
    ],
    [
      'that is missing with the other',
      { auth: universal, data: {} },
      'spec.auth.universal.clientId names key id',
    ],
  ])('%s is named: field, Secret and key', async (_what, login, words) => {
    const raised = await faultOf(login);
    expect(raised.code).toBe('CredentialNotFound');
    expect(raised.message).toContain(words);
  });

  test('that the operator may not read says which right is missing', async () => {
    expect(await faultOf({ auth: token, data: { token: 'x' }, fate: refused(forbidden) })).toMatchObject({
      code: 'CredentialForbidden',
      message: expect.stringContaining('Secret identity, which spec.auth.token names') as unknown,
    });
  });

  test.each<[string, Login['fate'], number | undefined]>([
    ['fails', refused(broken), undefined],
    ['asks for patience', refused(busy(7 * SECOND)), 7 * SECOND],
  ])('that cannot be read because the Kubernetes API %s is tried again', async (_what, fate, retryAfter) => {
    const raised = await faultOf({ auth: token, ...(fate === undefined ? {} : { fate }) });
    expect([raised.code, raised.retryAfter]).toEqual(['KubernetesUnavailable', retryAfter]);
  });

  test('that met a defect of ours is no fault', async () => {
    const fate = refused(new TypeError('a defect'));
    await expect(logIn({ auth: token, fate })).rejects.toThrow(TypeError);
  });
});
