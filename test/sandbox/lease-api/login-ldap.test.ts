import { describe, expect, test } from 'vitest';
import { Fixture, unknownId, type Body } from './fixture.ts';
import type { IdentitySeed } from './login-fixture.ts';

type Settings = NonNullable<IdentitySeed['ldap']>;

const users = {
  ann: { password: 'the-password ', attributes: { department: 'shop' } },
  constructor: { password: 'x' },
};

/** Logs in at a fresh server. @returns status and message; 200 for an answer of the documented shape. */
async function logIn(body: Body, settings: Partial<Settings> = {}): Promise<unknown> {
  await using server = await Fixture.start();
  const { identityId } = await server.api.seedIdentity({ ldap: { users, ...settings } });
  const answer = await server.anonymous('POST', '/api/v1/auth/ldap-auth/login', { identityId, ...body });
  if (answer.status === 200) {
    server.verify(answer, 'login');
    return 200;
  }
  const { status, message } = server.refusal(answer);
  return [status, message];
}

const ann = { username: 'ann', password: 'the-password ' };
const shop = [{ key: 'department', value: 'stock, shop' }];

describe('a login by LDAP', () => {
  const cases: Readonly<
    Record<string, readonly [body: Body, settings: Partial<Settings>, expected: unknown]>
  > = {
    'of a user of the directory: accepted': [ann, {}, 200],
    'of a user with an allowed attribute: accepted': [ann, { allowedFields: shop }, 200],
    'with another password': [{ ...ann, password: 'the-password' }, {}, [401, 'Invalid credentials']],
    'with no password, which a directory takes for nobody': [
      { ...ann, password: '' },
      {},
      [401, 'Invalid credentials'],
    ],
    'of somebody who is not there': [{ ...ann, username: 'bob' }, {}, [401, 'Invalid credentials']],
    'of a name that every object has': [
      { username: 'toString', password: 'x' },
      {},
      [401, 'Invalid credentials'],
    ],
    'of a user without an allowed attribute': [
      { username: 'constructor', password: 'x' },
      { allowedFields: shop },
      [401, 'Access denied: LDAP user not allowed.'],
    ],
    'of a user with another attribute': [
      ann,
      { allowedFields: [{ key: 'department', value: 'stock' }] },
      [401, 'Access denied: LDAP user not allowed.'],
    ],
    'for an identity that is not there': [
      { ...ann, identityId: unknownId },
      {},
      [404, 'LDAP auth method not found for identity, did you configure LDAP auth?'],
    ],
  };

  test.for(Object.entries(cases))('%s', async ([, [body, settings, expected]]) => {
    expect(await logIn(body, settings)).toEqual(expected);
  });

  test('without its fields', async () => {
    expect(await logIn({})).toMatchObject([422, [{ path: ['username'] }, { path: ['password'] }]]);
  });

  test('at a server of 2024, which has no such route', async () => {
    await using server = await Fixture.start({ profile: '2024' });
    const answer = await server.anonymous('POST', '/api/v1/auth/ldap-auth/login', {
      identityId: unknownId,
      ...ann,
    });
    expect(answer).toMatchObject({ status: 404, body: { error: 'Not Found' } });
  });
});
