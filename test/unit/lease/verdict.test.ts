import { describe, expect, test } from 'vitest';

import { fault } from '../../../src/errors.ts';
import { decide } from '../../../src/lease/decide.ts';
import {
  anInput,
  aRef,
  aSpec,
  aStatus,
  instant,
  MINUTE,
  NOW,
  SECOND,
  valid,
  type InputParts,
} from '../../support/builders.ts';
import { expected, inWords, leaseStep, type Decision } from '../../support/plans.ts';

const otherPath = valid(aSpec({ dynamicSecret: { ...aSpec().dynamicSecret, path: '/eu' } }));
const full = fault('RetiringFull', { most: 16 });

/** Sixteen replaced leases; the first of them ends 20 minutes from now. */
const sixteen = Array.from({ length: 16 }, (_, index) =>
  aRef({ id: `old-${String(index)}`, expireAt: instant((index + 20) * MINUTE) }),
);
const [first] = sixteen;

function crowded(object: NonNullable<InputParts['object']>, parts: InputParts = {}): Decision['input'] {
  return anInput({ ...parts, object: { status: aStatus({ retiring: sixteen }), ...object } });
}

const dueNow = { status: aStatus({ retiring: sixteen, rotateAt: instant(0) }) };

const rows: Record<string, Decision> = {
  'a changed target waits': {
    input: crowded({ spec: otherPath }),
    policy: 'the lease must be of what the spec targets',
    step: { do: 'refuse', fault: full },
    again: 20 * MINUTE + SECOND,
  },
  'a lease that is asked for waits': {
    input: crowded({ rotate: 'now' }),
    policy: 'a new lease was asked for',
    step: { do: 'refuse', fault: full },
    again: 20 * MINUTE + SECOND,
  },
  'nobody waits for longer than until the present lease is due': {
    input: crowded({
      spec: otherPath,
      status: aStatus({ retiring: sixteen, rotateAt: instant(5 * MINUTE) }),
    }),
    policy: 'the lease must be of what the spec targets',
    step: { do: 'refuse', fault: full },
    again: 5 * MINUTE,
  },
  'a changed target crowds out the one that ends first once the present lease is due': {
    input: crowded({ spec: otherPath, ...dueNow }),
    policy: 'the lease must be of what the spec targets',
    step: leaseStep('target-changed', 'lease-1', true, first),
  },
  'a lease that is asked for does so too': {
    input: crowded({ rotate: 'now', ...dueNow }),
    policy: 'a new lease was asked for',
    step: leaseStep('asked', 'lease-1', true, first),
  },
  'a due rotation crowds out the one that ends first': {
    input: crowded(dueNow),
    policy: 'a lease is replaced before its end',
    step: leaseStep('due', 'lease-1', false, first),
  },
  'a lost lease is replaced: there is nothing to list of it': {
    input: crowded({}, { memory: { settled: new Set(['lease-1']) } }),
    policy: 'there must be a live lease in the Secret',
    step: leaseStep('lost'),
  },
  'a deleted Secret is healed, and the one that ends first crowded out': {
    input: crowded({}, { secret: { state: 'absent' } }),
    policy: 'there must be a live lease in the Secret',
    step: leaseStep('secret-deleted', 'lease-1', true, first),
  },
  'one that has been revoked makes room': {
    input: crowded({ rotate: 'now' }, { memory: { settled: new Set(['old-7']) } }),
    policy: 'a new lease was asked for',
    step: leaseStep('asked', 'lease-1'),
  },
  'one that has ended makes room': {
    input: crowded(
      { rotate: 'now', status: aStatus({ retiring: sixteen, rotateAt: instant(45 * MINUTE) }) },
      { now: { lease: NOW + 20 * MINUTE + SECOND } },
    ),
    policy: 'a new lease was asked for',
    step: leaseStep('asked', 'lease-1'),
  },
};

describe('when sixteen replaced leases are alive', () => {
  test.each(Object.entries(rows))('%s', (_sentence, row) => {
    expect(inWords(decide(row.input))).toEqual(expected(row));
  });
});
