import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { NUDGE_PREFIX, nudgeKey } from '../../../src/nudge/annotation.ts';
import { nextLook, nudgesOf, timeLeft, type NewCredentials, type Pod } from '../../../src/nudge/plan.ts';
import { standardTiming } from '../../../src/timing.ts';
import { MINUTE, NOW, SECOND } from '../../support/builders.ts';

const { overlap, clockSlack } = standardTiming;
const credentials: NewCredentials = { secret: 'orders-db', lease: 'lease-2', madeAt: NOW };

function pod(change: Partial<Pod> = {}): Pod {
  return { createdAt: NOW - 10 * MINUTE, runs: true, secrets: ['other', 'orders-db'], nudges: {}, ...change };
}

describe('the key of the annotation', () => {
  test.each(['orders-db', 'orders.db-1', 'a'.repeat(63)])('of %s says its name', (name) => {
    expect(nudgeKey(name)).toBe(`${NUDGE_PREFIX}${name}`);
  });

  test('of whatever name a Secret has is one that Kubernetes takes, and its own', () => {
    const name = fc
      .stringMatching(/^[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?){0,2}$/)
      .filter(({ length }) => length <= 253);
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(nudgeKey(one)).toMatch(
          /^nudge\.leaseholder\.dev\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
        );
        expect(nudgeKey(one) === nudgeKey(other)).toBe(one === other);
      }),
    );
  });
});

interface Case {
  readonly pod?: Partial<Pod>;
  readonly credentials?: Partial<NewCredentials>;
  /** Since the lease was made. */
  readonly after?: number;
  readonly nudged: boolean;
}

const cases: Readonly<Record<string, Case>> = {
  'one that mounts the Secret': { nudged: true },
  'one that mounts another Secret': { pod: { secrets: ['other', 'orders-db-2'] }, nudged: false },
  'one that mounts none': { pod: { secrets: [] }, nudged: false },
  'one that has finished, or is being deleted': { pod: { runs: false }, nudged: false },
  'one that was nudged for this lease': {
    pod: { nudges: { [nudgeKey('orders-db')]: 'lease-2' } },
    nudged: false,
  },
  'one that was nudged for an earlier lease': {
    pod: { nudges: { [nudgeKey('orders-db')]: 'lease-1' } },
    nudged: true,
  },
  'one that was nudged for this lease in another Secret': {
    pod: { nudges: { [nudgeKey('other')]: 'lease-2' } },
    nudged: true,
  },
  'one that is as old as the lease, for all that is known': {
    pod: { createdAt: NOW + clockSlack },
    nudged: true,
  },
  'one that is younger than the lease': { pod: { createdAt: NOW + clockSlack + 1 }, nudged: false },
  'the last moment in which it is of use': { after: overlap - 1, nudged: true },
  'when its kubelet has looked by itself': { after: overlap, nudged: false },
  'long after': { after: 60 * MINUTE, nudged: false },
};

describe('whether a pod is nudged', () => {
  test.each(Object.entries(cases))('%s', (_what, { pod: change, credentials: other, after = 0, nudged }) => {
    const pods = [pod({ secrets: [] }), pod(change)];
    const nudges = nudgesOf({ ...credentials, ...other }, pods, NOW + after, standardTiming);
    expect(nudges).toEqual(nudged ? [pods[1]] : []);
  });
});

describe('the time that is left', () => {
  test.each([
    ['at the start', 0, overlap],
    ['in between', 30 * SECOND, overlap - 30 * SECOND],
    ['at the end', overlap, 0],
    ['after it', 10 * overlap, 0],
  ])('%s', (_when, after, left) => {
    expect(timeLeft(credentials, NOW + after, standardTiming)).toBe(left);
  });
});

describe('another look', () => {
  test.each<[what: string, wait: number, left: number, again: number | undefined]>([
    ['comes after the wait', 5 * SECOND, MINUTE, 5 * SECOND],
    ['comes at once', 0, MINUTE, 0],
    ['does not come when it would be too late', MINUTE, MINUTE, undefined],
    ['does not come when it is too late already', 0, 0, undefined],
  ])('%s', (_what, wait, left, again) => {
    expect(nextLook(wait, left)).toBe(again);
  });
});

const secret = fc.constantFrom('orders-db', 'other', 'third');
const lease = fc.constantFrom('lease-1', 'lease-2');
const moment = fc.integer({ min: -5 * MINUTE, max: 5 * MINUTE }).map((after) => NOW + after);
const somePod: fc.Arbitrary<Pod> = fc.record({
  createdAt: moment,
  runs: fc.boolean(),
  secrets: fc.uniqueArray(secret),
  nudges: fc.dictionary(secret.map(nudgeKey), lease),
});
const someCredentials = fc.record({ secret, lease, madeAt: moment });

/** Holds whatever pods there are. */
function always(rule: (of: NewCredentials, pods: readonly Pod[], now: number) => void): void {
  fc.assert(fc.property(someCredentials, fc.array(somePod, { maxLength: 6 }), moment, rule), {
    numRuns: 1000,
  });
}

describe('whatever pods there are', () => {
  test('none is nudged that does not mount the Secret, or does not run', () => {
    always((of, pods, now) => {
      const nudged = nudgesOf(of, pods, now, standardTiming);
      expect(nudged.filter(({ secrets, runs }) => !runs || !secrets.includes(of.secret))).toEqual([]);
    });
  });

  test('those that were nudged are not nudged again', () => {
    always((of, pods, now) => {
      const nudged = new Set(nudgesOf(of, pods, now, standardTiming));
      const after = pods.map((one) =>
        nudged.has(one) ? { ...one, nudges: { ...one.nudges, [nudgeKey(of.secret)]: of.lease } } : one,
      );
      expect(nudgesOf(of, after, now, standardTiming)).toEqual([]);
    });
  });

  test('it comes to an end: who is not nudged in time never is', () => {
    always((of, pods, now) => {
      const late = Math.max(now, of.madeAt + overlap);
      expect(nudgesOf(of, pods, late, standardTiming)).toEqual([]);
    });
  });

  test('each is judged by itself', () => {
    always((of, pods, now) => {
      const alone = pods.flatMap((one) => nudgesOf(of, [one], now, standardTiming));
      expect(nudgesOf(of, pods, now, standardTiming)).toEqual(alone);
    });
  });
});
