import { describe, expect, test } from 'vitest';

import { fault } from '../../../src/errors.ts';
import { decide } from '../../../src/lease/decide.ts';
import {
  aNewInput,
  anIdentity,
  aPlace,
  anInput,
  anOpenRequest,
  aRecord,
  aRef,
  aSpec,
  ELAPSED,
  failures,
  foreign,
  HOUR,
  inHand,
  instant,
  invalidSpec,
  known,
  MINUTE,
  NOW,
  ourSecret,
  refused,
  SECOND,
  usable,
  valid,
} from '../../support/builders.ts';
import { expected, inWords, leaseStep, wait, type Decision } from '../../support/plans.ts';

const live = 'there must be a live lease in the Secret';
const contended = fault('Contended', { secret: 'orders-db' });
const other = ourSecret({ record: aRecord({ lease: aRef({ id: 'lease-2' }), previous: [aRef()] }) });

/** A process that has just started finds in the status that something was tried in vain, and the wait over. */
function afterRestart({ reason, generation = 1, tried = false }: Restart): Decision['input'] {
  const attempts = { count: 3, reason, nextAt: instant(-MINUTE) };
  return aNewInput({
    object: { generation, status: { observedGeneration: 1, attempts } },
    memory: { tried },
  });
}

interface Restart {
  readonly reason: string;
  readonly generation?: number;
  readonly tried?: boolean;
}

const announced = 'the finalizer and the place come before the lease';
const otherPath = valid(aSpec({ dynamicSecret: { ...aSpec().dynamicSecret, path: '/eu' } }));

const rows: Record<string, Decision> = {
  'a lease in hand is delivered': {
    input: aNewInput({ memory: { inHand: inHand() } }),
    policy: 'deliver what is in hand',
    step: { do: 'deliver', inHand: inHand() },
  },
  'a delivery that failed waits for its next try': {
    input: aNewInput({ memory: { inHand: inHand(aRef(), ELAPSED + 700) } }),
    policy: 'deliver what is in hand',
    step: wait,
    again: 700,
  },
  'a request without an answer is settled': {
    input: aNewInput({ memory: { open: anOpenRequest() } }),
    policy: 'settle the open request',
    step: { do: 'settle', open: anOpenRequest() },
  },
  'between two lists a request without an answer waits': {
    input: aNewInput({ memory: { open: anOpenRequest({ lookAt: ELAPSED + 15_000 }) } }),
    policy: 'settle the open request',
    step: wait,
    again: 15_000,
  },
  'a spec that is not in order is refused': {
    input: aNewInput({ object: { spec: invalidSpec } }),
    policy: 'the spec must be in order',
    step: { do: 'refuse', fault: invalidSpec.fault },
  },
  'a connection that is not in order is refused, until an event tells': {
    input: aNewInput({ connection: refused() }),
    policy: 'the connection must be in order',
    step: { do: 'refuse', fault: refused().fault },
  },
  'a connection that is looked at again by itself says when': {
    input: aNewInput({ connection: refused(undefined, 20_000) }),
    policy: 'the connection must be in order',
    step: { do: 'refuse', fault: refused().fault },
    again: 20_000,
  },
  'under a refused connection the end of the live lease is not slept through': {
    input: anInput({ connection: refused() }),
    policy: 'the connection must be in order',
    step: { do: 'refuse', fault: refused().fault },
    again: 50 * MINUTE,
  },
  "the end of a lease is the server's moment, not that of the Kubernetes API": {
    input: anInput({ connection: refused(), now: { lease: NOW + 20 * MINUTE, kube: NOW - HOUR } }),
    policy: 'the connection must be in order',
    step: { do: 'refuse', fault: refused().fault },
    again: 30 * MINUTE,
  },
  "without the server's time it is that of the Kubernetes API": {
    input: anInput({ connection: refused(), now: { lease: undefined, kube: NOW + 20 * MINUTE } }),
    policy: 'the connection must be in order',
    step: { do: 'refuse', fault: refused().fault },
    again: 30 * MINUTE,
  },
  'under a refused connection a lease that has ended is not waited for': {
    input: anInput({ connection: refused(), now: { lease: NOW + 50 * MINUTE } }),
    policy: 'the connection must be in order',
    step: { do: 'refuse', fault: refused().fault },
  },
  'a target that was never asked for is noted before it is': {
    input: anInput({ object: { spec: otherPath, asked: [] } }),
    policy: announced,
    step: { do: 'announce' },
  },
  'so is another server': {
    input: anInput({
      object: { asked: [{ ...aPlace(), path: '/eu' }] },
      connection: { ...usable, identity: anIdentity({ host: 'https://eu.example.com' }) },
    }),
    policy: announced,
    step: { do: 'announce' },
  },
  'a note that somebody takes away is not written again and again': {
    input: aNewInput({ object: { asked: [] }, memory: { announced: aPlace() } }),
    policy: live,
    step: leaseStep('first'),
  },
  'a target that the lease in use has needs no note': {
    input: anInput({ object: { asked: [] } }),
    policy: 'all is well',
    step: wait,
    again: 30 * MINUTE,
  },
  'the finalizer is added before the first lease': {
    input: aNewInput({ object: { hasFinalizer: false } }),
    policy: announced,
    step: { do: 'announce' },
  },
  'a finalizer that somebody removed is added again': {
    input: anInput({ object: { hasFinalizer: false } }),
    policy: announced,
    step: { do: 'announce' },
  },
  "somebody else's Secret is refused under the name that the spec gives": {
    input: aNewInput({ object: { spec: valid(aSpec({ secret: { name: 'db' } })) }, secret: foreign }),
    policy: 'the Secret must be ours to write',
    step: { do: 'refuse', fault: fault('SecretConflict', { secret: 'db' }) },
  },
  "without secret.name the Secret has the object's own name": {
    input: aNewInput({ secret: foreign }),
    policy: 'the Secret must be ours to write',
    step: { do: 'refuse', fault: fault('SecretConflict', { secret: 'orders-db' }) },
  },
  'after a fault there is a wait': {
    input: aNewInput({ memory: { failures: failures() } }),
    policy: 'back off after a fault',
    step: wait,
    again: 5 * SECOND,
  },
  'when the wait is over the next try comes': {
    input: aNewInput({ memory: { failures: failures({ nextAt: ELAPSED }) } }),
    policy: live,
    step: leaseStep('first'),
  },
  'a new generation does not wait for the faults of the one before': {
    input: aNewInput({ object: { generation: 2 }, memory: { failures: failures() } }),
    policy: live,
    step: leaseStep('first'),
  },
  'a changed connection does not wait for the faults of the one before': {
    input: aNewInput({ memory: { tried: true, failures: failures({ revision: 'connection-uid/0' }) } }),
    policy: live,
    step: leaseStep('first'),
  },
  'once this process has tried, a wait in the status is over': {
    input: aNewInput({
      object: {
        status: {
          observedGeneration: 1,
          attempts: { count: 4, reason: 'ServerFailed', nextAt: instant(90 * SECOND) },
        },
      },
      memory: { tried: true },
    }),
    policy: live,
    step: leaseStep('first'),
  },
  'after a restart the wait is taken from the status': {
    input: aNewInput({
      object: {
        status: {
          observedGeneration: 1,
          attempts: { count: 4, reason: 'ServerFailed', nextAt: instant(90 * SECOND) },
        },
      },
    }),
    policy: 'back off after a fault',
    step: wait,
    again: 90 * SECOND,
  },
  "what is left of such a wait is counted by the Kubernetes API's clock": {
    input: aNewInput({
      object: {
        status: {
          observedGeneration: 1,
          attempts: { count: 4, reason: 'ServerFailed', nextAt: instant(90 * SECOND) },
        },
      },
      now: { kube: NOW + 30 * SECOND, lease: NOW - HOUR },
    }),
    policy: 'back off after a fault',
    step: wait,
    again: 60 * SECOND,
  },
  'a wait in the status is read against the clock of the Kubernetes API': {
    input: aNewInput({
      object: {
        status: {
          observedGeneration: 1,
          attempts: { count: 4, reason: 'ServerFailed', nextAt: instant(90 * SECOND) },
        },
      },
      now: { kube: NOW + 90 * SECOND, lease: NOW - HOUR },
    }),
    policy: live,
    step: leaseStep('first'),
  },
  'a wait in the status of an earlier generation is over': {
    input: aNewInput({
      object: {
        generation: 2,
        status: {
          observedGeneration: 1,
          attempts: { count: 4, reason: 'ServerFailed', nextAt: instant(90 * SECOND) },
        },
      },
    }),
    policy: live,
    step: leaseStep('first'),
  },
  'what the process remembers of a fault comes before the status': {
    input: aNewInput({
      object: {
        status: {
          observedGeneration: 1,
          attempts: { count: 4, reason: 'ServerFailed', nextAt: instant(90 * SECOND) },
        },
      },
      memory: { failures: failures({ nextAt: ELAPSED }) },
    }),
    policy: live,
    step: leaseStep('first'),
  },
  'a wait in the status that is no instant holds nothing back': {
    input: aNewInput({
      object: {
        status: {
          observedGeneration: 1,
          attempts: { count: 4, reason: 'ServerFailed', nextAt: 'soon' },
        },
      },
    }),
    policy: live,
    step: leaseStep('first'),
  },
  'after a refused delivery comes a dry run, not another lease': {
    input: aNewInput({ memory: { blocked: contended } }),
    policy: 'try the refused write dry',
    step: { do: 'tryDry', blocked: 'Contended' },
  },
  ...Object.fromEntries(
    (['SecretConflict', 'SecretRefused', 'SecretNotWritten', 'KubernetesUnavailable'] as const).map(
      (reason) => [
        `a delivery that a process before this one saw refused (${reason}) is tried dry, too`,
        {
          input: afterRestart({ reason }),
          policy: 'try the refused write dry',
          step: { do: 'tryDry', blocked: reason },
        } satisfies Decision,
      ],
    ),
  ),
  'credentials that no Secret can hold are not tried dry': {
    input: afterRestart({ reason: 'SecretInvalid' }),
    policy: live,
    step: leaseStep('first'),
  },
  'a fault of the server needs no dry run': {
    input: afterRestart({ reason: 'ServerFailed' }),
    policy: live,
    step: leaseStep('first'),
  },
  'what the status says of an earlier generation needs no dry run': {
    input: afterRestart({ reason: 'SecretRefused', generation: 2 }),
    policy: live,
    step: leaseStep('first'),
  },
  'what the status says needs no dry run once this process has tried': {
    input: afterRestart({ reason: 'SecretRefused', tried: true }),
    policy: live,
    step: leaseStep('first'),
  },
  'a record that nobody vouches for is asked about': {
    input: aNewInput({ secret: ourSecret() }),
    policy: 'a record needs a witness',
    step: { do: 'attest', record: aRecord() },
  },
  'a record whose lease was not found waits for the second look': {
    input: aNewInput({
      secret: ourSecret(),
      memory: { attestations: new Map([['lease-1', { verdict: 'missing', lookAt: ELAPSED + 10_000 }]]) },
    }),
    policy: 'a record needs a witness',
    step: wait,
    again: 10_000,
  },
  'the second look is taken when it is due': {
    input: aNewInput({
      secret: ourSecret(),
      memory: { attestations: new Map([['lease-1', { verdict: 'missing', lookAt: ELAPSED }]]) },
    }),
    policy: 'a record needs a witness',
    step: { do: 'attest', record: aRecord() },
  },
  'a status behind the record is repaired': {
    input: anInput({ secret: other, memory: { known: known(aRef({ id: 'lease-2' })) } }),
    policy: 'the status follows the record',
    step: { do: 'repair' },
  },
  'a status that was wiped is repaired, not taken for a new object': {
    input: aNewInput({ secret: ourSecret(), memory: { known: known(aRef()) } }),
    policy: 'the status follows the record',
    step: { do: 'repair' },
  },
};

describe('what comes before a lease', () => {
  test.each(Object.entries(rows))('%s', (_sentence, row) => {
    expect(inWords(decide(row.input))).toEqual(expected(row));
  });
});
