import { describe, expect, test } from 'vitest';

import type { FaultCode } from '../../../src/errors.ts';
import type { LeaseClient } from '../../../src/infisical/client.ts';
import { RequestError } from '../../../src/infisical/request-error.ts';
import { standardTiming } from '../../../src/timing.ts';
import {
  DATA,
  dynamicSecret,
  issued,
  lease,
  lease2024,
  LEASE_ID,
  login,
  refusal,
  refusal2024,
  TAG,
  TARGET,
} from './answers.ts';
import { type ClientSetting, clientSetting } from './client-setting.ts';
import { pump, rejection } from './pump.ts';
import {
  html,
  json,
  large,
  type Reply,
  reset,
  type Route,
  silence,
  stuckBody,
  text,
  truncated,
} from './scripted-server.ts';

const folder = { projectSlug: 'shop', environmentSlug: 'prod', path: '/apps/orders' };

function createOne(client: LeaseClient): ReturnType<LeaseClient['createLease']> {
  return client.createLease({ target: TARGET, tag: TAG });
}

/** Every call of the client, with the route that it takes. */
const calls = {
  create: (client: LeaseClient) => createOne(client),
  get: (client: LeaseClient) => client.getLease(LEASE_ID, TARGET),
  list: (client: LeaseClient) => client.listLeases(TARGET),
  renew: (client: LeaseClient) => client.renewLease(LEASE_ID, TARGET, undefined),
  revoke: (client: LeaseClient) => client.revokeLease(LEASE_ID, TARGET),
} as const satisfies Partial<Record<Route, (client: LeaseClient) => Promise<unknown>>>;

const successes = {
  create: json(200, issued()),
  get: json(200, { lease: { ...lease(), dynamicSecret: dynamicSecret() } }),
  list: json(200, { leases: [lease(), lease2024()] }),
  renew: json(200, { lease: lease(undefined, { expireAt: '2026-01-01T02:00:00.000Z' }) }),
  revoke: json(200, { lease: lease(null, { status: 'Failed to delete', statusDetails: 'why' }) }),
} as const satisfies Record<keyof typeof calls, Reply>;

const callNames = ['create', 'get', 'list', 'renew', 'revoke'] as const;

async function failure({ clock }: ClientSetting, call: Promise<unknown>): Promise<RequestError> {
  return pump(clock, rejection(call, RequestError));
}

describe('a request', () => {
  const sent: Record<keyof typeof calls, { method: string; path: string; query?: object; body?: unknown }> = {
    create: {
      method: 'POST',
      path: '/api/v1/dynamic-secrets/leases',
      query: {},
      body: { dynamicSecretName: 'orders-postgres', ...folder, config: { leaseholder: TAG } },
    },
    get: {
      method: 'GET',
      path: `/api/v1/dynamic-secrets/leases/${LEASE_ID}`,
      query: folder,
      body: undefined,
    },
    list: {
      method: 'GET',
      path: '/api/v1/dynamic-secrets/orders-postgres/leases',
      query: folder,
      body: undefined,
    },
    renew: {
      method: 'POST',
      path: `/api/v1/dynamic-secrets/leases/${LEASE_ID}/renew`,
      query: {},
      body: folder,
    },
    revoke: { method: 'DELETE', path: `/api/v1/dynamic-secrets/leases/${LEASE_ID}`, query: {}, body: folder },
  };

  test.each(callNames)('to %s a lease is what the API documents, with the token', async (name) => {
    await using setting = await clientSetting();
    setting.server.on(name, successes[name]);
    await calls[name](setting.client);
    const [request] = setting.server.to(name);
    expect(request).toMatchObject(sent[name]);
    expect(request?.body).toEqual(sent[name].body);
    expect(request?.headers.authorization).toBe('Bearer t1');
  });

  test('for a lease carries the ttl, and the config beside the tag', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', successes.create);
    await setting.client.createLease({ target: TARGET, ttl: '1h', config: { namespace: 'a' }, tag: TAG });
    expect(setting.server.to('create')[0]?.body).toMatchObject({
      ttl: '1h',
      config: { namespace: 'a', leaseholder: TAG },
    });
  });

  const misnamed = {
    get: (client: LeaseClient) => client.getLease('../x', TARGET),
    renew: (client: LeaseClient) => client.renewLease('../x', TARGET, '1h'),
    revoke: (client: LeaseClient) => client.revokeLease('', TARGET),
  } as const;

  test.each(['get', 'renew', 'revoke'] as const)(
    'to %s a lease whose id is no UUID is never sent',
    async (name) => {
      await using setting = await clientSetting();
      expect(await failure(setting, misnamed[name](setting.client))).toMatchObject({
        fate: 'refused',
        fault: { code: 'Internal' },
      });
      expect(setting.server.received).toHaveLength(0);
    },
  );
});

describe('a request for a lease that is forbidden right before it is sent', () => {
  const internal = { code: 'Internal', retry: 'backoff', message: 'No.' } as const;
  const forbidden = new RequestError({ fault: internal, fate: 'refused' });

  test('is not sent; the login was done by then', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', successes.create);
    const beforeSending = (): void => {
      expect(setting.server.to('login')).toHaveLength(1);
      throw forbidden;
    };
    const request = setting.client.createLease({ target: TARGET, tag: TAG, beforeSending });
    expect(await failure(setting, request)).toMatchObject({ fate: 'refused', fault: { code: 'Internal' } });
    expect(setting.server.to('create')).toEqual([]);
    expect(setting.telemetry.counts).toContainEqual(['leaseRequested', 'refused']);
  });

  test('is not sent again after a wait', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', json(429, refusal(429, 'x'), { 'retry-after': '0' }));
    let asked = 0;
    const beforeSending = (): void => {
      asked += 1;
      if (asked > 1) throw forbidden;
    };
    const request = setting.client.createLease({ target: TARGET, tag: TAG, beforeSending });
    expect(await failure(setting, request)).toMatchObject({ fault: { code: 'Internal' } });
    expect(setting.server.to('create')).toHaveLength(1);
    expect(asked).toBe(2);
  });
});

describe('an answer', () => {
  test('to a create has the credentials', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', successes.create);
    expect(await createOne(setting.client)).toMatchObject({ lease: { id: LEASE_ID, tag: TAG }, data: DATA });
    expect(setting.telemetry.counts).toContainEqual(['leaseRequested', 'made']);
  });

  test('to a get has the dynamic secret', async () => {
    await using setting = await clientSetting();
    setting.server.on('get', successes.get);
    const found = await setting.client.getLease(LEASE_ID, TARGET);
    expect(found).toMatchObject({ lease: { id: LEASE_ID }, dynamicSecret: { type: 'sql-database' } });
  });

  test('to a list has leases of every generation', async () => {
    await using setting = await clientSetting();
    setting.server.on('list', successes.list);
    const leases = await setting.client.listLeases(TARGET);
    expect(leases.map(({ tag }) => tag)).toEqual([TAG, undefined]);
  });

  test('to a renewal has the new end', async () => {
    await using setting = await clientSetting();
    setting.server.on('renew', successes.renew);
    expect(await calls.renew(setting.client)).toMatchObject({
      id: LEASE_ID,
      expireAt: '2026-01-01T02:00:00.000Z',
    });
  });

  test('to a revocation may tell that it failed', async () => {
    await using setting = await clientSetting();
    setting.server.on('revoke', successes.revoke);
    expect(await setting.client.revokeLease(LEASE_ID, TARGET)).toMatchObject({ status: 'Failed to delete' });
  });
});

describe('a create that does not succeed', () => {
  const cases: Record<string, { reply: Reply; code: FaultCode; fate: RequestError['fate'] }> = {
    'fails on the server': { reply: json(500, refusal(500, 'x')), code: 'ServerFailed', fate: 'unknown' },
    'finds no server behind the proxy': { reply: html(502), code: 'ServerFailed', fate: 'unknown' },
    'is answered by a gateway': {
      reply: json(504, refusal(504, 'GatewayTimeoutError')),
      code: 'ServerFailed',
      fate: 'unknown',
    },
    'is answered with a page': { reply: html(200), code: 'UnexpectedAnswer', fate: 'unknown' },
    'is answered without a lease': {
      reply: json(200, { ok: true }),
      code: 'UnexpectedAnswer',
      fate: 'unknown',
    },
    'is answered with half a JSON': {
      reply: text(200, 'application/json', '{"lease":'),
      code: 'UnexpectedAnswer',
      fate: 'unknown',
    },
    'is answered at too great length': {
      reply: large(1024 * 1024, { announced: true }),
      code: 'UnexpectedAnswer',
      fate: 'unknown',
    },
    'is broken off before the answer': { reply: reset, code: 'NoAnswer', fate: 'unknown' },
    'is broken off within the answer': { reply: truncated, code: 'NoAnswer', fate: 'unknown' },
    'asks for too long a ttl': {
      reply: json(400, refusal(400, 'BadRequest', 'TTL cannot be larger than max TTL')),
      code: 'TTLTooLong',
      fate: 'refused',
    },
    'is not allowed': {
      reply: json(403, refusal(403, 'PermissionDenied')),
      code: 'PermissionDenied',
      fate: 'refused',
    },
    'is limited': {
      reply: json(429, refusal(429, 'x'), { 'retry-after': '30' }),
      code: 'RateLimited',
      fate: 'refused',
    },
  };

  test.each(Object.entries(cases))('%s: and says what is known of its fate', async (_sentence, expected) => {
    await using setting = await clientSetting();
    // Tag support is known, so that nothing is asked twice for its sake.
    setting.server.on('create', successes.create, expected.reply);
    await createOne(setting.client);
    const error = await failure(
      setting,
      setting.client.createLease({ target: TARGET, ttl: '48h', tag: TAG }),
    );
    expect([error.fault.code, error.fate, error.tagged]).toEqual([expected.code, expected.fate, true]);
    expect(setting.server.to('create')).toHaveLength(2);
    expect(setting.telemetry.counts).toContainEqual(['leaseRequested', expected.fate]);
  });

  test.each([
    ['no answer', silence],
    ['no end of the answer', stuckBody],
  ])('comes to its deadline with %s: its fate is unknown', async (_sentence, reply) => {
    await using setting = await clientSetting();
    setting.server.on('create', reply);
    const created = rejection(createOne(setting.client), RequestError);
    await setting.server.arrived(2);
    await setting.clock.run(standardTiming.leaseRequestDeadline);
    expect(await created).toMatchObject({ fate: 'unknown', fault: { code: 'NoAnswer' } });
    expect(setting.server.to('create')).toHaveLength(1);
  });

  test('finds nobody listening: it was surely not made', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', successes.create);
    await setting.client.session.token();
    await setting.server[Symbol.asyncDispose]();
    const error = await failure(setting, createOne(setting.client));
    expect(error).toMatchObject({ fate: 'refused', fault: { code: 'ServerUnreachable' } });
  });

  test('has no time left after a slow login: it is not sent', async () => {
    await using setting = await clientSetting({ leaseRequestDeadline: 1000 });
    setting.server.on('create', successes.create);
    setting.server.on('login', (response, request) => {
      setting.clock.advance(1000);
      json(200, login('t'))(response, request);
    });
    const error = await failure(setting, createOne(setting.client));
    expect(error).toMatchObject({ fate: 'refused', fault: { code: 'ServerUnreachable' } });
    expect(setting.server.to('create')).toHaveLength(0);
  });
});

const limited = (seconds: string): Reply => json(429, refusal(429, 'x'), { 'retry-after': seconds });

describe('a limit of the rate', () => {
  test('is waited out when it is short', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', limited('2'), limited('0'), successes.create);
    const created = createOne(setting.client);
    await expect
      .poll(() => setting.telemetry.counts)
      .toContainEqual(['apiAnswered', 'create-lease', '429', 0]);
    await setting.clock.run(1999);
    expect(setting.server.to('create')).toHaveLength(1);
    await setting.clock.run(1);
    expect(await pump(setting.clock, created)).toMatchObject({ data: DATA });
    expect(setting.server.to('create')).toHaveLength(3);
  });

  test('is waited out twice, not for ever', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', limited('0'));
    expect(await failure(setting, createOne(setting.client))).toMatchObject({
      fault: { code: 'RateLimited' },
    });
    expect(setting.server.to('create')).toHaveLength(3);
  });

  test.each([
    ['long', { 'retry-after': '3' }],
    ['not told', {}],
  ])('is handed on when it is %s', async (_sentence, headers: Record<string, string>) => {
    await using setting = await clientSetting();
    setting.server.on('create', json(429, refusal(429, 'x'), headers));
    expect(await failure(setting, createOne(setting.client))).toMatchObject({ fate: 'refused' });
    expect(setting.server.to('create')).toHaveLength(1);
  });
});

describe('a dead token', () => {
  const forms: Record<string, Reply> = {
    'a 401 of a newer server': json(401, refusal(401, 'UnauthorizedError')),
    'a 403 of a newer server': json(403, refusal(403, 'TokenError')),
    'a 403 of a server of 2024': json(403, refusal2024(403, 'UnauthorizedError')),
    'a 500 of a server of 2024': json(500, refusal2024(500, 'Internal Server Error', 'jwt expired')),
  };
  const table = Object.entries(forms).flatMap(([form, reply]) =>
    callNames.map((name) => [form, name, reply] as const),
  );

  test.each(table)('%s to %s: one login, and the request once more', async (_form, name, reply) => {
    await using setting = await clientSetting();
    setting.server.on(name, reply, successes[name]);
    await pump<unknown>(setting.clock, calls[name](setting.client));
    expect(setting.server.to('login')).toHaveLength(2);
    expect(setting.server.to(name).map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t1',
      'Bearer t2',
    ]);
  });

  test.each(table)(
    '%s to %s, twice: a fault, and no login before the hold-off',
    async (_form, name, reply) => {
      await using setting = await clientSetting();
      setting.server.on(name, reply);
      const error = await failure(setting, calls[name](setting.client));
      expect(error).toMatchObject({ fate: 'refused', fault: { code: 'TokenRefused' } });
      const again = await failure(setting, calls[name](setting.client));
      expect(again).toMatchObject({
        fate: 'refused',
        fault: { code: 'TokenRefused', retryAfter: expect.any(Number) as number },
      });
      expect(setting.server.to('login')).toHaveLength(2);
      expect(setting.server.to(name)).toHaveLength(2);
      expect(setting.client.session.state()).toMatchObject({ kind: 'failed' });
    },
  );

  const died = json(401, refusal(401, 'UnauthorizedError'));

  test.each([
    ['proven by a refusal of another kind: replaced again', json(403, refusal(403, 'PermissionDenied')), 3],
    ['not proven by a limit of the rate: held off', json(429, refusal(429, 'x')), 2],
    ['not proven by a failure: held off', json(500, refusal(500, 'x')), 2],
  ])('whose successor is %s', async (_sentence, reply, logins) => {
    await using setting = await clientSetting();
    setting.server.on('revoke', died, reply, died);
    await failure(setting, calls.revoke(setting.client));
    await failure(setting, calls.revoke(setting.client));
    expect(setting.server.to('login')).toHaveLength(logins);
  });

  test('met by a hundred requests at once costs one login', async () => {
    await using setting = await clientSetting();
    setting.server.on('list', (response, request) => {
      const stale = request.headers.authorization === 'Bearer t1';
      (stale ? json(401, refusal(401, 'UnauthorizedError')) : successes.list)(response, request);
    });
    const lists = Array.from({ length: 100 }, () => setting.client.listLeases(TARGET));
    await pump(setting.clock, Promise.all(lists));
    expect(setting.server.to('login')).toHaveLength(2);
  });

  test('is followed by one that is shown to the server before anything is asked with it', async () => {
    await using setting = await clientSetting();
    const { client, server, clock } = setting;
    server.on('list', died);
    await failure(setting, calls.list(client));
    const { retryAfter } = (await failure(setting, client.verify())).fault;
    expect(server.to('status')).toHaveLength(0);
    clock.advance(retryAfter ?? 0);
    server.on('status', died, json(200, { message: 'Ok' }));
    expect(await failure(setting, client.verify())).toMatchObject({ fault: { code: 'TokenRefused' } });
    expect(client.session.state()).toMatchObject({ kind: 'failed' });
    clock.advance(standardTiming.loginBackoffCap);
    await pump(clock, client.verify());
    expect(server.to('status').map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t3',
      'Bearer t4',
    ]);
    expect(client.session.state()).toMatchObject({ kind: 'loggedIn' });
  });

  test('is not suspected when the server is down', async () => {
    await using setting = await clientSetting();
    setting.server.on('revoke', html(401));
    expect(await failure(setting, calls.revoke(setting.client))).toMatchObject({
      fault: { code: 'UnexpectedAnswer' },
    });
    expect(setting.server.to('login')).toHaveLength(1);
  });
});

describe('a refused login', () => {
  test('fails every request at once, and asks the server once', async () => {
    await using setting = await clientSetting();
    setting.server.on('login', json(401, refusal(401, 'UnauthorizedError')));
    const errors = await pump(
      setting.clock,
      Promise.all(Array.from({ length: 200 }, () => rejection(calls.get(setting.client), RequestError))),
    );
    expect(new Set(errors.map(({ fault, fate }) => `${fault.code} ${fate}`))).toEqual(
      new Set(['LoginRefused refused']),
    );
    expect(setting.server.received.map(({ route }) => route)).toEqual(['login']);
  });
});

describe('a read', () => {
  test.each(['get', 'list'] as const)('to %s is tried again after a failure of the server', async (name) => {
    await using setting = await clientSetting();
    setting.server.on(name, json(500, refusal(500, 'x')), reset, successes[name]);
    await pump<unknown>(setting.clock, calls[name](setting.client));
    expect(setting.server.to(name)).toHaveLength(3);
  });

  test('is tried three times at most', async () => {
    await using setting = await clientSetting();
    setting.server.on('get', html(503));
    expect(await failure(setting, calls.get(setting.client))).toMatchObject({
      fault: { code: 'ServerFailed' },
    });
    expect(setting.server.to('get')).toHaveLength(3);
  });

  test.each([
    ['it is not allowed', json(403, refusal(403, 'PermissionDenied'))],
    ['the rate is limited', json(429, refusal(429, 'x'), { 'retry-after': '0' })],
    ['something is missing', json(404, refusal(404, 'NotFound'))],
    ['a page answers', html(200)],
  ])('is not tried again when %s', async (_sentence, reply) => {
    await using setting = await clientSetting();
    setting.server.on('get', reply);
    await failure(setting, calls.get(setting.client));
    expect(setting.server.to('get')).toHaveLength(1);
  });

  test('says what is missing, as a hint', async () => {
    await using setting = await clientSetting();
    setting.server.on(
      'get',
      json(404, refusal(404, 'NotFound', `Dynamic secret lease with ID '${LEASE_ID}' not found`)),
    );
    expect(await failure(setting, calls.get(setting.client))).toMatchObject({
      notFound: 'lease',
      status: 404,
    });
    setting.server.on('list', json(400, refusal2024(400, 'BadRequest', 'Folder not found')));
    expect(await failure(setting, calls.list(setting.client))).toMatchObject({
      notFound: 'target',
      status: 400,
    });
  });

  test('of a list may be large', async () => {
    await using setting = await clientSetting();
    const leases = Array.from({ length: 10_000 }, () => lease());
    setting.server.on('list', json(200, { leases }));
    expect(await setting.client.listLeases(TARGET)).toHaveLength(10_000);
  });
});

const unansweredRenewals: Record<string, { reply: Reply; code: FaultCode }> = {
  'the connection breaks off': { reply: reset, code: 'NoAnswer' },
  'the answer breaks off': { reply: truncated, code: 'NoAnswer' },
  'the server fails': { reply: json(500, refusal(500, 'x')), code: 'ServerFailed' },
  'a page answers': { reply: html(200), code: 'UnexpectedAnswer' },
  'the answer has no lease': { reply: json(200, { ok: true }), code: 'UnexpectedAnswer' },
};

describe('a renewal', () => {
  test('carries the ttl where there is one', async () => {
    await using setting = await clientSetting();
    setting.server.on('renew', successes.renew);
    await setting.client.renewLease(LEASE_ID, TARGET, '2h');
    expect(setting.server.to('renew')[0]?.body).toEqual({ ...folder, ttl: '2h' });
  });

  test.each(Object.entries(unansweredRenewals))(
    'is not sent again when %s: each one adds, and its fate is unknown',
    async (_sentence, { reply, code }) => {
      await using setting = await clientSetting();
      setting.server.on('renew', reply);
      const error = await failure(setting, calls.renew(setting.client));
      expect([error.fault.code, error.fate]).toEqual([code, 'unknown']);
      expect(setting.server.to('renew')).toHaveLength(1);
    },
  );

  test('comes to its deadline: its fate is unknown', async () => {
    await using setting = await clientSetting();
    setting.server.on('renew', silence);
    const renewed = rejection(calls.renew(setting.client), RequestError);
    await setting.server.arrived(2);
    await setting.clock.run(standardTiming.apiRequestDeadline);
    expect(await renewed).toMatchObject({ fate: 'unknown', fault: { code: 'NoAnswer' } });
    expect(setting.server.to('renew')).toHaveLength(1);
  });

  const refusals: Record<string, { reply: Reply; code: FaultCode; notFound?: 'lease' }> = {
    'past the maximum, in the words of a newer server': {
      reply: json(
        400,
        refusal(
          400,
          'BadRequest',
          'The requested renewal would exceed the maximum allowed lease duration. Please choose a shorter TTL',
        ),
      ),
      code: 'RequestRefused',
    },
    'past the maximum, in the words of 2024': {
      reply: json(400, refusal2024(400, 'BadRequest', 'TTL cannot be larger than max ttl')),
      code: 'RequestRefused',
    },
    'of a type that has none': {
      reply: json(400, refusal(400, 'BadRequest', 'Lease renewal is not supported for TOTPs')),
      code: 'RequestRefused',
    },
    'for want of rights': { reply: json(403, refusal(403, 'PermissionDenied')), code: 'PermissionDenied' },
    'of a lease that is gone': {
      reply: json(404, refusal(404, 'NotFound', `Dynamic secret lease with ID '${LEASE_ID}' not found`)),
      code: 'RequestRefused',
      notFound: 'lease',
    },
    'for its rate': { reply: json(429, refusal(429, 'x'), { 'retry-after': '30' }), code: 'RateLimited' },
  };

  test.each(Object.entries(refusals))('is refused %s', async (_sentence, { reply, code, notFound }) => {
    await using setting = await clientSetting();
    setting.server.on('renew', reply);
    const error = await failure(setting, calls.renew(setting.client));
    expect([error.fault.code, error.fate, error.notFound]).toEqual([code, 'refused', notFound]);
    expect(setting.server.to('renew')).toHaveLength(1);
  });
});

test('a revocation is not tried again by itself', async () => {
  await using setting = await clientSetting();
  setting.server.on('revoke', json(500, refusal(500, 'x')));
  expect(await failure(setting, calls.revoke(setting.client))).toMatchObject({ fate: 'unknown' });
  expect(setting.server.to('revoke')).toHaveLength(1);
});

/** The `config` of each create so far. */
function configs(setting: ClientSetting): readonly unknown[] {
  return setting.server.to('create').map(({ body }) => (body as { config?: unknown }).config);
}

describe('the tag', () => {
  const tagged = { leaseholder: TAG };
  const refused = json(422, refusal(422, 'ValidationFailure'));
  const untagged = json(200, issued(lease(null)));

  test('is kept where the lease shows it', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', successes.create);
    expect(setting.client.tagSupport(TARGET)).toBe('unknown');
    await createOne(setting.client);
    expect(setting.client.tagSupport(TARGET)).toBe('kept');
  });

  test.each([
    ['a server of 2024 shows no config', lease2024()],
    ["the lease shows another request's tag", lease({ leaseholder: { ...TAG, attempt: 'other' } })],
  ])('is dropped where %s, and is sent all the same', async (_sentence, shown) => {
    await using setting = await clientSetting();
    setting.server.on('create', json(200, issued(shown)));
    await createOne(setting.client);
    expect(setting.client.tagSupport(TARGET)).toBe('dropped');
    await createOne(setting.client);
    expect(configs(setting)).toEqual([tagged, tagged]);
  });

  test.each([
    [400, 'BadRequest'],
    [422, 'ValidationFailure'],
    [403, 'ValidationFailure'],
  ])('is left out after a %s %s that goes away without it', async (status, error) => {
    await using setting = await clientSetting();
    setting.server.on('create', json(status, refusal(status, error)), untagged);
    expect(await createOne(setting.client)).toMatchObject({ data: DATA, lease: { tag: undefined } });
    expect(setting.client.tagSupport(TARGET)).toBe('refused');
    await setting.client.createLease({ target: TARGET, config: { a: 1 }, tag: TAG });
    expect(configs(setting)).toEqual([tagged, undefined, { a: 1 }]);
  });

  test("is left out beside the user's own config", async () => {
    await using setting = await clientSetting();
    setting.server.on('create', refused, untagged);
    await setting.client.createLease({ target: TARGET, config: { a: 1 }, tag: TAG });
    expect(configs(setting)).toEqual([{ a: 1, ...tagged }, { a: 1 }]);
  });

  test('is not to blame when the request is refused without it as well', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', refused);
    expect(await failure(setting, createOne(setting.client))).toMatchObject({
      fate: 'refused',
      tagged: false,
    });
    expect(setting.client.tagSupport(TARGET)).toBe('unknown');
    expect(configs(setting)).toEqual([tagged, undefined]);
  });

  test('is missing from a request of unknown fate, and the error says so', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', refused, reset);
    expect(await failure(setting, createOne(setting.client))).toMatchObject({
      fate: 'unknown',
      tagged: false,
    });
  });

  test('is not to blame when the token was: only a success with the same token teaches', async () => {
    await using setting = await clientSetting();
    const dead = json(403, refusal2024(403, 'UnauthorizedError'));
    setting.server.on('create', json(400, refusal2024(400, 'BadRequest')), dead, untagged);
    await pump(setting.clock, createOne(setting.client));
    expect(setting.client.tagSupport(TARGET)).toBe('unknown');
  });

  test.each([
    [404, 'NotFound'],
    [404, 'Not Found'],
    [403, 'PermissionDenied'],
    [500, 'ValidationFailure'],
  ])('is not left out after a %s %s', async (status, error) => {
    await using setting = await clientSetting();
    setting.server.on('create', json(status, refusal(status, error)));
    await failure(setting, createOne(setting.client));
    expect(configs(setting)).toEqual([tagged]);
  });

  test('is not left out where it is known to be kept', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', successes.create, refused);
    await createOne(setting.client);
    await failure(setting, createOne(setting.client));
    expect(configs(setting)).toEqual([tagged, tagged]);
  });

  test('is learnt for each dynamic secret by itself', async () => {
    await using setting = await clientSetting();
    setting.server.on('create', successes.create);
    await createOne(setting.client);
    for (const key of ['projectSlug', 'environmentSlug', 'path', 'dynamicSecret'] as const) {
      expect(setting.client.tagSupport({ ...TARGET, [key]: 'other' })).toBe('unknown');
    }
  });
});

describe("the server's time", () => {
  const date = 'Thu, 01 Jan 2026 12:00:00 GMT';
  const middle = Date.parse(date) + 500;

  test('is asked for once, however many wait, and not again', async () => {
    await using setting = await clientSetting();
    setting.server.on('status', json(200, { message: 'Ok' }, { date }));
    expect(setting.client.now()).toBeUndefined();
    await pump(setting.clock, Promise.all(Array.from({ length: 20 }, () => setting.client.synchronise())));
    await setting.client.synchronise();
    expect(setting.client.now()).toBe(middle);
    expect(setting.server.received.map(({ route }) => route)).toEqual(['status']);
    expect(setting.server.received[0]?.headers.authorization).toBeUndefined();
  });

  test('is learnt from any other answer too, and goes on with the clock', async () => {
    await using setting = await clientSetting();
    setting.server.on('login', json(401, refusal(401, 'x'), { date }));
    await failure(setting, calls.get(setting.client));
    setting.clock.advance(5000);
    expect(setting.client.now()).toBe(middle + 5000);
    await setting.client.synchronise();
    expect(setting.server.to('status')).toHaveLength(0);
  });

  test('is learnt from a failing server', async () => {
    await using setting = await clientSetting();
    setting.server.on('status', json(500, refusal(500, 'x'), { date }));
    await pump(setting.clock, setting.client.synchronise());
    expect(setting.client.now()).toBe(middle);
  });

  test('is learnt from the body where a proxy drops the header', async () => {
    await using setting = await clientSetting();
    setting.server.on('status', (response, request) => {
      response.sendDate = false;
      json(200, { date: '2026-01-01T12:00:00.000Z' })(response, request);
    });
    await pump(setting.clock, setting.client.synchronise());
    expect(setting.client.now()).toBe(middle);
  });

  test.each([
    ['a page answers', html(200), 'UnexpectedAnswer'],
    [
      'nothing tells it',
      ((response, request) => {
        response.sendDate = false;
        json(200, {})(response, request);
      }) satisfies Reply,
      'UnexpectedAnswer',
    ],
  ] as const)('stays unknown when %s', async (_sentence, reply, code) => {
    await using setting = await clientSetting();
    setting.server.on('status', reply);
    expect(await failure(setting, setting.client.synchronise())).toMatchObject({ fault: { code } });
    expect(setting.client.now()).toBeUndefined();
    setting.server.on('status', json(200, {}, { date }));
    await pump(setting.clock, setting.client.synchronise());
    expect(setting.client.now()).toBe(middle);
  });
});

describe('a session', () => {
  test('is counted from its first login until the client is closed', async () => {
    const setting = await clientSetting();
    const sessions = (): readonly unknown[] =>
      setting.telemetry.counts.filter(([what]) => what === 'sessionsChanged');
    await pump(setting.clock, setting.client.session.token());
    expect(sessions()).toEqual([['sessionsChanged', 'universal', 1]]);
    await setting[Symbol.asyncDispose]();
    expect(sessions()).toEqual([
      ['sessionsChanged', 'universal', 1],
      ['sessionsChanged', 'universal', -1],
    ]);
  });
});
