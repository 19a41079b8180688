import { describe, expect, test } from 'vitest';
import { type Answer, Fixture } from './fixture.ts';

/** The server's clock all but stands still: what is left of a window is the same however long the requests take. */
const limits = { rateLimits: { read: 3, write: 2, windowMs: 60_000 }, clock: { scale: 0.001 } };

function rates({ headers }: Answer): readonly (string | null)[] {
  return ['limit', 'remaining', 'reset'].map((name) => headers.get(`x-ratelimit-${name}`));
}

describe('with rate limits', () => {
  test('every answer says what is left', async () => {
    await using server = await Fixture.start(limits);
    expect(rates(await server.create())).toEqual(['2', '1', '60']);
    expect(rates(await server.create())).toEqual(['2', '0', '60']);
    expect(rates(await server.get('x'))).toEqual(['3', '2', '60']);
  });

  test.for([
    ['current', 'RateLimitExceeded', 'Rate limit exceeded. Please try again in 60 seconds'],
    ['2024', 'Too Many Requests', 'Rate limit exceeded, retry in 1 minute'],
  ] as const)('one request too many is a 429 without effect (%s)', async ([profile, error, message]) => {
    await using server = await Fixture.start({ ...limits, profile });
    await server.create();
    await server.create();
    const answer = await server.create();
    expect(server.refusal(answer)).toEqual({ status: 429, error, message });
    expect(answer.headers.get('retry-after')).toBe('60');
    expect(await server.list()).toHaveLength(2);
  });

  test('the window passes by the clock of the server', async () => {
    await using server = await Fixture.start(limits);
    await server.create();
    await server.create();
    await server.api.advanceClock({ ms: 30_500 });
    expect((await server.create()).headers.get('retry-after')).toBe('30');
    await server.api.advanceClock({ ms: 30_000 });
    expect((await server.create()).status).toBe(200);
  });

  test('that of the writes can be changed while the server runs', async () => {
    await using server = await Fixture.start(limits);
    await server.api.setSwitches({ writeLimit: 3 });
    expect(rates(await server.create())).toEqual(['3', '2', '60']);
    await server.api.setSwitches({ writeLimit: 1 });
    expect((await server.create()).status).toBe(429);
    await server.api.setSwitches({ writeLimit: null });
    expect((await server.create()).status).toBe(429);
    expect(rates(await server.get('x'))).toEqual(['3', '2', '60']);
  });

  test('each route and each source address has its own', async () => {
    await using server = await Fixture.start(limits);
    const statuses = [];
    for (const address of ['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.2']) {
      const answer = await server.anonymous(
        'POST',
        '/api/v1/auth/universal-auth/login',
        {},
        { 'x-forwarded-for': address },
      );
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([422, 422, 429, 422]);
    expect((await server.create()).status).toBe(200);
  });

  test('the health of the server is exempt at its exact address', async () => {
    await using server = await Fixture.start(limits);
    expect(rates(await server.anonymous('GET', '/api/status'))).toEqual([null, null, null]);
    expect(rates(await server.anonymous('GET', '/api/status?x=1'))).toEqual(['3', '2', '60']);
  });
});

test('without rate limits no answer speaks of them', async () => {
  await using server = await Fixture.start();
  expect(rates(await server.create())).toEqual([null, null, null]);
});
