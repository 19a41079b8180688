import { describe, expect, test } from 'vitest';

import { MANAGED_LABEL, MANAGED_VALUE, RECORD_ANNOTATION } from '../../../src/api/names.ts';
import { formatRecord } from '../../../src/api/record.ts';
import { isOwnedBy, judgeConflict, recordOf, type SecretMetadata } from '../../../src/secret/ownership.ts';
import { aRecord, aRef } from '../../support/builders.ts';

const OWNER = 'object-uid';
const replaced = 'f47ac10b-58cc-4372-a567-0e02b2c3d479';
const inHand = '7d8b29a1-7a21-4a42-93a8-4a7ee26c0b0b';
const stranger = '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed';

function aSecret(lease: string | undefined, overrides: Partial<SecretMetadata> = {}): SecretMetadata {
  const record = lease === undefined ? undefined : formatRecord(aRecord({ lease: aRef({ id: lease }) }));
  return {
    uid: 'secret-uid',
    resourceVersion: '7',
    labels: { [MANAGED_LABEL]: MANAGED_VALUE },
    annotations: record === undefined ? {} : { [RECORD_ANNOTATION]: record },
    owners: [OWNER],
    controller: OWNER,
    ...overrides,
  };
}

describe('a Secret is the own one of an object', () => {
  test.each<[string, string[], boolean]>([
    ['that it names as its owner', [OWNER], true],
    ['that it names among others', ['x', OWNER], true],
    ['and of no other', ['other-uid'], false],
    ['and of none without an owner', [], false],
  ])('%s', (_sentence, owners, owned) => {
    expect(isOwnedBy(aSecret(replaced, { owners }), OWNER)).toBe(owned);
  });
});

describe('the record of a Secret', () => {
  test('is read from its annotation', () => {
    expect(recordOf(aSecret(replaced))).toEqual(aRecord({ lease: aRef({ id: replaced }) }));
  });

  test.each([
    ['there is none', {}],
    ['it is no JSON', { [RECORD_ANNOTATION]: '{' }],
    ['it is another JSON', { [RECORD_ANNOTATION]: '{"lease": "lease-1"}' }],
  ])('is none where %s', (_sentence, annotations) => {
    expect(recordOf(aSecret(undefined, { annotations }))).toBeUndefined();
  });
});

describe('a conflict', () => {
  const cases: Record<string, { secret: SecretMetadata; verdict: string }> = {
    'with our own write that had arrived: delivered': { secret: aSecret(inHand), verdict: 'delivered' },
    'with the lease that is to be replaced: write again': { secret: aSecret(replaced), verdict: 'retry' },
    'with a Secret of ours without a record: write again': { secret: aSecret(undefined), verdict: 'retry' },
    'with a Secret of ours whose record cannot be read: write again': {
      secret: aSecret(undefined, { annotations: { [RECORD_ANNOTATION]: 'null' } }),
      verdict: 'retry',
    },
    'with a lease that nobody here knows: overtaken': { secret: aSecret(stranger), verdict: 'overtaken' },
    'with a lease that nobody here knows, in a Secret that lacks our label: a tenant was there, write again':
      {
        secret: aSecret(stranger, { labels: {} }),
        verdict: 'retry',
      },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { secret, verdict }) => {
    expect(judgeConflict(secret, inHand, new Set([replaced, 'older']))).toBe(verdict);
  });
});
