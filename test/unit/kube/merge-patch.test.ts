import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { equal, mergePatch } from '../../../src/kube/merge-patch.ts';

describe('mergePatch', () => {
  const cases: Record<string, { from: unknown; to: unknown; patch: unknown }> = {
    'says nothing when nothing changed': { from: { a: 1 }, to: { a: 1 }, patch: undefined },
    'sets what is new': { from: { a: 1 }, to: { a: 1, b: 2 }, patch: { b: 2 } },
    'takes away what is gone': { from: { a: 1, b: 2 }, to: { a: 1 }, patch: { b: null } },
    'names only the nested key that changed': {
      from: { status: { lease: { id: 'x', at: 1 }, n: 1 } },
      to: { status: { lease: { id: 'y', at: 1 }, n: 1 } },
      patch: { status: { lease: { id: 'y' } } },
    },
    'replaces a list whole': { from: { a: [1, 2] }, to: { a: [1, 3] }, patch: { a: [1, 3] } },
    'leaves an equal list alone': { from: { a: [{ b: 1 }] }, to: { a: [{ b: 1 }] }, patch: undefined },
    'does not mind the order of keys': {
      from: { a: [{ b: 1, c: 2 }] },
      to: { a: [{ c: 2, b: 1 }] },
      patch: undefined,
    },
    'replaces a scalar by an object': { from: { a: 1 }, to: { a: { b: 1 } }, patch: { a: { b: 1 } } },
    'replaces an object by a list': { from: { a: {} }, to: { a: [] }, patch: { a: [] } },
    'replaces a list by an empty object': { from: { a: [1] }, to: { a: {} }, patch: { a: {} } },
    'empties an object key by key': { from: { a: { b: 1 } }, to: { a: {} }, patch: { a: { b: null } } },
    'makes an object from nothing': { from: undefined, to: { a: 1 }, patch: { a: 1 } },
    'counts a key that is undefined as absent': {
      from: { a: 1 },
      to: { a: undefined, b: undefined },
      patch: { a: null },
    },
    'leaves out undefined keys of new values': {
      from: {},
      to: { a: { b: undefined, c: 1 } },
      patch: { a: { c: 1 } },
    },
    'does not confuse a key with what objects inherit': {
      from: {},
      to: { constructor: 'x' },
      patch: { constructor: 'x' },
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { from, to, patch }) => {
    expect(mergePatch(from, to)).toEqual(patch);
  });

  const scalar = fc.oneof(fc.boolean(), fc.integer(), fc.string({ maxLength: 3 }));
  const key = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor');
  const json = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
    object: fc
      .array(fc.tuple(key, tie('value')), { maxLength: 4 })
      .map((members) => JSON.parse(JSON.stringify(Object.fromEntries(members))) as unknown),
  })).value;

  test('turns any value into any other when it is applied as RFC 7386 says', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = mergePatch(from, to);
        expect(equal(patch === undefined ? from : apply(from, patch), to)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('says nothing exactly when the two are equal', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        expect(mergePatch(from, from)).toBeUndefined();
        expect(mergePatch(from, to) === undefined).toBe(equal(from, to));
      }),
    );
  });
});

/** The algorithm of RFC 7386, section 2. */
function apply(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, apply(result.get(key), value));
  }
  return Object.fromEntries(result);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
