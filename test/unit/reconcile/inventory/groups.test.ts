import { describe, expect, test } from 'vitest';

import type { DeclaredLeaseSpec, LeaseStatus } from '../../../../src/api/dynamic-secret-lease.ts';
import type { ConnectionIdentity } from '../../../../src/api/lease.ts';
import { groups, groupsOf, type GroupName, type Groups } from '../../../../src/reconcile/inventory/groups.ts';
import type { Cluster, DynamicSecretRecord, LeaseRecord } from '../../../../src/reconcile/ports.ts';
import { leaseRecord } from '../../../../src/reconcile/records.ts';
import { aDynamicSecretRecord, anIdentity, aReferringSpec, aRef, aSpec } from '../../../support/builders.ts';
import { TARGET } from '../support/world.ts';

/** Groups that remember what was told of them. */
function toldGroups(): { readonly index: Groups; readonly told: string[] } {
  const told: string[] = [];
  const index = groups({
    onNew: ({ target }) => void told.push(`new ${target.dynamicSecret}`),
    onEmpty: ({ target }) => void told.push(`empty ${target.dynamicSecret}`),
  });
  return { index, told };
}

function aGroup(dynamicSecret: string): GroupName {
  return { namespace: 'shop', connection: anIdentity(), target: { ...TARGET, dynamicSecret } };
}

describe('the groups of objects', () => {
  test('come with the first object of theirs, and are empty when the last has left', () => {
    const { index, told } = toldGroups();
    index.place('shop/one', [aGroup('a')]);
    index.place('shop/two', [aGroup('a'), aGroup('b')]);
    index.place('shop/one', []);
    index.place('shop/two', [aGroup('b')]);
    expect(told).toEqual(['new a', 'new b', 'empty a']);
  });

  test('that are empty fill again', () => {
    const { index, told } = toldGroups();
    const { key } = index.ensure(aGroup('a'));
    index.place('shop/one', [aGroup('a')]);
    expect([...(index.get(key)?.objects ?? [])]).toEqual(['shop/one']);
    expect(told).toEqual(['new a']);
  });

  test('that are dropped are not there', () => {
    const { index } = toldGroups();
    const { key } = index.ensure(aGroup('a'));
    index.drop(key);
    expect(index.get(key)).toBeUndefined();
  });

  test('are told apart by server, but not by the uid of a connection that was made anew', () => {
    const { index, told } = toldGroups();
    index.place('shop/one', [aGroup('a'), { ...aGroup('a'), connection: anIdentity({ uid: 'another' }) }]);
    index.place('shop/two', [{ ...aGroup('a'), connection: anIdentity({ host: 'https://other.example' }) }]);
    expect(told).toEqual(['new a', 'new a']);
  });
});

function object(spec: DeclaredLeaseSpec, status: LeaseStatus): LeaseRecord {
  return leaseRecord({
    metadata: { name: 'orders-db', namespace: 'shop', uid: 'uid', resourceVersion: '1', generation: 1 },
    spec,
    status,
  });
}

const among = (declared: readonly DynamicSecretRecord[]): Cluster['dynamicSecrets'] =>
  ({
    get: (key) => declared.find((one) => one.key === key),
    inNamespace: () => declared,
  }) satisfies Partial<Cluster['dynamicSecrets']> as unknown as Cluster['dynamicSecrets'];

const names = (
  record: LeaseRecord,
  declared: readonly DynamicSecretRecord[],
  connection?: ConnectionIdentity,
): readonly string[] =>
  groupsOf({ dynamicSecrets: among(declared) }, record, connection).map(({ target }) => target.dynamicSecret);

describe('an object is in the groups', () => {
  const ID = 'dynamic-secret-id';

  test('of what it asks for, and of every lease that its status names', () => {
    const byName = object(aSpec(), {
      lease: aRef({ dynamicSecret: 'now' }),
      retiring: [aRef({ id: 'old', dynamicSecret: 'before' })],
    });
    expect(names(byName, [], anIdentity())).toEqual([TARGET.dynamicSecret, 'now', 'before']);
    expect(names(byName, [])).toEqual(['now', 'before']);
  });

  const renamed = aDynamicSecretRecord({ name: 'renamed' });
  const leases: LeaseStatus = {
    lease: aRef({ dynamicSecretId: ID }),
    retiring: [aRef({ id: 'old', dynamicSecret: 'first-name', dynamicSecretId: ID })],
  };

  test('of one name, whatever the dynamic secret was called before', () => {
    expect(names(object(aReferringSpec(), leases), [renamed], anIdentity())).toEqual([
      'renamed',
      'renamed',
      'renamed',
    ]);
  });

  test('of the present name of a dynamic secret that the spec no longer refers to', () => {
    const another = { ...aDynamicSecretRecord({ name: 'users', id: 'users-id' }), key: 'shop/users' };
    const spec = aReferringSpec({ dynamicSecretRef: { name: 'users' } });
    expect(names(object(spec, leases), [another, renamed], anIdentity())).toEqual([
      'users',
      'renamed',
      'renamed',
    ]);
  });

  test('of the names of its leases, where the DynamicSecret is gone', () => {
    expect(names(object(aReferringSpec(), leases), [])).toEqual([TARGET.dynamicSecret, 'first-name']);
  });
});
