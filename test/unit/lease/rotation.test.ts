import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/lease/decide.ts';
import type { KnownLease } from '../../../src/lease/input.ts';
import { rotateAtOf, spanOf } from '../../../src/lease/current.ts';
import {
  aKnownLease,
  anInput,
  aRecord,
  aRef,
  aSpec,
  aStatus,
  ELAPSED,
  HOUR,
  instant,
  MINUTE,
  NOW,
  ourSecret,
  SECOND,
  valid,
  type InputParts,
} from '../../support/builders.ts';
import { expected, inWords, leaseStep, wait, type Decision } from '../../support/plans.ts';

const asked = 'a new lease was asked for';
const due = 'a lease is replaced before its end';
const well = { policy: 'all is well', step: wait, again: 30 * MINUTE };
const answered = (rotate: string): InputParts => ({ secret: ourSecret({ record: aRecord({ rotate }) }) });
const renewing = valid(aSpec({ rotation: { strategy: 'Renew' } }));
const dueNow = aStatus({
  rotateAt: instant(0),
  dynamicSecret: { id: 'd', name: 'orders-postgres', type: 'sql-database' },
});

const rows: Record<string, Decision> = {
  'a value that no lease has answered asks for one': {
    input: anInput({ object: { rotate: 'a' } }),
    policy: asked,
    step: leaseStep('asked', 'lease-1'),
  },
  'another value than the one answered asks for one': {
    input: anInput({ object: { rotate: 'b' }, ...answered('a') }),
    policy: asked,
    step: leaseStep('asked', 'lease-1'),
  },
  'the value that the record answers asks for nothing': {
    input: anInput({ object: { rotate: 'a' }, ...answered('a') }),
    ...well,
  },
  'an annotation that is gone asks for nothing': { input: anInput(answered('a')), ...well },
  'a lease that only the record names is replaced when asked, and left to end': {
    input: anInput({
      object: { rotate: 'a' },
      memory: { attestations: new Map([['lease-1', { verdict: 'unattested' }]]) },
    }),
    policy: asked,
    step: leaseStep('asked'),
  },
  'a lease that is due is renewed where the spec says so': {
    input: anInput({ object: { spec: renewing, status: dueNow } }),
    policy: due,
    step: { do: 'renew', ref: aRef() },
  },
  'a lease that is asked for is never a renewed one': {
    input: anInput({ object: { spec: renewing, status: dueNow, rotate: 'a' } }),
    policy: asked,
    step: leaseStep('asked', 'lease-1'),
  },
  'a lease that is not due is not renewed': {
    input: anInput({ object: { spec: renewing } }),
    ...well,
  },
  'a lease of another target is replaced, not renewed': {
    input: anInput({
      object: {
        spec: valid(
          aSpec({
            rotation: { strategy: 'Renew' },
            dynamicSecret: { ...aSpec().dynamicSecret, path: '/eu' },
          }),
        ),
        status: dueNow,
      },
    }),
    policy: 'the lease must be of what the spec targets',
    step: leaseStep('target-changed', 'lease-1'),
  },
  'a lease whose renewal was refused is replaced': {
    input: anInput({
      object: { spec: renewing, status: dueNow },
      memory: { unrenewable: new Set(['lease-1']) },
    }),
    policy: due,
    step: leaseStep('due', 'lease-1', false),
  },
  'a lease that was renewed a moment ago and seems due again waits a little: no storm': {
    input: anInput({
      object: { spec: renewing, status: dueNow },
      memory: { known: new Map([['lease-1', { ...aKnownLease(aRef()), issuedAt: ELAPSED - 10 * SECOND }]]) },
    }),
    policy: due,
    step: wait,
    again: 20 * SECOND,
  },
};

describe('when a lease makes way', () => {
  test.each(Object.entries(rows))('%s', (_sentence, row) => {
    expect(inWords(decide(row.input))).toEqual(expected(row));
  });
});

/** A lease of an hour, made 50 minutes ago and renewed 20 minutes ago for an hour more. */
const end = instant(70 * MINUTE);
const renewed: KnownLease = {
  ...aKnownLease(aRef({ expireAt: end }), { createdAt: instant(-50 * MINUTE), expireAt: end }),
  renewedAt: instant(-20 * MINUTE),
  renewals: 1,
};

describe('the time to act after a renewal', () => {
  const span = { createdAt: NOW - 20 * MINUTE, expireAt: NOW + 70 * MINUTE };

  test('is a share of what was left at the renewal', () => {
    const input = anInput({ memory: { known: new Map([['lease-1', renewed]]) } });
    expect(spanOf(input, input.object, renewed.ref)).toEqual(span);
    const moment = rotateAtOf(input, input.object, renewed.ref);
    // A third of 90 minutes before the end, and at most a tenth of them earlier.
    expect(moment).toBeLessThanOrEqual(span.expireAt - 0.33 * 90 * MINUTE);
    expect(moment).toBeGreaterThanOrEqual(span.expireAt - 0.43 * 90 * MINUTE);
  });

  test('is the same after a restart, by what the status says', () => {
    const lease = {
      ...renewed.ref,
      createdAt: instant(-50 * MINUTE),
      renewedAt: instant(-20 * MINUTE),
      renewals: 1,
    };
    const input = anInput({ object: { status: aStatus({ lease }) } });
    expect(spanOf(input, input.object, renewed.ref)).toEqual(span);
  });

  test('is computed anew where the status still speaks of the old end', () => {
    const status = aStatus({ rotateAt: instant(-MINUTE) });
    const input = anInput({ object: { status }, memory: { known: new Map([['lease-1', renewed]]) } });
    expect(rotateAtOf(input, input.object, renewed.ref)).toBeGreaterThan(NOW);
  });

  test('stands as the status says it where that speaks of the new end', () => {
    const lease = { ...renewed.ref, createdAt: instant(-50 * MINUTE) };
    const status = aStatus({ lease, rotateAt: instant(HOUR) });
    const input = anInput({ object: { status }, memory: { known: new Map([['lease-1', renewed]]) } });
    expect(rotateAtOf(input, input.object, renewed.ref)).toBe(NOW + HOUR);
  });
});
