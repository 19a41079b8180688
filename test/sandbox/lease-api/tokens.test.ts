import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { TOKEN_DEATHS, type TokenDeath } from '../../../sandbox/lease-api/tokens.ts';
import { Fixture, tokenIn } from './fixture.ts';

const claims = z.object({
  exp: z.number().optional(),
  iat: z.number(),
  identityId: z.string(),
  authTokenType: z.string(),
});

function decoded(token: string): z.infer<typeof claims> {
  return claims.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
}

/** A static token of a fresh identity that may do everything. */
async function tokenOf(server: Fixture, seed: object): Promise<string> {
  const { identityId } = await server.api.seedIdentity({ grants: [{ projectSlug: 'shop' }], ...seed });
  return (await server.api.mintToken({ identityId })).accessToken;
}

describe('a login', () => {
  test('gives a token that works', async () => {
    await using server = await Fixture.start();
    const answer = await server.logIn(` ${server.identity.clientSecret} `);
    server.verify(answer, 'login');
    expect(answer.body).toMatchObject({
      expiresIn: 2_592_000,
      accessTokenMaxTTL: 2_592_000,
      tokenType: 'Bearer',
    });
    server.accessToken = tokenIn(answer);
    await server.lease();
    const { entries } = await server.api.readLedger();
    expect(entries.map(({ event, by }) => [event, by])).toContainEqual(['login', server.identity.identityId]);
  });

  test('refuses a stale Authorization header before anything else', async () => {
    for (const [profile, status] of [
      ['current', 403],
      ['2024', 500],
    ] as const) {
      await using server = await Fixture.start({ profile });
      await server.api.killToken({ identityId: server.identity.identityId, death: 'expired' });
      const { clientId, clientSecret } = server.identity;
      const answer = await server.call('POST', '/api/v1/auth/universal-auth/login', {
        clientId,
        clientSecret,
      });
      expect(answer.status).toBe(status);
    }
  });

  test('is locked for a while after wrong secrets, where the server locks', async () => {
    await using server = await Fixture.start({ lockout: { threshold: 2, durationMs: 60_000 } });
    await server.logIn('wrong');
    await server.logIn('wrong');
    const message = 'This identity auth method is temporarily locked, please try again later';
    expect(server.refusal(await server.logIn())).toEqual({
      status: 401,
      error: 'UnauthorizedError',
      message,
    });
    await server.api.advanceClock({ ms: 60_000 });
    expect((await server.logIn()).status).toBe(200);
  });

  test('counts wrong secrets in a row only', async () => {
    await using server = await Fixture.start({ lockout: { threshold: 2, durationMs: 60_000 } });
    await server.logIn('wrong');
    await server.logIn();
    await server.logIn('wrong');
    expect((await server.logIn()).status).toBe(200);
  });
});

describe('the end of a token', () => {
  test('is its TTL on a current server and its maximal TTL in 2024', async () => {
    for (const [profile, seconds] of [
      ['current', 60],
      ['2024', 600],
    ] as const) {
      await using server = await Fixture.start({ profile });
      const token = await tokenOf(server, { accessTokenTTL: 60, accessTokenMaxTTL: 600 });
      const { exp = 0, iat } = decoded(token);
      expect(exp - iat).toBe(seconds);
    }
  });

  test('is not in the token without limits', async () => {
    await using server = await Fixture.start();
    expect(decoded(await tokenOf(server, { accessTokenTTL: 0 }))).not.toHaveProperty('exp');
  });

  test('is seen by the string on a current server, and by its row in 2024', async () => {
    const expected = {
      current: [403, 'TokenError', 'Your token has expired. Please re-authenticate.'],
      '2024': [403, 'UnauthorizedError', 'Failed to renew MI access token due to TTL expiration'],
    } as const;
    for (const profile of ['current', '2024'] as const) {
      await using server = await Fixture.start({ profile });
      server.accessToken = await tokenOf(server, { accessTokenTTL: 60, accessTokenMaxTTL: 6000 });
      await server.lease();
      await server.api.advanceClock({ ms: 60_000 });
      const [status, error, message] = expected[profile];
      expect(server.refusal(await server.create())).toEqual({ status, error, message });
    }
  });
});

type Expected = readonly [status: number, error: string, message: string];
const deaths: Readonly<Record<TokenDeath, { current: Expected; '2024': Expected }>> = {
  revoked: {
    current: [401, 'UnauthorizedError', 'No identity access token found'],
    '2024': [403, 'UnauthorizedError', 'You are not allowed to access this resource'],
  },
  expired: {
    current: [403, 'TokenError', 'Your token has expired. Please re-authenticate.'],
    '2024': [500, 'Internal Server Error', 'jwt expired'],
  },
  'ttl-passed': {
    current: [401, 'UnauthorizedError', 'Failed to renew MI access token due to TTL expiration'],
    '2024': [403, 'UnauthorizedError', 'Failed to renew MI access token due to TTL expiration'],
  },
  'uses-exhausted': {
    current: [401, 'UnauthorizedError', 'Unable to renew because access token number of uses limit reached'],
    '2024': [400, 'BadRequest', 'Unable to renew because access token number of uses limit reached'],
  },
  'address-refused': {
    current: [401, 'UnauthorizedError', 'Failed to authenticate'],
    '2024': [403, 'UnauthorizedError', 'Failed to authenticate'],
  },
};

describe.for(['current', '2024'] as const)('on %s a token that is', (profile) => {
  test.for(TOKEN_DEATHS)('%s is refused, and a new login heals it', async (death) => {
    await using server = await Fixture.start({ profile });
    await server.api.killToken({ identityId: server.identity.identityId, death });
    const [status, error, message] = deaths[death][profile];
    expect(server.refusal(await server.create())).toEqual({ status, error, message });
    server.accessToken = tokenIn(await server.logIn());
    await server.lease();
  });
});

test('every call uses a token up, where uses are limited', async () => {
  for (const [profile, statuses] of [
    ['current', [200, 200, 401, 401]],
    ['2024', [200, 200, 400, 403]],
  ] as const) {
    await using server = await Fixture.start({ profile });
    server.accessToken = await tokenOf(server, { accessTokenNumUsesLimit: 2 });
    const answers = [
      await server.create(),
      await server.create(),
      await server.create(),
      await server.create(),
    ];
    expect(answers.map(({ status }) => status)).toEqual(statuses);
  }
});

describe('a token string that is', () => {
  const malformed =
    'The provided access token is malformed. Please use a valid token or generate a new one and try again.';
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
  const strings: Readonly<Record<string, readonly [(token: string) => string, string, string]>> = {
    garbage: [() => 'garbage', malformed, 'jwt malformed'],
    'a service token': [() => 'st.abc.def', malformed, 'jwt malformed'],
    'signed by another server': [
      (token) => `${token.split('.').slice(0, 2).join('.')}.AAAA`,
      'invalid signature',
      'invalid signature',
    ],
    'not signed at all': [(token) => `${unsigned}.${token.split('.')[1]}.`, malformed, 'jwt malformed'],
  };

  test.for(Object.entries(strings))('%s', async ([, [make, current, old]]) => {
    await using server = await Fixture.start();
    server.accessToken = make(server.accessToken);
    expect(server.refusal(await server.create())).toEqual({
      status: 403,
      error: 'TokenError',
      message: current,
    });
    await using server2024 = await Fixture.start({ profile: '2024' });
    server2024.accessToken = make(server2024.accessToken);
    expect(server2024.refusal(await server2024.create())).toMatchObject({ status: 500, message: old });
  });

  test('without its Bearer loses its own beginning', async () => {
    await using server = await Fixture.start();
    const answer = await server.anonymous('GET', '/api/status', undefined, {
      authorization: server.accessToken,
    });
    expect(answer.status).toBe(403);
  });
});

describe('renewing a token', () => {
  const path = '/api/v1/auth/token/renew';

  test.for([
    ['current', false],
    ['2024', true],
  ] as const)('%s: the same string: %s', async ([profile, same]) => {
    await using server = await Fixture.start({ profile });
    const token = await tokenOf(server, { accessTokenTTL: 60, accessTokenMaxTTL: 600 });
    await server.api.advanceClock({ ms: 30_000 });
    const answer = await server.anonymous('POST', path, { accessToken: token });
    server.verify(answer, 'login');
    expect(tokenIn(answer) === token).toBe(same);
    await server.api.advanceClock({ ms: 40_000 });
    server.accessToken = tokenIn(answer);
    await server.lease();
  });

  test('past its maximal TTL kills it', async () => {
    await using server = await Fixture.start();
    const token = await tokenOf(server, { accessTokenTTL: 60, accessTokenMaxTTL: 60 });
    await server.api.advanceClock({ ms: 10 });
    const refusal = server.refusal(await server.anonymous('POST', path, { accessToken: token }));
    expect(refusal).toMatchObject({
      status: 401,
      message: 'Failed to renew MI access token past its Max TTL expiration',
    });
    server.accessToken = token;
    expect((await server.create()).status).toBe(401);
  });

  test('is not possible after it was revoked', async () => {
    await using server = await Fixture.start();
    const { accessToken } = server;
    const revoked = await server.anonymous('POST', '/api/v1/auth/token/revoke', { accessToken });
    expect(revoked).toMatchObject({ status: 200, body: { message: 'Successfully revoked access token' } });
    expect((await server.anonymous('POST', path, { accessToken })).status).toBe(401);
  });
});
