import { describe, expect, test } from 'vitest';
import { type Answer, Fixture, LEASES, PATIENCE, PLACE, QUERY, SECRETS, unknownId } from './fixture.ts';

type Send = (server: Fixture) => Promise<Answer>;

const withoutKeys = { dynamicSecretName: 'orders', projectSlug: 'shop' };

/** What a server of July 2024 was seen to answer, where its published description suggests something else. */
const measured: Readonly<Record<string, readonly [send: Send, status: number, error: string]>> = {
  'a missing field': [async (server) => server.call('POST', LEASES, withoutKeys), 403, 'ValidationFailure'],
  'no token': [async (server) => server.anonymous('POST', LEASES, PLACE), 403, 'Unauthorized access'],
  'a garbage token': [
    async (server) => {
      server.accessToken = 'garbage';
      return server.create();
    },
    500,
    'Internal Server Error',
  ],
  'a revoked token': [
    async (server) => {
      await server.api.killToken({ identityId: server.identity.identityId, death: 'revoked' });
      return server.create();
    },
    403,
    'UnauthorizedError',
  ],
  'no permission': [
    async (server) => {
      const grants = [{ projectSlug: 'shop', actions: [] }];
      await server.api.setGrants({ identityId: server.identity.identityId, grants });
      return server.create();
    },
    401,
    'PermissionDenied',
  ],
  'an unknown project': [async (server) => server.create({ projectSlug: 'x' }), 500, 'Find project by slug'],
  'an unknown environment': [async (server) => server.create({ environmentSlug: 'x' }), 400, 'BadRequest'],
  'an unknown lease': [async (server) => server.get(unknownId), 400, 'BadRequest'],
  'a lease id that is no UUID': [async (server) => server.get('x'), 500, 'FindById'],
  'a ttl below a minute': [async (server) => server.create({ ttl: '59s' }), 403, 'ValidationFailure'],
  'a ttl above a day': [async (server) => server.create({ ttl: '25h' }), 403, 'ValidationFailure'],
};

describe('a server of 2024 answers', () => {
  test.for(Object.entries(measured))('%s', async ([, [send, status, error]]) => {
    await using server = await Fixture.start({ profile: '2024' });
    const answer = await send(server);
    expect(server.refusal(answer)).toMatchObject({ status, error });
    expect(answer.body).not.toHaveProperty('reqId');
    expect(answer.body).not.toHaveProperty('details');
  });

  test('extra fields without a word', async () => {
    await using server = await Fixture.start({ profile: '2024', validation: 'compat' });
    expect((await server.create({ leaseId: 'x', colour: 'red' })).status).toBe(200);
  });

  test('without what was added later, with both status fields', async () => {
    await using server = await Fixture.start({ profile: '2024' });
    const { body } = await server.create();
    for (const key of ['config', 'metadata', 'usernameTemplate', 'gatewayId', 'gatewayPoolId'])
      expect(JSON.stringify(body)).not.toContain(`"${key}"`);
    const fields = { status: null, statusDetails: null };
    expect(body).toMatchObject({ lease: fields, dynamicSecret: fields });
  });

  test('any folder that exists, for a lease of another one', async () => {
    await using server = await Fixture.start({ profile: '2024' });
    const { id } = await server.lease();
    const elsewhere = { ...PLACE, path: '/other' };
    expect((await server.call('POST', `${LEASES}/${id}/renew`, elsewhere)).status).toBe(200);
    expect((await server.call('DELETE', `${LEASES}/${id}`, elsewhere)).status).toBe(200);
  });

  test('an update by clearing both status fields, unlike a current server', async () => {
    for (const [profile, statusDetails] of [
      ['2024', null],
      ['current', 'no'],
    ] as const) {
      await using server = await Fixture.start({ profile });
      await server.lease();
      await server.api.armFault({ action: { type: 'revocation-fails', message: 'no' } });
      await server.call('DELETE', `${SECRETS}/orders`, PLACE);
      const status = async (): Promise<unknown> =>
        (await server.call('GET', `${SECRETS}/orders${QUERY}`)).body;
      await expect
        .poll(status, PATIENCE)
        .toMatchObject({ dynamicSecret: { status: 'Failed to delete', statusDetails: 'no' } });
      const { body } = await server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data: {} });
      expect(body).toMatchObject({ dynamicSecret: { status: null, statusDetails } });
    }
  });
});
