import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Aws, startAws } from '../../../sandbox/clouds/aws.ts';
import { type Issuer, type SigningOptions, startIssuer } from '../../../sandbox/issuer/issuer.ts';
import { createSigningKey } from '../../../sandbox/issuer/signing-key.ts';
import { PROFILES } from '../../../sandbox/lease-api/refusal.ts';
import { signedQuestion } from '../../../src/infisical/auth/aws-signature.ts';
import { type Body, Fixture, unknownId } from './fixture.ts';
import type { IdentitySeed } from './login-fixture.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Logs in once at a server. @returns 200 for an answer of the documented shape, else status and message */
async function logIn(server: Fixture, method: string, body: Body): Promise<unknown> {
  const answer = await server.anonymous('POST', `/api/v1/auth/${method}-auth/login`, body);
  if (answer.status === 200) {
    server.verify(answer, 'login');
    return 200;
  }
  const { status, message } = server.refusal(answer);
  return [status, message];
}

const SHOWN = [401, 'Access denied: this proof was shown before.'];

describe('a login by AWS', () => {
  const ARN = 'arn:aws:iam::123456789012:user/robot';
  let aws: Aws;
  let offset = 0;
  beforeAll(async () => {
    aws = await startAws({ now: () => Date.now() + offset });
  });
  afterAll(() => aws[Symbol.asyncDispose]());

  type Settings = Partial<NonNullable<IdentitySeed['aws']>>;
  interface Rule {
    readonly settings?: Settings;
    /** Seconds that it was signed ago. */
    readonly age?: number;
    readonly secret?: string;
    readonly change?: (proof: Body) => Body;
    readonly expected: unknown;
  }
  const refused = [401, 'Access denied: Request failed with status code 403'];
  const rules: Readonly<Record<string, Rule>> = {
    'of anybody, where nothing is bound: accepted': { expected: 200 },
    'of an allowed account and user: accepted': {
      settings: {
        allowedAccountIds: 'x, 123456789012',
        allowedPrincipalArns: 'arn:aws:iam::123456789012:user/*',
      },
      expected: 200,
    },
    'of another account': {
      settings: { allowedAccountIds: '1' },
      expected: [401, 'Access denied: AWS account ID not allowed.'],
    },
    'of another user': {
      settings: { allowedPrincipalArns: `${ARN}-not` },
      expected: [401, 'Access denied: AWS principal ARN not allowed.'],
    },
    'that is signed with a wrong secret': { secret: 'wrong', expected: refused },
    'that is stale': { age: 600, expected: refused },
    'that is from the future': { age: -600, expected: refused },
    'that asks something else': {
      change: (proof) => ({
        ...proof,
        iamRequestBody: Buffer.from('Action=GetSessionToken&Version='.padEnd(43, '2')).toString('base64'),
      }),
      expected: [401, 'Access denied: Request failed with status code 400'],
    },
    'whose question was changed after it was signed': {
      change: (proof) => ({
        ...proof,
        iamRequestBody: Buffer.from('Action=GetCallerIdentity&Version=2011-06-15&x=1').toString('base64'),
        iamRequestHeaders: Buffer.from(
          Buffer.from(String(proof['iamRequestHeaders']), 'base64').toString().replace('"43"', '"47"'),
        ).toString('base64'),
      }),
      expected: refused,
    },
    'by another method': {
      change: (proof) => ({ ...proof, iamHttpRequestMethod: 'GET' }),
      expected: [400, 'Invalid AWS request'],
    },
    'with headers that are none': {
      change: (proof) => ({ ...proof, iamRequestHeaders: 'x' }),
      expected: [400, 'Invalid AWS request'],
    },
  };

  const proofOf = async ({ age = 0, secret }: Rule): Promise<Body> => {
    const { accessKeyId, secretAccessKey } = aws.addKey(ARN);
    return signedQuestion({
      region: aws.region,
      endpoint: aws.url,
      credentials: { accessKeyId, secretAccessKey: secret ?? secretAccessKey },
      seconds: Math.floor(Date.now() / 1000) - age,
    });
  };

  test.for(Object.entries(rules))('%s', async ([, rule]) => {
    await using server = await Fixture.start();
    const settings = { stsEndpoint: aws.url, ...rule.settings };
    const { identityId } = await server.api.seedIdentity({ aws: settings });
    const proof = await proofOf(rule);
    const body = { identityId, ...(rule.change ?? ((same: Body) => same))(proof) };
    expect(await logIn(server, 'aws', body)).toEqual(rule.expected);
  });

  test('with a proof that was shown before is refused, also for another identity', async () => {
    await using server = await Fixture.start();
    const one = await server.api.seedIdentity({ aws: { stsEndpoint: aws.url } });
    const other = await server.api.seedIdentity({ aws: { stsEndpoint: aws.url } });
    const proof = await proofOf({ expected: 200 });
    expect(await logIn(server, 'aws', { identityId: one.identityId, ...proof })).toBe(200);
    for (const { identityId } of [one, other])
      expect(await logIn(server, 'aws', { identityId, ...proof })).toEqual(SHOWN);
  });

  test('is refused when it was good and has become stale', async () => {
    await using server = await Fixture.start();
    const { identityId } = await server.api.seedIdentity({ aws: { stsEndpoint: aws.url } });
    const proof = await proofOf({ expected: refused });
    offset = 600_000;
    try {
      expect(await logIn(server, 'aws', { identityId, ...proof })).toEqual(refused);
    } finally {
      offset = 0;
    }
  });
});

const TENANT = '11111111-2222-4333-8444-555555555555';
const AZURE = { iss: `https://sts.windows.net/${TENANT}/`, aud: 'api://infisical', oid: 'robot' };
const MACHINE = { compute_engine: { project_id: 'a-project', zone: 'europe-west3-a' } };
const EMAIL = 'leases@a-project.iam.gserviceaccount.com';
const GCP = { iss: 'https://accounts.google.com', email: EMAIL, google: MACHINE };

describe('a login by a token of a cloud', () => {
  let issuer: Issuer;
  beforeAll(async () => {
    issuer = await startIssuer();
  });
  afterAll(() => issuer[Symbol.asyncDispose]());

  const seeds = {
    azure: (settings: object = {}): IdentitySeed => ({
      azure: {
        tenantId: TENANT,
        resource: 'api://infisical',
        allowedServicePrincipalIds: 'robot',
        jwksUrl: issuer.jwksUrl,
        ...settings,
      },
    }),
    gcp: (settings: object = {}): IdentitySeed => ({
      gcp: { type: 'gce', allowedServiceAccounts: EMAIL, keysUrl: issuer.jwksUrl, ...settings },
    }),
  };
  type Cloud = keyof typeof seeds;
  const claimsOf = (cloud: Cloud, identityId: string): Claims =>
    cloud === 'azure' ? AZURE : { ...GCP, aud: identityId };

  interface Rule {
    readonly settings?: object;
    readonly claims?: Claims;
    readonly signing?: SigningOptions;
    readonly fault: RegExp;
  }
  const rules: Readonly<Record<Cloud, Readonly<Record<string, Rule>>>> = {
    azure: {
      'of another tenant': { settings: { tenantId: 'x' }, fault: /jwt issuer invalid/ },
      'for another resource': { claims: { aud: 'api://other' }, fault: /jwt audience invalid/ },
      'of another principal': { claims: { oid: 'x' }, fault: /Azure service principal not allowed\.$/ },
      'of nobody': { claims: { oid: undefined }, fault: /Azure service principal not allowed\.$/ },
      'that is over': { signing: { lifeSeconds: -60 }, fault: /jwt expired$/ },
    },
    gcp: {
      'of another issuer': { claims: { iss: 'x' }, fault: /jwt issuer invalid/ },
      'for another identity': { claims: { aud: unknownId }, fault: /jwt audience invalid/ },
      'of another account': { claims: { email: 'x' }, fault: /GCP service account not allowed\.$/ },
      'of another project': { settings: { allowedProjects: 'x' }, fault: /GCP project not allowed\.$/ },
      'of another zone': { settings: { allowedZones: 'x' }, fault: /GCP zone not allowed\.$/ },
      'that does not say its zone': {
        settings: { allowedZones: 'europe-west3-a' },
        claims: { google: undefined },
        fault: /GCP zone not allowed\.$/,
      },
      'that is over': { signing: { lifeSeconds: -60 }, fault: /jwt expired$/ },
    },
  };
  const cases = (['azure', 'gcp'] as const).flatMap((cloud) =>
    PROFILES.flatMap((profile) =>
      Object.entries(rules[cloud]).map(([what, rule]) => [cloud, profile, what, rule] as const),
    ),
  );

  test.for(cases)('%s, %s: %s', async ([cloud, profile, , rule]) => {
    await using server = await Fixture.start({ profile });
    const { identityId } = await server.api.seedIdentity(seeds[cloud](rule.settings));
    const jwt = await issuer.sign({ ...claimsOf(cloud, identityId), ...rule.claims }, rule.signing);
    const outcome = await logIn(server, cloud, { identityId, jwt });
    expect(outcome).toEqual([profile === 'current' ? 401 : 500, expect.stringMatching(rule.fault)]);
  });

  test.for(['azure', 'gcp'] as const)('%s: is accepted once', async (cloud) => {
    await using server = await Fixture.start();
    const { identityId } = await server.api.seedIdentity(seeds[cloud]());
    const jwt = await issuer.sign(claimsOf(cloud, identityId));
    expect(await logIn(server, cloud, { identityId, jwt })).toBe(200);
    expect(await logIn(server, cloud, { identityId, jwt })).toEqual(SHOWN);
  });

  test.for(['azure', 'gcp'] as const)('%s: by another key is refused, and so is no token', async (cloud) => {
    await using server = await Fixture.start();
    const { identityId } = await server.api.seedIdentity(seeds[cloud]());
    const key = await createSigningKey('RS256');
    const jwt = await issuer.sign(claimsOf(cloud, identityId), { key });
    expect(await logIn(server, cloud, { identityId, jwt })).toEqual([
      401,
      'Access denied: invalid signature',
    ]);
    const none = await logIn(server, cloud, { identityId, jwt: 'x' });
    expect(none).toEqual([401, 'Access denied: jwt malformed']);
  });

  test.for([
    ['aws', 'AWS', { iamHttpRequestMethod: 'POST', iamRequestBody: '', iamRequestHeaders: '' }],
    ['azure', 'Azure', { jwt: 'x' }],
    ['gcp', 'GCP', { jwt: 'x' }],
  ] as const)('%s: for an identity that has another way to log in', async ([method, name, shown]) => {
    await using server = await Fixture.start();
    const { identityId } = await server.api.seedIdentity({});
    expect(await logIn(server, method, { identityId, ...shown })).toEqual([
      404,
      `${name} auth method not found for identity, did you configure ${name} auth?`,
    ]);
  });
});
