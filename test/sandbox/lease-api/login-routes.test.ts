import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAdminClient } from '../../../sandbox/lease-api/admin-client.ts';
import { LOGIN_METHODS, type LoginMethod } from '../../../sandbox/lease-api/logins/settings.ts';
import { type Issuer, startIssuer } from '../../../sandbox/issuer/issuer.ts';
import { PROFILES, type Profile } from '../../../sandbox/lease-api/refusal.ts';
import { type Answer, type Body, Fixture } from './fixture.ts';

let issuer: Issuer;

beforeAll(async () => {
  issuer = await startIssuer({ algorithm: 'ES256' });
});

afterAll(async () => {
  await issuer.stop();
});

/** A server with an identity that may log in by every method that needs no control plane. */
async function started(profile: Profile, organizationSlug?: string): Promise<Logins> {
  const server = await Fixture.start({ profile });
  const identity = await createAdminClient(server.api.adminUrl).seedIdentity({
    ...(organizationSlug !== undefined && { organizationSlug }),
    oidc: { boundIssuer: issuer.url },
    jwt: { publicKeys: [issuer.key.pem] },
    ldap: { users: { ann: { password: 'the-password' } } },
  });
  return new Logins(server, identity);
}

/** What a login shows. */
async function proofOf(
  method: LoginMethod,
  { identityId, clientId, clientSecret }: Fixture['identity'],
): Promise<Body> {
  if (method === 'universal') return { clientId, clientSecret };
  if (method === 'aws')
    return { identityId, iamHttpRequestMethod: 'POST', iamRequestBody: '', iamRequestHeaders: '' };
  if (method === 'ldap') return { identityId, username: 'ann', password: 'the-password' };
  return { identityId, jwt: await issuer.sign({}) };
}

class Logins implements AsyncDisposable {
  readonly server: Fixture;
  readonly identity: Fixture['identity'];

  constructor(server: Fixture, identity: Fixture['identity']) {
    this.server = server;
    this.identity = identity;
  }

  async logIn(method: LoginMethod, body: Body = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const proof = await proofOf(method, this.identity);
    const path = `/api/v1/auth/${method}-auth/login`;
    return this.server.anonymous('POST', path, { ...proof, ...body }, headers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

const ROUTES = {
  universal: 'login',
  kubernetes: 'login-kubernetes',
  oidc: 'login-oidc',
  jwt: 'login-jwt',
  aws: 'login-aws',
  azure: 'login-azure',
  gcp: 'login-gcp',
  ldap: 'login-ldap',
} as const satisfies Record<LoginMethod, string>;
const WITHOUT_CONTROL_PLANE = ['universal', 'oidc', 'jwt', 'ldap'] as const;

describe.for(WITHOUT_CONTROL_PLANE)('a sub-organisation in a login by %s', (method) => {
  test.for([
    ['the one of the identity', 'team-a', 'team-a', 200, {}],
    [
      'another',
      'team-a',
      'team-b',
      401,
      { message: 'Identity not authorized to access sub organization team-b' },
    ],
    ['none, where the identity has one', 'team-a', undefined, 401, { message: 'Invalid credentials' }],
    ['any, where the identity has none', undefined, 'team-b', 200, {}],
    ['what is no slug', undefined, 'Team A', 422, { message: [{ path: ['organizationSlug'] }] }],
    [
      'what is longer than 32 characters',
      undefined,
      'a'.repeat(33),
      422,
      { message: [{ code: 'too_big', maximum: 32 }] },
    ],
  ] as const)('%s', async ([, seeded, named, status, body]) => {
    await using logins = await started('current', seeded);
    const answer = await logins.logIn(method, named === undefined ? {} : { organizationSlug: named });
    expect(answer).toMatchObject({ status, body });
  });
});

test.for(['universal', 'oidc'] as const)(
  'a server of 2024 knows no sub-organisations: %s',
  async (method) => {
    await using logins = await started('2024', 'team-a');
    expect((await logins.logIn(method)).status).toBe(200);
    expect((await logins.logIn(method, { organizationSlug: 'Team B' })).status).toBe(200);
  },
);

describe('each login', () => {
  test('has a route of its own, for counts and faults', async () => {
    await using logins = await started('current');
    for (const method of LOGIN_METHODS) await logins.logIn(method);
    expect(await logins.server.api.counts()).toEqual({
      counts: Object.fromEntries(Object.values(ROUTES).map((route) => [route, { anonymous: 1 }])),
    });
    for (const method of WITHOUT_CONTROL_PLANE) {
      await logins.server.api.armFault({
        match: { route: ROUTES[method], times: 'always' },
        action: { type: 'status', status: 503 },
      });
      for (const other of WITHOUT_CONTROL_PLANE)
        expect((await logins.logIn(other)).status).toBe(other === method ? 503 : 200);
      await logins.server.api.disarmFaults();
    }
  });

  test('that succeeds is noted with its method, and what it brought', async () => {
    await using logins = await started('current');
    for (const method of LOGIN_METHODS) await logins.logIn(method);
    const { entries } = await createAdminClient(logins.server.api.adminUrl).readLedger();
    const digest: unknown = expect.stringMatching(/^[0-9a-f]{12}$/);
    const by = logins.identity.identityId;
    // This identity has no login by kubernetes, and none from a cloud.
    expect(entries).toMatchObject([
      { event: 'login', by, method: 'universal', proof: null },
      { event: 'login', by, method: 'oidc', proof: digest },
      { event: 'login', by, method: 'jwt', proof: digest },
      { event: 'login', by, method: 'ldap', proof: null },
    ]);
  });

  test.for(LOGIN_METHODS)('by %s answers 422 to what it does not know', async (method) => {
    await using logins = await started('current');
    const answer = await logins.logIn(method, { colour: 'red' });
    expect(logins.server.refusal(answer)).toMatchObject({
      status: 422,
      message: [{ code: 'unrecognized_keys', keys: ['colour'] }],
    });
  });

  // A server of 2024 has no routes for JWTs and directories, and looks at the header only on a route.
  const served = PROFILES.flatMap((profile) =>
    LOGIN_METHODS.filter((method) => profile === 'current' || !['jwt', 'ldap'].includes(method)).map(
      (method) => [profile, method] as const,
    ),
  );

  test.for(served)(
    '%s: refuses a stale Authorization header before anything else: %s',
    async ([profile, method]) => {
      await using logins = await started(profile);
      const { server } = logins;
      await server.api.killToken({ identityId: server.identity.identityId, death: 'expired' });
      const authorization = `Bearer ${server.accessToken}`;
      expect((await logins.logIn(method, {}, { authorization })).status).toBe(
        profile === 'current' ? 403 : 500,
      );
    },
  );

  test.for([
    ['universal', 200],
    ['oidc', 500],
    ['jwt', 500],
    ['ldap', 500],
  ] as const)('in maintenance: by %s %i', async ([method, status]) => {
    await using logins = await started('current');
    await logins.server.api.setSwitches({ maintenance: true });
    expect((await logins.logIn(method)).status).toBe(status);
  });
});

test('the token of a service account may have 8 KiB on a current server', async () => {
  await using logins = await started('current');
  const jwt = 'x'.repeat(8192);
  expect((await logins.logIn('kubernetes', { jwt })).status).toBe(404);
  expect((await logins.logIn('kubernetes', { jwt: `${jwt}x` })).status).toBe(422);
  await using old = await started('2024');
  const answer = await old.logIn('kubernetes', { jwt: `${jwt}x` });
  // Understood, and refused for the identity's sake: a fault of the body would be a ValidationFailure.
  expect(old.server.refusal(answer)).toMatchObject({ status: 403, error: 'UnauthorizedError' });
});
