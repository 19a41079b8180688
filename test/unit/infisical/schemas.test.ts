import { describe, expect, test } from 'vitest';

import {
  foundLease,
  issuedLease,
  leaseList,
  loginAnswer,
  changedLease,
} from '../../../src/infisical/schemas.ts';
import { DATA, dynamicSecret, issued, lease, lease2024, LEASE_ID, TAG } from './answers.ts';

const bare = {
  id: LEASE_ID,
  version: 1,
  externalEntityId: 'role-a',
  expireAt: '2026-01-01T01:00:00.000Z',
  status: null,
  statusDetails: null,
  dynamicSecretId: 'bbbbbbbb-0000-4000-8000-000000000001',
  config: undefined,
  tag: undefined,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};

describe('a lease', () => {
  const cases: Record<string, { shown: unknown; read: Record<string, unknown> }> = {
    'of a server of 2024 has no config': { shown: lease2024(), read: bare },
    'of a newer server shows our tag, which is no part of its config': {
      shown: lease({ namespace: 'a', leaseholder: TAG }),
      read: { ...bare, tag: TAG, config: { namespace: 'a' } },
    },
    'with nothing but our tag has no config': { shown: lease(), read: { ...bare, tag: TAG } },
    'with something else under our key has no tag': {
      shown: lease({ leaseholder: { install: 1 }, a: 1 }),
      read: { ...bare, config: { a: 1 } },
    },
    'with a config that is null or a list has none': { shown: lease([1]), read: bare },
    'may have keys that nobody knows': { shown: lease2024({ later: { a: 1 } }), read: bare },
    'may lack everything but its id and its end: then it never looks old': {
      shown: { id: LEASE_ID, expireAt: '2026-01-01T01:00:00.000Z' },
      read: {
        ...bare,
        externalEntityId: '',
        dynamicSecretId: '',
        createdAt: '2026-01-01T01:00:00.000Z',
        updatedAt: '2026-01-01T01:00:00.000Z',
      },
    },
    'with an instant in another form has it in the form that Kubernetes accepts': {
      shown: lease2024({ expireAt: 'Thu, 01 Jan 2026 01:00:00 GMT' }),
      read: { ...bare, expireAt: '2026-01-01T01:00:00Z' },
    },
    'tells that a revocation failed': {
      shown: lease2024({ status: 'Failed to delete', statusDetails: 'why' }),
      read: { ...bare, status: 'Failed to delete', statusDetails: 'why' },
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { shown, read }) => {
    expect(changedLease.parse({ lease: shown })).toEqual(read);
  });

  const refused: Record<string, unknown> = {
    'whose id is no UUID': lease2024({ id: '../..' }),
    'without an id': lease2024({ id: undefined }),
    'whose end is no instant': lease2024({ expireAt: 'tomorrow' }),
    'without an end': lease2024({ expireAt: null }),
    'that is none': null,
  };

  test.each(Object.entries(refused))('is refused: one %s', (_sentence, shown) => {
    expect(changedLease.safeParse({ lease: shown }).success).toBe(false);
    expect(leaseList.safeParse({ leases: [lease(), shown] }).success).toBe(false);
  });
});

describe('the answer to a create', () => {
  test('of a newer server', () => {
    expect(issuedLease.parse(issued())).toMatchObject({ lease: { tag: TAG }, data: DATA });
  });

  test('of a server of 2024', () => {
    const read = issuedLease.parse(
      issued(lease2024(), { dynamicSecret: dynamicSecret({ maxTTL: undefined }) }),
    );
    expect(read.dynamicSecret).toEqual({
      id: 'bbbbbbbb-0000-4000-8000-000000000001',
      name: 'orders-postgres',
      type: 'sql-database',
      version: 1,
      defaultTTL: '1h',
      maxTTL: null,
      status: null,
      statusDetails: null,
    });
  });

  test('keeps values of every kind', () => {
    const data = { TOTP: 1, DN_ARRAY: ['a'], PERMISSIONS: { a: null }, GONE: null };
    expect(issuedLease.parse(issued(lease(), { data })).data).toEqual(data);
  });

  test.each([
    ['a list', []],
    ['a text', 'x'],
    ['null', null],
    ['nothing', undefined],
  ])('is refused when its data is %s', (_sentence, data) => {
    expect(issuedLease.safeParse(issued(lease(), { data })).success).toBe(false);
  });
});

test('the answer to a create keeps every key of the credentials, also one that JavaScript gives another meaning', () => {
  const data: unknown = JSON.parse('{"__proto__": "a", "constructor": "b"}');
  expect(Object.entries(issuedLease.parse(issued(lease(), { data })).data)).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

describe('the answer to a get', () => {
  test('has the dynamic secret inside the lease', () => {
    const read = foundLease.parse({ lease: { ...lease(), dynamicSecret: dynamicSecret() } });
    expect(read.lease).toEqual({ ...bare, tag: TAG });
    expect(read.dynamicSecret?.name).toBe('orders-postgres');
  });

  test('may do without it', () => {
    expect(foundLease.parse({ lease: lease() })).toEqual({ lease: { ...bare, tag: TAG } });
  });
});

test.each([
  ['no token', {}],
  ['an empty token', { accessToken: '' }],
])('a login with %s is refused', (_sentence, body) => {
  expect(loginAnswer.safeParse(body).success).toBe(false);
});
