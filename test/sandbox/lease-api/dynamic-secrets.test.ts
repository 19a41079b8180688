import { describe, expect, test } from 'vitest';
import { Fixture, PLACE, QUERY, SECRETS } from './fixture.ts';

const provider = { type: 'in-memory', inputs: {} };

describe('a dynamic secret', () => {
  test.for(['current', '2024'] as const)('is made, read, listed and removed (%s)', async (profile) => {
    await using server = await Fixture.start({ profile });
    const made = await server.call('POST', SECRETS, {
      ...PLACE,
      name: 'fresh',
      defaultTTL: '1h',
      maxTTL: '2h',
      provider,
    });
    server.verify(made, 'createSecret');
    expect(made.body).toMatchObject({
      dynamicSecret: { name: 'fresh', defaultTTL: '1h', maxTTL: '2h', status: null },
    });
    const got = await server.call('GET', `${SECRETS}/fresh${QUERY}`);
    server.verify(got, 'getSecret');
    expect(got.body).toEqual(made.body);
    const listed = await server.call('GET', `${SECRETS}${QUERY}`);
    server.verify(listed, 'listSecrets');
    expect(listed.body).toMatchObject({ dynamicSecrets: [{ name: 'orders' }, { name: 'fresh' }] });
    server.verify(await server.call('DELETE', `${SECRETS}/fresh`, PLACE), 'deleteSecret');
  });

  test('is found in its own folder only', async () => {
    await using server = await Fixture.start();
    const answer = await server.call('GET', `${SECRETS}?projectSlug=shop&environmentSlug=prod`);
    expect(answer.body).toEqual({ dynamicSecrets: [] });
  });

  test('is not lower-cased where it is read', async () => {
    await using server = await Fixture.start();
    expect((await server.call('GET', `${SECRETS}/ORDERS${QUERY}`)).status).toBe(404);
    expect((await server.call('PATCH', `${SECRETS}/ORDERS`, { ...PLACE, data: {} })).status).toBe(200);
  });
});

describe('a type without a system behind it', () => {
  const inputs = { host: 'redis.example', password: 'p', nested: { tls: true } };

  test('takes any inputs, merges them in updates, and makes leases of names', async () => {
    await using server = await Fixture.start();
    const body = { ...PLACE, name: 'cache', defaultTTL: '1h', provider: { type: 'redis', inputs } };
    const made = await server.call('POST', SECRETS, body);
    server.verify(made, 'createSecret');
    expect(made.body).toMatchObject({ dynamicSecret: { type: 'redis', inputs } });
    const data = { inputs: { password: 'q', nested: {} } };
    const changed = await server.call('PATCH', `${SECRETS}/cache`, { ...PLACE, data });
    expect(changed.body).toMatchObject({ dynamicSecret: { inputs: { ...inputs, ...data.inputs } } });
    expect((await server.create({ dynamicSecretName: 'cache' })).status).toBe(200);
  });

  test('has to be one that the server knows', async () => {
    await using server = await Fixture.start();
    const body = { ...PLACE, name: 'cache', defaultTTL: '1h', provider: { type: 'paper', inputs } };
    expect(server.refusal(await server.call('POST', SECRETS, body))).toMatchObject({
      status: 422,
      message: [{ path: ['provider', 'type'] }],
    });
  });
});

describe('what newer servers keep with a dynamic secret', () => {
  const kept = { metadata: [{ key: 'team', value: 'shop' }], usernameTemplate: 'a-{{randomUsername}}' };

  test.for([
    ['current', { dynamicSecrets: [{ name: 'orders' }, { name: 'fresh', ...kept }] }],
    ['2024', { dynamicSecrets: [{ name: 'orders' }, { name: 'fresh' }] }],
  ] as const)('is in the list of a current one only (%s)', async ([profile, expected]) => {
    await using server = await Fixture.start({ profile });
    const body = { ...PLACE, name: 'fresh', defaultTTL: '1h', provider, ...kept };
    expect((await server.call('POST', SECRETS, body)).status).toBe(200);
    const listed = await server.call('GET', `${SECRETS}${QUERY}`);
    server.verify(listed, 'listSecrets');
    expect(listed.body).toMatchObject(expected);
    expect(JSON.stringify(listed.body).includes('"metadata"')).toBe(profile === 'current');
  });
});

describe('an update', () => {
  test('changes what it names and keeps the rest', async () => {
    await using server = await Fixture.start();
    const metadata = [{ key: 'team', value: 'shop' }, { key: 'empty' }];
    const data = { defaultTTL: '2h', metadata, usernameTemplate: '{{randomUsername}}' };
    const answer = await server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data });
    server.verify(answer, 'updateSecret');
    expect(answer.body).toMatchObject({
      dynamicSecret: { ...data, metadata: [metadata[0], { key: 'empty', value: '' }], maxTTL: '24h' },
    });
    const cleared = { maxTTL: null, usernameTemplate: null, metadata: [] };
    const second = await server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data: cleared });
    expect(second.body).toMatchObject({ dynamicSecret: { ...cleared, defaultTTL: '2h' } });
  });

  test('renames; leases keep their ids, the old name is gone', async () => {
    await using server = await Fixture.start();
    const { id } = await server.lease();
    await server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data: { newName: 'sales' } });
    expect((await server.get(id)).body).toMatchObject({ lease: { dynamicSecret: { name: 'sales' } } });
    expect((await server.create()).status).toBe(404);
    expect((await server.create({ dynamicSecretName: 'sales' })).status).toBe(200);
  });

  test('takes a new name as it is, even one that no lease can reach', async () => {
    await using server = await Fixture.start();
    await server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data: { newName: 'Sales' } });
    expect((await server.create({ dynamicSecretName: 'Sales' })).status).toBe(404);
    expect((await server.call('GET', `${SECRETS}/Sales${QUERY}`)).status).toBe(200);
  });

  test('refuses a name that is taken', async () => {
    await using server = await Fixture.start();
    await server.api.seedDynamicSecret({ ...PLACE, name: 'sales' });
    const answer = await server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data: { newName: 'sales' } });
    expect(answer.status).toBe(400);
  });
});
