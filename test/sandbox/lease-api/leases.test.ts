import { describe, expect, test } from 'vitest';
import { Fixture, LEASES, life, MINUTE, PLACE, QUERY, SECRETS } from './fixture.ts';

const HOUR = 60 * MINUTE;

describe('a new lease', () => {
  test('lasts its ttl, or the default without one', async () => {
    await using server = await Fixture.start();
    expect(life(await server.lease({ ttl: '90m' }))).toBe(90 * MINUTE);
    expect(life(await server.lease())).toBe(HOUR);
  });

  test('comes with the credential that its id in the provider names', async () => {
    await using server = await Fixture.start();
    const { body } = await server.create();
    const password: unknown = expect.stringMatching(/^[A-Za-z0-9\-_.~!*$#]{48}$/);
    const username: unknown = expect.stringMatching(/^[A-Za-z0-9]{32}$/);
    expect(body).toMatchObject({
      lease: { externalEntityId: username, status: null, statusDetails: null, config: null },
      data: { DB_USERNAME: username, DB_PASSWORD: password },
      dynamicSecret: { name: 'orders', type: 'in-memory', maxTTL: '24h', metadata: [] },
    });
  });

  test('is one more with every call', async () => {
    await using server = await Fixture.start();
    const [first, second] = await Promise.all([server.lease(), server.lease()]);
    expect(first.id).not.toBe(second.id);
    expect(await server.list()).toHaveLength(2);
  });

  test('keeps its config, and shows it in every answer', async () => {
    await using server = await Fixture.start();
    const config = { leaseholder: { install: 'i', object: 'o', attempt: 'a' }, namespace: 'x' };
    const { id } = await server.lease({ config });
    expect((await server.get(id)).body).toMatchObject({ lease: { config } });
    expect(await server.list()).toMatchObject([{ config }]);
    expect((await server.renew(id)).body).toMatchObject({ lease: { config } });
    expect((await server.remove(id)).body).toMatchObject({ lease: { config } });
  });

  test('may last exactly maxTTL', async () => {
    await using server = await Fixture.start();
    expect(life(await server.lease({ ttl: '24h' }))).toBe(24 * HOUR);
  });

  test('fails by default where defaultTTL is above maxTTL', async () => {
    await using server = await Fixture.start();
    await server.api.seedDynamicSecret({ ...PLACE, name: 'odd', defaultTTL: '2h', maxTTL: '1h' });
    expect((await server.create({ dynamicSecretName: 'odd' })).status).toBe(400);
    expect(life(await server.lease({ dynamicSecretName: 'odd', ttl: '1h' }))).toBe(HOUR);
  });

  test('is looked up under another name than the address of the list', async () => {
    await using server = await Fixture.start();
    await server.lease({ dynamicSecretName: 'ORDERS' });
    expect((await server.call('GET', `${SECRETS}/ORDERS/leases${QUERY}`)).status).toBe(404);
  });

  test('has the server decide when it ends, if told so', async () => {
    await using server = await Fixture.start({ switches: { lifeOverride: 5000 } });
    expect(life(await server.lease({ ttl: '12h' }))).toBe(5000);
    await server.api.overrideDynamicSecret({ dynamicSecretId: server.secretId, lifeOverride: 3000 });
    const lease = await server.lease({ ttl: '12h' });
    expect(life(lease)).toBe(3000);
    expect(life(server.shown(await server.renew(lease.id, { ttl: '1h' }), 'renewLease'))).toBe(6000);
    expect((await server.create({ ttl: '25h' })).status).toBe(400);
  });

  test('has the server decide when the first one ends, and no other, if told so', async () => {
    await using server = await Fixture.start();
    await server.api.seedDynamicSecret({ ...PLACE, name: 'brief', firstLife: 5000 });
    const first = await server.lease({ dynamicSecretName: 'brief', ttl: '12h' });
    expect(life(first)).toBe(5000);
    const renewed = server.shown(await server.renew(first.id, { ttl: '1h' }), 'renewLease');
    expect(life(renewed)).toBe(5000 + HOUR);
    expect(life(await server.lease({ dynamicSecretName: 'brief', ttl: '12h' }))).toBe(12 * HOUR);
  });

  test.for([
    { TOTP: 123_456 },
    { PERMISSIONS: { contents: 'read' }, EXPIRES_AT: '2030-01-01T00:00:00Z' },
    { DN_ARRAY: ['a', 'b'], email: 'x', password: null },
    { BIG: 'x'.repeat(1_500_000) },
    { 'odd key': 'x', ..._odd() },
    null,
    'text',
    [],
  ])('can carry data of any kind (case %$)', async (data) => {
    await using server = await Fixture.start();
    await server.api.overrideDynamicSecret({ dynamicSecretId: server.secretId, override: { data } });
    expect((await server.create()).body).toMatchObject({ data });
    await server.api.overrideDynamicSecret({ dynamicSecretId: server.secretId, override: null });
    expect((await server.create()).body).toHaveProperty('data.DB_USERNAME');
  });
});

function _odd(): Record<string, string> {
  return { '../../etc': 'x', '': 'empty' };
}

describe('renewing', () => {
  test('adds the ttl to the old end, not to now', async () => {
    await using server = await Fixture.start();
    const lease = await server.lease({ ttl: '2h' });
    const once = server.shown(await server.renew(lease.id, { ttl: '1h' }), 'renewLease');
    expect(life(once)).toBe(3 * HOUR);
    expect(life(server.shown(await server.renew(lease.id), 'renewLease'))).toBe(4 * HOUR);
    expect(once).toMatchObject({ externalEntityId: lease.externalEntityId, createdAt: lease.createdAt });
  });

  test('up to creation + maxTTL exactly; past it nothing changes', async () => {
    await using server = await Fixture.start();
    const lease = await server.lease({ ttl: '23h' });
    expect(life(server.shown(await server.renew(lease.id, { ttl: '1h' }), 'renewLease'))).toBe(24 * HOUR);
    expect((await server.renew(lease.id, { ttl: '1m' })).status).toBe(400);
    expect(life(server.shown(await server.get(lease.id), 'getLease'))).toBe(24 * HOUR);
  });

  test('without end where there is no maxTTL', async () => {
    await using server = await Fixture.start();
    await server.api.seedDynamicSecret({ ...PLACE, name: 'endless' });
    const lease = await server.lease({ dynamicSecretName: 'endless' });
    await server.renew(lease.id, { ttl: '10y' });
    expect(life(server.shown(await server.renew(lease.id, { ttl: '10y' }), 'renewLease'))).toBeGreaterThan(
      20 * 365 * 24 * HOUR,
    );
  });

  test('within the maxTTL that the dynamic secret has at that moment', async () => {
    await using server = await Fixture.start();
    const lease = await server.lease();
    await server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data: { maxTTL: '1h' } });
    expect((await server.renew(lease.id, { ttl: '1m' })).status).toBe(400);
    await server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data: { maxTTL: null } });
    expect((await server.renew(lease.id, { ttl: '48h' })).status).toBe(200);
  });

  test.for([
    ['totp', 'Lease renewal is not supported for TOTPs'],
    ['github', 'Github dynamic secret does not support renewal'],
    ['oauth', "OAuth access tokens can't be extended. Create a new lease to get a new token."],
  ] as const)('is refused by the type %s', async ([type, message]) => {
    await using server = await Fixture.start();
    await server.api.seedDynamicSecret({ ...PLACE, name: 'odd', type });
    const lease = await server.lease({ dynamicSecretName: 'odd' });
    const refusal = server.refusal(await server.renew(lease.id));
    expect(refusal).toEqual({ status: 400, error: 'BadRequest', message });
  });

  test('works on a lease whose revocation failed', async () => {
    await using server = await Fixture.start();
    const { id } = await server.lease();
    await server.api.armFault({ action: { type: 'revocation-fails' } });
    await server.remove(id);
    const renewed = server.shown(await server.renew(id), 'renewLease');
    expect(renewed).toMatchObject({ status: 'Failed to delete' });
    expect(life(renewed)).toBe(2 * HOUR);
  });
});

describe('revoking', () => {
  test('answers the lease as it was, which is then gone', async () => {
    await using server = await Fixture.start();
    const { id } = await server.lease();
    expect(server.shown(await server.remove(id), 'deleteLease')).toMatchObject({ id, status: null });
    expect((await server.get(id)).status).toBe(404);
    expect((await server.renew(id)).status).toBe(404);
    expect((await server.remove(id)).status).toBe(404);
    expect(await server.api.principals()).toEqual({ leased: [], unleased: [], missing: [] });
  });

  test('that fails is a 200 all the same; the lease stays and says so', async () => {
    await using server = await Fixture.start();
    const { id, externalEntityId } = await server.lease();
    await server.api.armFault({
      match: { times: 2 },
      action: { type: 'revocation-fails', message: 'x'.repeat(300) },
    });
    const failed = { id, status: 'Failed to delete', statusDetails: 'x'.repeat(255) };
    expect(server.shown(await server.remove(id), 'deleteLease')).toMatchObject(failed);
    expect(server.shown(await server.get(id), 'getLease')).toMatchObject(failed);
    expect((await server.api.principals()).leased).toEqual([externalEntityId]);
    expect(server.shown(await server.remove(id), 'deleteLease')).toMatchObject(failed);
    expect(server.shown(await server.remove(id), 'deleteLease')).toMatchObject({
      status: null,
      statusDetails: null,
    });
    expect((await server.get(id)).status).toBe(404);
  });

  test('by force drops the row, whatever becomes of the principal', async () => {
    await using server = await Fixture.start();
    const { id, externalEntityId } = await server.lease();
    await server.api.armFault({ action: { type: 'revocation-fails' } });
    expect(server.shown(await server.remove(id, { isForced: true }), 'deleteLease')).toMatchObject({
      status: null,
    });
    expect((await server.get(id)).status).toBe(404);
    expect((await server.api.principals()).unleased).toEqual([externalEntityId]);
  });

  test('by force still asks the provider', async () => {
    await using server = await Fixture.start();
    const { id } = await server.lease();
    await server.remove(id, { isForced: true });
    expect((await server.api.principals()).unleased).toEqual([]);
  });

  test('needs the folder of the lease on a current server', async () => {
    await using server = await Fixture.start();
    const { id } = await server.lease();
    const elsewhere = { ...PLACE, path: '/other' };
    const message = `Dynamic secret with ID '${server.secretId}' not found`;
    for (const answer of [
      await server.call('DELETE', `${LEASES}/${id}`, elsewhere),
      await server.call('POST', `${LEASES}/${id}/renew`, elsewhere),
      await server.call('GET', `${LEASES}/${id}?projectSlug=shop&environmentSlug=prod&path=/other`),
    ])
      expect(server.refusal(answer)).toEqual({ status: 404, error: 'NotFound', message });
  });
});

test('the list has every lease of that dynamic secret and no other', async () => {
  await using server = await Fixture.start();
  await server.api.seedDynamicSecret({ ...PLACE, name: 'other' });
  await server.lease({ dynamicSecretName: 'other' });
  const made = await Promise.all(Array.from({ length: 25 }, async () => server.lease()));
  const listed = await server.list();
  expect(listed.map(({ id }) => id).toSorted()).toEqual(made.map(({ id }) => id).toSorted());
});
