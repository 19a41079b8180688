import { describe, expect, test } from 'vitest';

import { fedStore } from '../../../../src/kube/store.ts';
import { nudgeKey } from '../../../../src/nudge/annotation.ts';
import { leaseIndexes } from '../../../../src/reconcile/indexes.ts';
import { triggerNudges } from '../../../../src/reconcile/nudge/triggers.ts';
import type { LeaseRecord, PodRecord } from '../../../../src/reconcile/ports.ts';
import { aLeaseRecord, aRef, aSpec, aStatus, instant, NOW, valid } from '../../../support/builders.ts';

function leaseOf(name: string, propagation: 'Kubelet' | 'Nudge' = 'Nudge', version = 1): LeaseRecord {
  return aLeaseRecord({
    key: `shop/${name}`,
    name,
    uid: `uid of ${name}`,
    resourceVersion: String(version),
    spec: valid(aSpec({ secret: { propagation } })),
    status: aStatus({
      lease: { ...aRef({ id: `lease of ${name}` }), createdAt: instant(0) },
      secret: { name, uid: 'secret-uid', resourceVersion: '7' },
    }),
  });
}

function podOf(change: Partial<PodRecord> = {}): PodRecord {
  const identity = { key: 'shop/one', namespace: 'shop', name: 'one', uid: 'pod-uid', resourceVersion: '1' };
  return { ...identity, createdAt: NOW, runs: true, secrets: ['orders-db'], nudges: {}, ...change };
}

function start(...before: readonly LeaseRecord[]): {
  readonly apply: (lease: LeaseRecord) => void;
  readonly tell: (pod: PodRecord) => void;
  readonly enqueued: string[];
  readonly end: () => void;
} {
  const leases = fedStore({ indexes: leaseIndexes });
  for (const lease of before) leases.apply(lease);
  const enqueued: string[] = [];
  const told = new Set<(pod: PodRecord) => void>();
  const end = triggerNudges({
    leases,
    pods: {
      follow(one) {
        told.add(one);
        return () => void told.delete(one);
      },
    },
    enqueue: (key, priority) => void enqueued.push(priority === undefined ? key : `${key}, ${priority}`),
  });
  const tell = (pod: PodRecord): void => {
    for (const one of told) one(pod);
  };
  return { apply: (lease) => leases.apply(lease), tell, enqueued, end };
}

describe('an object is looked at', () => {
  test('at the start, where its spec asks for nudges', () => {
    expect(start(leaseOf('orders-db'), leaseOf('other', 'Kubelet')).enqueued).toEqual([
      'shop/orders-db, background',
    ]);
  });

  test('when it changes, where its spec asks for nudges', () => {
    const { apply, enqueued } = start();
    apply(leaseOf('orders-db'));
    apply(leaseOf('other', 'Kubelet'));
    apply(leaseOf('orders-db', 'Nudge', 2));
    apply(leaseOf('orders-db', 'Kubelet', 3));
    expect(enqueued).toEqual(['shop/orders-db', 'shop/orders-db']);
  });

  test.each<[what: string, pod: PodRecord, looks: boolean]>([
    ['that mounts its Secret', podOf(), true],
    ['that was nudged for an earlier lease', podOf({ nudges: { [nudgeKey('orders-db')]: 'lease-0' } }), true],
    ['that was nudged', podOf({ nudges: { [nudgeKey('orders-db')]: 'lease of orders-db' } }), false],
    ['that has finished', podOf({ runs: false }), false],
    ['that mounts another', podOf({ secrets: ['third'] }), false],
    ['that mounts one whose spec does not ask for it', podOf({ secrets: ['other'] }), false],
    ['of another namespace', podOf({ key: 'stock/one', namespace: 'stock' }), false],
  ])('for a pod %s', (_what, pod, looks) => {
    const { tell, enqueued } = start(leaseOf('orders-db'), leaseOf('other', 'Kubelet'));
    enqueued.length = 0;
    tell(pod);
    expect(enqueued).toEqual(looks ? ['shop/orders-db'] : []);
  });

  test('no more when it is ended', () => {
    const { apply, tell, enqueued, end } = start(leaseOf('orders-db'));
    enqueued.length = 0;
    end();
    tell(podOf());
    apply(leaseOf('orders-db', 'Nudge', 2));
    expect(enqueued).toEqual([]);
  });
});
