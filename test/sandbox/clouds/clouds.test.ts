import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeJwt } from 'jose';
import { Agent, request as send } from 'undici';
import { startAws, type Aws } from '../../../sandbox/clouds/aws.ts';
import { startAzure, type Azure } from '../../../sandbox/clouds/azure.ts';
import type { Trusted } from '../../../sandbox/clouds/federation.ts';
import { startGcp, type Gcp } from '../../../sandbox/clouds/gcp.ts';
import { type Issuer, startIssuer } from '../../../sandbox/issuer/issuer.ts';

const SUBJECT = 'system:serviceaccount:shop:robot';
let issuer: Issuer;
let aws: Aws;
let azure: Azure;
let gcp: Gcp;
let trusting: Agent;

beforeAll(async () => {
  issuer = await startIssuer();
  aws = await startAws();
  azure = await startAzure();
  gcp = await startGcp();
  trusting = new Agent({ connect: { ca: azure.ca } });
});
afterAll(async () => {
  await trusting.close();
  for (const one of [issuer, aws, azure, gcp]) await one[Symbol.asyncDispose]();
});

function trusted(audience: string): Trusted {
  return { issuer: issuer.url, jwksUrl: issuer.jwksUrl, subject: SUBJECT, audience };
}

type Claims = Readonly<Record<string, unknown>>;

/** Tokens of somebody else that are not to be taken. */
const foreign: Readonly<Record<string, (audience: string) => Promise<string>>> = {
  'of another subject': (aud) => issuer.sign({ sub: 'somebody', aud }),
  'for another audience': () => issuer.sign({ sub: SUBJECT, aud: 'elsewhere' }),
  'of another issuer': (aud) => issuer.sign({ sub: SUBJECT, aud, iss: 'https://elsewhere.example' }),
  'that is over': (aud) => issuer.sign({ sub: SUBJECT, aud }, { lifeSeconds: -60 }),
  'that is none': () => Promise.resolve('no-token'),
};

describe('the STS of AWS', () => {
  const ROLE = 'arn:aws:iam::123456789012:role/leases';
  const AUDIENCE = 'sts.amazonaws.com';
  const assume = async (token: string, role = ROLE): Promise<{ status: number; text: string }> => {
    const form = {
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: role,
      RoleSessionName: 's',
      WebIdentityToken: token,
    };
    const response = await fetch(aws.url, { method: 'POST', body: new URLSearchParams(form) });
    return { status: response.status, text: await response.text() };
  };
  beforeAll(() => aws.addRole(ROLE, trusted(AUDIENCE)));

  test('gives temporary credentials for a token that the role trusts', async () => {
    const { status, text } = await assume(await issuer.sign({ sub: SUBJECT, aud: AUDIENCE }));
    expect(status).toBe(200);
    expect(text).toMatch(/<AccessKeyId>ASIA\w+<.*<SessionToken>.+</s);
  });

  test.for(Object.entries(foreign))('refuses a token %s', async ([, sign]) => {
    const { status, text } = await assume(await sign(AUDIENCE));
    expect([400, 403]).toContain(status);
    expect(text).toMatch(/<Code>(AccessDenied|InvalidIdentityToken|ExpiredTokenException)</);
  });

  test('refuses a role that is not there', async () => {
    expect(await assume(await issuer.sign({ sub: SUBJECT, aud: AUDIENCE }), `${ROLE}-not`)).toMatchObject({
      status: 403,
    });
  });

  test('gives what a machine is only for a token of its metadata', async () => {
    aws.host(ROLE, 'the-authorization');
    const at = `${aws.url}/latest/meta-data/iam/security-credentials/`;
    expect((await fetch(at)).status).toBe(401);
    const token = await (await fetch(`${aws.url}/latest/api/token`, { method: 'PUT' })).text();
    const headers = { 'x-aws-ec2-metadata-token': token };
    expect(await (await fetch(at, { headers })).text()).toBe('leases');
    expect(await (await fetch(`${at}leases`, { headers })).json()).toMatchObject({ Code: 'Success' });
    expect((await fetch(aws.containerUrl)).status).toBe(401);
    const authorization = { authorization: 'the-authorization' };
    expect((await fetch(aws.containerUrl, { headers: authorization })).status).toBe(200);
  });
});

describe('Azure', () => {
  const CLIENT = '0b2b6a3e-9d6e-4f6e-8a3c-6d6f2f0e7a11';
  const AUDIENCE = 'api://AzureADTokenExchange';
  const exchange = async (
    token: string,
    changes: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; body: Claims }> => {
    const form = {
      grant_type: 'client_credentials',
      client_id: CLIENT,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: token,
      scope: 'api://infisical/.default',
      ...changes,
    };
    const { statusCode, body } = await send(`${azure.authority}/${azure.tenantId}/oauth2/v2.0/token`, {
      dispatcher: trusting,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' },
      body: new URLSearchParams(form).toString(),
    });
    return { status: statusCode, body: (await body.json()) as Claims };
  };
  beforeAll(() => {
    azure.addIdentity({ clientId: CLIENT, objectId: 'the-object', trusted: trusted(AUDIENCE) });
    azure.addIdentity({ clientId: 'without', objectId: 'x' });
  });

  test('gives a token of version 1 for one that the identity trusts', async () => {
    const { status, body } = await exchange(await issuer.sign({ sub: SUBJECT, aud: AUDIENCE }));
    expect(status).toBe(200);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({
      iss: `https://sts.windows.net/${azure.tenantId}/`,
      aud: 'api://infisical',
      oid: 'the-object',
      ver: '1.0',
    });
  });

  test.for(Object.entries(foreign))('refuses a token %s', async ([, sign]) => {
    expect(await exchange(await sign(AUDIENCE))).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });

  test.for([
    ['another grant', { grant_type: 'password' }, 400],
    ['no scope', { scope: 'x' }, 400],
    ['an identity that trusts nobody', { client_id: 'without' }, 401],
    ['an identity that is not there', { client_id: 'nobody' }, 401],
    ['another kind of assertion', { client_assertion_type: 'x' }, 401],
  ] as const)('refuses %s', async ([, changes, status]) => {
    const token = await issuer.sign({ sub: SUBJECT, aud: AUDIENCE });
    expect((await exchange(token, changes)).status).toBe(status);
  });

  test('gives what a machine is only to who asks as one does', async () => {
    azure.host(CLIENT);
    const at = `${azure.metadataUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api://x`;
    const headers = { metadata: 'true' };
    expect((await fetch(at)).status).toBe(400);
    expect((await fetch(at, { headers })).status).toBe(200);
    expect((await fetch(`${at}&client_id=without`, { headers })).status).toBe(400);
  });
});

/** Where the metadata of a machine's account are. */
function own(path: string): string {
  return `http://${gcp.metadataHost}/computeMetadata/v1/instance/service-accounts/default/${path}`;
}

describe('Google Cloud', () => {
  const ACCOUNT = 'leases@a-project.iam.gserviceaccount.com';
  const NODE = 'node@a-project.iam.gserviceaccount.com';
  const headers = { 'metadata-flavor': 'Google' };
  beforeAll(async () => {
    gcp.host({ account: NODE, projectId: 'a-project', zone: 'europe-west3-a' });
    await gcp.addAccount(ACCOUNT, [NODE]);
  });
  const sign = async (bearer: string, account = ACCOUNT): Promise<Response> =>
    fetch(`${gcp.iamUrl}/v1/projects/-/serviceAccounts/${account}:signJwt`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        payload: JSON.stringify({ sub: account, exp: Math.floor(Date.now() / 1000) + 60 }),
      }),
    });

  test('gives what a machine is only to who asks as one does, and says what it is in full alone', async () => {
    expect((await fetch(own('identity?audience=x'))).status).toBe(403);
    expect((await fetch(own('identity'), { headers })).status).toBe(400);
    const claims = async (format: string): Promise<Claims> =>
      decodeJwt(await (await fetch(own(`identity?audience=x&format=${format}`), { headers })).text());
    expect(await claims('full')).toMatchObject({
      iss: 'https://accounts.google.com',
      aud: 'x',
      email: NODE,
      google: { compute_engine: { project_id: 'a-project', zone: 'europe-west3-a' } },
    });
    expect(await claims('standard')).not.toHaveProperty('google');
  });

  test('signs for a service account only for who may have it sign', async () => {
    const answer = (await (await fetch(own('token'), { headers })).json()) as { access_token: string };
    const signed = (await (await sign(answer.access_token)).json()) as { signedJwt: string };
    expect(decodeJwt(signed.signedJwt).sub).toBe(ACCOUNT);
    expect((await sign('somebody')).status).toBe(401);
    await gcp.addAccount(NODE);
    expect((await sign(answer.access_token, NODE)).status).toBe(403);
    expect((await sign(answer.access_token, `x${ACCOUNT}`)).status).toBe(404);
  });
});
