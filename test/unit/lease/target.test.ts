import { describe, expect, test } from 'vitest';

import type { LeaseRef, Target } from '../../../src/api/lease.ts';
import { meets, targetOf, targetOfRef } from '../../../src/lease/target.ts';
import { anIdentity, aRef, aSpec, HOST } from '../../support/builders.ts';

const target: Target = {
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/',
  dynamicSecret: 'orders-postgres',
};

test('a spec asks for what its names say', () => {
  expect(targetOf(aSpec())).toEqual(target);
});

test('a lease is of what its Ref says', () => {
  expect(targetOfRef(aRef())).toEqual(target);
});

describe('a lease meets the target', () => {
  const cases: Record<string, { ref: LeaseRef; host?: string; meets: boolean }> = {
    'of the same names on the same server': { ref: aRef(), meets: true },
    'through a connection of another name and uid to the same server': {
      ref: aRef({ connection: anIdentity({ name: 'renamed', uid: 'other', kind: 'Other' }) }),
      meets: true,
    },
    'but not of another server': { ref: aRef(), host: 'https://eu.infisical.com', meets: false },
    'but not of another project': { ref: aRef({ projectSlug: 'store' }), meets: false },
    'but not of another environment': { ref: aRef({ environmentSlug: 'dev' }), meets: false },
    'but not of another path': { ref: aRef({ path: '/eu' }), meets: false },
    'but not of another dynamic secret': { ref: aRef({ dynamicSecret: 'users' }), meets: false },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { ref, host = HOST, meets: expected }) => {
    expect(meets(ref, target, host)).toBe(expected);
  });
});
