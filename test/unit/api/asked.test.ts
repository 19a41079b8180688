import { describe, expect, test } from 'vitest';

import { formatAsked, MOST_ASKED, parseAsked, type LeasePlace } from '../../../src/api/asked.ts';
import { aPlace } from '../../support/builders.ts';

const place = aPlace();
const places = Array.from({ length: MOST_ASKED + 2 }, (_, index): LeasePlace => ({
  ...place,
  path: `/${String(index)}`,
}));

describe('the places where leases were asked for', () => {
  test('come back as they were written', () => {
    expect(parseAsked(formatAsked([place]))).toEqual([place]);
  });

  test('are the latest eight', () => {
    expect(parseAsked(formatAsked(places))).toEqual(places.slice(2));
    expect(parseAsked(JSON.stringify(places))).toEqual(places.slice(2));
  });

  const unreadable: Record<string, string | undefined> = {
    'an annotation that is not there': undefined,
    'an empty annotation': '',
    'what is no JSON': '[{',
    'what is no list': '{}',
    'a place without its server': JSON.stringify([{ ...place, connection: {} }]),
    'what is too long to be looked at': JSON.stringify(Array.from({ length: 400 }, () => place)),
  };

  test.each(Object.entries(unreadable))('are none in %s', (_what, text) => {
    expect(parseAsked(text)).toEqual([]);
  });
});
