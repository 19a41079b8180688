import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { keyed } from '../../../src/api/keyed.ts';

describe('an object with keys of others', () => {
  const texts = keyed(z.string());

  test('keeps every key, also one that JavaScript gives another meaning', () => {
    const given: unknown = JSON.parse('{"__proto__": "a", "constructor": "b", "c": "d"}');
    expect(Object.entries(texts.parse(given))).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['c', 'd'],
    ]);
  });

  test.each<[string, unknown]>([
    ['a list', []],
    ['null', null],
    ['a text', 'a'],
    ['nothing', undefined],
    ['an object with a value of another kind', { a: 1 }],
    ['an object with such a value behind an odd key', JSON.parse('{"__proto__": 1}')],
  ])('is not %s', (_what, given) => {
    expect(texts.safeParse(given).success).toBe(false);
  });
});
