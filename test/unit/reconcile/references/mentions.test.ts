import { describe, expect, test } from 'vitest';

import { mentions } from '../../../../src/reconcile/references/mentions.ts';
import type { Reference } from '../../../../src/reconcile/references/references.ts';

const secret = (name: string): Reference => ({ kind: 'Secret', namespace: 'shop', name });
const [a, b, c] = [secret('a'), secret('b'), secret('c')];
const unchanged = { changed: false, first: [], last: [] };

describe('mentions', () => {
  test('tell what nobody named before, and what nobody names any more', () => {
    const named = mentions();
    expect(named.set('one', [a, b])).toEqual({
      changed: true,
      first: ['Secret shop/a', 'Secret shop/b'],
      last: [],
    });
    expect(named.set('two', [b, c])).toEqual({ changed: true, first: ['Secret shop/c'], last: [] });
    expect(named.set('one', [])).toEqual({ changed: true, first: [], last: ['Secret shop/a'] });
    expect(named.set('two', [a])).toEqual({
      changed: true,
      first: ['Secret shop/a'],
      last: ['Secret shop/b', 'Secret shop/c'],
    });
  });

  test('are the same when the same is named again, in whatever order', () => {
    const named = mentions();
    expect(named.set('one', [])).toEqual(unchanged);
    named.set('one', [a, b]);
    expect(named.set('one', [b, a])).toEqual(unchanged);
  });

  test('are found from both sides', () => {
    const named = mentions();
    named.set('one', [a, b]);
    named.set('two', [b]);
    expect(named.namedBy('one')).toEqual(['Secret shop/a', 'Secret shop/b']);
    expect(named.namersOf('Secret shop/b')).toEqual(['one', 'two']);
    expect(named.get('Secret shop/a')).toEqual(a);

    named.set('one', []);
    expect(named.namedBy('one')).toEqual([]);
    expect(named.namersOf('Secret shop/b')).toEqual(['two']);
    expect(named.namersOf('Secret shop/a')).toEqual([]);
    expect(named.get('Secret shop/a')).toBeUndefined();
  });
});
