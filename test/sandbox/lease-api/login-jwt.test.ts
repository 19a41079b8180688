import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Issuer,
  type SigningOptions,
  startIssuer,
  type TokenClaims,
} from '../../../sandbox/issuer/issuer.ts';
import { createSigningKey } from '../../../sandbox/issuer/signing-key.ts';
import { createAdminClient } from '../../../sandbox/lease-api/admin-client.ts';
import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import { Fixture, unknownId } from './fixture.ts';
import { denial, forbidding, type IdentitySeed, LoginFixture, type Outcome } from './login-fixture.ts';

type Settings = Partial<NonNullable<IdentitySeed['jwt']>>;

let issuer: Issuer;

beforeAll(async () => {
  issuer = await startIssuer({ algorithm: 'ES256' });
});

afterAll(async () => {
  await issuer.stop();
});

/** The two ways in which an administrator can name the keys. */
const KEYS = {
  published: (): Settings => ({ jwksUrl: issuer.jwksUrl }),
  given: (): Settings => ({ publicKeys: [issuer.key.pem] }),
} as const;

async function started(settings: Settings): Promise<LoginFixture> {
  return LoginFixture.start('jwt', { jwt: settings }, 'current');
}

const claims = { sub: 'deploy', aud: 'lease-api' };
const denied = (message: string): Outcome => denial(`Access denied: ${message}`).current;
const forbidden = (message: string): Outcome => forbidding(`Access denied: ${message}`).current;

interface Rule {
  readonly settings?: Settings;
  readonly claims?: TokenClaims;
  readonly signing?: SigningOptions;
  readonly expected: Outcome;
}

const rules: Readonly<Record<string, Rule>> = {
  'with nothing bound: accepted': { expected: 200 },
  'that names no key: accepted, as there is one': { signing: { named: false }, expected: 200 },
  'of the bound issuer': {
    settings: { boundIssuer: 'https://ci.example' },
    claims: { iss: 'https://ci.example' },
    expected: 200,
  },
  'of another issuer': {
    settings: { boundIssuer: 'https://ci.example' },
    claims: { iss: 'https://elsewhere.example' },
    expected: forbidden('issuer mismatch'),
  },
  'of the bound subject': { settings: { boundSubject: 'deploy' }, expected: 200 },
  'of another subject': { settings: { boundSubject: 'other' }, expected: forbidden('subject not allowed') },
  'without a subject, where one is bound': {
    settings: { boundSubject: 'deploy' },
    claims: { sub: undefined },
    expected: denied('token has no subject field'),
  },
  'with one of the bound audiences': { settings: { boundAudiences: 'x, lease-*' }, expected: 200 },
  'with another audience': {
    settings: { boundAudiences: 'x, y' },
    expected: denied('token audience not allowed'),
  },
  'without an audience, where one is bound': {
    settings: { boundAudiences: 'x' },
    claims: { aud: undefined },
    expected: denied('token has no audience field'),
  },
  'with a bound value of a claim that is no text': {
    settings: { boundClaims: { protected: 'true' } },
    claims: { protected: true },
    expected: 200,
  },
  'with another value of a bound claim': {
    settings: { boundClaims: { ref: 'main,release' } },
    claims: { ref: 'attack' },
    expected: denied('claim mismatch for field ref'),
  },
  'without a bound claim': {
    settings: { boundClaims: { ref: 'main' } },
    expected: denied('token has no ref field'),
  },
};

describe.for(['published', 'given'] as const)('with keys that are %s, a token', (keys) => {
  const fault = (text: string): Outcome =>
    denied(keys === 'given' ? `JWT verification failed with all keys. Errors - ${text}` : text);

  test.for(Object.entries(rules))('%s', async ([, rule]) => {
    await using fixture = await started({ ...KEYS[keys](), ...rule.settings });
    const token = await issuer.sign({ ...claims, ...rule.claims }, rule.signing);
    expect(await fixture.logIn(token)).toEqual(rule.expected);
  });

  test('that is over', async () => {
    await using fixture = await started(KEYS[keys]());
    const token = await issuer.sign(claims, { lifeSeconds: 0 });
    expect(await fixture.logIn(token)).toEqual(fault('jwt expired'));
  });

  test('that is not valid yet', async () => {
    await using fixture = await started(KEYS[keys]());
    const token = await issuer.sign({ ...claims, nbf: Math.floor(Date.now() / 1000) + 3600 });
    expect(await fixture.logIn(token)).toEqual(fault('jwt not active'));
  });

  test('whose claims were changed after it was signed', async () => {
    await using fixture = await started(KEYS[keys]());
    const [header, , signature] = (await issuer.sign(claims)).split('.');
    const [, payload] = (await issuer.sign({ ...claims, sub: 'root' })).split('.');
    expect(await fixture.logIn(`${header}.${payload}.${signature}`)).toEqual(fault('invalid signature'));
  });

  test('that is signed with the public key as if it were a shared secret', async () => {
    await using fixture = await started(KEYS[keys]());
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: issuer.key.id })
      .setExpirationTime('10 min')
      .sign(Buffer.from(issuer.key.pem));
    expect(await fixture.logIn(token)).toEqual(fault('invalid algorithm'));
  });

  test('that is no token', async () => {
    await using fixture = await started(KEYS[keys]());
    expect(await fixture.logIn('no-token')).toEqual([401, 'UnauthorizedError', 'Invalid JWT']);
  });

  test('that works, for a lease', async () => {
    await using fixture = await started(KEYS[keys]());
    expect(await fixture.logIn(await issuer.sign(claims))).toBe(200);
    await fixture.server.lease();
    const { entries } = await fixture.server.api.readLedger();
    expect(entries).toContainEqual(
      expect.objectContaining({ event: 'login', by: fixture.identityId, method: 'jwt' }),
    );
  });
});

describe('several given keys', () => {
  test('are tried one after the other', async () => {
    const other = await createSigningKey('RS256');
    await using fixture = await started({ publicKeys: [other.pem, issuer.key.pem] });
    expect(await fixture.logIn(await issuer.sign(claims))).toBe(200);
    expect(await fixture.logIn(await issuer.sign(claims, { key: other }))).toBe(200);
    const stranger = await createSigningKey('ES256');
    expect(await fixture.logIn(await issuer.sign(claims, { key: stranger }))).toEqual(
      denied('JWT verification failed with all keys. Errors - invalid algorithm; invalid signature'),
    );
  });
});

test('a token by an algorithm that the server does not know is refused, genuine as it may be', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  await using fixture = await started({
    publicKeys: [publicKey.export({ type: 'spki', format: 'pem' }).toString()],
  });
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey);
  expect(await fixture.logIn(token)).toEqual(
    denied('JWT verification failed with all keys. Errors - invalid algorithm'),
  );
});

describe('published keys', () => {
  test.for([
    ['its own', 200],
    ['another', 500],
    ['none', 200],
  ] as const)('over TLS with %s authority: %i', async ([which, status]) => {
    const [own, another] = [createCertificates(), createCertificates()];
    await using secured = await startIssuer({ algorithm: 'ES256', tls: own });
    const authority = { 'its own': own.ca, another: another.ca, none: undefined }[which];
    await using fixture = await started({ jwksUrl: secured.jwksUrl, jwksCaCert: authority });
    expect((await fixture.answer(await secured.sign(claims))).status).toBe(status);
  });

  test('without the one that the token names: a fault inside the server', async () => {
    await using fixture = await started(KEYS.published());
    const key = await createSigningKey('ES256');
    expect(await fixture.logIn(await issuer.sign(claims, { key }))).toEqual([
      500,
      'InternalServerError',
      'Something went wrong',
    ]);
  });
});

describe('a login by jwt is refused', () => {
  const login = '/api/v1/auth/jwt-auth/login';

  test('for an identity that has another way to log in', async () => {
    await using fixture = await LoginFixture.start('jwt', {}, 'current');
    const message = 'JWT auth method not found for identity, did you configure JWT auth?';
    expect(await fixture.logIn(await issuer.sign(claims))).toEqual([404, 'NotFound', message]);
  });

  test('for an identity that is not there', async () => {
    await using fixture = await started(KEYS.given());
    const jwt = await issuer.sign(claims);
    expect(await fixture.logIn(jwt, { identityId: unknownId })).toMatchObject({ 0: 404 });
    expect(await fixture.logIn(jwt, { identityId: 'robot' })).toEqual([
      500,
      'FindOne',
      'Something went wrong',
    ]);
  });

  test('without its fields', async () => {
    await using fixture = await started(KEYS.given());
    const answer = await fixture.server.anonymous('POST', login, {});
    expect(fixture.server.refusal(answer)).toMatchObject({
      status: 422,
      message: [{ path: ['identityId'] }, { path: ['jwt'] }],
    });
  });

  test('by a server of 2024, which has no such route', async () => {
    await using server = await Fixture.start({ profile: '2024' });
    const answer = await server.anonymous('POST', login, { identityId: unknownId, jwt: 'x' });
    expect(answer).toMatchObject({ status: 404, body: { error: 'Not Found' } });
  });
});

describe('no identity can be seeded', () => {
  const seeds: Readonly<Record<string, readonly [seed: () => object, fault: string]>> = {
    'without keys': [() => ({}), 'exactly one of jwksUrl and publicKeys'],
    'with keys that are both given and published': [
      () => ({ ...KEYS.given(), ...KEYS.published() }),
      'exactly one of jwksUrl and publicKeys',
    ],
    'with a key that is none': [() => ({ publicKeys: ['abc'] }), 'not a public key in PEM'],
    'with a setting that is not known': [() => ({ ...KEYS.given(), issuers: 'x' }), 'issuers'],
  };

  test.for(Object.entries(seeds))('%s', async ([, [seed, fault]]) => {
    await using server = await Fixture.start();
    const client = createAdminClient(server.api.adminUrl);
    await expect(client.seedIdentity({ jwt: seed() })).rejects.toThrow(fault);
  });
});
