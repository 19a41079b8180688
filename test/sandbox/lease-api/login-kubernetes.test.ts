import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { type ControlPlane, startControlPlane } from '../../../sandbox/control-plane/control-plane.ts';
import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import { PROFILES, type Profile } from '../../../sandbox/lease-api/refusal.ts';
import { PATIENCE } from './fixture.ts';
import { containing, denial, type Expected, type IdentitySeed, LoginFixture } from './login-fixture.ts';

type Settings = Partial<NonNullable<IdentitySeed['kubernetes']>>;

const OPERATOR = { namespace: 'shop', name: 'operator' };
const API_SERVER = 'https://kubernetes.default.svc';

let controlPlane: ControlPlane;
let ca: string;
/** May review tokens. */
let reviewer: string;

beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false });
  ca = await readFile(controlPlane.caFile, 'utf8');
  const account = { namespace: 'infisical', name: 'reviewer' };
  reviewer = await controlPlane.serviceAccountToken(account);
  await bind('reviewer', 'system:auth-delegator', '--serviceaccount=infisical:reviewer');
  await awaitCondition(async () => mayReview(reviewer), { what: 'the reviewer to have its right' });
});

afterAll(async () => {
  await controlPlane.stop();
});

async function kubectl(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await controlPlane.kubectlRun(args);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function bind(name: string, role: string, subject: string): Promise<void> {
  await kubectl('create', 'clusterrolebinding', name, `--clusterrole=${role}`, subject);
}

/** Asked with a kubeconfig of nobody, which has no token that would go before this one. */
async function mayReview(token: string): Promise<boolean> {
  const who = [
    `--token=${token}`,
    `--server=${controlPlane.server}`,
    `--certificate-authority=${controlPlane.caFile}`,
  ];
  const args = ['auth', 'can-i', 'create', 'tokenreviews.authentication.k8s.io', ...who];
  return (await controlPlane.kubectlRun(args, { kubeconfig: '/dev/null' })).exitCode === 0;
}

async function operatorToken(audience?: string): Promise<string> {
  const audiences = audience === undefined ? {} : { audiences: [audience] };
  return controlPlane.serviceAccountToken(OPERATOR, { seconds: 600, ...audiences });
}

async function started(settings: Settings, profile: Profile): Promise<LoginFixture> {
  const kubernetes = {
    kubernetesHost: controlPlane.server,
    caCert: ca,
    tokenReviewerJwt: reviewer,
    ...settings,
  };
  return LoginFixture.start('kubernetes', { kubernetes }, profile);
}

const passes: Expected = { current: 200, '2024': 200 };
const namespaceDenied = denial('Access denied: K8s namespace not allowed.');
const nameDenied = denial('Access denied: K8s name not allowed.');
const audienceDenied = denial('Access denied: K8s audience not allowed.');

interface Rule {
  readonly settings: Settings;
  readonly audience?: string;
  readonly expected: Expected;
}

const rules: Readonly<Record<string, Rule>> = {
  'where nothing is bound': { settings: {}, expected: passes },
  'from an allowed namespace': { settings: { allowedNamespaces: 'other, shop' }, expected: passes },
  'from another namespace': { settings: { allowedNamespaces: 'other,sho' }, expected: namespaceDenied },
  'from a namespace that fits a pattern': {
    settings: { allowedNamespaces: 'other,sh*' },
    expected: { current: 200, '2024': namespaceDenied['2024'] },
  },
  'of an allowed name': { settings: { allowedNames: 'other,operator' }, expected: passes },
  'of another name': { settings: { allowedNames: 'other' }, expected: nameDenied },
  'of a name that fits a pattern': {
    settings: { allowedNames: 'op*' },
    expected: { current: 200, '2024': nameDenied['2024'] },
  },
  'for the API server, which is the allowed audience': {
    settings: { allowedAudience: API_SERVER },
    expected: passes,
  },
  'for the allowed audience: a server of 2024 does not tell the API server of it': {
    settings: { allowedAudience: 'lease-api' },
    audience: 'lease-api',
    expected: {
      current: 200,
      '2024': [403, 'UnauthorizedError', containing('invalid bearer token')],
    },
  },
  'for the API server, where another audience is allowed': {
    settings: { allowedAudience: 'lease-api' },
    expected: {
      current: [401, 'KubernetesTokenReviewError', containing('invalid bearer token')],
      '2024': audienceDenied['2024'],
    },
  },
  'for another audience, where none is bound': {
    settings: {},
    audience: 'lease-api',
    expected: {
      current: [401, 'KubernetesTokenReviewError', containing('invalid bearer token')],
      '2024': [403, 'UnauthorizedError', containing('invalid bearer token')],
    },
  },
};

describe.for(PROFILES)('a server of profile %s and a token', (profile) => {
  test.for(Object.entries(rules))('%s', async ([, { settings, audience, expected }]) => {
    await using fixture = await started(settings, profile);
    expect(await fixture.logIn(await operatorToken(audience))).toEqual(expected[profile]);
  });

  test('that nobody made', async () => {
    await using fixture = await started({}, profile);
    expect(await fixture.logIn('no-token')).toEqual(
      profile === 'current'
        ? [401, 'KubernetesTokenReviewError', containing('invalid bearer token')]
        : [403, 'UnauthorizedError', containing('invalid bearer token')],
    );
  });

  test('of an account that was deleted', async () => {
    const account = { namespace: 'shop', name: `gone-${profile}` };
    const token = await controlPlane.serviceAccountToken(account);
    await kubectl('delete', 'serviceaccount', account.name, '-n', account.namespace);
    await using fixture = await started({}, profile);
    expect((await fixture.answer(token)).status).toBe(profile === 'current' ? 401 : 403);
  });

  test('of somebody who is no service account', async () => {
    const kubeconfig = z
      .object({ users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]) })
      .parse(parse(await readFile(controlPlane.kubeconfig, 'utf8')));
    await using fixture = await started({}, profile);
    expect(await fixture.logIn(kubeconfig.users[0].user.token)).toEqual(
      profile === 'current'
        ? [400, 'KubernetesUsernameParseError', containing('"admin"')]
        : [500, 'Internal Server Error', 'Invalid username format'],
    );
  });

  test('for an identity that has another way to log in', async () => {
    await using fixture = await LoginFixture.start('kubernetes', {}, profile);
    const message = 'Kubernetes auth method not found for identity, did you configure Kubernetes auth?';
    expect(await fixture.logIn(await operatorToken())).toEqual(
      profile === 'current'
        ? [404, 'NotFound', message]
        : [403, 'UnauthorizedError', 'You are not allowed to access this resource'],
    );
  });

  test('that leads to a lease, and is not kept', async () => {
    await using fixture = await started({}, profile);
    const token = await operatorToken();
    expect(await fixture.logIn(token)).toBe(200);
    await fixture.server.lease();
    const { entries } = await fixture.server.api.readLedger();
    expect(entries[0]).toMatchObject({
      event: 'login',
      by: fixture.identityId,
      method: 'kubernetes',
      proof: createHash('sha256').update(token).digest('hex').slice(0, 12),
    });
    expect(JSON.stringify(entries)).not.toContain(token.split('.')[2]);
  });
});

describe('without a reviewer', () => {
  const alone = { tokenReviewerJwt: undefined };
  /** Of an account that may review tokens, its own too. */
  let own: string;

  beforeAll(async () => {
    await bind('self', 'system:auth-delegator', '--serviceaccount=shop:self');
    own = await controlPlane.serviceAccountToken({ namespace: 'shop', name: 'self' });
    await awaitCondition(async () => mayReview(own), { what: 'the account to have its right' });
  });

  test('the current server asks as the client, which needs the right to', async () => {
    await using fixture = await started(alone, 'current');
    expect(await fixture.logIn(await operatorToken())).toEqual([
      401,
      'KubernetesTokenReviewerForbidden',
      containing('"system:serviceaccount:shop:operator" cannot create resource "tokenreviews"'),
    ]);
    expect(await fixture.logIn(own)).toBe(200);
  });

  test('a token for another audience cannot ask for itself', async () => {
    await using fixture = await started({ ...alone, allowedAudience: 'lease-api' }, 'current');
    expect(await fixture.logIn(await operatorToken('lease-api'))).toEqual([
      401,
      'KubernetesTokenReviewerUnauthorized',
      'Unauthorized',
    ]);
  });

  test('a server of 2024 asks as nobody, whatever the client may', async () => {
    await using fixture = await started(alone, '2024');
    const refusal = [500, 'Internal Server Error', 'Request failed with status code 403'];
    expect(await fixture.logIn(own)).toEqual(refusal);
  });
});

describe("the API server's certificate", () => {
  const foreign = createCertificates().ca;

  const refused = { status: 400, body: { error: 'KubernetesCertificateError' } };

  test.for([
    ['current', 'is verified by the given authority', {}, { status: 200 }],
    ['current', 'has to fit it', { caCert: foreign }, refused],
    ['current', 'is verified also without one', { caCert: undefined }, refused],
    [
      'current',
      'is not verified on request',
      { caCert: undefined, verifyTlsCertificate: false },
      { status: 200 },
    ],
    ['2024', 'has to fit a given authority', { caCert: foreign }, { status: 500 }],
    ['2024', 'is not verified without one', { caCert: undefined }, { status: 200 }],
  ] as const)('%s: %s', async ([profile, , settings, answer]) => {
    await using fixture = await started(settings, profile);
    expect(await fixture.answer(await operatorToken())).toMatchObject(answer);
  });
});

test.for([
  ['current', [400, 'KubernetesConnectionRefused', containing('Connection refused')]],
  ['2024', [500, 'Internal Server Error', containing('')]],
] as const)('%s: an API server that is not there', async ([profile, refusal]) => {
  // Port 1 is nobody's.
  await using fixture = await started({ kubernetesHost: 'https://127.0.0.1:1' }, profile);
  expect(await fixture.logIn(await operatorToken())).toEqual(refusal);
});

describe('the API server as an OpenID issuer', () => {
  test('a token of a service account, verified by its published keys', async () => {
    await bind('discovery', 'system:service-account-issuer-discovery', '--group=system:unauthenticated');
    const oidc = {
      boundIssuer: API_SERVER,
      oidcDiscoveryUrl: controlPlane.server,
      caCert: ca,
      boundSubject: 'system:serviceaccount:shop:operator',
      boundAudiences: 'lease-api',
    };
    await using fixture = await LoginFixture.start('oidc', { oidc }, 'current');
    const token = await operatorToken('lease-api');
    // The right to read the keys takes effect a moment after it is given.
    await expect.poll(async () => fixture.logIn(token), PATIENCE).toBe(200);
    expect(await fixture.logIn(await operatorToken('other'))).toEqual(
      denial('Access denied: OIDC audience not allowed.').current,
    );
    const stranger = { namespace: 'shop', name: 'stranger' };
    const other = await controlPlane.serviceAccountToken(stranger, { audiences: ['lease-api'] });
    expect(await fixture.logIn(other)).toEqual([
      403,
      'ForbiddenError',
      'Access denied: OIDC subject not allowed.',
    ]);
  });
});
