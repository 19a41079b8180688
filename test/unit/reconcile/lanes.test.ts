import { describe, expect, test } from 'vitest';

import type { Group } from '../../../src/reconcile/inventory/groups.ts';
import { placesIn, type Places } from '../../../src/reconcile/lanes.ts';
import type { Cluster, ConnectionRecord, LeaseRecord } from '../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../src/timing.ts';
import {
  aConnection,
  aLeaseRecord,
  anIdentity,
  HOUR,
  instant,
  invalidSpec,
  aStatus,
  NOW,
} from '../../support/builders.ts';
import { TARGET } from './support/surroundings.ts';

function look<One extends { readonly key: string }>(
  all: readonly One[],
): { get(key: string): One | undefined } {
  return { get: (key) => all.find((one) => one.key === key) };
}

function group(namespace: string): Group {
  return { key: namespace, namespace, connection: anIdentity(), target: TARGET, objects: new Set() };
}

function places(leases: readonly LeaseRecord[], connections: readonly ConnectionRecord[] = []): Places {
  const cluster = { now: () => NOW, leases: look(leases), connections: look(connections) };
  return placesIn(cluster as unknown as Cluster, standardTiming);
}

describe('where keys wait for a worker', () => {
  const lease = aLeaseRecord();

  test('a lease waits with those of its connection, by its end', () => {
    const status = aStatus();
    const ending = {
      ...status,
      ...(status.lease && { lease: { ...status.lease, expireAt: instant(HOUR) } }),
    };
    const of = places([aLeaseRecord({ status: ending })]);
    expect(of.ofLease(lease.key)).toEqual({
      lane: 'shop InfisicalConnection infisical',
      deadline: NOW + HOUR,
    });
  });

  test('a lease whose spec cannot be read waits with those of the connection that made it', () => {
    const of = places([aLeaseRecord({ spec: invalidSpec })]);
    expect(of.ofLease(lease.key).lane).toBe(`shop InfisicalConnection ${anIdentity().name}`);
  });

  test('what is gone and has left something to be revoked waits before all others of its namespace', () => {
    expect(places([]).ofLease('shop/gone')).toEqual({ lane: 'shop', deadline: 0 });
  });

  test('connections wait with those to the same server', () => {
    const two = [
      aConnection('one'),
      aConnection('two'),
      aConnection('far', { hostAPI: 'https://far.example.com' }),
    ];
    const of = places([], two);
    const [one, other, far] = two.map(({ key }) => of.ofConnection(key).lane);
    expect(one).toBe(other);
    expect(far).not.toBe(one);
    expect(of.ofConnection('shop/gone').lane).toBe('');
  });

  test('lists wait with those through the same connection', () => {
    const of = places([]);
    expect(of.ofGroup(group('shop')).lane).toBe(`shop InfisicalConnection ${anIdentity().name}`);
    expect(of.ofGroup(group('other')).lane).not.toBe(of.ofGroup(group('shop')).lane);
    expect(of.ofGroup(undefined).lane).toBe('');
  });
});
