import { describe, expect, test, vi } from 'vitest';
import { Fixture, PATIENCE, PLACE, SECRETS } from './fixture.ts';

const inputs = { host: 'redis.example', password: 'R00t-Passw0rd' };
const provider = { type: 'redis', inputs };
const post = { ...PLACE, name: 'fresh', defaultTTL: '1h', provider };

test('every request about a dynamic secret is there as it came, until it is cleared', async () => {
  await using server = await Fixture.start();
  const patch = { ...PLACE, data: { inputs: { password: 'other' } } };
  const remove = { ...PLACE, isForced: true };
  await server.call('POST', SECRETS, post);
  await server.call('PATCH', `${SECRETS}/Fresh`, patch);
  await server.call('PATCH', `${SECRETS}/nothing`, patch);
  await server.call('DELETE', `${SECRETS}/fresh`, remove);
  await server.call('DELETE', `${SECRETS}/fresh`);
  const by = server.identity.identityId;
  const at: unknown = expect.any(Number);
  expect((await server.api.dynamicSecrets()).requests).toEqual([
    { at, by, method: 'POST', name: 'fresh', body: post, done: true },
    { at, by, method: 'PATCH', name: 'fresh', body: patch, done: true },
    { at, by, method: 'PATCH', name: 'nothing', body: patch, done: false },
    { at, by, method: 'DELETE', name: 'fresh', body: remove, done: true },
    { at, by, method: 'DELETE', name: 'fresh', body: null, done: false },
  ]);
  await server.api.clearDynamicSecretRequests();
  expect((await server.api.dynamicSecrets()).requests).toEqual([]);
});

test('a request whose answer is lost on the way in never came, on the way out it did', async () => {
  await using server = await Fixture.start();
  for (const when of ['before', 'after'] as const) {
    await server.api.armFault({
      match: { route: 'dynamic-secret-create' },
      action: { type: 'answer-lost', when },
    });
    await expect(server.call('POST', SECRETS, { ...post, name: when })).rejects.toThrow('fetch failed');
  }
  expect((await server.api.dynamicSecrets()).requests).toMatchObject([{ name: 'after', done: true }]);
});

test('the dynamic secrets are told with the names of their inputs', async () => {
  await using server = await Fixture.start();
  await server.call('POST', SECRETS, {
    ...post,
    metadata: [{ key: 'team', value: 'shop' }],
    usernameTemplate: '{{randomUsername}}',
  });
  await server.create({ dynamicSecretName: 'fresh' });
  const { dynamicSecrets } = await server.api.dynamicSecrets();
  expect(dynamicSecrets).toEqual([
    expect.objectContaining({ name: 'orders', type: 'in-memory', inputs: [], leases: 0 }),
    {
      ...PLACE,
      dynamicSecretId: expect.any(String) as string,
      name: 'fresh',
      type: 'redis',
      defaultTTL: '1h',
      maxTTL: null,
      usernameTemplate: '{{randomUsername}}',
      metadata: [{ key: 'team', value: 'shop' }],
      status: null,
      statusDetails: null,
      inputs: ['host', 'password'],
      leases: 1,
    },
  ]);
});

test('the ledger has the life of a dynamic secret, and no input of it', async () => {
  await using server = await Fixture.start();
  await server.call('POST', SECRETS, post);
  await server.call('PATCH', `${SECRETS}/fresh`, { ...PLACE, data: { defaultTTL: '2h' } });
  await server.call('PATCH', `${SECRETS}/fresh`, { ...PLACE, data: { newName: 'renamed' } });
  await server.call('DELETE', `${SECRETS}/renamed`, PLACE);
  const { entries } = await server.api.readLedger();
  const by = server.identity.identityId;
  expect(entries.map(({ event, dynamicSecret, ...entry }) => [event, dynamicSecret, entry.by])).toEqual([
    ['secret-made', 'fresh', by],
    ['secret-changed', 'fresh', by],
    ['secret-renamed', 'renamed', by],
    ['secret-removed', 'renamed', by],
  ]);
  expect(JSON.stringify(entries)).not.toContain(inputs.password);
});

describe('a provider that is down', () => {
  test('fails everything that it is needed for, until it is up again', async () => {
    await using server = await Fixture.start();
    await server.call('POST', SECRETS, post);
    const held = await server.lease({ dynamicSecretName: 'fresh' });
    const { faultId } = await server.api.armFault({ action: { type: 'provider-down' } });
    const words: unknown = expect.stringMatching(
      /^Failed to connect with provider: .*password=R00t-Passw0rd/,
    );
    const second = await server.call('POST', SECRETS, { ...post, name: 'second' });
    expect(server.refusal(second)).toEqual({ status: 400, error: 'BadRequest', message: words });
    const patched = await server.call('PATCH', `${SECRETS}/fresh`, { ...PLACE, data: {} });
    expect(server.refusal(patched)).toEqual({ status: 400, error: 'BadRequest', message: words });
    expect((await server.create({ dynamicSecretName: 'fresh' })).status).toBe(500);
    expect((await server.renew(held.id)).status).toBe(500);
    const failed = server.shown(await server.remove(held.id), 'deleteLease');
    expect(failed).toMatchObject({
      status: 'Failed to delete',
      statusDetails: expect.stringContaining('R00t-Passw0rd') as string,
    });
    expect((await server.api.live()).leases).toHaveLength(1);

    await server.api.disarmFaults({ faultId });
    expect((await server.call('PATCH', `${SECRETS}/fresh`, { ...PLACE, data: {} })).status).toBe(200);
    expect(server.shown(await server.remove(held.id), 'deleteLease').status).toBeNull();
  });

  test('of 2024 shows its words in a 500 alone', async () => {
    await using server = await Fixture.start({ profile: '2024' });
    await server.call('POST', SECRETS, post);
    await server.api.armFault({ action: { type: 'provider-down' } });
    const patched = await server.call('PATCH', `${SECRETS}/fresh`, { ...PLACE, data: {} });
    expect(server.refusal(patched)).toMatchObject({ status: 400, message: 'Provider connection failed' });
    expect(server.refusal(await server.create({ dynamicSecretName: 'fresh' }))).toMatchObject({
      status: 500,
      message: expect.stringContaining('R00t-Passw0rd') as string,
    });
  });

  test('can be one of many, or down for a while', async () => {
    await using server = await Fixture.start();
    await server.call('POST', SECRETS, post);
    await server.api.armFault({ match: { dynamicSecret: 'fresh' }, action: { type: 'provider-down' } });
    expect((await server.create()).status).toBe(200);
    expect((await server.create({ dynamicSecretName: 'fresh' })).status).toBe(500);
    await server.api.disarmFaults();
    await server.api.armFault({ match: { times: 2 }, action: { type: 'provider-down' } });
    const statuses = [];
    for (let time = 0; time < 3; time += 1) statuses.push((await server.create()).status);
    expect(statuses).toEqual([500, 500, 200]);
  });
});

async function status(server: Fixture): Promise<unknown> {
  return (await server.api.dynamicSecrets()).dynamicSecrets.find(({ name }) => name === 'orders');
}

describe('a removal whose leases cannot be revoked', () => {
  test.for([
    ['current', undefined],
    ['2024', expect.objectContaining({ status: 'Revocation in process', leases: 1 })],
  ] as const)('fails with its leases kept; asked again it is made (%s)', async ([profile, afterwards]) => {
    await using server = await Fixture.start({ profile });
    await server.lease();
    await server.api.armFault({ action: { type: 'provider-down' } });
    const answer = await server.call('DELETE', `${SECRETS}/orders`, PLACE);
    server.verify(answer, 'deleteSecret');
    expect(answer.body).toMatchObject({ dynamicSecret: { status: 'Revocation in process' } });
    await vi.waitFor(
      async () => expect(await status(server)).toMatchObject({ status: 'Failed to delete', leases: 1 }),
      PATIENCE,
    );
    await server.api.disarmFaults();
    const again = await server.call('DELETE', `${SECRETS}/orders`, PLACE);
    expect(again.body).toMatchObject({ dynamicSecret: { status: 'Revocation in process' } });
    // A server of 2024 never goes on: it finds the job of the first time.
    await vi.waitFor(async () => expect(await status(server)).toEqual(afterwards), PATIENCE);
  });

  test.for(['current', '2024'] as const)(
    'is made when they have been revoked one by one (%s)',
    async (profile) => {
      await using server = await Fixture.start({ profile });
      const { id } = await server.lease();
      await server.api.armFault({ action: { type: 'provider-down' } });
      await server.call('DELETE', `${SECRETS}/orders`, PLACE);
      await vi.waitFor(
        async () => expect(await status(server)).toMatchObject({ status: 'Failed to delete' }),
        PATIENCE,
      );
      await server.api.disarmFaults();
      await server.remove(id);
      await server.call('DELETE', `${SECRETS}/orders`, PLACE);
      expect(await status(server)).toBeUndefined();
    },
  );

  test('goes by force, and leaves what they were', async () => {
    await using server = await Fixture.start();
    const { externalEntityId } = await server.lease();
    await server.api.armFault({ action: { type: 'provider-down' } });
    await server.call('DELETE', `${SECRETS}/orders`, { ...PLACE, isForced: true });
    expect(await status(server)).toBeUndefined();
    expect(await server.api.principals()).toMatchObject({ leased: [], unleased: [externalEntityId] });
  });
});

test('a request without a token is not one', async () => {
  await using server = await Fixture.start();
  expect((await server.anonymous('POST', SECRETS, post)).status).toBe(401);
  expect((await server.api.dynamicSecrets()).requests).toEqual([]);
});
