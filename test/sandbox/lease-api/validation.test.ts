import { describe, expect, test } from 'vitest';
import type { Method } from '../../../sandbox/lease-api/route.ts';
import { type Body, errorBody, Fixture, LEASES, LOGIN, PLACE, QUERY, SECRETS, unknownId } from './fixture.ts';

const create = { dynamicSecretName: 'orders', ...PLACE };
const provider = { type: 'in-memory', inputs: {} };
const secret = { ...PLACE, name: 'fresh', defaultTTL: '1h', provider };

const required = (...path: string[]): object => ({
  code: 'invalid_type',
  received: 'undefined',
  path,
  message: 'Required',
});
const tooShort = (...path: string[]): object => ({ code: 'too_small', minimum: 1, path });

/** Requests that validation refuses, with the first issue that the answer must name. */
const refused: Readonly<Record<string, readonly [Method, string, Body | undefined, object]>> = {
  'a lease without a dynamic secret': ['POST', LEASES, PLACE, required('dynamicSecretName')],
  'a lease without a project': [
    'POST',
    LEASES,
    { ...create, projectSlug: undefined },
    required('projectSlug'),
  ],
  'a lease without an environment': [
    'POST',
    LEASES,
    { ...create, environmentSlug: undefined },
    required('environmentSlug'),
  ],
  'a lease with an empty name': [
    'POST',
    LEASES,
    { ...create, dynamicSecretName: '' },
    tooShort('dynamicSecretName'),
  ],
  'a lease with an empty project': ['POST', LEASES, { ...create, projectSlug: '' }, tooShort('projectSlug')],
  'a ttl that is a number': [
    'POST',
    LEASES,
    { ...create, ttl: 3600 },
    {
      code: 'invalid_type',
      expected: 'string',
      received: 'number',
      path: ['ttl'],
      message: 'Expected string, received number',
    },
  ],
  'a lease without a body': ['POST', LEASES, undefined, required()],
  'a revocation without a body': ['DELETE', `${LEASES}/${unknownId}`, undefined, required()],
  'a revocation with an empty path': [
    'DELETE',
    `${LEASES}/${unknownId}`,
    { ...PLACE, path: '' },
    tooShort('path'),
  ],
  'a renewal with an empty path': [
    'POST',
    `${LEASES}/${unknownId}/renew`,
    { ...PLACE, path: '' },
    tooShort('path'),
  ],
  'a forced revocation that is not a boolean': [
    'DELETE',
    `${LEASES}/${unknownId}`,
    { ...PLACE, isForced: 'yes' },
    { code: 'invalid_type', expected: 'boolean', received: 'string', path: ['isForced'] },
  ],
  'a get without its query': ['GET', `${LEASES}/${unknownId}`, undefined, required('projectSlug')],
  'a list without its query': ['GET', `${SECRETS}/orders/leases`, undefined, required('projectSlug')],
  'a removal without a body': ['DELETE', `${SECRETS}/orders`, undefined, required()],
  'an update without data': ['PATCH', `${SECRETS}/orders`, PLACE, required('data')],
  'a dynamic secret without a provider': ['POST', SECRETS, { ...secret, provider: undefined }, {}],
  'a dynamic secret of an unknown type': [
    'POST',
    SECRETS,
    { ...secret, provider: { type: 'stone', inputs: {} } },
    {},
  ],
  'a dynamic secret without a default TTL': [
    'POST',
    SECRETS,
    { ...secret, defaultTTL: undefined },
    required('defaultTTL'),
  ],
  'a default TTL out of bounds': [
    'POST',
    SECRETS,
    { ...secret, defaultTTL: '1s' },
    { code: 'custom', path: ['defaultTTL'] },
  ],
  'a maximal TTL out of bounds': [
    'PATCH',
    `${SECRETS}/orders`,
    { ...PLACE, data: { maxTTL: '1s' } },
    { code: 'custom' },
  ],
  'sql inputs that are incomplete': [
    'POST',
    SECRETS,
    { ...secret, provider: { type: 'sql-database', inputs: { client: 'postgres' } } },
    required('provider', 'inputs', 'host'),
  ],
  'a login without a secret': ['POST', LOGIN, { clientId: 'x' }, required('clientSecret')],
};

describe.for([
  ['current', 422],
  ['2024', 403],
] as const)('profile %s answers %i to', ([profile, status]) => {
  test.for(Object.entries(refused))('%s', async ([, [method, path, body, issue]]) => {
    await using server = await Fixture.start({ profile });
    const answer = await server.call(method, path, body);
    const { message, ...rest } = server.refusal(answer);
    expect(rest).toEqual({ status, error: 'ValidationFailure' });
    expect(message).toEqual(expect.arrayContaining([expect.objectContaining(issue)]));
  });
});

describe('the name of a dynamic secret', () => {
  test.for(['my_db', 'my.db', 'a--b', '-a', 'a-', 'x'.repeat(65), ''])('cannot be %j', async (name) => {
    await using server = await Fixture.start();
    expect((await server.call('POST', SECRETS, { ...secret, name })).status).toBe(422);
  });

  test.for([
    ['orders-2', 'orders-2'],
    ['Orders', 'orders'],
    ['  spaced ', 'spaced'],
    ['x'.repeat(64), 'x'.repeat(64)],
  ])('%j becomes %j', async ([name, stored]) => {
    await using server = await Fixture.start();
    await server.api.seedFolder({ ...PLACE, path: '/new' });
    const answer = await server.call('POST', SECRETS, { ...secret, path: '/new', name });
    server.verify(answer, 'createSecret');
    expect(answer.body).toMatchObject({ dynamicSecret: { name: stored } });
  });

  test('is worded differently in 2024', async () => {
    await using server = await Fixture.start({ profile: '2024' });
    const answer = await server.call('POST', SECRETS, { ...secret, name: 'my_db' });
    expect(errorBody.parse(answer.body).message).toMatchObject([{ message: 'Slug must be a valid' }]);
  });
});

describe('a username template', () => {
  test.for([
    ['{{randomUsername}}', 200],
    ['app-{{identity.name}}-{{unixTimestamp}}', 200],
    ['{{process.env}}', 422],
    ['a/b', 422],
    ['x'.repeat(256), 422],
  ] as const)('%s: %i', async ([usernameTemplate, status]) => {
    await using server = await Fixture.start();
    expect((await server.call('POST', SECRETS, { ...secret, usernameTemplate })).status).toBe(status);
  });

  test('shapes the principal', async () => {
    await using server = await Fixture.start();
    await server.call('POST', SECRETS, {
      ...secret,
      usernameTemplate: 'app-{{identity.name}}-{{unixTimestamp}}',
    });
    const { externalEntityId } = await server.lease({ dynamicSecretName: 'fresh' });
    expect(externalEntityId).toMatch(/^app-robot-\d{10}$/);
  });
});

const extra: Readonly<Record<string, readonly [Method, string, Body | undefined]>> = {
  'the body of a create': ['POST', LEASES, { ...create, leaseId: 'x' }],
  'the body of a dynamic secret': ['POST', SECRETS, { ...secret, colour: 'red' }],
  'its provider': ['POST', SECRETS, { ...secret, provider: { ...provider, inputs: { colour: 'red' } } }],
  'the data of an update': ['PATCH', `${SECRETS}/orders`, { ...PLACE, data: { colour: 'red' } }],
  'a query': ['GET', `${SECRETS}/orders/leases${QUERY}&limit=5`, undefined],
  'the config of the kubernetes route': [
    'POST',
    `${LEASES}/kubernetes`,
    { ...create, config: { leaseholder: {} } },
  ],
};

describe('an unknown key in', () => {
  test.for(Object.entries(extra))(
    '%s is refused by a strict server and dropped by a lenient one',
    async ([, request]) => {
      await using strict = await Fixture.start({ validation: 'strict' });
      const refusal = strict.refusal(await strict.call(...request));
      expect(refusal).toMatchObject({ status: 422, message: [{ code: 'unrecognized_keys' }] });
      await using lenient = await Fixture.start({ validation: 'compat' });
      expect((await lenient.call(...request)).status).toBe(200);
    },
  );
});

test('what newer servers know is dropped by one of 2024, even a strict one', async () => {
  await using server = await Fixture.start({ profile: '2024', validation: 'strict' });
  const tag = { install: 'i', object: 'o', attempt: 'a' };
  expect(await server.lease({ config: { leaseholder: tag } })).not.toHaveProperty('config');
  expect(await server.api.readLedger()).toMatchObject({
    entries: [
      { event: 'requested', tag },
      { event: 'made', tag },
    ],
  });
});
