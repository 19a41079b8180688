import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { formatInstant, formatMicroInstant, parseInstant } from '../../src/instant.ts';

const noon = Date.UTC(2026, 0, 1, 12);

describe('an instant', () => {
  test.each([
    ['of Kubernetes', '2026-01-01T12:00:00Z', noon],
    ['of the lease API', '2026-01-01T12:00:00.123Z', noon + 123],
    ['of Kubernetes with microseconds', '2026-01-01T12:00:00.123456Z', noon + 123],
    ['in another zone', '2026-01-01T14:00:00+02:00', noon],
    ['of an HTTP header', 'Thu, 01 Jan 2026 12:00:00 GMT', noon],
    ['before 1970', '1969-12-31T23:59:59Z', -1000],
  ])('%s is read', (_whose, text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });

  test.each([
    ['a missing text', undefined],
    ['an empty text', ''],
    ['a word', 'soon'],
    ['NaN', 'NaN'],
    ['a day that does not exist', '2026-13-01T00:00:00Z'],
    ['an hour that does not exist', '2026-01-01T25:00:00Z'],
  ])('is not read from %s', (_what, text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  test('is never NaN, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseInstant(text);
        expect(parsed === undefined || Number.isFinite(parsed)).toBe(true);
      }),
    );
  });

  test.each([
    [noon, '2026-01-01T12:00:00Z'],
    [noon + 999, '2026-01-01T12:00:00Z'],
    [noon + 0.5, '2026-01-01T12:00:00Z'],
    [-1, '1969-12-31T23:59:59Z'],
  ])('%d is written as %s: never later than it is', (instant, text) => {
    expect(formatInstant(instant)).toBe(text);
  });

  test('comes back from its text, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (instant) => {
        const back = parseInstant(formatInstant(instant)) ?? Number.NaN;
        expect(instant - back).toBeGreaterThanOrEqual(0);
        expect(instant - back).toBeLessThan(1000);
      }),
    );
  });

  test('is written with six digits of a second for where Kubernetes wants them', () => {
    expect(formatMicroInstant(noon + 7)).toBe('2026-01-01T12:00:00.007000Z');
  });
});
