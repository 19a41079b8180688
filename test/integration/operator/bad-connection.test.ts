import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { createCertificates, type CertificateSet } from '../../../sandbox/lease-api/certificate.ts';
import type { LeaseApi } from '../../../sandbox/lease-api/lease-api.ts';
import { SANDBOX_HOSTS, type OperatorProcess } from '../../../sandbox/operator/operator.ts';
import type { Reason } from '../../../src/api/condition.ts';
import { API_VERSION } from '../../../src/api/names.ts';
import { conditionOf, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { ownServer } from './support/own-server.ts';

/** One connection with something wrong, and how that goes away. */
interface Trouble {
  readonly reason: Reason;
  /** What the message must name. */
  readonly says: (names: Names) => readonly string[];
  /** Whether the lease waits for a change of an object, rather than for the world. */
  readonly stalls?: true;
  arrange(scene: Scene): Promise<void>;
  mend(scene: Scene): Promise<void>;
}

interface Names {
  readonly name: string;
  readonly login: string;
  readonly host: string;
}

interface Scene extends Names {
  readonly stage: Stage;
  readonly server: LeaseApi;
  readonly identity: Stage['identity'];
  readonly certificates: CertificateSet;
}

function loginSecret({ login, identity }: Scene, data: Record<string, string> = {}): object {
  const { clientId, clientSecret } = identity;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: login, namespace: 'default' },
    stringData: { clientId, clientSecret, ...data },
  };
}

function connection({ name, login, server }: Scene, spec: Record<string, unknown> = {}): object {
  const key = (one: string): object => ({ secretKeyRef: { name: login, key: one } });
  const universal = { clientId: key('clientId'), clientSecret: key('clientSecret') };
  return {
    apiVersion: API_VERSION,
    kind: 'InfisicalConnection',
    metadata: { name, namespace: 'default' },
    spec: { hostAPI: server.url, auth: { universal }, ...spec },
  };
}

function caConfigMap({ name }: Scene, ca: string): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data: { 'ca.crt': ca },
  };
}

function withClient({ login, certificates }: Scene): Record<string, unknown> {
  const key = (one: string): object => ({ secretKeyRef: { name: login, key: one } });
  return {
    caBundle: { inline: certificates.ca },
    clientCertificate: { certificate: key('certificate'), privateKey: key('key') },
  };
}

const troubles: Readonly<Record<string, Trouble>> = {
  'the server cannot be reached': {
    reason: 'CircuitOpen',
    says: ({ host }) => [host, 'connection refused', 'spec.hostAPI'],
    async arrange(scene) {
      await scene.server.pause();
      await scene.stage.apply(loginSecret(scene), connection(scene));
    },
    mend: async ({ server }) => void (await server.resume()),
  },
  'the address is that of a web page': {
    reason: 'UnexpectedAnswer',
    says: ({ host }) => [`${host}/shop`, 'a body that is not JSON', 'spec.hostAPI'],
    arrange: (scene) =>
      scene.stage.apply(loginSecret(scene), connection(scene, { hostAPI: `${scene.server.url}/shop` })),
    mend: (scene) => scene.stage.apply(connection(scene)),
  },
  'nobody of that name is known to the name service': {
    reason: 'CircuitOpen',
    says: () => ['http://no-such-host.invalid', 'spec.hostAPI'],
    arrange: (scene) =>
      scene.stage.apply(loginSecret(scene), connection(scene, { hostAPI: 'http://no-such-host.invalid' })),
    mend: (scene) => scene.stage.apply(connection(scene)),
  },
  'the password is wrong': {
    reason: 'LoginRefused',
    says: ({ host }) => [host, 'status 401', 'spec.auth'],
    arrange: (scene) =>
      scene.stage.apply(loginSecret(scene, { clientSecret: 'wrong-password' }), connection(scene)),
    mend: (scene) => scene.stage.apply(loginSecret(scene)),
  },
  'the Secret of the login does not exist': {
    reason: 'CredentialNotFound',
    says: ({ login }) => ['spec.auth.universal.clientId', `Secret ${login}`, 'key clientId'],
    arrange: (scene) => scene.stage.apply(connection(scene)),
    mend: (scene) => scene.stage.apply(loginSecret(scene)),
  },
  'the Secret of the login lacks the key': {
    reason: 'CredentialNotFound',
    says: ({ login }) => ['spec.auth.universal.clientSecret', `Secret ${login}`, 'key clientSecret'],
    arrange: (scene) => scene.stage.apply(loginSecret(scene, { clientSecret: '' }), connection(scene)),
    mend: (scene) => scene.stage.apply(loginSecret(scene)),
  },
  'the access token is refused': {
    reason: 'TokenRefused',
    says: ({ host }) => [host, 'status 403'],
    arrange: (scene) =>
      scene.stage.apply(
        loginSecret(scene, { token: 'eyJhbGciOiJIUzI1NiJ9.not.one' }),
        connection(scene, { auth: { token: { secretKeyRef: { name: scene.login, key: 'token' } } } }),
      ),
    async mend(scene) {
      const { identityId } = scene.identity;
      const { accessToken } = await scene.server.mintToken({ identityId });
      await scene.stage.apply(loginSecret(scene, { token: accessToken }));
    },
  },
  'the certificate is of an unknown authority': {
    reason: 'CertificateUntrusted',
    says: ({ host }) => [host, 'unknown issuer', 'spec.caBundle'],
    arrange: (scene) => scene.stage.apply(loginSecret(scene), connection(scene)),
    mend: (scene) => scene.stage.apply(connection(scene, { caBundle: { inline: scene.certificates.ca } })),
  },
  'the certificate is of another authority than the bundle says': {
    reason: 'CertificateUntrusted',
    says: ({ host }) => [host, 'spec.caBundle'],
    arrange: (scene) =>
      scene.stage.apply(
        loginSecret(scene),
        connection(scene, { caBundle: { inline: createCertificates().ca } }),
      ),
    mend: (scene) => scene.stage.apply(connection(scene, { caBundle: { inline: scene.certificates.ca } })),
  },
  'the bundle of certificates cannot be read': {
    reason: 'ConnectionInvalid',
    says: () => ['spec.caBundle', 'cannot be read'],
    stalls: true,
    arrange: (scene) =>
      scene.stage.apply(
        loginSecret(scene),
        connection(scene, {
          caBundle: { inline: '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n' },
        }),
      ),
    mend: (scene) => scene.stage.apply(connection(scene, { caBundle: { inline: scene.certificates.ca } })),
  },
  'the address is none that the operator may ask': {
    reason: 'HostNotAllowed',
    says: () => ['http://127.0.0.2:', 'spec.hostAPI', '--allowed-hosts'],
    stalls: true,
    arrange: (scene) =>
      scene.stage.apply(
        loginSecret(scene),
        connection(scene, { hostAPI: scene.server.url.replace('127.0.0.1', '127.0.0.2') }),
      ),
    mend: (scene) => scene.stage.apply(connection(scene)),
  },
  'the ConfigMap of the CA does not exist': {
    reason: 'CredentialNotFound',
    says: ({ name }) => ['spec.caBundle.configMapKeyRef', `ConfigMap ${name}`, 'key ca.crt'],
    arrange: (scene) =>
      scene.stage.apply(
        loginSecret(scene),
        connection(scene, { caBundle: { configMapKeyRef: { name: scene.name, key: 'ca.crt' } } }),
      ),
    mend: (scene) => scene.stage.apply(caConfigMap(scene, scene.certificates.ca)),
  },
  'the CA in the ConfigMap cannot be read': {
    reason: 'TLSMaterialInvalid',
    says: ({ name }) => ['spec.caBundle.configMapKeyRef', `ConfigMap ${name}`, 'cannot be read'],
    arrange: (scene) =>
      scene.stage.apply(
        loginSecret(scene),
        caConfigMap(scene, 'nonsense'),
        connection(scene, { caBundle: { configMapKeyRef: { name: scene.name, key: 'ca.crt' } } }),
      ),
    mend: (scene) => scene.stage.apply(caConfigMap(scene, scene.certificates.ca)),
  },
  'the certificate is for another name': {
    reason: 'CertificateUntrusted',
    says: ({ host }) => [host, 'another host name', 'spec.tlsServerName'],
    arrange: (scene) =>
      scene.stage.apply(
        loginSecret(scene),
        connection(scene, {
          caBundle: { inline: scene.certificates.ca },
          tlsServerName: 'infisical.example.com',
        }),
      ),
    mend: (scene) => scene.stage.apply(connection(scene, { caBundle: { inline: scene.certificates.ca } })),
  },
  'the key of the client is not that of its certificate': {
    reason: 'TLSMaterialInvalid',
    says: ({ login }) => ['spec.clientCertificate.privateKey', `Secret ${login}`, 'is not the private key'],
    async arrange(scene) {
      const [one, other] = [createCertificates(), createCertificates()];
      await scene.stage.apply(
        loginSecret(scene, { certificate: one.cert, key: other.key }),
        connection(scene, withClient(scene)),
      );
    },
    mend(scene) {
      const { cert, key } = createCertificates();
      return scene.stage.apply(loginSecret(scene, { certificate: cert, key }));
    },
  },
  'its certificate is not to be verified, and the operator does not allow that': {
    reason: 'ConnectionInvalid',
    says: () => ['spec.insecureSkipVerify', '--allow-insecure-tls'],
    stalls: true,
    arrange: (scene) =>
      scene.stage.apply(loginSecret(scene), connection(scene, { insecureSkipVerify: true })),
    mend: (scene) => scene.stage.apply(connection(scene, { caBundle: { inline: scene.certificates.ca } })),
  },
  'the server limits the rate of logins': {
    reason: 'RateLimited',
    says: ({ host }) => [host],
    async arrange(scene) {
      await scene.server.armFault({
        match: { route: 'login', times: 'always' },
        action: { type: 'status', status: 429, retryAfterSeconds: 1 },
      });
      await scene.stage.apply(loginSecret(scene), connection(scene));
    },
    mend: async ({ server }) => void (await server.disarmFaults()),
  },
  'the server fails': {
    reason: 'ServerFailed',
    says: ({ host }) => [host, 'status 503'],
    async arrange(scene) {
      await scene.server.armFault({
        match: { route: 'login', times: 'always' },
        action: { type: 'status', status: 503, body: 'html' },
      });
      await scene.stage.apply(loginSecret(scene), connection(scene));
    },
    mend: async ({ server }) => void (await server.disarmFaults()),
  },
};

const withTls = new Set([
  'the certificate is of an unknown authority',
  'the certificate is of another authority than the bundle says',
  'the bundle of certificates cannot be read',
  'the ConfigMap of the CA does not exist',
  'the CA in the ConfigMap cannot be read',
  'the certificate is for another name',
  'the key of the client is not that of its certificate',
  'its certificate is not to be verified, and the operator does not allow that',
]);

describe.concurrent('a connection', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    const hosts = `${SANDBOX_HOSTS},http://no-such-host.invalid`;
    operator = await stage.startOperator({ scale: 0.05, flags: ['--allowed-hosts', hosts] });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const setScene = async (name: string, tls: boolean): Promise<Scene & AsyncDisposable> => {
    const certificates = createCertificates();
    const { api: server, identity } = await ownServer(tls ? { tls: certificates } : {});
    const names = { name, login: `${name}-login`, host: server.url };
    return { ...names, stage, server, identity, certificates, [Symbol.asyncDispose]: () => server.stop() };
  };

  for (const [index, [what, trouble]] of Object.entries(troubles).entries()) {
    it(`says when ${what}, and works when that has gone`, async () => {
      await using scene = await setScene(`connection-${String(index)}`, withTls.has(what));
      const { name } = scene;
      const ready = async (): Promise<ReturnType<typeof conditionOf>> =>
        conditionOf((await stage.connection(name)) ?? { status: {} }, 'Ready');
      await trouble.arrange(scene);
      await stage.apply(leaseManifest(name, { connectionRef: { name } }));
      const lease = await stage.untilLease(
        name,
        (one) => conditionOf(one, 'Ready')?.reason === trouble.reason,
      );
      const said = await awaitCondition(
        async () => {
          const condition = await ready();
          return condition?.reason === trouble.reason ? condition : undefined;
        },
        { what: `connection ${name} to say ${trouble.reason}` },
      );

      expect(said.status).toBe('False');
      for (const words of trouble.says(scene)) expect(said.message).toContain(words);
      expect(conditionOf(lease, 'Ready')?.message).toBe(said.message);
      expect(conditionOf(lease, 'Stalled')?.status).toBe(trouble.stalls === true ? 'True' : 'False');
      expect((await scene.server.readLedger()).entries.filter(({ event }) => event !== 'login')).toEqual([]);

      await trouble.mend(scene);
      await stage.untilReady(name);
      expect(await ready()).toMatchObject({ status: 'True', reason: 'LoggedIn' });
      expect((await scene.server.live()).leases).toHaveLength(1);
      const { clientSecret } = scene.identity;
      const password = (await stage.secret(name))?.['DB_PASSWORD'] ?? '';
      for (const credential of [clientSecret, password, 'wrong-password', 'eyJhbGciOiJIUzI1NiJ9'])
        expect(operator.output()).not.toContain(credential);
    });
  }

  it('that does not exist is named by the lease, which begins when it comes', async () => {
    await using scene = await setScene('missing', false);
    await stage.apply(leaseManifest('missing', { connectionRef: { name: 'missing' } }));
    const lease = await stage.untilLease('missing', (one) => conditionOf(one, 'Ready') !== undefined);
    expect(conditionOf(lease, 'Ready')).toMatchObject({ status: 'False', reason: 'ConnectionNotFound' });
    expect(conditionOf(lease, 'Ready')?.message).toContain('InfisicalConnection missing');
    expect(conditionOf(lease, 'Stalled')?.status).toBe('True');

    await stage.apply(loginSecret(scene), connection(scene));
    await stage.untilReady('missing');
  });
});
