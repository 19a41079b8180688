import { describe, expect, test } from 'vitest';

import { surveyOf } from '../../../src/reconcile/survey.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import {
  aLeaseRecord,
  aRef,
  aSpec,
  aStatus,
  HOUR,
  instant,
  MINUTE,
  NOW,
  valid,
} from '../../support/builders.ts';

const END = NOW + HOUR;

const status = aStatus({
  lease: { ...aRef({ expireAt: instant(HOUR) }) },
  rotateAt: instant(HOUR - MINUTE),
});

const withLease = (change: Partial<LeaseRecord> = {}): LeaseRecord => aLeaseRecord({ status, ...change });

describe('a survey', () => {
  test('tells of a lease when it ends, and when it is due to be replaced', () => {
    const lease = withLease();
    const { namespace, name } = lease;
    const ends = [{ namespace, name, expiresAt: END, rotateAt: END - MINUTE }];
    expect(surveyOf([lease]).ends).toEqual(ends);
    expect(surveyOf([lease]).ends).toEqual(ends);
  });

  test.each<[string, LeaseRecord]>([
    ['without a lease', aLeaseRecord({ status: {} })],
    ['that is being deleted', withLease({ deletedAt: END - 1 })],
    ['that is suspended', withLease({ spec: valid(aSpec({ suspend: true })) })],
    [
      'whose status is no instant',
      withLease({ status: { ...status, lease: { ...aRef(), expireAt: 'soon' } } }),
    ],
  ])('tells no end of an object %s', (_what, lease) => {
    expect(surveyOf([lease]).ends).toEqual([]);
  });

  test('tells the end of a lease whose next rotation nobody knows', () => {
    const { rotateAt: _, ...rest } = status;
    expect(surveyOf([withLease({ status: rest })]).ends).toMatchObject([{ rotateAt: undefined }]);
  });

  test('adds up what is replaced and not gone, and what nobody can find, also of objects that are going', () => {
    const unaccounted = { count: 2, lastAt: instant(1), until: instant(2) };
    const leases = [
      withLease({ status: { ...status, retiring: [aRef(), aRef()] }, deletedAt: 1 }),
      withLease({ status: { retiring: [aRef()], unaccounted } }),
      withLease({ status: { unaccounted: { ...unaccounted, count: 1 } } }),
    ];
    expect(surveyOf(leases)).toEqual({ ends: [], retiring: 3, revocationsFailing: 0, unaccounted: 3 });
  });

  test('counts the revocations that fail: of leases that were replaced each, of an object that is going one', () => {
    const failing = { ...aRef(), attempts: 2, reason: 'RevocationFailed' };
    const held = (reason: string): LeaseRecord =>
      withLease({
        deletedAt: 1,
        status: { retiring: [failing], conditions: [aCondition('Reconciling', reason)] },
      });
    expect(failingIn(withLease({ status: { retiring: [failing, aRef(), failing] } }))).toBe(2);
    expect(failingIn(held('RevocationFailed'))).toBe(1);
    expect(failingIn(held('Revoking'))).toBe(0);
    expect(
      failingIn(withLease({ status: { conditions: [aCondition('Reconciling', 'LeaseLimitReached')] } })),
    ).toBe(0);
  });
});

function aCondition(type: string, reason: string): NonNullable<LeaseRecord['status']['conditions']>[number] {
  const lastTransitionTime = instant(0);
  return { type, status: 'True', observedGeneration: 1, lastTransitionTime, reason, message: 'A sentence.' };
}

function failingIn(lease: LeaseRecord): number {
  return surveyOf([lease]).revocationsFailing;
}
