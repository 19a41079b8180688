import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import type { ConnectionAuth } from '../../../src/api/auth.ts';
import type { FaultError } from '../../../src/errors.ts';
import {
  TWO,
  type CloudWorld,
  cloudWorld,
  fromInternet,
  messageOf,
  ofCluster,
  ref,
  twice,
} from './support/cloud-world.ts';

let clouds: CloudWorld;
beforeAll(async () => {
  clouds = await cloudWorld();
});
afterAll(() => clouds[Symbol.asyncDispose]());
afterEach(() => {
  vi.unstubAllEnvs();
});

const ROLE = 'arn:aws:iam::123456789012:role/leases';
const SESSION = 'arn:aws:sts::123456789012:assumed-role/leases/*';

const USER = 'arn:aws:iam::123456789012:user/robot';
const identity = (allowedPrincipalArns: string): Promise<string> =>
  clouds.identity({ aws: { stsEndpoint: clouds.aws.url, allowedPrincipalArns } });
const accessKey = {
  accessKeyId: ref('aws', 'id'),
  secretAccessKey: ref('aws', 'secret'),
};
const place = (): { region: string; stsEndpoint: string } => ({
  region: clouds.aws.region,
  stsEndpoint: clouds.aws.url,
});
const put = (key: { accessKeyId: string; secretAccessKey: string }): void => {
  clouds.secrets.set('aws/id', `${key.accessKeyId}\n`).set('aws/secret', `${key.secretAccessKey}\n`);
};

describe('AWS Auth', () => {
  test('by an access key signs anew each time, and with another key once that is there', async () => {
    const identityId = await identity(USER);
    const first = clouds.aws.addKey(USER);
    put(first);
    const logIn = clouds.connection({ aws: { identityId, ...place(), accessKey } });
    expect(await twice(clouds, logIn, identityId)).toEqual(TWO);
    clouds.aws.removeKey(first.accessKeyId);
    expect(messageOf(await logIn())).toContain('LoginRefused');
    put(clouds.aws.addKey(USER));
    expect(await logIn()).toBe('accepted');
  });

  test('by a temporary key shows its session token, and is refused when it has ended', async () => {
    const identityId = await identity(SESSION);
    const logIn = clouds.connection({
      aws: { identityId, ...place(), accessKey: { ...accessKey, sessionToken: ref('aws', 'session') } },
    });
    const key = clouds.aws.addKey(ROLE, 60_000);
    put(key);
    clouds.secrets.set('aws/session', key.sessionToken ?? '');
    expect(await logIn()).toBe('accepted');
    const ended = clouds.aws.addKey(ROLE, -1);
    put(ended);
    clouds.secrets.set('aws/session', ended.sessionToken ?? '');
    expect(messageOf(await logIn())).toContain('LoginRefused');
  });

  const wrong: Readonly<Record<string, () => ConnectionAuth['aws'] & object>> = {
    'for another region': () => ({ identityId: '', ...place(), region: 'us-east-1', accessKey }),
    'for another STS': () => ({
      identityId: '',
      ...place(),
      stsEndpoint: 'https://sts.eu-central-1.amazonaws.com',
      accessKey,
    }),
    'for the public STS of its region': () => ({ identityId: '', region: clouds.aws.region, accessKey }),
  };
  test.each(Object.entries(wrong))('that is signed %s is refused', async (_what, auth) => {
    const identityId = await identity('');
    put(clouds.aws.addKey(USER));
    const outcome = await clouds.connection({ aws: { ...auth(), identityId } })();
    expect(messageOf(outcome)).toMatch(/^LoginRefused: .*spec\.auth\.aws\.region/);
  });

  test('with a wrong secret is refused, as is a caller who is not allowed', async () => {
    const key = clouds.aws.addKey(USER);
    put({ ...key, secretAccessKey: 'wrong' });
    const logIn = async (allowed: string): Promise<string> =>
      messageOf(
        await clouds.connection({ aws: { identityId: await identity(allowed), ...place(), accessKey } })(),
      );
    expect(await logIn(USER)).toContain('LoginRefused');
    put(key);
    expect(await logIn(ROLE)).toContain('LoginRefused');
    expect(await logIn(USER)).toBe('accepted');
  });

  test('is dated by the time of the server: where that is wrong, AWS does not take it', async () => {
    const identityId = await identity(USER);
    put(clouds.aws.addKey(USER));
    const logIn = clouds.connection({ aws: { identityId, ...place(), accessKey } });
    await clouds.world.api.setClock({ offsetMs: 20 * 60_000 });
    const outcome = messageOf(await logIn());
    await clouds.world.api.setClock({ offsetMs: 0 });
    expect(outcome).toContain('LoginRefused');
  });

  test('by a service account assumes the role with a token made for AWS', async () => {
    const identityId = await identity(SESSION);
    clouds.aws.addRole(ROLE, clouds.trusting('robot', 'sts.amazonaws.com'));
    const by = (name: string, audience?: string): (() => Promise<'accepted' | FaultError>) => {
      const serviceAccountRef = { name, audience };
      const webIdentity = {
        roleArn: ROLE,
        serviceAccountRef: audience === undefined ? { name } : serviceAccountRef,
      };
      return clouds.connection({ aws: { identityId, ...place(), webIdentity } });
    };
    expect(await twice(clouds, by('robot'), identityId)).toEqual(TWO);
    expect(messageOf(await by('human')())).toMatch(
      /^CloudIdentityUnavailable: .*status 403 \(AccessDenied\)/,
    );
    expect(messageOf(await by('robot', 'elsewhere')())).toMatch(/status 400 \(InvalidIdentityToken\)/);
  });

  test('by a service account asks no STS that is not allowed', async () => {
    const identityId = await identity(SESSION);
    clouds.aws.addRole(ROLE, clouds.trusting('robot', 'sts.amazonaws.com'));
    const asked = clouds.aws.asked.length;
    const webIdentity = { roleArn: ROLE, serviceAccountRef: { name: 'robot' } };
    const at = async (stsEndpoint: string): Promise<string> =>
      messageOf(
        await clouds.connection(
          { aws: { identityId, region: clouds.aws.region, stsEndpoint, webIdentity } },
          { network: fromInternet },
        )(),
      );
    expect(await at(clouds.aws.url)).toMatch(/^HostNotAllowed: .*spec\.auth\.aws\.stsEndpoint/);
    expect(await at('http://169.254.169.254')).toMatch(/^HostNotAllowed/);
    expect(clouds.aws.asked.length).toBe(asked);
  });

  test('of the operator is only for cluster connections, unless namespaces may as well', async () => {
    const auth = { aws: { identityId: 'x', ...place(), operatorIdentity: {} } };
    const words = 'spec.auth.aws.operatorIdentity asks for the cloud identity';
    expect(() => clouds.connection(auth)).toThrow(words);
    expect(() => clouds.connection(auth, { ofCluster: true, identity: 'off' })).toThrow(words);
    expect(() => clouds.connection(auth, { ofCluster: true })).not.toThrow();
    expect(() => clouds.connection(auth, { identity: 'all' })).not.toThrow();
  });

  test('of the operator by a token file takes the token that lies there now', async () => {
    const identityId = await identity(SESSION);
    clouds.aws.addRole(ROLE, clouds.trusting('operator', 'sts.amazonaws.com'));
    const sign = (lifeSeconds: number): Promise<string> =>
      clouds.issuer.sign(
        { sub: 'system:serviceaccount:shop:operator', aud: 'sts.amazonaws.com' },
        { lifeSeconds },
      );
    const file = await clouds.file('aws', await sign(-10));
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file);
    vi.stubEnv('AWS_ROLE_ARN', ROLE);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', clouds.aws.url);
    const logIn = clouds.connection({ aws: { identityId, ...place(), operatorIdentity: {} } }, ofCluster());
    expect(messageOf(await logIn())).toMatch(/^CloudIdentityUnavailable: .*\(ExpiredToken\)/);
    await clouds.file('aws', await sign(600));
    expect(await twice(clouds, logIn, identityId)).toEqual(TWO);
  });

  test('of the operator never shows its token to the STS that a connection names', async () => {
    const identityId = await identity(SESSION);
    clouds.aws.addRole(ROLE, clouds.trusting('operator', 'sts.amazonaws.com'));
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', await clouds.file('own', 'the-own-token'));
    vi.stubEnv('AWS_ROLE_ARN', ROLE);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1');
    const asked = clouds.aws.asked.length;
    const auth = { aws: { identityId, ...place(), operatorIdentity: {} } };
    expect(messageOf(await clouds.connection(auth, ofCluster())())).toMatch(
      /^CloudIdentityUnavailable: .*connection refused/,
    );
    expect(clouds.aws.asked.slice(asked)).toEqual([]);
  });

  test('of the operator by its container', async () => {
    const identityId = await identity(SESSION);
    clouds.aws.host(ROLE, 'the-pod-identity-token');
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', clouds.aws.containerUrl);
    vi.stubEnv(
      'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
      await clouds.file('container', 'the-pod-identity-token'),
    );
    const logIn = clouds.connection({ aws: { identityId, ...place(), operatorIdentity: {} } }, ofCluster());
    expect(await twice(clouds, logIn, identityId)).toEqual(TWO);
  });

  test('of the operator by its instance, version 2 alone', async () => {
    const identityId = await identity(SESSION);
    clouds.aws.host(ROLE, 'x');
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', clouds.aws.url);
    const asked = clouds.aws.asked.length;
    const logIn = clouds.connection({ aws: { identityId, ...place(), operatorIdentity: {} } }, ofCluster());
    expect(await twice(clouds, logIn, identityId)).toEqual(TWO);
    expect(clouds.aws.asked.slice(asked)).toContain('PUT /latest/api/token');
  });

  test('of the operator says so where there is none', async () => {
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', 'http://127.0.0.1:1');
    const auth = { aws: { identityId: 'x', ...place(), operatorIdentity: {} } };
    expect(messageOf(await clouds.connection(auth, ofCluster())())).toMatch(/^CloudIdentityUnavailable: /);
  });
});
