import { describe, expect, test } from 'vitest';

import { groups, groupsOf, type GroupName, type Groups } from '../../../../src/reconcile/inventory/groups.ts';
import { leaseRecord } from '../../../../src/reconcile/records.ts';
import { anIdentity, aRef, aSpec } from '../../../support/builders.ts';
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

test('an object is in the groups of what it asks for, and of every lease that its status names', () => {
  const object = leaseRecord({
    metadata: { name: 'orders-db', namespace: 'shop', uid: 'uid', resourceVersion: '1', generation: 1 },
    spec: aSpec(),
    status: {
      lease: aRef({ dynamicSecret: 'now' }),
      retiring: [aRef({ id: 'old', dynamicSecret: 'before' })],
    },
  });
  const names = (connection?: ReturnType<typeof anIdentity>): readonly string[] =>
    groupsOf(object, connection).map(({ target }) => target.dynamicSecret);
  expect(names(anIdentity())).toEqual([TARGET.dynamicSecret, 'now', 'before']);
  expect(names()).toEqual(['now', 'before']);
});
