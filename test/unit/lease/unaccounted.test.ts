import { describe, expect, test } from 'vitest';

import type { Unaccounted } from '../../../src/api/dynamic-secret-lease.ts';
import { fault } from '../../../src/errors.ts';
import { decide } from '../../../src/lease/decide.ts';
import { report } from '../../../src/lease/report.ts';
import { unaccountedMore, unaccountedOf, unaccountedPerhaps } from '../../../src/lease/unaccounted.ts';
import {
  aNewInput,
  anInput,
  aRef,
  aSpec,
  aStatus,
  HOUR,
  instant,
  MINUTE,
  NOW,
  SECOND,
  valid,
} from '../../support/builders.ts';
import { expected, inWords, leaseStep, type Decision } from '../../support/plans.ts';

const { projectSlug, environmentSlug, path, dynamicSecret } = aRef();
const held = {
  do: 'refuse',
  fault: fault('Unaccounted', { projectSlug, environmentSlug, path, dynamicSecret }),
} as const;
const policy = 'there must be a live lease in the Secret';
const first = { policy, step: leaseStep('first') };

function counted(count: number, lastAt: number, until = HOUR): Unaccounted {
  return { count, lastAt: instant(lastAt), until: instant(until) };
}

function remembered(unaccounted: Unaccounted): Decision['input'] {
  return aNewInput({ memory: { unaccounted } });
}

const rows: Record<string, Decision> = {
  'none holds nothing back': { input: aNewInput(), ...first },
  'one holds the next request back for 90 s': {
    input: remembered(counted(1, -30 * SECOND)),
    policy,
    step: held,
    again: MINUTE,
  },
  'one that is 90 s old holds nothing back': { input: remembered(counted(1, -90 * SECOND)), ...first },
  'two hold it back until what they may have made has ended': {
    input: remembered(counted(2, -10 * MINUTE)),
    policy,
    step: held,
    again: HOUR,
  },
  'more than two, by whatever accident, do the same': {
    input: remembered(counted(7, -10 * MINUTE)),
    policy,
    step: held,
    again: HOUR,
  },
  'two whose leases have ended hold nothing back': { input: remembered(counted(2, -2 * HOUR, 0)), ...first },
  'the status speaks for a process before this one': {
    input: aNewInput({ object: { status: { unaccounted: counted(2, -10 * MINUTE) } } }),
    policy,
    step: held,
    again: HOUR,
  },
  'what this process remembers is newer than the status': {
    input: aNewInput({
      object: { status: { unaccounted: counted(1, -10 * MINUTE) } },
      memory: { unaccounted: counted(2, -MINUTE, 2 * HOUR) },
    }),
    policy,
    step: held,
    again: 2 * HOUR,
  },
  "they are read against the Kubernetes API's clock while the server's time is not known": {
    input: aNewInput({
      memory: { unaccounted: counted(1, -30 * SECOND) },
      now: { lease: undefined, kube: NOW + 30 * SECOND },
    }),
    policy,
    step: held,
    again: 30 * SECOND,
  },
  'a time that cannot be read counts as none': {
    input: remembered({ count: 2, lastAt: 'then', until: 'some day' }),
    ...first,
  },
  'they hold a due rotation back, too': {
    input: anInput({
      object: { status: aStatus({ rotateAt: instant(0) }) },
      memory: { unaccounted: counted(2, -MINUTE) },
    }),
    policy: 'a lease is replaced before its end',
    step: held,
    again: HOUR,
  },
  'they do not hold a renewal back': {
    input: anInput({
      object: {
        spec: valid(aSpec({ rotation: { strategy: 'Renew' } })),
        status: aStatus({
          rotateAt: instant(0),
          dynamicSecret: { id: 'd', name: 'orders-postgres', type: 'sql-database' },
        }),
      },
      memory: { unaccounted: counted(2, -MINUTE) },
    }),
    policy: 'a lease is replaced before its end',
    step: { do: 'renew', ref: aRef() },
  },
};

describe('requests of unknown fate', () => {
  test.each(Object.entries(rows))('%s', (_sentence, row) => {
    expect(inWords(decide(row.input))).toEqual(expected(row));
  });

  test('are told by the status as long as one of them counts', () => {
    const unaccounted = counted(1, -MINUTE);
    const input = anInput({ memory: { unaccounted } });
    expect(report(input, input.object, undefined).unaccounted).toEqual(unaccounted);
    const later = anInput({ memory: { unaccounted }, now: { lease: NOW + HOUR } });
    expect(unaccountedOf(later)).toBeUndefined();
    expect(report(later, later.object, undefined)).not.toHaveProperty('unaccounted');
  });
});

describe('one request more', () => {
  test('is the first', () => {
    expect(unaccountedMore(undefined, NOW, NOW + HOUR)).toEqual({
      count: 1,
      lastAt: instant(0),
      until: instant(HOUR),
    });
  });

  test('adds to those before it; the latest end counts', () => {
    expect(unaccountedMore(counted(1, -MINUTE, 2 * HOUR), NOW, NOW + HOUR)).toMatchObject({
      count: 2,
      lastAt: instant(0),
      until: instant(2 * HOUR),
    });
    expect(unaccountedMore(counted(1, -MINUTE, HOUR), NOW, NOW + 2 * HOUR)).toMatchObject({
      until: instant(2 * HOUR),
    });
  });

  test('is never counted for less long than it may live, though instants are told in seconds', () => {
    const { until } = unaccountedMore(undefined, NOW, NOW + HOUR + 1);
    expect(Date.parse(until)).toBeGreaterThanOrEqual(NOW + HOUR + 1);
  });

  test('that is only suspected counts once, however often', () => {
    const once = unaccountedPerhaps(undefined, NOW, NOW + HOUR);
    expect(once.count).toBe(1);
    expect(unaccountedPerhaps(once, NOW + MINUTE, NOW + 2 * HOUR)).toEqual({
      count: 1,
      lastAt: instant(MINUTE),
      until: instant(2 * HOUR),
    });
    expect(unaccountedPerhaps(counted(2, 0), NOW, NOW + HOUR).count).toBe(2);
  });
});
