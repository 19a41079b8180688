import { describe, expect, test, vi } from 'vitest';
import { Fixture, LEASES, MINUTE, PLACE, SECRETS, tokenIn, PATIENCE } from './fixture.ts';

const HOUR = 60 * MINUTE;
const short = { switches: { lifeOverride: 50 } };

async function events(server: Fixture): Promise<readonly string[]> {
  return (await server.api.readLedger()).entries.map(({ event }) => event);
}

describe('at its end a lease', () => {
  test.for([
    ['current', 404],
    ['2024', 400],
  ] as const)('is revoked and gone (%s)', async ([profile, status]) => {
    await using server = await Fixture.start({ ...short, profile });
    const { id } = await server.lease();
    await vi.waitFor(async () => expect(await events(server)).toContain('expired'), PATIENCE);
    expect((await server.get(id)).status).toBe(status);
    expect((await server.renew(id)).status).toBe(status);
    expect((await server.remove(id)).status).toBe(status);
    expect(await server.api.principals()).toEqual({ leased: [], unleased: [], missing: [] });
  });

  test('is not revoked early after a renewal', async () => {
    await using server = await Fixture.start({ switches: { lifeOverride: 60 * MINUTE } });
    const { id } = await server.lease();
    await server.renew(id);
    await server.api.advanceClock({ ms: 61 * MINUTE });
    expect((await server.get(id)).status).toBe(200);
    await server.api.advanceClock({ ms: 60 * MINUTE });
    await vi.waitFor(async () => expect((await server.get(id)).status).toBe(404), PATIENCE);
  });

  test('stays when its revocation fails, and is revoked by a retry (current)', async () => {
    await using server = await Fixture.start({ ...short, retryDelays: { soon: [HOUR], later: [HOUR] } });
    await server.api.armFault({ match: { times: 2 }, action: { type: 'revocation-fails', message: 'no' } });
    const { id } = await server.lease();
    await expect.poll(async () => events(server), PATIENCE).toEqual(['requested', 'made', 'revoke-failed']);
    expect(server.shown(await server.get(id), 'getLease')).toMatchObject({
      status: 'Failed to delete',
      statusDetails: 'no - Retrying automatically',
    });
    await server.api.advanceClock({ ms: HOUR });
    await expect.poll(async () => (await events(server)).slice(3), PATIENCE).toEqual(['revoke-failed']);
    await server.api.advanceClock({ ms: HOUR });
    await expect.poll(async () => (await events(server)).slice(4), PATIENCE).toEqual(['expired']);
    expect((await server.get(id)).status).toBe(404);
  });

  test('is left alone after the last retry (current)', async () => {
    await using server = await Fixture.start({ ...short, retryDelays: { soon: [5], later: [5] } });
    await server.api.armFault({
      match: { times: 'always' },
      action: { type: 'revocation-fails', message: 'no' },
    });
    const { id } = await server.lease();
    const details = async (): Promise<unknown> =>
      server.shown(await server.get(id), 'getLease').statusDetails;
    await expect.poll(details, PATIENCE).toBe('no');
    expect((await events(server)).filter((event) => event === 'revoke-failed')).toHaveLength(3);
  });

  test('is never tried again in 2024', async () => {
    await using server = await Fixture.start({ ...short, profile: '2024' });
    await server.api.armFault({ action: { type: 'revocation-fails', message: 'no' } });
    const { id } = await server.lease();
    await vi.waitFor(async () => expect(await events(server)).toContain('revoke-failed'), PATIENCE);
    await server.api.advanceClock({ ms: 1000 * MINUTE });
    const failed = { status: 'Failed to delete', statusDetails: 'no' };
    expect(server.shown(await server.get(id), 'getLease')).toMatchObject(failed);
    // The answer of the deletion that works still shows the old text; only the next look tells them apart.
    expect(server.shown(await server.remove(id), 'deleteLease')).toMatchObject(failed);
    expect((await server.get(id)).status).toBe(400);
  });
});

test('a revocation that failed on request is tried again on a current server', async () => {
  await using server = await Fixture.start({ retryDelays: { soon: [], later: [20] } });
  await server.api.armFault({ action: { type: 'revocation-fails' } });
  const { id } = await server.lease();
  await server.remove(id);
  await vi.waitFor(async () => expect((await server.get(id)).status).toBe(404), PATIENCE);
});

test('a revocation that failed on request also takes the end away from the lease (2024)', async () => {
  await using server = await Fixture.start({ profile: '2024', switches: { lifeOverride: HOUR } });
  const other = await server.lease();
  const { id } = await server.lease();
  await server.api.armFault({ action: { type: 'revocation-fails' } });
  await server.remove(id);
  await server.api.advanceClock({ ms: 2 * HOUR });
  await expect.poll(async () => (await server.get(other.id)).status, PATIENCE).toBe(400);
  expect(server.shown(await server.get(id), 'getLease').status).toBe('Failed to delete');
});

test('a far end needs no timer beyond the longest that there is', async () => {
  await using server = await Fixture.start();
  await server.api.seedDynamicSecret({ ...PLACE, name: 'long' });
  const { id } = await server.lease({ dynamicSecretName: 'long', ttl: '10y' });
  await server.api.advanceClock({ ms: 30 * 24 * 60 * MINUTE });
  server.accessToken = tokenIn(await server.logIn());
  expect((await server.get(id)).status).toBe(200);
});

test('what ends while the server is down is revoked when it is back', async () => {
  await using server = await Fixture.start({ switches: { lifeOverride: 60 * MINUTE } });
  const { id } = await server.lease();
  await server.api.pause();
  await expect(server.get(id)).rejects.toThrow('fetch failed');
  await server.api.advanceClock({ ms: 61 * MINUTE });
  expect((await server.api.live()).leases).toHaveLength(1);
  await server.api.resume();
  await vi.waitFor(async () => expect((await server.get(id)).status).toBe(404), PATIENCE);
});

describe('removing a dynamic secret', () => {
  test('without leases is done at once', async () => {
    await using server = await Fixture.start();
    const answer = await server.call('DELETE', `${SECRETS}/orders`, PLACE);
    server.verify(answer, 'deleteSecret');
    expect(answer.body).toMatchObject({ dynamicSecret: { status: null } });
    expect((await server.create()).status).toBe(404);
  });

  test('revokes its leases in the background first', async () => {
    await using server = await Fixture.start();
    await Promise.all([server.lease(), server.lease()]);
    const answer = await server.call('DELETE', `${SECRETS}/ORDERS`, PLACE);
    expect(answer).toMatchObject({
      status: 200,
      body: { dynamicSecret: { status: 'Revocation in process' } },
    });
    await vi.waitFor(async () => expect((await server.create()).status).toBe(404), PATIENCE);
    expect(await server.api.principals()).toEqual({ leased: [], unleased: [], missing: [] });
    expect((await events(server)).filter((event) => event === 'revoked')).toHaveLength(2);
  });

  test('that fails says so; leases can still be made', async () => {
    await using server = await Fixture.start();
    await server.lease();
    await server.api.armFault({ action: { type: 'revocation-fails', message: 'no' } });
    await server.call('DELETE', `${SECRETS}/orders`, PLACE);
    await vi.waitFor(
      async () =>
        expect((await server.create()).body).toMatchObject({
          dynamicSecret: { status: 'Failed to delete', statusDetails: 'no' },
        }),
      PATIENCE,
    );
  });

  test('a second time works on a current server and gets stuck in 2024', async () => {
    for (const profile of ['current', '2024'] as const) {
      await using server = await Fixture.start({ profile });
      await server.lease();
      await server.api.armFault({ action: { type: 'revocation-fails' } });
      await server.call('DELETE', `${SECRETS}/orders`, PLACE);
      await vi.waitFor(async () => expect(await events(server)).toContain('revoke-failed'), PATIENCE);
      const again = await server.call('DELETE', `${SECRETS}/orders`, PLACE);
      expect(again.body).toMatchObject({ dynamicSecret: { status: 'Revocation in process' } });
      const after =
        profile === 'current' ? ['revoke-failed', 'revoked', 'secret-removed'] : ['revoke-failed'];
      await vi.waitFor(async () => expect((await events(server)).slice(2)).toEqual(after), PATIENCE);
    }
  });

  test('by force drops the leases and leaves the principals', async () => {
    await using server = await Fixture.start();
    const { id, externalEntityId } = await server.lease();
    const answer = await server.call('DELETE', `${SECRETS}/orders`, { ...PLACE, isForced: true });
    expect(answer).toMatchObject({ status: 200, body: { dynamicSecret: { status: null } } });
    expect((await server.call('DELETE', `${LEASES}/${id}`, PLACE)).status).toBe(404);
    expect((await server.api.principals()).unleased).toEqual([externalEntityId]);
  });
});

test('a removed folder takes its leases along without revoking them', async () => {
  await using server = await Fixture.start();
  const { id, externalEntityId } = await server.lease();
  await server.api.removePlace({ projectSlug: 'shop', environmentSlug: 'prod', path: '/db' });
  const refusal = server.refusal(await server.get(id));
  expect(refusal.message).toBe("Folder with path '/db' not found");
  expect((await server.api.principals()).unleased).toEqual([externalEntityId]);
  expect((await events(server)).at(-1)).toBe('dropped');
});
