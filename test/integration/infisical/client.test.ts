import { describe, expect, test } from 'vitest';

import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import type { LeaseApi } from '../../../sandbox/lease-api/lease-api.ts';
import { PROFILES } from '../../../sandbox/lease-api/refusal.ts';
import { TOKEN_DEATHS } from '../../../sandbox/lease-api/tokens.ts';
import type { IssuedLease, Target } from '../../../src/api/lease.ts';
import type { FaultCode } from '../../../src/errors.ts';
import { tokenLogin } from '../../../src/infisical/auth/token.ts';
import { universalLogin } from '../../../src/infisical/auth/universal.ts';
import type { LeaseClient } from '../../../src/infisical/client.ts';
import { RequestError } from '../../../src/infisical/request-error.ts';
import { clientWorld, freshTag, TARGET } from './client-world.ts';

function create(client: LeaseClient, target: Target = TARGET, ttl?: string): Promise<IssuedLease> {
  return client.createLease({ target, ttl, tag: freshTag() });
}

async function failure(call: Promise<unknown>): Promise<RequestError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof RequestError) return outcome;
  throw new Error(`Expected a RequestError, got ${String(outcome)}.`);
}

describe.each(PROFILES)('against the %s server', (profile) => {
  test('a lease is made, read, listed and revoked; what is gone is told as a hint', async () => {
    await using world = await clientWorld({ profile });
    const { client, api } = world;
    const tag = freshTag();
    const issued = await client.createLease({ target: TARGET, ttl: '30m', tag });
    expect(issued.data).toEqual({
      DB_USERNAME: issued.lease.externalEntityId,
      DB_PASSWORD: expect.any(String) as string,
    });
    expect(issued.lease.tag).toEqual(profile === 'current' ? tag : undefined);
    expect(client.tagSupport(TARGET)).toBe(profile === 'current' ? 'kept' : 'dropped');
    expect(Date.parse(issued.lease.expireAt) - Date.parse(issued.lease.createdAt)).toBeCloseTo(1_800_000, -3);
    expect(await client.getLease(issued.lease.id, TARGET)).toEqual({
      lease: issued.lease,
      dynamicSecret: issued.dynamicSecret,
    });
    expect(await client.listLeases(TARGET)).toEqual([issued.lease]);
    expect(await client.revokeLease(issued.lease.id, TARGET)).toMatchObject({
      id: issued.lease.id,
      status: null,
    });
    expect(await client.listLeases(TARGET)).toEqual([]);
    expect(await failure(client.getLease(issued.lease.id, TARGET))).toMatchObject({ notFound: 'lease' });
    expect(await failure(client.revokeLease(issued.lease.id, TARGET))).toMatchObject({
      notFound: 'lease',
      fate: 'refused',
    });
    expect((await api.live()).leases).toEqual([]);
  });

  describe('a renewal', () => {
    test('adds to the old end, each time, and leaves the rest as it is', async () => {
      await using world = await clientWorld({ profile });
      const { client } = world;
      const { lease } = await create(client, TARGET, '30m');
      const once = await client.renewLease(lease.id, TARGET, '30m');
      expect(Date.parse(once.expireAt) - Date.parse(lease.expireAt)).toBe(1_800_000);
      expect(once).toMatchObject({ id: lease.id, externalEntityId: lease.externalEntityId, tag: lease.tag });
      // Without a ttl it is the dynamic secret's default.
      const twice = await client.renewLease(lease.id, TARGET, undefined);
      expect(Date.parse(twice.expireAt)).toBeGreaterThan(Date.parse(once.expireAt));
      expect((await client.getLease(lease.id, TARGET)).lease).toEqual(twice);
      expect(await world.calls('lease-renew')).toBe(2);
    });

    test('past the maximum is refused, and changes nothing', async () => {
      await using world = await clientWorld({ profile });
      const { lease } = await create(world.client);
      const error = await failure(world.client.renewLease(lease.id, TARGET, '24h'));
      expect(error).toMatchObject({ fate: 'refused', status: 400, fault: { code: 'RequestRefused' } });
      expect((await world.client.getLease(lease.id, TARGET)).lease).toEqual(lease);
    });

    test('of a lease that is gone is refused, with a hint', async () => {
      await using world = await clientWorld({ profile });
      const { lease } = await create(world.client);
      await world.client.revokeLease(lease.id, TARGET);
      expect(await failure(world.client.renewLease(lease.id, TARGET, '1h'))).toMatchObject({
        fate: 'refused',
        notFound: 'lease',
      });
    });

    test.each([
      ['lost after it was done', 'after', 1],
      ['lost before it was done', 'before', 0],
    ] as const)('whose answer is %s is of unknown fate, and is not sent again', async (_how, when, hours) => {
      await using world = await clientWorld({ profile });
      const { lease } = await create(world.client, TARGET, '1h');
      await world.api.armFault({
        match: { route: 'lease-renew', times: 1 },
        action: { type: 'answer-lost', when },
      });
      const error = await failure(world.client.renewLease(lease.id, TARGET, '1h'));
      expect(error).toMatchObject({ fate: 'unknown', fault: { code: 'NoAnswer' } });
      expect(await world.calls('lease-renew')).toBe(1);
      const found = await world.client.getLease(lease.id, TARGET);
      expect(Date.parse(found.lease.expireAt) - Date.parse(lease.expireAt)).toBe(hours * 3_600_000);
    });

    test.each(['revoked', 'expired'] as const)('with a token that is %s costs one login', async (death) => {
      await using world = await clientWorld({ profile });
      const { lease } = await create(world.client, TARGET, '1h');
      await world.api.killToken({ identityId: world.identity.identityId, death });
      const renewed = await world.client.renewLease(lease.id, TARGET, '1h');
      expect(Date.parse(renewed.expireAt) - Date.parse(lease.expireAt)).toBe(3_600_000);
      expect(await world.calls('login')).toBe(2);
    });
  });

  test('a revocation that fails is a success whose status says so', async () => {
    await using world = await clientWorld({ profile });
    const { lease } = await create(world.client);
    await world.api.armFault({ action: { type: 'revocation-fails' } });
    expect(await world.client.revokeLease(lease.id, TARGET)).toMatchObject({ status: 'Failed to delete' });
  });

  describe('refusals of a create', () => {
    interface Refusal {
      readonly arrange?: (api: LeaseApi, identityId: string) => Promise<unknown>;
      readonly target?: Partial<Target>;
      readonly ttl?: string;
      readonly code: FaultCode;
      readonly notFound?: 'target';
    }
    const cases: Record<string, Refusal> = {
      'an unknown project': {
        target: { projectSlug: 'nowhere' },
        code: 'TargetNotFound',
        notFound: 'target',
      },
      'an unknown environment': {
        target: { environmentSlug: 'dev' },
        code: 'TargetNotFound',
        notFound: 'target',
      },
      'an unknown folder': { target: { path: '/nowhere' }, code: 'TargetNotFound', notFound: 'target' },
      'an unknown dynamic secret': {
        target: { dynamicSecret: 'none' },
        code: 'TargetNotFound',
        notFound: 'target',
      },
      'a ttl above the maximum': {
        arrange: (api) =>
          api.seedDynamicSecret({ ...placeOf(TARGET), name: 'short', maxTTL: '10m', defaultTTL: '5m' }),
        target: { dynamicSecret: 'short' },
        ttl: '11m',
        code: 'TTLTooLong',
      },
      'a ttl that the server does not take': { ttl: '1s', code: 'RequestRefused' },
      'no licence': { arrange: (api) => api.setSwitches({ licensed: false }), code: 'PlanRestricted' },
      'a limit of leases': {
        arrange: (api) => api.setSwitches({ leaseLimit: 0 }),
        code: 'LeaseLimitReached',
      },
      'no permission': {
        arrange: (api, identityId) =>
          api.setGrants({ identityId, grants: [{ projectSlug: 'shop', actions: [] }] }),
        code: 'PermissionDenied',
      },
      'no part in the project': {
        arrange: (api, identityId) => api.setGrants({ identityId, grants: [] }),
        code: 'PermissionDenied',
      },
    };

    test.each(Object.entries(cases))('%s', async (_sentence, { arrange, target, ttl, ...expected }) => {
      await using world = await clientWorld({ profile });
      await arrange?.(world.api, world.identity.identityId);
      const error = await failure(create(world.client, { ...TARGET, ...target }, ttl));
      expect({ code: error.fault.code, fate: error.fate, notFound: error.notFound }).toEqual({
        notFound: undefined,
        ...expected,
        fate: 'refused',
      });
      expect(await world.calls('login')).toBe(1);
      expect((await world.api.live()).leases).toEqual([]);
    });
  });

  describe('a token that dies', () => {
    const deaths = TOKEN_DEATHS.filter((death) => death !== 'uses-exhausted');

    test.each(deaths)('%s: one login, and nobody notices', async (death) => {
      await using world = await clientWorld({ profile });
      const { client, api, identity } = world;
      const { lease } = await create(client);
      for (const call of [
        () => create(client),
        () => client.getLease(lease.id, TARGET),
        () => client.listLeases(TARGET),
        () => client.revokeLease(lease.id, TARGET),
      ]) {
        await api.killToken({ identityId: identity.identityId, death });
        await call();
      }
      expect(await world.calls('login')).toBe(5);
      expect((await api.live()).leases).toHaveLength(1);
    });

    test.each(deaths)('%s, whenever it is used: two logins and no more', async (death) => {
      // Waits as shipped: a hundred requests take their time on a busy machine, and none comes to its end here.
      await using world = await clientWorld({ profile }, { scale: 1 });
      await world.api.armFault({
        match: { route: 'lease-list', times: 'always' },
        action: { type: 'token-death', death },
      });
      const lists = Array.from({ length: 100 }, () => failure(world.client.listLeases(TARGET)));
      const codes = (await Promise.all(lists)).map(({ fault }) => fault.code);
      expect(new Set(codes)).toEqual(new Set(['TokenRefused']));
      expect(await world.calls('login')).toBe(2);
    });

    test('of its last use: at most one request is refused for it', async () => {
      await using world = await clientWorld({ profile });
      await create(world.client);
      await world.api.killToken({ identityId: world.identity.identityId, death: 'uses-exhausted' });
      const first = world.client.listLeases(TARGET);
      // Servers of 2024 answer the first request with a 400 that says so only in words.
      const seen =
        profile === '2024' ? failure(first).then(({ status }) => status) : first.then(({ length }) => length);
      expect(await seen).toBe(profile === '2024' ? 400 : 1);
      expect(await world.client.listLeases(TARGET)).toHaveLength(1);
      expect(await world.calls('login')).toBe(2);
    });

    test('and that nobody can replace: told once it has been read again', async () => {
      await using world = await clientWorld({ profile });
      const minted = await world.api.mintToken({ identityId: world.identity.identityId });
      let reads = 0;
      const credential = (): Promise<string> => {
        reads += 1;
        return Promise.resolve(`${minted.accessToken}\n`);
      };
      const client = world.connect({ login: tokenLogin({ credential }) });
      await create(client);
      await world.api.killToken({ tokenId: minted.tokenId, death: 'revoked' });
      expect(await failure(create(client))).toMatchObject({
        fate: 'refused',
        fault: { code: 'TokenRefused' },
      });
      expect(reads).toBe(2);
    });
  });

  test('a refused login is one login, however many ask', async () => {
    await using world = await clientWorld({ profile });
    const client = world.connect({ login: universalLogin({ credential: () => Promise.resolve('wrong') }) });
    const errors = await Promise.all(Array.from({ length: 200 }, () => failure(client.listLeases(TARGET))));
    expect(new Set(errors.map(({ fault }) => fault.code))).toEqual(new Set(['LoginRefused']));
    expect(await world.calls('login')).toBe(1);
  });

  describe('what happens to the answer of a create', () => {
    interface Disturbance {
      readonly action: FaultRule['action'];
      readonly code: FaultCode;
      readonly fate: RequestError['fate'];
      readonly made: number;
      /** Waits for the deadline: one second instead of three. */
      readonly scale?: number;
    }
    const cases: Record<string, Disturbance> = {
      'lost after the lease was made': {
        action: { type: 'answer-lost', when: 'after' },
        code: 'NoAnswer',
        fate: 'unknown',
        made: 1,
      },
      'lost before anything was done': {
        action: { type: 'answer-lost', when: 'before' },
        code: 'NoAnswer',
        fate: 'unknown',
        made: 0,
      },
      'later than the deadline': {
        action: { type: 'delay', ms: 2000, when: 'after' },
        scale: 1 / 60,
        code: 'NoAnswer',
        fate: 'unknown',
        made: 1,
      },
      'one byte at a time': {
        action: { type: 'slow-body', intervalMs: 100 },
        scale: 1 / 60,
        code: 'NoAnswer',
        fate: 'unknown',
        made: 1,
      },
      'a page instead': { action: { type: 'html' }, code: 'UnexpectedAnswer', fate: 'unknown', made: 0 },
      'half of it': {
        action: { type: 'truncated', cut: 'body' },
        code: 'UnexpectedAnswer',
        fate: 'unknown',
        made: 1,
      },
      'half of it, then nothing': {
        action: { type: 'truncated', cut: 'connection' },
        code: 'NoAnswer',
        fate: 'unknown',
        made: 1,
      },
      'more than a mebibyte of it': {
        action: { type: 'huge-body', bytes: 2_000_000 },
        code: 'UnexpectedAnswer',
        fate: 'unknown',
        made: 1,
      },
      'of another type': {
        action: { type: 'content-type' },
        code: 'UnexpectedAnswer',
        fate: 'unknown',
        made: 1,
      },
      'a failure of the driver': {
        action: { type: 'driver-error' },
        code: 'ServerFailed',
        fate: 'unknown',
        made: 0,
      },
      'a failure after the lease was made': {
        action: { type: 'status', status: 500, when: 'after' },
        code: 'ServerFailed',
        fate: 'unknown',
        made: 1,
      },
      'a proxy without a server': {
        action: { type: 'status', status: 502, body: 'html' },
        code: 'ServerFailed',
        fate: 'unknown',
        made: 0,
      },
      'a limit of the rate': {
        action: { type: 'status', status: 429, retryAfterSeconds: 60 },
        code: 'RateLimited',
        fate: 'refused',
        made: 0,
      },
    };

    test.each(Object.entries(cases))('%s', async (_sentence, { action, code, fate, made, scale = 0.05 }) => {
      await using world = await clientWorld({ profile }, { scale });
      await world.api.armFault({ match: { route: 'lease-create' }, action });
      const error = await failure(create(world.client));
      expect([error.fault.code, error.fate, error.tagged]).toEqual([code, fate, true]);
      expect((await world.api.live()).leases).toHaveLength(made);
      expect(await world.calls('lease-create')).toBe(1);
      expect(`${String(error.stack)}${world.log.join()}`).not.toMatch(/Secr3t|DB_PASSWORD/);
    });
  });

  test('a lease whose answer was lost is found by its tag, where the server keeps one', async () => {
    await using world = await clientWorld({ profile });
    await world.api.armFault({
      match: { route: 'lease-create' },
      action: { type: 'answer-lost', when: 'after' },
    });
    const tag = freshTag();
    await failure(world.client.createLease({ target: TARGET, tag }));
    const [found] = await world.client.listLeases(TARGET);
    expect(found?.tag).toEqual(profile === 'current' ? tag : undefined);
  });

  test.each([400, 422] as const)(
    'a type that refuses the tag with %d gets requests without',
    async (status) => {
      await using world = await clientWorld({ profile });
      const refuse: FaultRule = { match: { times: 'always' }, action: { type: 'config-refused', status } };
      await world.api.armFault(refuse);
      await create(world.client);
      expect(world.client.tagSupport(TARGET)).toBe('refused');
      await create(world.client);
      expect(await world.calls('lease-create')).toBe(3);
      expect((await world.api.live()).leases).toHaveLength(2);
    },
  );

  test('a read outlives a short outage', async () => {
    await using world = await clientWorld({ profile });
    await create(world.client);
    const match = { route: 'lease-list', times: 2 } as const;
    await world.api.armFault({ match, action: { type: 'status', status: 503 } });
    expect(await world.client.listLeases(TARGET)).toHaveLength(1);
  });

  test("the server's time is known, however far off it is", async () => {
    await using world = await clientWorld({ profile, clock: { offsetMs: -7_200_000 } });
    expect(world.client.now()).toBeUndefined();
    await Promise.all(Array.from({ length: 10 }, () => world.client.synchronise()));
    const { now } = await world.api.now();
    expect(Math.abs((world.client.now() ?? 0) - now)).toBeLessThan(1000);
    expect(await world.calls('status')).toBe(1);
  });
});

test('an address of the web interface instead of the API is told from a server that is down', async () => {
  await using world = await clientWorld();
  const wrong = world.connect({ path: '/web' });
  expect(await failure(create(wrong))).toMatchObject({ fault: { code: 'UnexpectedAnswer' } });
});

describe('TLS', () => {
  const { ca, cert, key } = createCertificates();

  test('a server of a private authority works with its certificate, and only with it', async () => {
    await using world = await clientWorld({ tls: { cert, key } }, { ca });
    await create(world.client);
    expect(await failure(create(world.connect()))).toMatchObject({
      fate: 'refused',
      fault: { code: 'CertificateUntrusted' },
    });
  });
});

function placeOf({ projectSlug, environmentSlug, path }: Target): Omit<Target, 'dynamicSecret'> {
  return { projectSlug, environmentSlug, path };
}
