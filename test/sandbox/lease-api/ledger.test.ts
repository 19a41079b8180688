import { describe, expect, test, vi } from 'vitest';
import { Fixture, PLACE, PATIENCE } from './fixture.ts';

const tag = { install: 'cluster', object: 'object', attempt: 'attempt' };

test('the ledger has the whole life of a lease', async () => {
  await using server = await Fixture.start();
  const lease = await server.lease({ config: { leaseholder: tag } });
  const renewed = server.shown(await server.renew(lease.id), 'renewLease');
  await server.api.armFault({ action: { type: 'revocation-fails' } });
  await server.remove(lease.id);
  await server.remove(lease.id);
  const { entries, next } = await server.api.readLedger();
  const at: unknown = expect.any(Number);
  const common = {
    dynamicSecret: 'orders',
    dynamicSecretId: server.secretId,
    by: server.identity.identityId,
    method: null,
    proof: null,
    tag,
    at,
  };
  const known = { ...common, leaseId: lease.id, externalEntityId: lease.externalEntityId };
  const end = Date.parse(renewed.expireAt);
  expect(entries).toEqual([
    { ...common, event: 'requested', leaseId: null, externalEntityId: null, expireAt: null },
    { ...known, event: 'made', expireAt: Date.parse(lease.expireAt) },
    { ...known, event: 'renewed', expireAt: end },
    { ...known, event: 'revoke-failed', expireAt: end },
    { ...known, event: 'revoked', expireAt: end },
  ]);
  expect(await server.api.readLedger({ from: next })).toEqual({ entries: [], next });
  expect((await server.api.readLedger({ from: 3 })).entries).toHaveLength(2);
  expect(await server.api.readLedger({ from: 1, most: 2 })).toEqual({
    entries: entries.slice(1, 3),
    next: 3,
  });
});

test('what the server does by itself is done by nobody', async () => {
  await using server = await Fixture.start({ switches: { lifeOverride: 20 } });
  await server.lease();
  await vi.waitFor(
    async () =>
      expect((await server.api.readLedger()).entries.at(-1)).toMatchObject({ event: 'expired', by: null }),
    PATIENCE,
  );
});

test('a request that is refused leaves no trace of a lease', async () => {
  await using server = await Fixture.start();
  await server.create({ ttl: '48h' });
  await server.create({ dynamicSecretName: 'nothing' });
  expect((await server.api.readLedger()).entries).toEqual([]);
});

test('a tag of another shape is no tag', async () => {
  await using server = await Fixture.start();
  await server.lease({ config: { leaseholder: 'mine' } });
  expect((await server.api.live()).leases).toMatchObject([{ tag: null }]);
});

test('requests are counted by route and identity, refused ones too', async () => {
  await using server = await Fixture.start();
  const { id } = await server.lease();
  await server.get(id);
  await server.get(id);
  await server.create({ ttl: '48h' });
  await server.logIn('wrong');
  await server.anonymous('GET', '/api/status');
  const { identityId } = server.identity;
  expect(await server.api.counts()).toEqual({
    counts: {
      'lease-create': { [identityId]: 2 },
      'lease-get': { [identityId]: 2 },
      login: { anonymous: 1 },
      status: { anonymous: 1 },
    },
  });
});

describe('the two sides are compared', () => {
  test('when they agree', async () => {
    await using server = await Fixture.start();
    const { id, externalEntityId } = await server.lease({ config: { leaseholder: tag } });
    expect(await server.api.principals()).toEqual({ leased: [externalEntityId], unleased: [], missing: [] });
    expect(await server.api.live()).toMatchObject({
      leases: [{ leaseId: id, dynamicSecret: 'orders', externalEntityId, status: null, tag }],
    });
  });

  test('over all dynamic secrets, removed ones included', async () => {
    await using server = await Fixture.start();
    await server.api.seedDynamicSecret({ ...PLACE, name: 'other' });
    const kept = await server.lease({ dynamicSecretName: 'other' });
    const lost = await server.lease();
    await server.call('DELETE', '/api/v1/dynamic-secrets/orders', { ...PLACE, isForced: true });
    expect(await server.api.principals()).toEqual({
      leased: [kept.externalEntityId],
      unleased: [lost.externalEntityId],
      missing: [],
    });
  });
});
