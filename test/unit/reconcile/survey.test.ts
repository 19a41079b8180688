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
    expect(surveyOf(leases)).toEqual({ ends: [], retiring: 3, unaccounted: 3 });
  });
});
