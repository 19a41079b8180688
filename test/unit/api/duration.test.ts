import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import {
  duration,
  parseDuration,
  parseServerDuration,
  shareOrDuration,
  UNIT_SECONDS,
} from '../../../src/api/duration.ts';
import { celHolds } from '../../support/cel.ts';

describe('a duration as the server writes it', () => {
  test.each([
    ['1h', 3_600_000],
    ['1 hour', 3_600_000],
    ['24 hours', 86_400_000],
    ['1.5h', 5_400_000],
    ['30m', 1_800_000],
    ['30 mins', 1_800_000],
    ['1D', 86_400_000],
    ['90000', 90_000],
    ['500ms', 500],
    ['1y', 31_557_600_000],
  ])('%j is %d ms', (text, milliseconds) => {
    expect(parseServerDuration(text)).toBe(milliseconds);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty text', ''],
    ['a word', 'for ever'],
    ['two durations', '1h30m'],
    ['zero', '0'],
    ['zero hours', '0h'],
    ['less than nothing', '-1h'],
    ['more than a number holds', `${'9'.repeat(400)}y`],
    ['more than a clock holds', `1${' '.repeat(40)}h`],
  ])('%s is none', (_what, text) => {
    expect(parseServerDuration(text)).toBeUndefined();
  });

  test('is whatever our own grammar allows, and the same', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[1-9][0-9]{0,8}[smhdwy]$/), (text) => {
        expect(parseServerDuration(text)).toBe(parseDuration(text));
      }),
    );
  });

  test('is never a NaN, an infinity or less than nothing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseServerDuration(text) ?? 1;
        expect(Number.isFinite(parsed) && parsed > 0).toBe(true);
      }),
    );
  });
});

describe('a duration', () => {
  test.each([
    ['1s', 1000],
    ['90m', 5_400_000],
    ['1h', 3_600_000],
    ['24h', 86_400_000],
    ['1d', 86_400_000],
    ['2w', 1_209_600_000],
    ['1y', 31_557_600_000],
    ['10y', 315_576_000_000],
    ['999999999s', 999_999_999_000],
    ['999999999y', 999_999_999 * 31_557_600_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each([
    '',
    's',
    '1',
    '0s',
    '00s',
    '01s',
    '-1s',
    '+1s',
    '1.5h',
    '.5h',
    '1h30m',
    '1 h',
    ' 1h',
    '1h ',
    '1h\n',
    '1H',
    '1M',
    '1ms',
    '1min',
    '1 hour',
    '1mo',
    '1e3s',
    '١h',
    '1000000000s',
    'Infinity',
    'NaN',
    'h1',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('whatever keeps to the grammar is a finite number of milliseconds, the same by its unit', () => {
    const units = fc.constantFrom(...(Object.keys(UNIT_SECONDS) as (keyof typeof UNIT_SECONDS)[]));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), units, (count, unit) => {
        const parsed = parseDuration(`${String(count)}${unit}`);
        expect(Number.isFinite(parsed)).toBe(true);
        expect(parsed).toBe(count * UNIT_SECONDS[unit] * 1000);
      }),
    );
  });

  test('any other text is none, and none is NaN', () => {
    const near = fc.stringMatching(/^[0-9smhdwy.+ -]{0,12}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        const parsed = parseDuration(text);
        expect(parsed === undefined).toBe(!/^[1-9][0-9]{0,8}(s|m|h|d|w|y)$/.test(text));
        expect(parsed).not.toBeNaN();
      }),
    );
  });
});

/** The one CEL rule of a schema. */
function ruleOf(schema: z.ZodType): { readonly rule: string; readonly message: string } {
  const parsed = z
    .object({
      'x-kubernetes-validations': z.array(z.object({ rule: z.string(), message: z.string() })).length(1),
    })
    .parse(z.toJSONSchema(schema));
  return parsed['x-kubernetes-validations'][0] ?? { rule: '', message: '' };
}

/** What the API server would say of a text. */
function byCel(schema: z.ZodType, text: string): boolean {
  return celHolds(ruleOf(schema).rule, { self: text });
}

describe('a bounded duration', () => {
  const ttl = duration('ttl', '1m', '10y');

  test.each([
    ['1m', true],
    ['60s', true],
    ['59s', false],
    ['10y', true],
    ['11y', false],
    ['315576000s', true],
    ['315576001s', false],
    ['521w', true],
    ['522w', false],
    ['999999999y', false],
    ['soon', false],
    ['', false],
  ])('%s: %s, by zod and by CEL', (text, allowed) => {
    expect(ttl.safeParse(text).success).toBe(allowed);
    expect(byCel(ttl, text)).toBe(allowed);
  });

  test('is judged alike by zod and by CEL, whatever the text', () => {
    const texts = fc.oneof(
      fc.stringMatching(/^[1-9][0-9]{0,8}[smhdwy]$/),
      fc.stringMatching(/^[0-9]{0,3}[smhdwyM]{0,2}$/),
      fc.string({ maxLength: 10 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(ttl.safeParse(text).success).toBe(byCel(ttl, text));
      }),
      { numRuns: 1000 },
    );
  });

  test('is refused with the same sentence by both, which names the bounds', () => {
    const [issue] = ttl.safeParse('1h30m').error?.issues ?? [];
    expect(ruleOf(ttl).message).toBe(`ttl ${issue?.message ?? ''}`);
    expect(issue?.message).toMatch(/^must be .* from 1m to 10y$/);
  });

  test('has a product that fits into the 64 bits of CEL', () => {
    expect(999_999_999n * BigInt(UNIT_SECONDS.y)).toBeLessThan(2n ** 63n);
  });

  test('cannot be made with a bound that is none', () => {
    expect(() => duration('ttl', 'soon', '10y')).toThrow(RangeError);
  });
});

describe('a share or duration', () => {
  const before = shareOrDuration('rotation.before');
  test.each([
    ['1%', true],
    ['9%', true],
    ['10%', true],
    ['33%', true],
    ['89%', true],
    ['90%', true],
    ['91%', false],
    ['100%', false],
    ['0%', false],
    ['05%', false],
    ['-5%', false],
    ['33.3%', false],
    ['33 %', false],
    ['33', false],
    ['%', false],
    ['10m', true],
    ['1s', true],
    ['0s', false],
    ['1h30m', false],
    ['', false],
  ])('%j: %s, by zod and by CEL', (text, allowed) => {
    expect(before.safeParse(text).success).toBe(allowed);
    expect(byCel(before, text)).toBe(allowed);
  });
});
