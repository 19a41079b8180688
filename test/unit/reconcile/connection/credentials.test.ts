import { describe, expect, test } from 'vitest';

import type { ConnectionSpec } from '../../../../src/api/infisical-connection.ts';
import { FaultError } from '../../../../src/errors.ts';
import type { LoginContext } from '../../../../src/infisical/auth/access-token.ts';
import { loginMethod } from '../../../../src/reconcile/connection/credentials.ts';
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
const universal: ConnectionSpec['auth'] = {
  universal: { clientId: source('id'), clientSecret: source('secret') },
};

interface Login {
  readonly auth: ConnectionSpec['auth'];
  /** The keys of the Secret `identity`; none: it does not exist. */
  readonly data?: Readonly<Record<string, string>>;
  readonly fate?: Fate;
}

/** Logs in once. @returns the token, what was sent to the server, and what was asked of Kubernetes. */
async function logIn({ auth, data, fate }: Login): Promise<{ value: string; sent: unknown; reads: number }> {
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
  const transport: LoginContext['transport'] = {
    host: HOST,
    request(asked) {
      sent = asked.body;
      const body = { accessToken: 'made', expiresIn: 60 };
      return Promise.resolve({ kind: 'answered', status: 200, headers: {}, body });
    },
    close: () => Promise.resolve(),
  };
  const login = loginMethod(
    memoryCluster(server, wire, () => 0),
    'shop',
    { hostAPI: HOST, auth },
  );
  const { value } = await login({ transport, clock, timing: standardTiming, now: () => 0 });
  return { value, sent, reads: wire.calls.length };
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
      reads: 2,
    });
  });

  test('by no method is a fault that names the field', () => {
    const cluster = memoryCluster(
      new ApiServer(
        () => 0,
        () => undefined,
      ),
      new Wire(),
      () => 0,
    );
    expect(() => loginMethod(cluster, 'shop', { hostAPI: HOST, auth: {} })).toThrow(
      "The connection's spec.auth must name exactly one method: universal or token.",
    );
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
