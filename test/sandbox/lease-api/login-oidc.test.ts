import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Issuer,
  type SigningOptions,
  startIssuer,
  type TokenClaims,
} from '../../../sandbox/issuer/issuer.ts';
import { createSigningKey } from '../../../sandbox/issuer/signing-key.ts';
import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import { PROFILES, type Profile } from '../../../sandbox/lease-api/refusal.ts';
import {
  containing,
  denial,
  type Expected,
  forbidding,
  forgery,
  type IdentitySeed,
  LoginFixture,
} from './login-fixture.ts';

type Settings = Partial<NonNullable<IdentitySeed['oidc']>>;

let issuer: Issuer;

beforeAll(async () => {
  issuer = await startIssuer({ algorithm: 'ES256' });
});

afterAll(async () => {
  await issuer.stop();
});

async function started(settings: Settings = {}, profile: Profile = 'current'): Promise<LoginFixture> {
  return LoginFixture.start('oidc', { oidc: { boundIssuer: issuer.url, ...settings } }, profile);
}

const passes: Expected = { current: 200, '2024': 200 };
const claims = { sub: 'system:serviceaccount:shop:operator', aud: ['lease-api', 'other'] };

interface Rule {
  readonly settings?: Settings;
  readonly claims?: TokenClaims;
  readonly signing?: SigningOptions;
  readonly expected: Expected;
}

const rules: Readonly<Record<string, Rule>> = {
  'with nothing bound: accepted': { expected: passes },
  'that names no key: accepted': { signing: { named: false }, expected: passes },
  'of the bound subject': { settings: { boundSubject: claims.sub }, expected: passes },
  'of a subject that fits the bound pattern': {
    settings: { boundSubject: 'system:serviceaccount:shop:*' },
    expected: passes,
  },
  'of another subject': {
    settings: { boundSubject: 'system:serviceaccount:shop:other' },
    expected: forbidding('Access denied: OIDC subject not allowed.'),
  },
  'without a subject, where one is bound': {
    settings: { boundSubject: '*' },
    claims: { sub: undefined },
    expected: forbidding('Access denied: OIDC subject not allowed.'),
  },
  'with one of the bound audiences': { settings: { boundAudiences: 'x, lease-api' }, expected: passes },
  'with another audience': {
    settings: { boundAudiences: 'x, y' },
    expected: denial('Access denied: OIDC audience not allowed.'),
  },
  'without an audience, where one is bound': {
    settings: { boundAudiences: 'x' },
    claims: { aud: undefined },
    expected: denial('Access denied: OIDC audience not allowed.'),
  },
  'with one of the bound values of a claim': {
    settings: { boundClaims: { team: 'blue,green' } },
    claims: { team: 'green' },
    expected: passes,
  },
  'with another value of a bound claim': {
    settings: { boundClaims: { team: 'blue,green' } },
    claims: { team: 'red' },
    expected: denial('Access denied: OIDC claim not allowed.'),
  },
  'without a bound claim': {
    settings: { boundClaims: { team: 'blue' } },
    expected: {
      current: [401, 'UnauthorizedError', 'Access denied: token has no team field'],
      '2024': [500, 'Internal Server Error', 'Access denied: OIDC claim not allowed.'],
    },
  },
  'with a bound claim inside another: only the current server looks there': {
    settings: { boundClaims: { 'org.team': 'blue' } },
    claims: { org: { team: 'blue' } },
    expected: {
      current: 200,
      '2024': [500, 'Internal Server Error', 'Access denied: OIDC claim not allowed.'],
    },
  },
  'that is over': { signing: { lifeSeconds: 0 }, expected: forgery('jwt expired') },
  'that lives for a minute more': { signing: { lifeSeconds: 60 }, expected: passes },
  'that is not valid yet': {
    claims: { nbf: Math.floor(Date.now() / 1000) + 3600 },
    expected: forgery('jwt not active'),
  },
};

describe.for(PROFILES)('a server of profile %s and a token', (profile) => {
  test.for(Object.entries(rules))('%s', async ([, rule]) => {
    await using fixture = await started(rule.settings, profile);
    const token = await issuer.sign({ ...claims, ...rule.claims }, rule.signing);
    expect(await fixture.logIn(token)).toEqual(rule.expected[profile]);
  });

  test('of another issuer', async () => {
    await using fixture = await started({}, profile);
    expect(await fixture.logIn(await issuer.sign({ ...claims, iss: 'https://elsewhere.example' }))).toEqual(
      forgery(`jwt issuer invalid. expected: ${issuer.url}`)[profile],
    );
  });

  test('whose claims were changed after it was signed', async () => {
    await using fixture = await started({}, profile);
    const [header, , signature] = (await issuer.sign(claims)).split('.');
    const [, payload] = (await issuer.sign({ ...claims, sub: 'root' })).split('.');
    expect(await fixture.logIn(`${header}.${payload}.${signature}`)).toEqual(
      forgery('invalid signature')[profile],
    );
  });

  test('that is signed with a key that the issuer does not publish', async () => {
    await using fixture = await started({}, profile);
    const key = await createSigningKey('ES256');
    expect(await fixture.logIn(await issuer.sign(claims, { key }))).toEqual(
      profile === 'current'
        ? [401, 'UnauthorizedError', containing(`The signing key '${key.id}' was not found`)]
        : [500, 'Internal Server Error', `Unable to find a signing key that matches '${key.id}'`],
    );
  });

  test('that is no token', async () => {
    await using fixture = await started({}, profile);
    expect(await fixture.logIn('no-token')).toEqual(
      profile === 'current'
        ? [401, 'UnauthorizedError', 'Invalid JWT']
        : [500, 'Internal Server Error', 'jwt malformed'],
    );
  });

  test('for an identity that has another way to log in', async () => {
    await using fixture = await LoginFixture.start('oidc', {}, profile);
    expect(await fixture.logIn(await issuer.sign(claims))).toEqual(
      profile === 'current'
        ? [404, 'NotFound', 'OIDC auth method not found for identity, did you configure OIDC auth?']
        : [403, 'UnauthorizedError', 'You are not allowed to access this resource'],
    );
  });

  test('while the issuer cannot be reached', async () => {
    const gone = await startIssuer({ algorithm: 'ES256' });
    const token = await gone.sign(claims);
    await gone.stop();
    await using fixture = await started({ boundIssuer: gone.url }, profile);
    expect(await fixture.logIn(token)).toEqual(
      profile === 'current'
        ? [401, 'UnauthorizedError', containing('Failed to fetch OIDC discovery document from')]
        : [500, 'Internal Server Error', containing('')],
    );
  });
});

describe('a login by oidc', () => {
  test('gives a token that works, and is noted by a digest of what it brought', async () => {
    await using fixture = await started();
    const tokens = [await issuer.sign(claims), await issuer.sign(claims)];
    for (const token of tokens) expect(await fixture.logIn(` ${token} `)).toBe(200);
    await fixture.server.lease();
    const { entries } = await fixture.server.api.readLedger();
    const proofs = tokens.map((token) => createHash('sha256').update(token).digest('hex').slice(0, 12));
    expect(entries.filter(({ event }) => event === 'login')).toMatchObject(
      proofs.map((proof) => ({ by: fixture.identityId, method: 'oidc', proof })),
    );
    expect(new Set(proofs).size).toBe(2);
    for (const token of tokens) expect(JSON.stringify(entries)).not.toContain(token.split('.')[2]);
  });

  test('follows the keys of the issuer', async () => {
    await using rotating = await startIssuer({ algorithm: 'ES256' });
    await using fixture = await started({ boundIssuer: rotating.url });
    const old = await rotating.sign(claims);
    await rotating.rotate();
    expect(await fixture.logIn(old)).toBe(200);
    expect(await fixture.logIn(await rotating.sign(claims))).toBe(200);
    await rotating.rotate({ withdrawOld: true });
    expect((await fixture.answer(old)).status).toBe(401);
    expect(await fixture.logIn(await rotating.sign(claims))).toBe(200);
  });

  test("goes by the server's clock", async () => {
    await using fixture = await started();
    const token = await issuer.sign(claims, { lifeSeconds: 600 });
    await fixture.server.api.advanceClock({ ms: 590_000 });
    expect(await fixture.logIn(token)).toBe(200);
    await fixture.server.api.advanceClock({ ms: 20_000 });
    expect(await fixture.logIn(token)).toEqual(forgery('jwt expired').current);
    // A server whose clock is behind refuses a token that was made just now.
    await fixture.server.api.setClock({ offsetMs: -60_000 });
    expect(await fixture.logIn(await issuer.sign(claims))).toEqual(forgery('jwt not active').current);
  });

  test('finds the keys of an issuer with another address by its discovery address', async () => {
    const iss = 'https://kubernetes.default.svc';
    await using fixture = await started({ boundIssuer: iss, oidcDiscoveryUrl: `${issuer.url}/` });
    expect(await fixture.logIn(await issuer.sign({ ...claims, iss }))).toBe(200);
  });

  test.for([
    ['its own', 200],
    ['another', 401],
    ['none', 200],
  ] as const)('over TLS with %s authority: %i', async ([which, status]) => {
    const [own, another] = [createCertificates(), createCertificates()];
    await using secured = await startIssuer({ algorithm: 'ES256', tls: own });
    const authority = { 'its own': own.ca, another: another.ca, none: undefined }[which];
    await using fixture = await started({ boundIssuer: secured.url, caCert: authority });
    expect((await fixture.answer(await secured.sign(claims))).status).toBe(status);
  });

  test('with RS256', async () => {
    await using rsa = await startIssuer({ algorithm: 'RS256' });
    await using fixture = await started({ boundIssuer: rsa.url });
    expect(await fixture.logIn(await rsa.sign(claims))).toBe(200);
  });
});
