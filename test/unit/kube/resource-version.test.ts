import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { compareVersions } from '../../../src/kube/resource-version.ts';

test.each([
  ['9', '10', -1],
  ['10', '9', 1],
  ['10', '10', 0],
  ['18446744073709551615', '18446744073709551614', 1],
  ['abc', 'abc', 0],
  ['abc', '10', undefined],
  ['010', '9', undefined],
  ['', '1', undefined],
])('%s against %s is %s', (one, other, sign) => {
  const comparison = compareVersions(one, other);
  expect(comparison === undefined ? undefined : Math.sign(comparison)).toBe(sign);
});

test('orders whole numbers of any length as numbers', () => {
  const number = fc.bigInt({ min: 0n, max: 2n ** 80n });
  fc.assert(
    fc.property(number, number, (one, other) => {
      const comparison = compareVersions(String(one), String(other));
      expect(Math.sign(comparison ?? Number.NaN)).toBe(one < other ? -1 : Number(one > other));
    }),
  );
});
