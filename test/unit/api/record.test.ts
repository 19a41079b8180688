import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { formatRecord, parseRecord, type SecretRecord } from '../../../src/api/record.ts';
import { aRecord, aRef } from '../../support/builders.ts';

const lease = aRef({ id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479' });
const previous = [aRef({ id: '7d8b29a1-7a21-4a42-93a8-4a7ee26c0b0b' })];
const record = aRecord({ lease, previous });

function text(change: object): string {
  return JSON.stringify({ ...record, ...change });
}

describe('a record', () => {
  test.each<[string, SecretRecord]>([
    ['of a first lease', aRecord({ lease })],
    ['of a rotation', record],
    ['with the keys of labels and annotations', { ...record, labels: ['team'], annotations: ['note', ''] }],
  ])('%s comes back as it was written', (_which, written) => {
    expect(parseRecord(formatRecord(written))).toEqual(written);
  });

  test('loses what no version of it knows', () => {
    expect(parseRecord(text({ extra: 1 }))).toEqual(record);
  });

  const refused: Record<string, string | undefined> = {
    'that is not there': undefined,
    'that is empty': '',
    'that is no JSON': '{',
    'that is null': 'null',
    'that is a list': '[]',
    'without a lease': text({ lease: undefined }),
    'without the leases that it replaced': text({ previous: undefined }),
    'without a digest': text({ digest: undefined }),
    'with a digest that is none': text({ digest: 'x'.repeat(64) }),
    'with a digest in capitals': text({ digest: 'A'.repeat(64) }),
    'with half of a Ref': text({ lease: { id: lease.id } }),
    'with an id that could leave its place in an address': text({ lease: { ...lease, id: '../../x' } }),
    'with such an id among the replaced': text({ previous: [{ ...lease, id: '../../x' }] }),
    'with eighteen replaced leases': text({ previous: Array.from({ length: 18 }, () => lease) }),
    'with labels that are no list': text({ labels: 'team' }),
    'of more than 65,536 characters': text({ labels: ['a'.repeat(65_536)] }),
  };

  test.each(Object.entries(refused))('%s is none', (_which, written) => {
    expect(parseRecord(written)).toBeUndefined();
  });

  test('is read from any text without a throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (written) => {
        expect(parseRecord(written)).toBeUndefined();
      }),
    );
  });
});
