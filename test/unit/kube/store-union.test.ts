import { expect, test } from 'vitest';

import { fedStore } from '../../../src/kube/store.ts';
import { storeUnion } from '../../../src/kube/store-union.ts';

interface Thing {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly kind: string;
}

function thing(key: string, resourceVersion = '1'): Thing {
  return { key, uid: `uid of ${key}`, resourceVersion, kind: 'thing' };
}

function stage() {
  const indexes = { byKind: ({ kind }: Thing): readonly string[] => [kind] };
  const [first, second] = [fedStore({ indexes }), fedStore({ indexes })];
  const union = storeUnion(first, second, (key) => key.includes('/'));
  return { first, second, union };
}

test('two stores are one: what is in either is in it, and each is told what is its own', () => {
  const { first, second, union } = stage();
  const told: string[] = [];
  const end = union.subscribe((key, before, after) => {
    told.push(`${key} ${before?.resourceVersion ?? '-'} ${after?.resourceVersion ?? '-'}`);
  });
  first.apply(thing('shop/a'));
  second.apply(thing('b'));
  union.observe(thing('shop/a', '2'));
  union.observe(thing('b', '3'));
  expect([...union.values()].map(({ key }) => key)).toEqual(['shop/a', 'b']);
  expect(union.count('byKind', 'thing')).toBe(2);
  expect(union.byIndex('byKind', 'thing').map(({ key }) => key)).toEqual(['shop/a', 'b']);
  expect(union.size).toBe(2);
  expect([first.get('shop/a'), second.get('b')]).toEqual([union.get('shop/a'), union.get('b')]);
  expect([first.get('b'), second.get('shop/a')]).toEqual([undefined, undefined]);
  union.observeDeleted('b', 'uid of b');
  expect(union.get('b')).toBeUndefined();
  expect(told).toEqual(['shop/a - 1', 'b - 1', 'shop/a 1 2', 'b 1 3', 'b 3 -']);
  end();
  first.apply(thing('shop/c', '9'));
  second.apply(thing('d', '9'));
  expect(told).toHaveLength(5);
});
