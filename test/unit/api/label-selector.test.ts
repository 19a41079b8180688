import { describe, expect, test } from 'vitest';

import { labelSelector, selects, type LabelSelector } from '../../../src/api/label-selector.ts';

const labels = { team: 'orders', tier: 'gold', empty: '' };

describe('a selector', () => {
  test.each<[string, LabelSelector, boolean]>([
    ['without requirements selects everything', {}, true],
    ['selects by a label', { matchLabels: { team: 'orders' } }, true],
    ['needs every label', { matchLabels: { team: 'orders', tier: 'silver' } }, false],
    ['tells an empty value from none', { matchLabels: { empty: '' } }, true],
    ['does not take what every object has for a label', { matchLabels: { toString: '' } }, false],
    ['In', { matchExpressions: [{ key: 'team', operator: 'In', values: ['stock', 'orders'] }] }, true],
    ['In, of another', { matchExpressions: [{ key: 'team', operator: 'In', values: ['stock'] }] }, false],
    ['In, of none', { matchExpressions: [{ key: 'none', operator: 'In', values: ['stock'] }] }, false],
    ['NotIn', { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['orders'] }] }, false],
    [
      'NotIn, of another',
      { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['stock'] }] },
      true,
    ],
    ['NotIn, of none', { matchExpressions: [{ key: 'none', operator: 'NotIn', values: ['stock'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'empty', operator: 'Exists' }] }, true],
    ['Exists, of none', { matchExpressions: [{ key: 'none', operator: 'Exists' }] }, false],
    ['DoesNotExist', { matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] }, true],
    ['DoesNotExist, of one', { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] }, false],
    [
      'needs labels and expressions',
      { matchLabels: { team: 'orders' }, matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
      false,
    ],
  ])('%s', (_what, selector, selected) => {
    expect(selects(selector, labels)).toBe(selected);
  });

  test.each<[string, object, boolean]>([
    ['In with values', { key: 'a', operator: 'In', values: ['b'] }, true],
    ['In without values', { key: 'a', operator: 'In' }, false],
    ['NotIn with an empty list', { key: 'a', operator: 'NotIn', values: [] }, false],
    ['Exists with values', { key: 'a', operator: 'Exists', values: ['b'] }, false],
    ['DoesNotExist with an empty list', { key: 'a', operator: 'DoesNotExist', values: [] }, true],
    ['another operator', { key: 'a', operator: 'Gt', values: ['1'] }, false],
    ['no key', { key: '', operator: 'Exists' }, false],
  ])('takes a requirement or refuses it: %s', (_what, requirement, taken) => {
    expect(labelSelector.safeParse({ matchExpressions: [requirement] }).success).toBe(taken);
  });

  test.each([
    [64, true],
    [65, false],
  ])('of %i labels is taken: %s, as the API server does', (count, taken) => {
    const matchLabels = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`k${String(index)}`, 'v']),
    );
    expect(labelSelector.safeParse({ matchLabels }).success).toBe(taken);
  });

  test('counts characters as the API server does, not halves of them', () => {
    const matchLabels = { a: '😀'.repeat(63) };
    expect(labelSelector.safeParse({ matchLabels }).success).toBe(true);
    expect(labelSelector.safeParse({ matchLabels: { a: '😀'.repeat(64) } }).success).toBe(false);
  });
});
