import * as fc from 'fast-check';
import type { RetryClass } from '../../../src/errors.ts';
import { describe, expect, test } from 'vitest';

import {
  backoff,
  effectiveBefore,
  jitterOf,
  leastUse,
  overlapsTooLittle,
  rotationTime,
} from '../../../src/lease/schedule.ts';
import { standardTiming } from '../../../src/timing.ts';
import { HOUR, MINUTE, NOW, SECOND } from '../../support/builders.ts';

const DAY = 24 * HOUR;

describe('the effective before', () => {
  const cases: Record<string, { before?: string; life: number; expected: number }> = {
    'is a third without a wish': { life: HOUR, expected: 0.33 * HOUR },
    'is the share that is wished for': { before: '50%', life: HOUR, expected: 30 * MINUTE },
    'is the duration that is wished for': { before: '10m', life: HOUR, expected: 10 * MINUTE },
    'grows with a long life': { life: DAY, expected: 0.33 * DAY },
    'may be nearly all of a life': { before: '90%', life: HOUR, expected: 54 * MINUTE },
    'leaves a tenth of a long life, whatever is wished': { before: '23h', life: DAY, expected: 0.9 * DAY },
    'leaves a tenth of a life that is shorter than the wish': {
      before: '2h',
      life: HOUR,
      expected: 54 * MINUTE,
    },
    'is at least 150 s, though a small share is wished for': {
      before: '1%',
      life: HOUR,
      expected: 150 * SECOND,
    },
    'is at least 150 s, though a short time is wished for': {
      before: '1s',
      life: HOUR,
      expected: 150 * SECOND,
    },
    'is a small share of a long life': { before: '1%', life: 10 * DAY, expected: 0.1 * DAY },
    'leaves 30 s of a life of 3 minutes': { life: 3 * MINUTE, expected: 150 * SECOND },
    'leaves 30 s of a life of 2 minutes': { life: 2 * MINUTE, expected: 90 * SECOND },
    'leaves 30 s of a life of 1 minute, the shortest that can be asked for': {
      life: MINUTE,
      expected: 30 * SECOND,
    },
    'is half of a life under a minute': { life: 40 * SECOND, expected: 20 * SECOND },
    'is half of a life under a minute, though nearly all is wished': {
      before: '90%',
      life: 20 * SECOND,
      expected: 10 * SECOND,
    },
    'is nothing of no life': { life: 0, expected: 0 },
    'is the default for what is no share': { before: 'x%', life: HOUR, expected: 0.33 * HOUR },
    'is the default for what is no number': { before: 'NaN%', life: HOUR, expected: 0.33 * HOUR },
    'is the default for what has no end': { before: 'Infinity%', life: HOUR, expected: 0.33 * HOUR },
    'is the default for what is no duration': { before: 'soon', life: HOUR, expected: 0.33 * HOUR },
    'is the default for an empty text': { before: '', life: HOUR, expected: 0.33 * HOUR },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { before, life, expected }) => {
    expect(effectiveBefore(before, life, standardTiming)).toBeCloseTo(expected, 3);
  });

  test('keeps to its formula for every life that can be asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: MINUTE, max: 3650 * DAY }),
        fc.integer({ min: 1, max: 90 }),
        (life, share) => {
          const wished = Math.max((share / 100) * life, 150 * SECOND);
          const formula = Math.min(wished, life - Math.max(life / 10, 30 * SECOND));
          expect(effectiveBefore(`${String(share)}%`, life, standardTiming)).toBeCloseTo(formula, 3);
        },
      ),
    );
  });
});

const someBefore = fc.oneof(
  fc.constant(undefined),
  fc.integer({ min: 1, max: 90 }).map((share) => `${String(share)}%`),
  fc.integer({ min: 1, max: 999_999_999 }).map((count) => `${String(count)}s`),
  fc.string(),
);

describe('the time of a rotation', () => {
  const span = { createdAt: NOW, expireAt: NOW + HOUR };

  test('without jitter lies the effective before ahead of the end', () => {
    expect(rotationTime(span, '10m', 0, standardTiming)).toBe(NOW + 50 * MINUTE);
  });

  test('moves earlier with the jitter, by up to a tenth of the life', () => {
    expect(rotationTime(span, '10m', 0.5, standardTiming)).toBe(NOW + 47 * MINUTE);
    expect(rotationTime(span, '10m', 1, standardTiming)).toBe(NOW + 44 * MINUTE);
  });

  test.each([
    ['of one minute moves by a tenth of its life', MINUTE, 30 * SECOND, 24 * SECOND],
    [
      'of three minutes does not move: it would be used for less than 30 s',
      3 * MINUTE,
      30 * SECOND,
      30 * SECOND,
    ],
    ['of 200 s moves until it is used for 30 s', 200 * SECOND, 50 * SECOND, 30 * SECOND],
  ])('of a lease %s', (_sentence, life, plain, earliest) => {
    const short = { createdAt: NOW, expireAt: NOW + life };
    expect(rotationTime(short, undefined, 0, standardTiming)).toBe(NOW + plain);
    expect(rotationTime(short, undefined, 1, standardTiming)).toBe(NOW + earliest);
  });

  test('of a lease that ends before it begins is its end', () => {
    expect(rotationTime({ createdAt: NOW, expireAt: NOW - HOUR }, '10m', 0.5, standardTiming)).toBe(
      NOW - HOUR,
    );
  });

  test('is never before the creation, never after the end, and at most a tenth of the life earlier than without jitter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3650 * DAY }),
        someBefore,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (life, before, jitter) => {
          const drawn = { createdAt: NOW, expireAt: NOW + life };
          const plain = rotationTime(drawn, before, 0, standardTiming);
          const moment = rotationTime(drawn, before, jitter, standardTiming);
          expect(moment).toBeGreaterThanOrEqual(NOW);
          expect(moment).toBeLessThanOrEqual(NOW + life);
          expect(moment).toBeLessThanOrEqual(plain);
          expect(moment).toBeGreaterThanOrEqual(plain - life / 10 - 1);
        },
      ),
    );
  });

  test('leaves a lease at least a quarter of its life or 30 s of use', () => {
    fc.assert(
      fc.property(fc.integer({ min: SECOND, max: 365 * DAY }), someBefore, (life, before) => {
        const drawn = { createdAt: NOW, expireAt: NOW + life };
        const moment = rotationTime(drawn, before, 0.999, standardTiming);
        expect(moment - NOW).toBeGreaterThanOrEqual(Math.min(life / 4, 30 * SECOND) - 1);
      }),
    );
  });
});

test.each([
  [119, true],
  [120, false],
])('%i s between rotation and end are too little for every kubelet: %s', (seconds, tooLittle) => {
  const span = { createdAt: NOW, expireAt: NOW + HOUR };
  expect(overlapsTooLittle(span, NOW + HOUR - seconds * SECOND, standardTiming)).toBe(tooLittle);
});

describe('the least use of a lease', () => {
  test.each([
    ['is half a minute of a long life', DAY, 30 * SECOND],
    ['is a quarter of a short one', MINUTE, 15 * SECOND],
    ['is 5 s of a life of next to nothing', 1, 5 * SECOND],
    ['is 5 s of a life that ends before it begins', -HOUR, 5 * SECOND],
  ])('%s', (_sentence, life, expected) => {
    expect(leastUse(life, standardTiming)).toBe(expected);
  });

  test('never delays a rotation of a life of 20 s or more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20 * SECOND, max: 10 * DAY }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (life, jitter) => {
          const span = { createdAt: NOW, expireAt: NOW + life };
          const used = rotationTime(span, '90%', jitter, standardTiming) - NOW;
          expect(used).toBeGreaterThanOrEqual(leastUse(life, standardTiming) - 1);
        },
      ),
    );
  });
});

describe("an object's own jitter", () => {
  test('is the same after a restart', () => {
    expect(jitterOf('7d8b29a1-7a21-4a42-93a8-4a7ee26c0b0b')).toBe(
      jitterOf('7d8b29a1-7a21-4a42-93a8-4a7ee26c0b0b'),
    );
  });

  test('lies in [0, 1) and is spread evenly', () => {
    const drawn = Array.from({ length: 2000 }, (_, index) => jitterOf(`uid-${String(index)}`));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    const tenths = new Map<number, number>();
    for (const one of drawn) tenths.set(Math.floor(one * 10), (tenths.get(Math.floor(one * 10)) ?? 0) + 1);
    expect(tenths.size).toBe(10);
    expect(Math.min(...tenths.values())).toBeGreaterThan(140);
  });
});

describe('the wait after a fault', () => {
  const longest = 0.999_999;
  const cases: Record<
    string,
    {
      retry?: RetryClass;
      count: number;
      random: number;
      remaining?: number;
      retryAfter?: number;
      spent?: boolean;
      expected: number;
    }
  > = {
    'is at most a second after the first': { count: 1, random: longest, expected: SECOND },
    'doubles with the second': { count: 2, random: longest, expected: 2 * SECOND },
    'doubles with the third': { count: 3, random: longest, expected: 4 * SECOND },
    'is drawn from the whole range below': { count: 5, random: 0.25, expected: 4 * SECOND },
    'is never less than half a second': { count: 5, random: 0, expected: SECOND / 2 },
    'is capped at two minutes for what heals by itself': { count: 50, random: longest, expected: 2 * MINUTE },
    'is capped at five minutes for what somebody must mend': {
      retry: 'slow',
      count: 50,
      random: longest,
      expected: 5 * MINUTE,
    },
    'is capped at five minutes for what only a change mends': {
      retry: 'change',
      count: 50,
      random: longest,
      expected: 5 * MINUTE,
    },
    'is at most five minutes after the first where each try costs a lease': {
      retry: 'rare',
      count: 1,
      random: longest,
      expected: 5 * MINUTE,
    },
    'is at least half of that': { retry: 'rare', count: 1, random: 0, expected: 2.5 * MINUTE },
    'is capped at an hour where each try costs a lease': {
      retry: 'rare',
      count: 50,
      random: longest,
      expected: 60 * MINUTE,
    },
    'is five minutes near the end of a lease where each try costs one': {
      retry: 'rare',
      count: 50,
      random: longest,
      remaining: MINUTE,
      expected: 5 * MINUTE,
    },
    'is at most a quarter of what the lease has left': {
      count: 50,
      random: longest,
      remaining: 2 * MINUTE,
      expected: 30 * SECOND,
    },
    'is a second when the lease has nearly nothing left': {
      count: 50,
      random: longest,
      remaining: 100,
      expected: SECOND,
    },
    'is not shortened by a lease that has just ended': {
      count: 50,
      random: longest,
      remaining: 0,
      expected: 2 * MINUTE,
    },
    'is not shortened by a lease that has ended': {
      count: 50,
      random: longest,
      remaining: -5,
      expected: 2 * MINUTE,
    },
    'is longer from the first on where the try has cost a lease': {
      count: 1,
      random: longest,
      spent: true,
      expected: 15 * SECOND,
    },
    'is seven seconds at least where the try has cost a lease, however little is left': {
      count: 9,
      random: 0,
      spent: true,
      remaining: 4 * SECOND,
      expected: 7.5 * SECOND,
    },
    'is never shorter than the server asked': {
      count: 1,
      random: 0,
      retryAfter: 40 * SECOND,
      remaining: MINUTE,
      expected: 40 * SECOND,
    },
    'is its own where the server asked for less': {
      count: 50,
      random: longest,
      retryAfter: SECOND,
      expected: 2 * MINUTE,
    },
    'is defined for a count that is none': { count: 0, random: longest, expected: SECOND },
  };

  test.each(Object.entries(cases))(
    '%s',
    (_sentence, { retry = 'backoff', count, random, expected, ...rest }) => {
      const failure = {
        retry,
        count,
        ...(rest.spent === undefined ? {} : { spent: rest.spent }),
        ...(rest.retryAfter === undefined ? {} : { retryAfter: rest.retryAfter }),
      };
      const wait = backoff(failure, random, rest.remaining, standardTiming);
      expect(wait).toBeCloseTo(expected, -1);
    },
  );

  test('leaves room for three more tries before the lease ends, however many failed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('backoff' as const, 'slow' as const, 'change' as const),
        fc.integer({ min: 0, max: 100_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 8 * SECOND, max: 365 * DAY }),
        (retry, count, random, remaining) => {
          const wait = backoff({ retry, count }, random, remaining, standardTiming);
          expect(wait).toBeGreaterThanOrEqual(SECOND / 2);
          expect(wait).toBeLessThanOrEqual(Math.min(remaining / 4, 5 * MINUTE));
        },
      ),
    );
  });
});
