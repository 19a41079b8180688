import { describe, expect, test } from 'vitest';
import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import { Fixture, LEASES, PLACE, SECRETS, PATIENCE } from './fixture.ts';

const create = { dynamicSecretName: 'orders', ...PLACE };
const tag = { install: 'i', object: 'o', attempt: 'a' };
const onCreate = (action: FaultRule['action'], match: object = {}): FaultRule => ({
  match: { route: 'lease-create', ...match },
  action,
});

async function raw(server: Fixture): Promise<Response> {
  return fetch(server.api.url + LEASES, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(create),
  });
}

async function live(server: Fixture): Promise<number> {
  return (await server.api.live()).leases.length;
}

describe('an answer is lost', () => {
  test.for([
    ['before', 0],
    ['after', 1],
  ] as const)('%s the commit: %i lease is left', async ([when, left]) => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'answer-lost', when }));
    await expect(raw(server)).rejects.toThrow('fetch failed');
    expect(await live(server)).toBe(left);
    await server.lease();
    expect(await live(server)).toBe(left + 1);
  });
});

describe('an answer is late', () => {
  test.for([
    ['before', 0],
    ['after', 1],
  ] as const)('%s the commit: %i lease is made by the time the caller gives up', async ([when, made]) => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'delay', ms: 60_000, when }));
    const calling = server.call('POST', LEASES, create).catch(() => 'lost');
    const seen = async (): Promise<unknown> => [
      (await server.api.listFaults()).faults[0]?.hits,
      await live(server),
    ];
    await expect.poll(seen, PATIENCE).toEqual([1, made]);
    await server.api.stop();
    await calling;
  });

  test('arrives after the time that was set', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'delay', ms: 80, when: 'before' }));
    const begun = performance.now();
    await server.lease();
    expect(performance.now() - begun).toBeGreaterThanOrEqual(78);
  });
});

describe('another status', () => {
  test.for([429, 500, 502, 503, 504] as const)('%i as JSON, without effect', async (status) => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'status', status }));
    const answer = await server.call('POST', LEASES, create);
    expect(answer).toMatchObject({ status, body: { statusCode: status } });
    expect(answer.headers.get('retry-after')).toBe(status === 429 ? '1' : null);
    expect(await live(server)).toBe(0);
  });

  test('as HTML, after the commit, with a time to wait', async () => {
    await using server = await Fixture.start();
    const action = {
      type: 'status',
      status: 503,
      body: 'html',
      when: 'after',
      retryAfterSeconds: 7,
    } as const;
    await server.api.armFault(onCreate(action));
    const answer = await server.call('POST', LEASES, create);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(await live(server)).toBe(1);
  });
});

describe('a body is not what it should be', () => {
  test('HTML with status 200', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'html' }));
    const answer = await server.call('POST', LEASES, create);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('<!doctype html>');
    expect(await live(server)).toBe(0);
  });

  test('half of the JSON as a complete message', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'truncated', cut: 'body' }));
    const text = await (await raw(server)).text();
    expect(() => void JSON.parse(text)).toThrow(SyntaxError);
    expect(text).toMatch(/^\{"lease":/);
    expect(await live(server)).toBe(1);
  });

  test('half of the JSON, then the connection ends', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'truncated', cut: 'connection' }));
    const response = await raw(server);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
    expect(await live(server)).toBe(1);
  });

  test('one byte at a time', async () => {
    await using server = await Fixture.start();
    await server.api.armFault({ match: { route: 'status' }, action: { type: 'slow-body', intervalMs: 2 } });
    const begun = performance.now();
    const text = await (await fetch(`${server.api.url}/api/status`)).text();
    expect(JSON.parse(text)).toMatchObject({ message: 'Ok' });
    expect(performance.now() - begun).toBeGreaterThan(text.length);
  });

  test('huge, and still the same JSON', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'huge-body', bytes: 3_000_000 }));
    const text = await (await raw(server)).text();
    expect(text).toHaveLength(3_000_000);
    expect(JSON.parse(text)).toHaveProperty('lease');
  });

  test('with another content type', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'content-type' }));
    const response = await raw(server);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.json()).toHaveProperty('lease');
  });
});

describe('a driver fails with the password in its message', () => {
  test('which a current server keeps to itself', async () => {
    await using server = await Fixture.start();
    await server.api.armFault({ action: { type: 'driver-error', password: 'hunter2' } });
    const answer = await server.create();
    const generic = { status: 500, error: 'InternalServerError', message: 'Something went wrong' };
    expect(server.refusal(answer)).toEqual(generic);
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    expect((await server.api.principals()).unleased).toEqual([]);
  });

  test('which a server of 2024 passes on', async () => {
    await using server = await Fixture.start({ profile: '2024' });
    await server.api.armFault({ action: { type: 'driver-error', password: 'hunter2' } });
    const { status, body } = await server.create();
    const message: unknown = expect.stringMatching(/CREATE ROLE .* PASSWORD 'hunter2'/);
    expect({ status, body }).toEqual({
      status: 500,
      body: { statusCode: 500, code: '57P01', error: 'Internal Server Error', message },
    });
  });

  test('after it made a principal, which no lease names', async () => {
    await using server = await Fixture.start();
    await server.api.armFault({ action: { type: 'driver-error', when: 'after' } });
    expect((await server.create()).status).toBe(500);
    expect((await server.api.principals()).unleased).toHaveLength(1);
  });
});

describe('a replica lags behind', () => {
  const lag: FaultRule = {
    match: { method: 'GET', times: 'always' },
    action: { type: 'replica-lag', ms: 5000 },
  };

  test('a new lease is not there yet', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(lag);
    const { id } = await server.lease();
    expect((await server.get(id)).status).toBe(404);
    expect(await server.list()).toEqual([]);
    await server.api.advanceClock({ ms: 5001 });
    expect((await server.get(id)).status).toBe(200);
    expect(await server.list()).toHaveLength(1);
  });

  test('a renewal and a revocation are not seen yet', async () => {
    await using server = await Fixture.start();
    const { id, expireAt } = await server.lease();
    await server.api.advanceClock({ ms: 6000 });
    await server.api.armFault(lag);
    await server.renew(id);
    expect(await server.list()).toMatchObject([{ id, expireAt }]);
    await server.remove(id);
    expect(await server.list()).toMatchObject([{ id, expireAt }]);
    await server.api.advanceClock({ ms: 5001 });
    expect(await server.list()).toEqual([]);
  });
});

describe('config', () => {
  test.for([400, 422] as const)('is refused with %i, but not the request without it', async (status) => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'config-refused', status }, { times: 'always' }));
    expect((await server.create({ config: { leaseholder: tag } })).status).toBe(status);
    expect((await server.create({ config: {} })).status).toBe(200);
    expect((await server.create()).status).toBe(200);
  });

  test('is dropped; the ledger knows it all the same', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'config-dropped' }));
    expect(await server.lease({ config: { leaseholder: tag } })).toMatchObject({ config: null });
    expect((await server.api.live()).leases).toMatchObject([{ tag }]);
  });
});

test('a token dies while its request is on the way', async () => {
  await using server = await Fixture.start();
  await server.api.armFault(onCreate({ type: 'token-death', death: 'revoked' }));
  expect((await server.create()).status).toBe(401);
  expect((await server.create()).status).toBe(401);
  expect(await live(server)).toBe(0);
});

describe('a rule', () => {
  test('hits from the nth matching request on, so many times', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'status', status: 503 }, { nth: 2, times: 2 }));
    const statuses = [];
    for (let request = 0; request < 5; request += 1) statuses.push((await server.create()).status);
    expect(statuses).toEqual([200, 503, 503, 200, 200]);
    expect(await server.api.listFaults()).toMatchObject({ faults: [{ hits: 2 }] });
  });

  test('can be for one dynamic secret, by whatever names it', async () => {
    await using server = await Fixture.start();
    await server.api.seedDynamicSecret({ ...PLACE, name: 'other' });
    const { id } = await server.lease();
    const match = { dynamicSecret: 'orders', times: 'always' } as const;
    await server.api.armFault({ match, action: { type: 'status', status: 503 } });
    expect((await server.create({ dynamicSecretName: 'other' })).status).toBe(200);
    expect((await server.create()).status).toBe(503);
    expect((await server.get(id)).status).toBe(503);
    expect((await server.call('PATCH', `${SECRETS}/ORDERS`, { ...PLACE, data: {} })).status).toBe(503);
  });

  test('can be for one method', async () => {
    await using server = await Fixture.start();
    await server.api.armFault({ match: { method: 'DELETE' }, action: { type: 'status', status: 502 } });
    const { id } = await server.lease();
    expect((await server.remove(id)).status).toBe(502);
    expect((await server.remove(id)).status).toBe(200);
  });

  test('works together with others', async () => {
    await using server = await Fixture.start();
    await server.api.armFault(onCreate({ type: 'delay', ms: 50, when: 'after' }));
    await server.api.armFault(onCreate({ type: 'answer-lost', when: 'after' }));
    await expect(raw(server)).rejects.toThrow('fetch failed');
    expect(await live(server)).toBe(1);
  });

  test('can be taken away, alone or with all others', async () => {
    await using server = await Fixture.start();
    const { faultId } = await server.api.armFault(
      onCreate({ type: 'status', status: 503 }, { times: 'always' }),
    );
    await server.api.armFault(onCreate({ type: 'status', status: 502 }, { times: 'always' }));
    await server.api.disarmFaults({ faultId });
    expect((await server.create()).status).toBe(502);
    await server.api.disarmFaults();
    expect((await server.create()).status).toBe(200);
  });

  test('has to be one of the documented ones', async () => {
    await using server = await Fixture.start();
    const bad: unknown = { match: { route: 'nowhere' }, action: { type: 'status', status: 418 } };
    const arm: unknown = Reflect.apply((rule: FaultRule) => server.api.armFault(rule), undefined, [bad]);
    await expect(arm).rejects.toThrow('Invalid option');
  });
});

test('two revocations at once: the slower one gets a 500', async () => {
  await using server = await Fixture.start();
  const { id } = await server.lease();
  const answers = await Promise.all([server.remove(id), server.remove(id)]);
  const statuses = answers.map(({ status }) => status).toSorted((left, right) => left - right);
  expect(['200,404', '200,500']).toContain(statuses.join());
  expect(await live(server)).toBe(0);
});
