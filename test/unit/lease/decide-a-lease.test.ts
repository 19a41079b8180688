import { describe, expect, test } from 'vitest';

import { fault } from '../../../src/errors.ts';
import { decide } from '../../../src/lease/decide.ts';
import type { Memory } from '../../../src/lease/input.ts';
import {
  absent,
  aKnownLease,
  aNewInput,
  anIdentity,
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
  usable,
} from '../../support/builders.ts';
import { expected, inWords, leaseStep, wait, type Decision } from '../../support/plans.ts';

const live = 'there must be a live lease in the Secret';
const onTarget = 'the lease must be of what the spec targets';
const inTime = 'a lease is replaced before its end';
const well = 'all is well';
const contended = fault('Contended', { secret: 'orders-db' });
const edited = ourSecret({ data: 'edited' });
const otherPath = valid(
  aSpec({
    dynamicSecret: { name: 'orders-postgres', projectSlug: 'shop', environmentSlug: 'prod', path: '/eu' },
  }),
);
const sixteen = Array.from({ length: 16 }, (_, index) =>
  aRef({ id: `old-${String(index)}`, expireAt: instant((index + 20) * MINUTE) }),
);

/** The current lease was issued so many milliseconds ago. */
const justIssued = (age: number): Partial<Memory> => ({
  known: new Map([['lease-1', { ...aKnownLease(aRef()), issuedAt: ELAPSED - age }]]),
});

const rows: Record<string, Decision> = {
  'a new object gets its first lease, after a live look': {
    input: aNewInput(),
    policy: live,
    step: leaseStep('first'),
  },
  'a lease that is gone on the server is replaced, and not taken along': {
    input: anInput({ memory: { settled: new Set(['lease-1']) } }),
    policy: live,
    step: leaseStep('lost'),
  },
  'a lease past its end is replaced, and not taken along': {
    input: anInput({ now: { lease: NOW + 50 * MINUTE + SECOND } }),
    policy: live,
    step: leaseStep('expired'),
  },
  'a lease counts as past its end only after the slack for the clocks': {
    input: anInput({ now: { lease: NOW + 50 * MINUTE + SECOND - 1 } }),
    policy: inTime,
    step: leaseStep('due', 'lease-1', false),
  },
  'a lease that is past its end on arrival is not replaced before it could have been used: no storm': {
    input: anInput({ memory: justIssued(10 * SECOND), now: { lease: NOW + 50 * MINUTE + SECOND } }),
    policy: live,
    step: wait,
    again: 20 * SECOND,
  },
  'a lease that was past its end on arrival is replaced half a minute later': {
    input: anInput({ memory: justIssued(30 * SECOND), now: { lease: NOW + 50 * MINUTE + SECOND } }),
    policy: live,
    step: leaseStep('expired'),
  },
  'a lease that is due on arrival is not replaced before it was used: no storm': {
    input: anInput({ memory: justIssued(10 * SECOND), now: { lease: NOW + 49 * MINUTE } }),
    policy: inTime,
    step: wait,
    again: 20 * SECOND,
  },
  "before the server's time is known the end is read against the Kubernetes API's clock": {
    input: anInput({ now: { lease: undefined, kube: NOW + HOUR } }),
    policy: live,
    step: leaseStep('expired'),
  },
  'a deleted Secret is healed by a new lease, and the old one taken along': {
    input: anInput({ secret: absent }),
    policy: live,
    step: leaseStep('secret-deleted', 'lease-1'),
  },
  'the lease of a deleted Secret is not taken along when it has ended': {
    input: anInput({ secret: absent, now: { lease: NOW + HOUR } }),
    policy: live,
    step: leaseStep('secret-deleted'),
  },
  'the lease of a deleted Secret is not taken along when it was revoked': {
    input: anInput({ secret: absent, memory: { settled: new Set(['lease-1']) } }),
    policy: live,
    step: leaseStep('secret-deleted'),
  },
  'an edited Secret is healed by a new lease': {
    input: anInput({ secret: edited }),
    policy: live,
    step: leaseStep('secret-edited', 'lease-1'),
  },
  'a Secret without a readable record is healed by a new lease': {
    input: anInput({ secret: ourSecret({ record: undefined }) }),
    policy: live,
    step: leaseStep('record-refused', 'lease-1'),
  },
  'a Secret without a record and without a status is healed too': {
    input: aNewInput({ secret: ourSecret({ record: undefined }) }),
    policy: live,
    step: leaseStep('record-refused'),
  },
  'a forged record is healed, and what it names is not taken along': {
    input: anInput({
      secret: ourSecret({ record: aRecord({ lease: aRef({ id: 'stolen' }) }) }),
      memory: { attestations: new Map([['stolen', { verdict: 'forged' }]]) },
    }),
    policy: live,
    step: leaseStep('record-refused', 'lease-1'),
  },
  'a record whose lease is gone is healed': {
    input: aNewInput({
      secret: ourSecret(),
      memory: { attestations: new Map([['lease-1', { verdict: 'gone' }]]) },
    }),
    policy: live,
    step: leaseStep('record-refused'),
  },
  'a Secret that was healed a while ago is healed again': {
    input: anInput({ secret: absent, memory: { healedAt: ELAPSED - 10 * MINUTE } }),
    policy: live,
    step: leaseStep('secret-deleted', 'lease-1'),
  },
  'a Secret that is deleted again and again costs one lease in ten minutes': {
    input: anInput({ secret: absent, memory: { healedAt: ELAPSED - 4 * MINUTE } }),
    policy: live,
    step: { do: 'refuse', fault: contended },
    again: 6 * MINUTE,
  },
  'a Secret that is edited again and again costs one lease in ten minutes': {
    input: anInput({ secret: edited, memory: { healedAt: ELAPSED - 4 * MINUTE } }),
    policy: 'an edited Secret waits for its turn',
    step: { do: 'refuse', fault: contended },
    again: 6 * MINUTE,
  },
  'the turn of an edited Secret comes no later than its rotation': {
    input: anInput({
      object: { status: aStatus({ rotateAt: instant(MINUTE) }) },
      secret: edited,
      memory: { healedAt: ELAPSED - 4 * MINUTE },
    }),
    policy: 'an edited Secret waits for its turn',
    step: { do: 'refuse', fault: contended },
    again: MINUTE,
  },
  'a Secret that is edited again and again is still rotated in time': {
    input: anInput({
      object: { status: aStatus({ rotateAt: instant(0) }) },
      secret: edited,
      memory: { healedAt: ELAPSED - 4 * MINUTE },
    }),
    policy: inTime,
    step: leaseStep('due', 'lease-1', false),
  },
  'a Secret that is edited again and again still follows its target': {
    input: anInput({
      object: { spec: otherPath },
      secret: edited,
      memory: { healedAt: ELAPSED - 4 * MINUTE },
    }),
    policy: onTarget,
    step: leaseStep('target-changed', 'lease-1'),
  },
  'an expired lease is not held up by what was healed before': {
    input: anInput({ now: { lease: NOW + HOUR }, memory: { healedAt: ELAPSED - 4 * MINUTE } }),
    policy: live,
    step: leaseStep('expired'),
  },
  'another path is another lease, at once': {
    input: anInput({ object: { spec: otherPath } }),
    policy: onTarget,
    step: leaseStep('target-changed', 'lease-1'),
  },
  'another server is another lease, at once': {
    input: anInput({
      connection: { ...usable, identity: anIdentity({ host: 'https://eu.example.com' }) },
    }),
    policy: onTarget,
    step: leaseStep('target-changed', 'lease-1'),
  },
  'a connection of another name to the same server changes nothing': {
    input: anInput({
      object: {
        spec: valid(aSpec({ connectionRef: { kind: 'InfisicalConnection', name: 'renamed' } })),
      },
      connection: { ...usable, identity: anIdentity({ name: 'renamed', uid: 'other-uid' }) },
    }),
    policy: well,
    step: wait,
    again: 30 * MINUTE,
  },
  'a changed target waits while sixteen replaced leases live': {
    input: anInput({ object: { spec: otherPath, status: aStatus({ retiring: sixteen }) } }),
    policy: onTarget,
    step: { do: 'refuse', fault: fault('RetiringFull', { most: 16 }) },
    again: 20 * MINUTE + SECOND,
  },
  'a changed target does not wait for replaced leases that have ended': {
    input: anInput({
      object: { spec: otherPath, status: aStatus({ retiring: sixteen, rotateAt: instant(HOUR) }) },
      now: { lease: NOW + 20 * MINUTE + SECOND },
    }),
    policy: onTarget,
    step: leaseStep('target-changed', 'lease-1'),
  },
  'a changed target does not wait for replaced leases that were revoked': {
    input: anInput({
      object: { spec: otherPath, status: aStatus({ retiring: sixteen }) },
      memory: { settled: new Set(['old-3']) },
    }),
    policy: onTarget,
    step: leaseStep('target-changed', 'lease-1'),
  },
  'a due rotation does not wait though sixteen replaced leases live: the one that ends first is let run out':
    {
      input: anInput({ object: { status: aStatus({ retiring: sixteen, rotateAt: instant(0) }) } }),
      policy: inTime,
      step: leaseStep('due', 'lease-1', false, sixteen[0]),
    },
  'a lease whose time has come is replaced': {
    input: anInput({ object: { status: aStatus({ rotateAt: instant(0) }) } }),
    policy: inTime,
    step: leaseStep('due', 'lease-1', false),
  },
  'a lease that only the record names is replaced and left to end': {
    input: anInput({
      object: { status: aStatus({ rotateAt: instant(0) }) },
      memory: { attestations: new Map([['lease-1', { verdict: 'unattested' }]]) },
    }),
    policy: inTime,
    step: leaseStep('due', undefined, false),
  },
  "nothing is due before the server's time is known": {
    input: anInput({
      object: { status: aStatus({ rotateAt: instant(0) }) },
      now: { lease: undefined, kube: NOW + MINUTE },
    }),
    policy: well,
    step: wait,
    again: SECOND,
  },
  'a changed ttl, config and before act at the next rotation': {
    input: anInput({
      object: {
        generation: 2,
        spec: valid(aSpec({ ttl: '5m', config: { size: 3 }, rotation: { before: '90%' } })),
      },
    }),
    policy: well,
    step: wait,
    again: 30 * MINUTE,
  },
  'changed labels and annotations are patched': {
    input: anInput({ secret: ourSecret({ dressed: false }) }),
    policy: 'labels and annotations follow the spec',
    step: { do: 'dress' },
  },
  'when all is well the next look is at the rotation': {
    input: anInput(),
    policy: well,
    step: wait,
    again: 30 * MINUTE,
  },
};

describe('when a lease is asked for', () => {
  test.each(Object.entries(rows))('%s', (_sentence, row) => {
    expect(inWords(decide(row.input))).toEqual(expected(row));
  });
});
