import * as fc from 'fast-check';
import ms from 'ms';
import { describe, expect, test } from 'vitest';
import { CEILING, parseTtl, ttlFault } from '../../../sandbox/lease-api/ttl.ts';
import { errorBody, Fixture, life, MINUTE } from './fixture.ts';

const HOUR = 60 * MINUTE;

describe('a TTL is read exactly as ms reads it', () => {
  test.for([
    ['1h', HOUR],
    ['1 h', HOUR],
    ['1H', HOUR],
    ['90m', 90 * MINUTE],
    ['1.5h', 90 * MINUTE],
    ['1d', 24 * HOUR],
    ['1w', 7 * 24 * HOUR],
    ['1y', 365.25 * 24 * HOUR],
    ['1M', MINUTE],
    ['3600', 3600],
    ['-1h', -HOUR],
  ] as const)('%s is %d ms', ([text, milliseconds]) => {
    expect(parseTtl(text)).toBe(milliseconds);
  });

  test.for(['1h30m', 'PT1H', '1mo', 'abc', ' 1h', '1h ', '', '1h0m0s', '2m0s', '1'.repeat(101)])(
    '%j is no TTL',
    (text) => {
      expect(parseTtl(text)).toBeNaN();
    },
  );

  test('whatever the text', () => {
    const units = ['', 's', 'm', 'h', 'd', 'w', 'y', 'ms', 'mo', 'M', ' min', 'hrs', ' years', 'x'];
    const number = fc.oneof(fc.integer().map(String), fc.double({ noNaN: true }).map(String));
    const text = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.tuple(number, fc.constantFrom(...units)).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (ttl) => {
        const read: unknown = Reflect.apply(ms, undefined, [ttl]);
        expect(parseTtl(ttl)).toBe(read === undefined ? Number.NaN : read);
      }),
      { numRuns: 2000 },
    );
  });

  test('what passes validation is within the bounds or no TTL at all', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('current', '2024'), (ttl, profile) => {
        const fault = ttlFault(ttl, { profile, garbage: 'accepted' });
        const read = parseTtl(ttl);
        const inside = Number.isNaN(read) || (read >= MINUTE && read <= CEILING[profile]);
        expect(fault === undefined).toBe(inside);
      }),
    );
  });
});

const tooShort = 'TTL must be a greater than 1min';
const within = [
  ['1m', 'current'],
  ['60s', 'current'],
  ['60000', 'current'],
  ['1M', 'current'],
  ['10y', 'current'],
  ['1m', '2024'],
  ['1d', '2024'],
] as const;
const beyond = [
  ['59s', 'current', tooShort],
  ['3600', 'current', tooShort],
  ['-1h', 'current', tooShort],
  ['11y', 'current', 'TTL must be less than 10 years'],
  ['59s', '2024', tooShort],
  ['25h', '2024', 'TTL must be less than a day'],
] as const;

describe('the bounds of a TTL', () => {
  test.for(within)('%s on %s is within', async ([ttl, profile]) => {
    await using server = await Fixture.start({ profile });
    await server.api.seedDynamicSecret({ projectSlug: 'shop', environmentSlug: 'prod', name: 'free' });
    const answer = await server.create({ dynamicSecretName: 'free', path: '/', ttl });
    expect(life(server.shown(answer, 'createLease'))).toBe(parseTtl(ttl));
  });

  test.for(beyond)('%s on %s: %s', async ([ttl, profile, message]) => {
    await using server = await Fixture.start({ profile });
    expect(server.refusal(await server.create({ ttl }))).toEqual({
      status: profile === '2024' ? 403 : 422,
      error: 'ValidationFailure',
      message: [{ code: 'custom', message, path: ['ttl'] }],
    });
  });

  test('the kubernetes route words the lower bound differently', async () => {
    await using server = await Fixture.start();
    const body = {
      dynamicSecretName: 'orders',
      projectSlug: 'shop',
      environmentSlug: 'prod',
      path: '/db',
      ttl: '1s',
    };
    const answer = await server.call('POST', '/api/v1/dynamic-secrets/leases/kubernetes', body);
    const issue = { code: 'custom', message: 'TTL must be greater than 1min', path: ['ttl'] };
    expect(errorBody.parse(answer.body).message).toEqual([issue]);
  });
});

describe('text that is no TTL', () => {
  test.for(['current', '2024'] as const)(
    'leaks a principal of a provider that looks at no date (%s)',
    async (profile) => {
      await using server = await Fixture.start({ profile });
      const answer = await server.create({ ttl: '1h30m' });
      expect(server.refusal(answer)).toEqual({
        status: 500,
        error: 'Create',
        message: 'Something went wrong',
      });
      expect(await server.list()).toEqual([]);
      expect((await server.api.principals()).unleased).toHaveLength(1);
    },
  );

  test('is refused when the hole is closed', async () => {
    await using server = await Fixture.start({ switches: { garbageTtl: 'refused' } });
    expect((await server.create({ ttl: '1h30m' })).status).toBe(422);
    expect((await server.api.principals()).unleased).toEqual([]);
  });

  test('the empty string means the default, but fails in 2024', async () => {
    await using current = await Fixture.start();
    expect(life(await current.lease({ ttl: '' }))).toBe(HOUR);
    await using old = await Fixture.start({ profile: '2024' });
    expect((await old.create({ ttl: '' })).status).toBe(500);
  });
});
