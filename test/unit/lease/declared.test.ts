import { describe, expect, test } from 'vitest';

import { fault } from '../../../src/errors.ts';
import { decide } from '../../../src/lease/decide.ts';
import { report } from '../../../src/lease/report.ts';
import type { LeaseStatus } from '../../../src/api/dynamic-secret-lease.ts';
import type { Declaration } from '../../../src/lease/target.ts';
import type { LeaseRef } from '../../../src/api/lease.ts';
import {
  aDeclaration,
  aKnownLease,
  anInput,
  aNewInput,
  anOpenRequest,
  aRecord,
  aReferringSpec,
  aRef,
  aStatus,
  inHand,
  instant,
  known,
  MINUTE,
  NOW,
  ourSecret,
  valid,
  type InputParts,
} from '../../support/builders.ts';
import { expected, inWords, leaseStep, wait, type Decision } from '../../support/plans.ts';

const ID = 'dynamic-secret-id';
const referring = valid(aReferringSpec());
const renamed = aDeclaration({}, { name: 'renamed' });
const anew = aDeclaration({}, { id: 'another-id' });
const leaving = aDeclaration({ deletedAt: NOW });
const unmade = aDeclaration({ status: {} });

/** An object with a live lease of what its DynamicSecret declared, by the name of then. */
function leased(
  parts: InputParts = {},
  ref: LeaseRef = aRef({ dynamicSecretId: ID }),
): ReturnType<typeof anInput> {
  const status = aStatus({ lease: { ...ref, createdAt: instant(-10 * MINUTE) } });
  const secret = ourSecret({ record: aRecord({ lease: ref }) });
  return anInput({ secret, ...parts, object: { spec: referring, status, ...parts.object } });
}

const needed = 'what the spec targets must be there';
const announced = 'the finalizer and the place come before the lease';
const targeted = 'the lease must be of what the spec targets';
const refusal = (
  code: 'DynamicSecretNotFound' | 'DynamicSecretNotReady' | 'DynamicSecretDeleted',
): Decision['step'] => ({ do: 'refuse', fault: fault(code, { name: 'orders' }) });

const decisions: Record<string, Decision> = {
  'a DynamicSecret that is not there is waited for': {
    input: aNewInput({ object: { spec: referring }, declared: [] }),
    policy: needed,
    step: refusal('DynamicSecretNotFound'),
  },
  'so is one that is not on the server yet': {
    input: aNewInput({ object: { spec: referring }, declared: [unmade] }),
    policy: needed,
    step: refusal('DynamicSecretNotReady'),
  },
  'nothing is leased of one that is being deleted': {
    input: aNewInput({ object: { spec: referring }, declared: [leaving] }),
    policy: needed,
    step: refusal('DynamicSecretDeleted'),
  },
  'the first lease is asked for where the DynamicSecret says': {
    input: aNewInput({ object: { spec: referring } }),
    policy: 'there must be a live lease in the Secret',
    step: leaseStep('first'),
  },
  'the end of a lease whose DynamicSecret is being deleted is waited for': {
    input: leased({ declared: [leaving] }),
    policy: needed,
    step: refusal('DynamicSecretDeleted'),
    again: 50 * MINUTE,
  },
  'a lease that is due is not replaced while its DynamicSecret is being deleted': {
    input: leased({ declared: [leaving], now: { lease: NOW + 40 * MINUTE } }),
    policy: needed,
    step: refusal('DynamicSecretDeleted'),
    again: 10 * MINUTE,
  },
  'a lease in hand is delivered also while its DynamicSecret is being deleted': {
    input: leased({ declared: [leaving], memory: { inHand: inHand() } }),
    policy: 'deliver what is in hand',
    step: { do: 'deliver', inHand: inHand() },
  },
  'an open request is settled also when the DynamicSecret is gone': {
    input: leased({ declared: [], memory: { open: anOpenRequest() } }),
    policy: 'settle the open request',
    step: { do: 'settle', open: anOpenRequest() },
  },
  'leases are revoked also when the DynamicSecret is gone': {
    input: leased({ declared: [], memory: { discarded: [aRef({ id: 'refused' })] } }),
    policy: needed,
    step: refusal('DynamicSecretNotFound'),
    again: 50 * MINUTE,
    revokes: ['refused'],
  },
  'a lease goes on under the new name of its dynamic secret, which is noted': {
    input: leased({ declared: [renamed], object: { asked: [] } }),
    policy: announced,
    step: { do: 'announce' },
  },
  'nothing is asked for because of a new name': {
    input: leased({ declared: [renamed] }),
    policy: 'all is well',
    step: wait,
    again: 30 * MINUTE,
  },
  'nor where only the answer to the request told the id': {
    input: leased({ declared: [renamed], memory: { known: known(aRef()) } }, aRef()),
    policy: 'all is well',
    step: wait,
    again: 30 * MINUTE,
  },
  'nor where only the status tells it': {
    input: leased(
      {
        declared: [renamed],
        object: { status: { ...aStatus(), dynamicSecret: { id: ID, name: 'x', type: 'y' } } },
      },
      aRef(),
    ),
    policy: 'all is well',
    step: wait,
    again: 30 * MINUTE,
  },
  'a lease of a dynamic secret that was made anew is replaced at once': {
    input: leased({ declared: [anew] }),
    policy: targeted,
    step: { ...leaseStep('target-changed'), replaced: aRef({ dynamicSecretId: ID }) } as Decision['step'],
  },
  'a lease of another name without an id is replaced at once': {
    input: leased({ declared: [renamed] }, aRef()),
    policy: targeted,
    step: { ...leaseStep('target-changed'), replaced: aRef() } as Decision['step'],
  },
  'a deletion asks for no DynamicSecret': {
    input: leased({ declared: [], object: { deletedAt: NOW } }),
    policy: 'revoke before letting go',
    step: wait,
    again: 10 * MINUTE,
    revokes: ['lease-1'],
  },
};

describe('what a DynamicSecret declares is leased', () => {
  test.each(Object.entries(decisions))('%s', (_sentence, decision) => {
    expect(inWords(decide(decision.input))).toEqual(expected(decision));
  });
});

const was = (status: 'True' | 'False', generation = 1): Pick<LeaseStatus, 'conditions'> => ({
  conditions: [
    {
      type: 'Ready',
      status,
      observedGeneration: generation,
      lastTransitionTime: instant(0),
      reason: 'LeaseActive',
      message: '',
    },
  ],
});

/** The conditions as "Ready True LeaseActive". */
function conditions(parts: InputParts, ref?: LeaseRef): readonly string[] {
  const input = leased(parts, ref);
  const { step } = decide(input);
  const { conditions: said = [] } = report(
    input,
    input.object,
    step.do === 'refuse' ? step.fault : undefined,
  );
  return said.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

const withReady = (declared: readonly Declaration[], ready: Pick<LeaseStatus, 'conditions'>): InputParts => ({
  declared,
  object: {
    status: aStatus({ lease: { ...aRef({ dynamicSecretId: ID }), createdAt: instant(0) }, ...ready }),
  },
});

describe('the status of a lease that a DynamicSecret declares', () => {
  const rows: Record<string, { parts: InputParts; ref?: LeaseRef; said: readonly string[] }> = {
    'is ready under the new name': {
      parts: { declared: [renamed] },
      said: ['Ready True LeaseActive', 'Reconciling False Settled', 'Stalled False Accepted'],
    },
    'says that it will have no successor while it lives': {
      parts: { declared: [leaving] },
      said: ['Ready True LeaseActive', 'Reconciling True DynamicSecretDeleted', 'Stalled False Accepted'],
    },
    'says that it has none when it has ended': {
      parts: { declared: [leaving], now: { lease: NOW + 51 * MINUTE } },
      said: [
        'Ready False DynamicSecretDeleted',
        'Reconciling False Settled',
        'Stalled True DynamicSecretDeleted',
      ],
    },
    'stays ready when the DynamicSecret is gone': {
      parts: withReady([], was('True')),
      said: ['Ready True LeaseActive', 'Reconciling True DynamicSecretNotFound', 'Stalled False Accepted'],
    },
    'is not ready when the spec has come to refer to another since': {
      parts: withReady([unmade], was('True', 0)),
      said: [
        'Ready False DynamicSecretNotReady',
        'Reconciling True DynamicSecretNotReady',
        'Stalled False Accepted',
      ],
    },
    'does not become ready while the DynamicSecret is gone': {
      parts: withReady([], was('False')),
      said: [
        'Ready False DynamicSecretNotFound',
        'Reconciling True DynamicSecretNotFound',
        'Stalled False Accepted',
      ],
    },
    'is not ready when the dynamic secret was made anew': {
      parts: { declared: [anew] },
      said: ['Ready False Leasing', 'Reconciling True Leasing', 'Stalled False Accepted'],
    },
  };

  test.each(Object.entries(rows))('%s', (_sentence, { parts, ref, said }) => {
    expect(conditions(parts, ref)).toEqual(said);
  });

  test('keeps the id in the lease', () => {
    const ref = aRef({ dynamicSecretId: ID });
    const input = leased({ memory: { known: new Map([[ref.id, aKnownLease(ref)]]) } });
    expect(report(input, input.object, undefined).lease?.dynamicSecretId).toBe(ID);
  });
});
