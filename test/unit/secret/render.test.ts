import { createHash } from 'node:crypto';

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { digestOf, render } from '../../../src/secret/render.ts';
import { shapeOf } from '../../../src/secret/shape.ts';

const plain = shapeOf(undefined);

/** What comes of values: texts by key, or the sentence of the refusal. */
function rendered(values: unknown): Record<string, string> | string {
  const result = render('orders-db', plain, values as Record<string, unknown>);
  return result.ok ? Object.fromEntries(result.data) : result.fault.message;
}

describe('the values of a lease', () => {
  const cases: Record<string, { values: Record<string, unknown>; data: Record<string, string> }> = {
    'stay as they are when they are text': {
      values: { DB_USERNAME: 'role', DB_PASSWORD: ' p"ä\n€ ' },
      data: { DB_USERNAME: 'role', DB_PASSWORD: ' p"ä\n€ ' },
    },
    'may be empty text': { values: { EMPTY: '' }, data: { EMPTY: '' } },
    'become their JSON when they are numbers or booleans': {
      values: { PORT: 5432, RATIO: 0.5, TLS: true, DEBUG: false, ZERO: 0 },
      data: { PORT: '5432', RATIO: '0.5', TLS: 'true', DEBUG: 'false', ZERO: '0' },
    },
    'become their JSON when they are lists or objects': {
      values: { HOSTS: ['a', 1, null], CA: { cert: 'x', chain: [] }, NONE: {} },
      data: { HOSTS: '["a",1,null]', CA: '{"cert":"x","chain":[]}', NONE: '{}' },
    },
    'make no key when they are null or missing': {
      values: { A: 'a', B: null, C: undefined },
      data: { A: 'a' },
    },
    'keep keys of every shape that a Secret takes': {
      values: { 'tls.crt': 'a', '-': 'b', _: 'c', '.dotted': 'd', 'a..b': 'e', '0': 'f' },
      data: { 'tls.crt': 'a', '-': 'b', _: 'c', '.dotted': 'd', 'a..b': 'e', '0': 'f' },
    },
    'keep a key of 253 characters': {
      values: { ['k'.repeat(253)]: 'x' },
      data: { ['k'.repeat(253)]: 'x' },
    },
    'are whole characters: half of a pair becomes the sign for an unknown one': {
      values: { A: 'x\ud83dy' },
      data: { A: 'x\ufffdy' },
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { values, data }) => {
    expect(rendered(values)).toEqual(data);
  });

  test('keep keys that JavaScript gives another meaning', () => {
    const values: unknown = JSON.parse('{"__proto__": "a", "constructor": "b", "toString": {"c": 1}}');
    const result = render('orders-db', plain, values as Record<string, unknown>);
    expect(result.ok && [...result.data]).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', '{"c":1}'],
    ]);
  });

  test('come in the order of their keys, whatever the order of the answer', () => {
    const [one, other] = [
      render('s', plain, { b: '1', a: '2', '10': '3' }),
      render('s', plain, { '10': '3', a: '2', b: '1' }),
    ];
    expect(one.ok && [...one.data.keys()]).toEqual(other.ok && [...other.data.keys()]);
  });
});

describe('what a Secret cannot hold is refused', () => {
  const mebibyte = 1024 * 1024;
  const cases: Record<string, { values: Record<string, unknown>; problem: RegExp }> = {
    'nothing at all': { values: {}, problem: /no values/ },
    'nothing but null': { values: { A: null }, problem: /no values/ },
    'a key with a blank': { values: { 'a b': 'x' }, problem: /a key/ },
    'a key with a slash': { values: { 'a/b': 'x' }, problem: /a key/ },
    'a key with an umlaut': { values: { ä: 'x' }, problem: /a key/ },
    'a key with a line feed': { values: { 'a\n': 'x' }, problem: /a key/ },
    'an empty key': { values: { '': 'x' }, problem: /a key/ },
    'a key of 254 characters': { values: { ['k'.repeat(254)]: 'x' }, problem: /a key/ },
    'the key . (this folder)': { values: { '.': 'x' }, problem: /a key/ },
    'the key .. (the folder above)': { values: { '..': 'x' }, problem: /a key/ },
    'a key that begins with ..': { values: { '..data': 'x' }, problem: /a key/ },
    'one byte more than 1 MiB': { values: { A: 'x'.repeat(mebibyte), B: 'y' }, problem: /1 MiB/ },
    'more bytes than 1 MiB in fewer characters': {
      values: { A: '€'.repeat(mebibyte / 3 + 1) },
      problem: /1 MiB/,
    },
  };

  test.each(Object.entries(cases))('%s', (_what, { values, problem }) => {
    const result = render('orders-db', plain, values);
    expect(result.ok ? undefined : result.fault).toMatchObject({ code: 'SecretInvalid', retry: 'rare' });
    expect(rendered(values)).toMatch(problem);
  });

  test('but not 1 MiB exactly', () => {
    expect(render('orders-db', plain, { A: 'x'.repeat(mebibyte) }).ok).toBe(true);
  });

  test('and not for a key whose value is null', () => {
    expect(rendered({ 'a b': null, A: 'x' })).toEqual({ A: 'x' });
  });

  test('with a sentence that shows neither key nor value', () => {
    expect(rendered({ 'pass word': 'hunter2', other: 'x' })).not.toMatch(/hunter2|pass word/);
    expect(rendered({ huge: 'hunter2'.repeat(mebibyte) })).not.toMatch(/hunter2|huge/);
  });
});

test('keys to be copied that the lease does not carry are named, the first ten of them', () => {
  const include = Array.from({ length: 12 }, (_, index) => `K${String(index)}`);
  const result = render('orders-db', shapeOf({ include: ['A', ...include] }), { A: 'hunter2' });
  const named = include.slice(0, 10).join(', ');
  expect(result.ok ? '' : result.fault.message).toContain(
    `spec.secret.include names ${named}, which the lease does not carry: it has A`,
  );
});

describe('whatever JSON a server answers with', () => {
  const someJson = fc.dictionary(fc.string(), fc.jsonValue());

  test('is rendered or refused, never more and never thrown', () => {
    fc.assert(
      fc.property(someJson, (values) => {
        const result = render('orders-db', plain, values);
        const keys = Object.keys(values).filter((key) => values[key] !== null);
        expect(result.ok ? [...result.data.keys()] : keys.toSorted()).toEqual(keys.toSorted());
      }),
    );
  });

  test('comes back from the bytes of the Secret as it went in', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string({ unit: 'binary' })),
        (values) => {
          const result = render('orders-db', plain, values);
          const data = result.ok ? result.data : new Map<string, string>();
          const back = new Map([...data].map(([key, text]) => [key, Buffer.from(text).toString()]));
          expect(digestOf(back)).toBe(digestOf(data));
        },
      ),
    );
  });
});

describe('the digest', () => {
  test('is SHA-256 of the JSON with its keys in order, in hex', () => {
    const json = '{"A":"1","B":"2"}';
    expect(
      digestOf(
        new Map([
          ['B', '2'],
          ['A', '1'],
        ]),
      ),
    ).toBe(createHash('sha256').update(json).digest('hex'));
  });

  test.each<[string, [string, string][]]>([
    [
      'another value',
      [
        ['A', '1'],
        ['B', '3'],
      ],
    ],
    [
      'another key',
      [
        ['A', '1'],
        ['C', '2'],
      ],
    ],
    ['a key less', [['A', '1']]],
    [
      'a key more',
      [
        ['A', '1'],
        ['B', '2'],
        ['C', ''],
      ],
    ],
    [
      'values changed about',
      [
        ['A', '2'],
        ['B', '1'],
      ],
    ],
    ['a seam moved', [['A', '1","B":"2']]],
  ])('tells %s', (_what, entries) => {
    expect(digestOf(new Map(entries))).not.toBe(
      digestOf(
        new Map([
          ['A', '1'],
          ['B', '2'],
        ]),
      ),
    );
  });

  test('is the same in whatever order the keys come', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.string()), {
      selector: ([key]) => key,
      maxLength: 8,
    });
    const shuffled = entries.chain((some) =>
      fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length })),
    );
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        expect(digestOf(new Map(one))).toBe(digestOf(new Map(other)));
      }),
    );
  });

  test('counts a key that JavaScript gives another meaning', () => {
    expect(digestOf(new Map([['__proto__', 'a']]))).not.toBe(digestOf(new Map()));
    expect(digestOf(new Map([['__proto__', 'a']]))).not.toBe(digestOf(new Map([['__proto__', 'b']])));
  });
});
