import { describe, expect, test } from 'vitest';

import { partOf } from '../../../bench/figures/log.ts';
import { optimumOnTime, type Job } from '../../../bench/figures/optimum.ts';
import {
  deliveriesOf,
  duesOf,
  prematureOf,
  punctuality,
  rotationsOf,
} from '../../../bench/figures/rotations.ts';
import { slopePerMinute } from '../../../bench/figures/slope.ts';
import type { AuditEvent } from '../../../sandbox/control-plane/audit.ts';
import type { LedgerEntry } from '../../../sandbox/lease-api/ledger.ts';
import { jitterOf } from '../../../src/lease/schedule.ts';

const START = 1_000_000;
const ms = (second: number): number => START + second * 1000;

function write(verb: string, name: string, second: number, responseCode = 200): AuditEvent {
  return {
    id: 'id',
    user: 'operator',
    verb,
    resource: 'secrets',
    group: '',
    namespace: 'shop',
    name,
    responseCode,
    requestURI: '',
    userAgent: '',
    stage: 'ResponseComplete',
    timestamp: new Date(ms(second)).toISOString(),
    requestObject: undefined,
  };
}

function made(object: string, leaseId: string, second: number, life: number): LedgerEntry {
  return {
    at: ms(second),
    event: 'made',
    leaseId,
    dynamicSecret: null,
    dynamicSecretId: null,
    by: null,
    method: null,
    proof: null,
    tag: { install: 'here', object, attempt: leaseId },
    externalEntityId: null,
    expireAt: ms(second + life),
  };
}

const report = (object: string, leaseId: string, second: number) => ({
  object: `shop/${object}`,
  leaseId,
  ready: true,
  at: ms(second),
});

describe('the growth of a value', () => {
  test('is the slope of the nearest line', () => {
    expect(slopePerMinute([0, 1, 2, 3].map((at) => ({ at: at * 30_000, value: 5 + at })))).toBeCloseTo(2);
    const noisy = [10, 12, 9, 11, 10, 12, 9, 11].map((value, at) => ({ at: at * 1000, value }));
    expect(Math.abs(slopePerMinute(noisy))).toBeLessThan(6);
    expect(slopePerMinute([{ at: START, value: 3 }])).toBeNaN();
  });
});

const jobs = (...spans: readonly (readonly [number, number])[]): readonly Job[] =>
  spans.map(([due, end]) => ({ due: ms(due), end: ms(end) }));

describe('the most leases that a limit lets replace in time', () => {
  const limit = { most: 1, windowMs: 60_000 };

  test.each([
    ['is none where there are none', jobs(), 0],
    ['is one a window', jobs([0, 30], [0, 40], [0, 50]), 1],
    ['takes those that end first', jobs([0, 500], [0, 30], [0, 90]), 3],
    ['waits for those that come due later in the same window', jobs([0, 500], [40, 55]), 2],
    ['leaves out what is never alive and due', jobs([10, 10], [20, 5]), 0],
    ['is over for what ended before its window', jobs([0, 30], [0, 60], [0, 61]), 2],
  ])('%s', (_, wanted, onTime) => {
    expect(optimumOnTime(wanted, limit)).toBe(onTime);
  });

  test('counts as many in a window as the limit says', () => {
    const many = Array.from({ length: 300 }, () => ({ due: ms(0), end: ms(100) }));
    expect(optimumOnTime(many, { most: 90, windowMs: 60_000 })).toBe(180);
  });
});

describe('rotations', () => {
  const ledger = [
    made('uid-a', 'one', 0, 360),
    made('uid-a', 'two', 205, 360),
    made('uid-b', 'other', 0, 360),
  ];
  const events = [
    write('create', 'a', 1),
    write('patch', 'a', 205.5, 409),
    write('patch', 'a', 206),
    write('create', 'b', 1),
  ];
  const reports = [
    report('a', 'one', 1.5),
    report('b', 'other', 2),
    report('a', 'one', 100),
    report('a', 'two', 206.5),
  ];
  const deliveries = deliveriesOf(events, reports);

  test('bring each lease into its Secret with the last write before the first status that names it', () => {
    expect(deliveries.map(({ leaseId, at }) => [leaseId, at])).toEqual([
      ['one', ms(1)],
      ['other', ms(1)],
      ['two', ms(206)],
    ]);
  });

  test('are due as documented: so long before the end, and up to a tenth of the life earlier', () => {
    expect(duesOf(ledger, '150s').get('one')).toBeCloseTo(ms(210) - jitterOf('uid-a') * 36_000, 5);
  });

  test('are measured against what the replaced lease had left, and when it was due', () => {
    const [rotation, ...more] = rotationsOf(deliveries, ledger, '150s');
    expect(more).toEqual([]);
    expect(rotation?.left).toBe(154);
    expect(rotation?.late).toBeCloseTo(206 - 210 + jitterOf('uid-a') * 36, 5);
    expect(punctuality(rotation === undefined ? [] : [rotation])).toMatchObject({
      leastLifeLeftSeconds: 154,
    });
  });

  test('are premature before the lease is due', () => {
    const due = 210 - jitterOf('uid-a') * 36;
    const first = made('uid-a', 'one', 0, 360);
    expect(prematureOf([first, made('uid-a', 'two', due + 1, 360)], '150s')).toBe(0);
    expect(prematureOf([first, made('uid-a', 'two', due - 5, 360)], '150s')).toBe(1);
    expect(prematureOf([first, made('uid-b', 'two', 5, 360)], '150s')).toBe(0);
  });

  test('are cut out of a log by their instants', () => {
    const part = partOf({ events, reports, ledger }, ms(2), ms(206.5));
    expect([part.events.length, part.reports.length, part.ledger.length]).toEqual([2, 2, 1]);
  });
});
