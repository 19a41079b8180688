import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Answer, Fixture, LEASES, LOGIN, PLACE, QUERY, SECRETS, unknownId } from './fixture.ts';

type Send = (server: Fixture) => Promise<Answer>;
type Expected = readonly [status: number, error: string, message: string];
interface Case {
  readonly send: Send;
  readonly current: Expected;
  readonly '2024': Expected;
}

const wrong = 'Something went wrong';
const lease =
  (change: object): Send =>
  async (server) =>
    server.create({ ...change });
const secret = {
  ...PLACE,
  name: 'fresh',
  defaultTTL: '1h',
  provider: { type: 'in-memory', inputs: {} },
};

/** What cannot be found, and what each server says to it. */
const cases: Readonly<Record<string, Case>> = {
  'a lease of an unknown project': {
    send: lease({ projectSlug: 'nowhere' }),
    current: [404, 'NotFound', "Project with slug 'nowhere' not found"],
    '2024': [500, 'Find project by slug', wrong],
  },
  'a lease in an unknown environment': {
    send: lease({ environmentSlug: 'moon' }),
    current: [404, 'NotFound', "Folder with path '/db' in environment with slug 'moon' not found"],
    '2024': [400, 'BadRequest', 'Folder not found'],
  },
  'a lease in an unknown folder': {
    send: lease({ path: '/nowhere' }),
    current: [404, 'NotFound', "Folder with path '/nowhere' in environment with slug 'prod' not found"],
    '2024': [400, 'BadRequest', 'Folder not found'],
  },
  'a lease of an unknown dynamic secret': {
    send: lease({ dynamicSecretName: 'nothing' }),
    current: [404, 'NotFound', "Dynamic secret with name 'nothing' in folder with path '/db' not found"],
    '2024': [400, 'BadRequest', 'Dynamic secret not found'],
  },
  'a path without its slash': {
    send: lease({ path: 'db' }),
    current: [404, 'NotFound', "Folder with path 'db' in environment with slug 'prod' not found"],
    '2024': [400, 'BadRequest', 'Folder not found'],
  },
  'an empty path': {
    send: lease({ path: '' }),
    current: [404, 'NotFound', "Folder with path '' in environment with slug 'prod' not found"],
    '2024': [400, 'BadRequest', 'Folder not found'],
  },
  'a path with two slashes': {
    send: lease({ path: '//db' }),
    current: [404, 'NotFound', "Folder with path '//db' in environment with slug 'prod' not found"],
    '2024': [400, 'BadRequest', 'Folder not found'],
  },
  'a path with a character that no folder can have': {
    send: lease({ path: '/d b' }),
    current: [404, 'NotFound', "Folder with path '/d b' in environment with slug 'prod' not found"],
    '2024': [500, 'Find by secret path', wrong],
  },
  'an unknown lease': {
    send: async (server) => server.get(unknownId),
    current: [404, 'NotFound', `Dynamic secret lease with ID '${unknownId}' not found`],
    '2024': [400, 'BadRequest', 'Dynamic secret lease not found'],
  },
  'the renewal of an unknown lease': {
    send: async (server) => server.renew(unknownId),
    current: [404, 'NotFound', `Dynamic secret lease with ID '${unknownId}' not found`],
    '2024': [400, 'BadRequest', 'Dynamic secret lease not found'],
  },
  'the revocation of an unknown lease': {
    send: async (server) => server.remove(unknownId),
    current: [404, 'NotFound', `Dynamic secret lease with ID '${unknownId}' not found`],
    '2024': [400, 'BadRequest', 'Dynamic secret lease not found'],
  },
  'a lease id that is no UUID': {
    send: async (server) => server.get('abc'),
    current: [500, 'FindById', wrong],
    '2024': [500, 'FindById', wrong],
  },
  'a lease in an unknown folder, by id': {
    send: async (server) =>
      server.call('GET', `${LEASES}/${unknownId}?projectSlug=shop&environmentSlug=prod&path=/nowhere`),
    current: [404, 'NotFound', "Folder with path '/nowhere' not found"],
    '2024': [400, 'BadRequest', 'Folder not found'],
  },
  'the leases of an unknown dynamic secret': {
    send: async (server) => server.call('GET', `${SECRETS}/nothing/leases${QUERY}`),
    current: [404, 'NotFound', "Dynamic secret with name 'nothing' in folder with path '/db' not found"],
    '2024': [400, 'BadRequest', 'Dynamic secret not found'],
  },
  'an unknown dynamic secret': {
    send: async (server) => server.call('GET', `${SECRETS}/nothing${QUERY}`),
    current: [404, 'NotFound', "Dynamic secret with name 'nothing in folder '/db' not found"],
    '2024': [400, 'BadRequest', 'Dynamic secret not found'],
  },
  'the update of an unknown dynamic secret': {
    send: async (server) => server.call('PATCH', `${SECRETS}/nothing`, { ...PLACE, data: {} }),
    current: [404, 'NotFound', "Dynamic secret with name 'nothing' in folder '/db' not found"],
    '2024': [400, 'BadRequest', 'Dynamic secret not found'],
  },
  'the removal of an unknown dynamic secret': {
    send: async (server) => server.call('DELETE', `${SECRETS}/nothing`, PLACE),
    current: [404, 'NotFound', "Dynamic secret with name 'nothing' in folder '/db' not found"],
    '2024': [400, 'BadRequest', 'Dynamic secret not found'],
  },
  'a dynamic secret in an unknown folder': {
    send: async (server) => server.call('POST', SECRETS, { ...secret, path: '/nowhere' }),
    current: [404, 'NotFound', "Folder with path '/nowhere' in environment 'prod' not found"],
    '2024': [400, 'BadRequest', 'Folder not found'],
  },
  'a second dynamic secret of the same name': {
    send: async (server) => server.call('POST', SECRETS, { ...secret, name: 'orders' }),
    current: [400, 'BadRequest', 'Provided dynamic secret already exists under the folder'],
    '2024': [400, 'BadRequest', 'Provided dynamic secret already exist under the folder'],
  },
  'a ttl above maxTTL': {
    send: async (server) => {
      await server.api.seedDynamicSecret({ ...PLACE, name: 'brief', maxTTL: '1h' });
      return server.create({ dynamicSecretName: 'brief', ttl: '2h' });
    },
    current: [400, 'BadRequest', 'TTL cannot be larger than max TTL'],
    '2024': [400, 'BadRequest', 'TTL cannot be larger than max TTL'],
  },
  'a renewal past maxTTL': {
    send: async (server) => {
      await server.api.seedDynamicSecret({ ...PLACE, name: 'brief', maxTTL: '1h' });
      const { id } = await server.lease({ dynamicSecretName: 'brief' });
      return server.renew(id);
    },
    current: [
      400,
      'BadRequest',
      'The requested renewal would exceed the maximum allowed lease duration. Please choose a shorter TTL',
    ],
    '2024': [400, 'BadRequest', 'TTL cannot be larger than max ttl'],
  },
  'a lease without a licence': {
    send: async (server) => {
      await server.api.setSwitches({ licensed: false });
      return server.create();
    },
    current: [
      400,
      'BadRequest',
      'Failed to create lease due to plan restriction. Upgrade plan to create dynamic secret.',
    ],
    '2024': [
      400,
      'BadRequest',
      'Failed to create lease due to plan restriction. Upgrade plan to create dynamic secret.',
    ],
  },
  'a lease above the limit': {
    send: async (server) => {
      await server.lease();
      await server.api.setSwitches({ leaseLimit: 1 });
      return server.create();
    },
    current: [400, 'BadRequest', 'Max lease limit reached. Limit: 1'],
    '2024': [400, 'BadRequest', 'Max lease limit reached. Limit: 1'],
  },
  'wrong credentials': {
    send: async (server) => server.logIn('wrong'),
    current: [401, 'UnauthorizedError', 'Invalid credentials'],
    '2024': [403, 'UnauthorizedError', 'Invalid credentials'],
  },
  'an unknown client': {
    send: async (server) => server.anonymous('POST', LOGIN, { clientId: randomUUID(), clientSecret: 'x' }),
    current: [401, 'UnauthorizedError', 'Invalid credentials'],
    '2024': [403, 'UnauthorizedError', 'Invalid credentials'],
  },
  'no token': {
    send: async (server) => server.anonymous('POST', LEASES, { dynamicSecretName: 'orders', ...PLACE }),
    current: [401, 'Unauthorized access', 'Token missing'],
    '2024': [403, 'Unauthorized access', 'Token missing'],
  },
  'an identity outside the project': {
    send: async (server) => {
      await server.api.setGrants({ identityId: server.identity.identityId, grants: [] });
      return server.create();
    },
    current: [403, 'ForbiddenError', 'The identity is not a member of this project'],
    '2024': [403, 'Identity not in project', 'The identity is not part of the project'],
  },
  'a client other than PostgreSQL': {
    send: async (server) => {
      const inputs = {
        client: 'mysql2',
        host: '127.0.0.1',
        port: 3306,
        database: 'd',
        username: 'u',
        password: 'p',
        creationStatement: '',
        revocationStatement: '',
      };
      return server.call('POST', SECRETS, { ...secret, provider: { type: 'sql-database', inputs } });
    },
    current: [400, 'BadRequest', 'Provider connection failed'],
    '2024': [400, 'BadRequest', 'Provider connection failed'],
  },
  maintenance: {
    send: async (server) => {
      await server.api.setSwitches({ maintenance: true });
      return server.create();
    },
    current: [500, 'Internal Server Error', wrong],
    '2024': [500, 'Internal Server Error', 'Infisical is in maintenance mode. Please try again later.'],
  },
};

describe.for(['current', '2024'] as const)('a server of profile %s refuses', (profile) => {
  test.for(Object.entries(cases))('%s', async ([, { send, ...expected }]) => {
    await using server = await Fixture.start({ profile });
    const [status, error, message] = expected[profile];
    expect(server.refusal(await send(server))).toEqual({ status, error, message });
  });
});

describe('what is not refused', () => {
  test('one trailing slash, spaces around the path, and upper case in the name', async () => {
    await using server = await Fixture.start();
    await server.lease({ path: ' /db/ ' });
    await server.lease({ dynamicSecretName: 'ORDERS' });
    expect(await server.list()).toHaveLength(2);
  });

  test('two trailing slashes find the folder, but permission looks at another path', async () => {
    await using server = await Fixture.start();
    await server.lease({ path: '/db//' });
    const grants = [{ projectSlug: 'shop', path: '/db' }];
    await server.api.setGrants({ identityId: server.identity.identityId, grants });
    await server.lease({ path: '/db/' });
    expect((await server.create({ path: '/db//' })).status).toBe(403);
  });

  test('reading and revoking without a licence', async () => {
    await using server = await Fixture.start();
    const { id } = await server.lease();
    await server.api.setSwitches({ licensed: false });
    expect((await server.get(id)).status).toBe(200);
    expect(await server.list()).toHaveLength(1);
    expect((await server.renew(id)).status).toBe(400);
    expect((await server.remove(id)).status).toBe(200);
  });

  test('logins and reads in maintenance mode', async () => {
    await using server = await Fixture.start();
    await server.api.setSwitches({ maintenance: true });
    expect((await server.logIn()).status).toBe(200);
    expect(await server.list()).toEqual([]);
  });
});

describe('requests that reach no route', () => {
  test('under /api: 404 as JSON', async () => {
    await using server = await Fixture.start();
    expect(await server.call('GET', '/api/v9/nothing')).toMatchObject({
      status: 404,
      body: { statusCode: 404, error: 'Not Found' },
    });
  });

  test('elsewhere: a page of HTML', async () => {
    await using server = await Fixture.start();
    const answer = await server.call('POST', '/v1/dynamic-secrets/leases', {});
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.body).toContain('<!doctype html>');
  });

  test('the kubernetes route is missing in 2024', async () => {
    await using server = await Fixture.start({ profile: '2024' });
    const answer = await server.call('POST', `${LEASES}/kubernetes`, {
      dynamicSecretName: 'orders',
      ...PLACE,
    });
    expect(answer.status).toBe(404);
  });
});

describe('a body that is no JSON', () => {
  test.for([
    ['current', 500, 'InternalServerError'],
    ['2024', 400, 'Bad Request'],
  ] as const)('on %s: %i', async ([profile, status, error]) => {
    await using server = await Fixture.start({ profile });
    const response = await fetch(server.api.url + LEASES, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.accessToken}`, 'content-type': 'application/json' },
      body: '{',
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error });
  });
});
