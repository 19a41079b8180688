import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Grant } from '../../../src/api/cluster-connection.ts';
import type { Target } from '../../../src/api/lease.ts';
import { lackingGrant, type Grantee, type GrantPart } from '../../../src/lease/grants.ts';

const orders: Target = {
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/team/orders',
  dynamicSecret: 'postgres',
};
const shop: Grantee = { namespace: 'shop', labels: { team: 'orders' } };
const everything: Grant = { namespaceSelector: {} };
const byTeam = (team: string): Grant => ({ namespaceSelector: { matchLabels: { team } } });

describe('what grants cover', () => {
  test.each<[string, readonly Grant[], GrantPart | undefined]>([
    ['nothing, where there are none', [], 'namespace'],
    ['all, for a namespace by its name', [{ namespaces: ['shop'] }], undefined],
    ['nothing, for another namespace', [{ namespaces: ['shops', 'sho', 'SHOP'] }], 'namespace'],
    ['all, for every namespace', [everything], undefined],
    ['all, for a namespace by its labels', [byTeam('orders')], undefined],
    ['nothing, for another label', [byTeam('stock')], 'namespace'],
    ['by name or by label', [{ namespaces: ['other'], ...byTeam('orders') }], undefined],
    ['a project', [{ ...everything, projects: ['stock', 'shop'] }], undefined],
    ['no other project', [{ ...everything, projects: ['stock', 'Shop'] }], 'project'],
    ['an environment', [{ ...everything, environments: ['prod'] }], undefined],
    ['no other environment', [{ ...everything, environments: ['dev', 'production'] }], 'environment'],
    ['a folder', [{ ...everything, pathPrefixes: ['/team/orders'] }], undefined],
    ['what is in a folder', [{ ...everything, pathPrefixes: ['/team'] }], undefined],
    ['what is in the root', [{ ...everything, pathPrefixes: ['/'] }], undefined],
    ['no folder beside it', [{ ...everything, pathPrefixes: ['/tea', '/team/order'] }], 'path'],
    ['no folder above it', [{ ...everything, pathPrefixes: ['/team/orders/eu'] }], 'path'],
    [
      'nothing together that none covers alone',
      [
        { namespaces: ['shop'], projects: ['stock'] },
        { namespaces: ['other'], projects: ['shop'] },
      ],
      'project',
    ],
    [
      'what any of them covers',
      [
        { namespaces: ['shop'], environments: ['dev'] },
        { namespaces: ['shop'], environments: ['prod'] },
      ],
      undefined,
    ],
    [
      'less than all: the closest tells what is lacking',
      [
        { namespaces: ['other'] },
        { ...everything, pathPrefixes: ['/x'] },
        { ...everything, projects: ['y'] },
      ],
      'path',
    ],
  ])('%s', (_what, grants, lacking) => {
    expect(lackingGrant(grants, shop, orders)).toBe(lacking);
  });

  test('is nothing by labels while the labels are not known, not even by one that is lacking', () => {
    const unknown: Grantee = { namespace: 'shop', labels: undefined };
    const without: Grant = {
      namespaceSelector: { matchExpressions: [{ key: 'untrusted', operator: 'DoesNotExist' }] },
    };
    expect(lackingGrant([without], shop, orders)).toBeUndefined();
    expect(lackingGrant([without], unknown, orders)).toBe('namespace');
    expect(lackingGrant([{ namespaces: ['shop'] }], unknown, orders)).toBeUndefined();
  });
});

describe('who may declare what is leased', () => {
  test.each<[string, readonly Grant[], GrantPart | undefined]>([
    ['nobody, where there are no grants', [], 'namespace'],
    ['nobody who may only lease', [everything], 'manage'],
    ['nobody who may expressly not', [{ ...everything, manage: false }], 'manage'],
    ['whoever may manage', [{ ...everything, manage: true }], undefined],
    ['nobody elsewhere', [{ ...everything, projects: ['stock'], manage: true }], 'project'],
    [
      'nobody by two grants, of which one leases and the other manages elsewhere',
      [everything, { ...everything, environments: ['dev'], manage: true }],
      'manage',
    ],
  ])('%s', (_who, grants, lacking) => {
    expect(lackingGrant(grants, shop, orders, 'manage')).toBe(lacking);
  });

  test('may lease it too', () => {
    expect(lackingGrant([{ ...everything, manage: true }], shop, orders)).toBeUndefined();
    expect(lackingGrant([everything], shop, orders, 'lease')).toBeUndefined();
  });
});

const words = fc.constantFrom('shop', 'stock', 'orders');
const list = fc.option(fc.array(words, { minLength: 1, maxLength: 2 }), { nil: undefined });
const paths = fc
  .array(words, { maxLength: 3 })
  .map((folders) => (folders.length === 0 ? '/' : `/${folders.join('/')}`));
const anyGrant: fc.Arbitrary<Grant> = fc.record({
  namespaces: fc.array(words, { minLength: 1, maxLength: 2 }),
  projects: list,
  environments: list,
  pathPrefixes: fc.option(fc.array(paths, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  manage: fc.option(fc.boolean(), { nil: undefined }),
});
const anyTarget: fc.Arbitrary<Target> = fc.record({
  projectSlug: words,
  environmentSlug: words,
  path: paths,
  dynamicSecret: fc.constant('postgres'),
});

test('a further grant never takes anything away, and of several one alone must be enough', () => {
  fc.assert(
    fc.property(
      fc.array(anyGrant, { maxLength: 4 }),
      anyGrant,
      words,
      anyTarget,
      fc.constantFrom('lease', 'manage'),
      (grants, more, name, target, use) => {
        const grantee = { namespace: name, labels: {} };
        const covered = (some: readonly Grant[]): boolean =>
          lackingGrant(some, grantee, target, use) === undefined;
        expect(covered([...grants, more])).toBe(covered(grants) || covered([more]));
        expect(covered(grants)).toBe(grants.some((one) => covered([one])));
      },
    ),
  );
});
