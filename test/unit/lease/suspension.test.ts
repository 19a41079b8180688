import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/lease/decide.ts';
import { report } from '../../../src/lease/report.ts';
import {
  absent,
  anInput,
  anOpenRequest,
  aRef,
  aSpec,
  aStatus,
  ELAPSED,
  HOUR,
  inHand,
  instant,
  MINUTE,
  NOW,
  ourSecret,
  refused,
  SECOND,
  valid,
  type InputParts,
} from '../../support/builders.ts';
import { expected, inWords, wait, type Decision } from '../../support/plans.ts';

const policy = 'nothing while suspended';
const suspended: NonNullable<InputParts['object']> = { spec: valid(aSpec({ suspend: true })) };
const untilTheEnd = { policy, step: wait, again: 50 * MINUTE };

const rows: Record<string, Decision> = {
  'the next look is at the end of the lease': { input: anInput({ object: suspended }), ...untilTheEnd },
  'a lease that is due is not replaced': {
    input: anInput({ object: { ...suspended, status: aStatus({ rotateAt: instant(-MINUTE) }) } }),
    ...untilTheEnd,
  },
  'a lease that was asked for is not requested': {
    input: anInput({ object: { ...suspended, rotate: 'now' } }),
    ...untilTheEnd,
  },
  'an expired lease is not replaced: only an event changes anything': {
    input: anInput({ object: suspended, now: { lease: NOW + HOUR } }),
    policy,
    step: wait,
  },
  'a deleted Secret is not healed': {
    input: anInput({ object: suspended, secret: absent }),
    policy,
    step: wait,
  },
  'an edited Secret is not healed': {
    input: anInput({ object: suspended, secret: ourSecret({ data: 'edited' }) }),
    ...untilTheEnd,
  },
  'a Secret that somebody has written is not read': {
    input: anInput({ object: suspended, secret: ourSecret({ data: 'unknown' }) }),
    ...untilTheEnd,
  },
  'labels are not patched': {
    input: anInput({ object: suspended, secret: ourSecret({ dressed: false }) }),
    ...untilTheEnd,
  },
  'nothing is revoked': {
    input: anInput({
      object: {
        ...suspended,
        status: aStatus({ retiring: [{ ...aRef({ id: 'old' }), revokeAfter: instant(-MINUTE) }] }),
      },
      memory: { discarded: [aRef({ id: 'discarded' })] },
    }),
    ...untilTheEnd,
  },
  'a connection that does not work is of no interest': {
    input: anInput({ object: suspended, connection: refused() }),
    ...untilTheEnd,
  },
  'no finalizer is added': {
    input: anInput({ object: { ...suspended, hasFinalizer: false, status: {} }, secret: absent }),
    policy,
    step: wait,
  },
  'a lease in hand is delivered all the same': {
    input: anInput({ object: suspended, memory: { inHand: inHand() } }),
    policy: 'deliver what is in hand',
    step: { do: 'deliver', inHand: inHand() },
  },
  'an open request is settled all the same': {
    input: anInput({ object: suspended, memory: { open: anOpenRequest() } }),
    policy: 'settle the open request',
    step: { do: 'settle', open: anOpenRequest() },
  },
  'a deletion revokes all the same': {
    input: anInput({ object: { ...suspended, deletedAt: NOW } }),
    policy: 'revoke before letting go',
    step: wait,
    again: 10 * MINUTE,
    revokes: ['lease-1'],
  },
  'false is as if nothing were said': {
    input: anInput({ object: { spec: valid(aSpec({ suspend: false })) } }),
    policy: 'all is well',
    step: wait,
    again: 30 * MINUTE,
  },
};

describe('while an object is suspended', () => {
  test.each(Object.entries(rows))('%s', (_sentence, row) => {
    expect(inWords(decide(row.input))).toEqual(expected(row));
  });
});

describe('the conditions of a suspended object', () => {
  const cases: Record<string, { parts: InputParts; words: readonly string[] }> = {
    'say Ready with a live lease': {
      parts: {},
      words: ['True LeaseActive', 'False Suspended', 'False Accepted'],
    },
    'say Ready to the last moment': {
      parts: { now: { lease: NOW + 50 * MINUTE - 1 } },
      words: ['True LeaseActive', 'False Suspended', 'False Accepted'],
    },
    'say Suspended from the end of the lease on': {
      parts: { now: { lease: NOW + 50 * MINUTE } },
      words: ['False Suspended', 'True Suspended', 'False Accepted'],
    },
    'say Suspended without a Secret': {
      parts: { secret: absent },
      words: ['False Suspended', 'True Suspended', 'False Accepted'],
    },
    'speak of no fault from before': {
      parts: { connection: refused(), memory: { healedAt: ELAPSED - SECOND } },
      words: ['True LeaseActive', 'False Suspended', 'False Accepted'],
    },
    'say Revoking when it is being deleted': {
      parts: { object: { deletedAt: NOW } },
      words: ['False Revoking', 'True Revoking', 'False Accepted'],
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { parts, words }) => {
    const input = anInput({ ...parts, object: { ...suspended, ...parts.object } });
    const { conditions = [] } = report(input, input.object, undefined);
    expect(conditions.map(({ status, reason }) => `${status} ${reason}`)).toEqual(words);
  });
});
