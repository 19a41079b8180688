import { describe, expect, test } from 'vitest';

import { parseRecord } from '../../../src/api/record.ts';
import { sharedText, withSharedTexts } from '../../../src/api/shared-text.ts';

describe('shared texts', () => {
  test('a value stays what it was, at any depth', () => {
    const value = { id: 'one', none: null, count: 2, list: ['two', { id: 'one' }], undefined };
    expect(withSharedTexts(structuredClone(value))).toEqual(value);
  });

  test('it is changed in place, and what is no object comes back as it is', () => {
    const value = { id: 'one' };
    expect(withSharedTexts(value)).toBe(value);
    expect([null, undefined, 'text', 7].map(withSharedTexts)).toEqual([null, undefined, 'text', 7]);
  });

  test('a table that is full is begun anew, and gives the same texts as before', () => {
    const texts = Array.from({ length: 20_000 }, (_, index) => `text ${String(index)}`);
    expect(texts.map(sharedText)).toEqual(texts);
    expect(texts.map(sharedText)).toEqual(texts);
  });

  test('what is no record has no texts', () => {
    expect(parseRecord('{"lease":7}')).toBeUndefined();
    expect(parseRecord('no JSON')).toBeUndefined();
  });
});
