import { describe, expect, test } from 'vitest';

import type { LeasePlace } from '../../../src/api/asked.ts';
import type { DeclaredLeaseSpec } from '../../../src/api/dynamic-secret-lease.ts';
import type { LeaseRef, Target } from '../../../src/api/lease.ts';
import { fault } from '../../../src/errors.ts';
import {
  isNoted,
  meets,
  placeOf,
  refName,
  targetNow,
  targetOfRef,
  type Declaration,
  type Wanted,
} from '../../../src/lease/target.ts';
import {
  aDeclaration,
  anIdentity,
  aReferringSpec,
  aRef,
  aSpec,
  HOST,
  invalidSpec,
  NOW,
  targetIn,
  valid,
} from '../../support/builders.ts';

const target: Target = {
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/',
  dynamicSecret: 'orders-postgres',
};
const ID = 'dynamic-secret-id';
const renamed = aDeclaration({}, { name: 'renamed' });
const connectionRef = { kind: 'InfisicalConnection', name: 'infisical' } as const;
const declaredBy = { name: 'orders', host: HOST, madeBy: connectionRef };

const targeted = (spec: DeclaredLeaseSpec, ...declared: readonly Declaration[]): Wanted | undefined => {
  const view = targetIn(valid(spec), ...declared);
  return view.state === 'known' ? view.wanted : undefined;
};

describe('what is targeted', () => {
  test('is what the names of a spec say, whatever is declared', () => {
    expect(targeted(aSpec(), renamed)).toEqual({ target, connectionRef });
  });

  test('is the place of the DynamicSecret that a spec refers to, by the connection of that', () => {
    const all = { target, connectionRef, dynamicSecretId: ID, declaredBy };
    expect(targeted(aReferringSpec(), aDeclaration())).toEqual(all);
  });

  test('has the name of the place, not that of the spec of the DynamicSecret', () => {
    expect(targeted(aReferringSpec(), renamed)?.target.dynamicSecret).toBe('renamed');
  });

  test('is leased by the connection that the spec names itself, where it does', () => {
    const own = { kind: 'ClusterInfisicalConnection', name: 'shared' } as const;
    expect(targeted(aReferringSpec({ connectionRef: own }), aDeclaration())?.connectionRef).toEqual(own);
  });

  test('is leased by the connection that it was made through, where the DynamicSecret cannot be read', () => {
    const unreadable = aDeclaration({ spec: { valid: false } });
    expect(targeted(aReferringSpec(), unreadable)?.connectionRef).toEqual(connectionRef);
  });

  test('has no id where the server never showed it', () => {
    const { place } = aDeclaration().status;
    const found = targeted(aReferringSpec(), aDeclaration({ status: place === undefined ? {} : { place } }));
    expect(found).toEqual({ target, connectionRef, declaredBy });
  });

  const refusals: Record<string, { declared: readonly Declaration[]; code: string; known: boolean }> = {
    'no DynamicSecret of that name': { declared: [], code: 'DynamicSecretNotFound', known: false },
    'one that is not on the server yet': {
      declared: [aDeclaration({ status: {} })],
      code: 'DynamicSecretNotReady',
      known: false,
    },
    'one that is being deleted, whose leases can still be found': {
      declared: [aDeclaration({ deletedAt: NOW })],
      code: 'DynamicSecretDeleted',
      known: true,
    },
    'one that is being deleted and never was on the server': {
      declared: [aDeclaration({ deletedAt: NOW, status: {} })],
      code: 'DynamicSecretDeleted',
      known: false,
    },
  };

  test.each(Object.entries(refusals))('is nothing with %s', (_sentence, { declared, code, known }) => {
    const view = targetIn(valid(aReferringSpec()), ...declared);
    expect(view).toMatchObject({ state: 'refused', fault: { code }, again: undefined });
    expect(view.wanted?.target).toEqual(known ? target : undefined);
  });

  test('names the DynamicSecret where it is nothing', () => {
    expect(targetIn(valid(aReferringSpec()))).toMatchObject({
      fault: fault('DynamicSecretNotFound', { name: 'orders' }),
    });
  });

  test('is known while the DynamicSecret is not Ready, as long as its place is', () => {
    const conditions = [{ type: 'Ready', status: 'False' }];
    const status = { ...aDeclaration().status, conditions };
    expect(targeted(aReferringSpec(), aDeclaration({ status }))?.target).toEqual(target);
  });

  test('is another state of it after each change that the server was told, or after a rename', () => {
    const { place, dynamicSecret } = aDeclaration().status;
    const applied = { defaultTTL: '1h', inputs: {} };
    const changed = aDeclaration({
      status: { ...(place && { place }), ...(dynamicSecret && { dynamicSecret }), applied },
    });
    const revisions = [aDeclaration(), renamed, changed, aDeclaration({ status: {} })].map(
      (declared) => targetIn(valid(aReferringSpec()), declared).revision,
    );
    expect(new Set(revisions).size).toBe(4);
    expect(targetIn(valid(aSpec()), aDeclaration()).revision).toBe('');
  });
});

test('the DynamicSecret that a spec refers to is known by its name', () => {
  const specs = [valid(aReferringSpec()), valid(aSpec()), invalidSpec];
  expect(specs.map((spec) => refName({ spec }))).toEqual(['orders', undefined, undefined]);
});

test('a lease is of what its Ref says', () => {
  expect(targetOfRef(aRef())).toEqual(target);
});

describe('a lease is listed', () => {
  const eu = anIdentity({ host: 'https://eu.infisical.com' });
  const cases: Record<string, { ref: LeasePlace; declared: readonly Declaration[]; name: string }> = {
    'under the name that its dynamic secret has now': {
      ref: aRef({ dynamicSecretId: ID }),
      declared: [aDeclaration({ name: 'other' }, { name: 'other', id: 'other-id' }), renamed],
      name: 'renamed',
    },
    'under its own name where it was asked for by that': {
      ref: aRef(),
      declared: [renamed],
      name: 'orders-postgres',
    },
    'under its own name where nobody declares its dynamic secret any more': {
      ref: aRef({ dynamicSecretId: ID }),
      declared: [],
      name: 'orders-postgres',
    },
    'under its own name where that id is one of another server': {
      ref: aRef({ dynamicSecretId: ID, connection: eu }),
      declared: [renamed],
      name: 'orders-postgres',
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { ref, declared, name }) => {
    expect(targetNow(ref, declared)).toEqual({ ...target, dynamicSecret: name });
  });
});

describe('a lease meets what the spec names', () => {
  const cases: Record<string, { ref: LeaseRef; host?: string; meets: boolean }> = {
    'of the same names on the same server': { ref: aRef(), meets: true },
    'through a connection of another name and uid to the same server': {
      ref: aRef({ connection: anIdentity({ name: 'renamed', uid: 'other', kind: 'Other' }) }),
      meets: true,
    },
    'also when it was asked for by way of a DynamicSecret': {
      ref: aRef({ dynamicSecretId: ID }),
      meets: true,
    },
    'but not of another server': { ref: aRef(), host: 'https://eu.infisical.com', meets: false },
    'but not of another project': { ref: aRef({ projectSlug: 'store' }), meets: false },
    'but not of another environment': { ref: aRef({ environmentSlug: 'dev' }), meets: false },
    'but not of another path': { ref: aRef({ path: '/eu' }), meets: false },
    'but not of another dynamic secret': { ref: aRef({ dynamicSecret: 'users' }), meets: false },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { ref, host = HOST, meets: expected }) => {
    expect(meets(ref, { target }, host)).toBe(expected);
  });
});

describe('a lease meets what a DynamicSecret declares', () => {
  const now = { target: { ...target, dynamicSecret: 'renamed' }, dynamicSecretId: ID };
  const cases: Record<string, { ref: LeaseRef; host?: string; shown?: string; meets: boolean }> = {
    'of the same id, by the name of before': { ref: aRef({ dynamicSecretId: ID }), meets: true },
    'of the same name, where its id is not known': { ref: aRef({ dynamicSecret: 'renamed' }), meets: true },
    'of the id that the server has shown': { ref: aRef(), shown: ID, meets: true },
    'but not of the same name and another id: it was made anew': {
      ref: aRef({ dynamicSecret: 'renamed', dynamicSecretId: 'another' }),
      meets: false,
    },
    'but not of another name and no id': { ref: aRef(), meets: false },
    'but not of the same id on another server': {
      ref: aRef({ dynamicSecretId: ID }),
      host: 'https://eu.infisical.com',
      shown: ID,
      meets: false,
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { ref, host = HOST, shown, meets: expected }) => {
    expect(meets(ref, now, host, shown)).toBe(expected);
  });
});

describe('a place is noted', () => {
  const wanted = { target, dynamicSecretId: ID };
  const cases: Record<string, { place: LeasePlace; noted: boolean }> = {
    'by its names and id': { place: placeOf(wanted, anIdentity()), noted: true },
    'but not by another name of the same id': {
      place: aRef({ dynamicSecretId: ID, path: '/eu' }),
      noted: false,
    },
    'but not by its names alone, once its id is known': { place: aRef(), noted: false },
    'but not on another server': {
      place: placeOf(wanted, anIdentity({ host: 'https://eu.infisical.com' })),
      noted: false,
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { place, noted }) => {
    expect(isNoted(place, wanted, HOST)).toBe(noted);
  });

  test('by its names alone, where no id is known', () => {
    expect(isNoted(aRef({ dynamicSecretId: ID }), { target }, HOST)).toBe(true);
  });
});
