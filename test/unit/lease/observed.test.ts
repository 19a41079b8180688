import { describe, expect, test } from 'vitest';

import { currentLease } from '../../../src/lease/current.ts';
import { reportedDynamicSecret, reportedLease, reportedSecret, tidy } from '../../../src/lease/observed.ts';
import {
  absent,
  aDynamicSecret,
  aKnownLease,
  aLease,
  anInput,
  aRef,
  aStatus,
  foreign,
  instant,
  known,
  MINUTE,
  ourSecret,
  type InputParts,
} from '../../support/builders.ts';

function lease(parts: InputParts): ReturnType<typeof reportedLease> {
  const input = anInput(parts);
  const current = currentLease(input);
  if (current.state !== 'trusted') throw new Error('The lease is not trusted.');
  return reportedLease(input, input.object, current);
}

function secret(parts: InputParts): ReturnType<typeof reportedSecret> {
  const input = anInput(parts);
  return reportedSecret(input, input.object);
}

function dynamicSecret(parts: InputParts): ReturnType<typeof reportedDynamicSecret> {
  const input = anInput(parts);
  return reportedDynamicSecret(input, input.object, currentLease(input));
}

describe('the lease in the status', () => {
  test('is as a list has shown it last', () => {
    const shown = aLease(aRef(), { status: 'Failed to delete', updatedAt: instant(0) });
    const memory = { known: known(aRef()), sighted: new Map([['lease-1', shown]]) };
    expect(lease({ memory })).toMatchObject({ status: 'Failed to delete', updatedAt: instant(0) });
  });

  test('loses a status that the server has taken back', () => {
    const object = { status: aStatus({ lease: { ...aRef(), status: 'Failed to delete' } }) };
    const memory = { sighted: new Map([['lease-1', aLease(aRef())]]) };
    expect(lease({ object, memory })).not.toHaveProperty('status');
  });

  test('tells of renewals what this process knows, else what the status said', () => {
    const object = { status: aStatus({ lease: { ...aRef(), renewedAt: instant(-MINUTE), renewals: 2 } }) };
    const before = { renewedAt: instant(-MINUTE), renewals: 2 };
    expect(lease({ object })).toMatchObject(before);
    expect(lease({ object, memory: { known: known(aRef()) } })).toMatchObject(before);
    const renewed = { ...aKnownLease(aRef()), renewedAt: instant(0), renewals: 3 };
    expect(lease({ object, memory: { known: new Map([['lease-1', renewed]]) } })).toMatchObject({
      renewedAt: instant(0),
      renewals: 3,
    });
  });

  test('tells nothing of the renewals of another lease', () => {
    const other = { ...aRef({ id: 'lease-0' }), renewedAt: instant(-MINUTE), renewals: 2 };
    const reported = lease({
      object: { status: aStatus({ lease: other }) },
      memory: { known: known(aRef()) },
    });
    expect(reported).not.toHaveProperty('renewals');
    expect(reported).not.toHaveProperty('renewedAt');
  });
});

describe('the dynamic secret in the status', () => {
  const before = { id: 'before', name: 'orders-postgres', type: 'sql-database' };

  test.each<[string, InputParts, unknown]>([
    [
      'is as it was last shown',
      { memory: { dynamicSecret: aDynamicSecret({ version: 2 }), known: known(aRef()) } },
      expect.objectContaining({ version: 2 }),
    ],
    [
      'is that of the lease in use',
      { memory: { known: known(aRef()) } },
      expect.objectContaining({ id: 'dynamic-secret-id' }),
    ],
    [
      'is not that of the lease before, which a list has shown last',
      {
        memory: {
          dynamicSecret: aDynamicSecret({ id: 'before', name: 'orders-before' }),
          known: known(aRef()),
        },
      },
      expect.objectContaining({ id: 'dynamic-secret-id', name: 'orders-postgres' }),
    ],
    [
      'stays while nothing is known of it',
      { object: { status: aStatus({ dynamicSecret: before }) } },
      before,
    ],
    [
      "tells the server's own words on its state",
      { memory: { dynamicSecret: aDynamicSecret({ status: 'Deleting', statusDetails: 'why' }) } },
      expect.objectContaining({ status: 'Deleting', statusDetails: 'why' }),
    ],
  ])('%s', (_sentence, parts, expected) => {
    expect(dynamicSecret(parts)).toEqual(expected);
  });

  test('has no maximum where there is none', () => {
    const shown = dynamicSecret({ memory: { dynamicSecret: aDynamicSecret({ maxTTL: null }) } });
    expect(shown).not.toHaveProperty('maxTTL');
  });
});

describe('the Secret in the status', () => {
  const reported = aStatus().secret;
  const written = { uid: 'secret-uid', resourceVersion: '9' };

  test.each<[string, InputParts, unknown]>([
    ['is our last write', { memory: { written } }, { name: 'orders-db', ...written }],
    [
      'is not our write of another Secret of that name',
      { memory: { written: { uid: 'gone', resourceVersion: '9' } } },
      reported,
    ],
    ['stays when others have written it since', { secret: ourSecret({ resourceVersion: '99' }) }, reported],
    ['stays while nobody has looked', { secret: ourSecret({ data: 'unknown' }) }, reported],
    ['stays while it is edited', { secret: ourSecret({ uid: 'new', data: 'edited' }) }, reported],
    [
      'is what holds our data, where the status knows another one',
      { secret: ourSecret({ uid: 'new', resourceVersion: '99' }) },
      { name: 'orders-db', uid: 'new', resourceVersion: '99' },
    ],
    ['stays while it is gone', { secret: absent }, reported],
    ["stays while somebody else's is there", { secret: foreign }, reported],
  ])('%s', (_sentence, parts, expected) => {
    expect(secret(parts)).toEqual(expected);
  });
});

test('what is undefined is left out, and nothing else', () => {
  expect(tidy({ a: undefined, b: null, c: 0, d: '', e: false })).toStrictEqual({
    b: null,
    c: 0,
    d: '',
    e: false,
  });
});
