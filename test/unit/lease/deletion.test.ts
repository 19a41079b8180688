import { describe, expect, test } from 'vitest';

import type { LeaseSpec } from '../../../src/api/dynamic-secret-lease.ts';
import type { LeaseRef } from '../../../src/api/lease.ts';
import { decide } from '../../../src/lease/decide.ts';
import type { DecisionInput, Memory, ObjectView, Revocation } from '../../../src/lease/input.ts';
import type { LeftLease, Step } from '../../../src/lease/plan.ts';
import {
  absent,
  anInput,
  anObject,
  anOpenRequest,
  aRecord,
  aRef,
  aSpec,
  aStatus,
  ELAPSED,
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
  valid,
  withoutObject,
} from '../../support/builders.ts';
import { expected, inWords, wait, type Decision } from '../../support/plans.ts';

/** The object of `anObject`, being deleted since `ago` milliseconds. */
function deleting(overrides: Partial<ObjectView> = {}, ago = 0): ObjectView {
  return anObject({ deletedAt: NOW - ago, ...overrides });
}

function revocation(terms: NonNullable<LeaseSpec['revocation']>): ObjectView['spec'] {
  return valid(aSpec({ revocation: terms }));
}

function left(why: LeftLease['why'], ...refs: readonly LeaseRef[]): Step {
  return { do: 'dropFinalizer', left: refs.map((ref) => ({ ref, why })) };
}

const expires = revocation({ onDelete: 'Expire' });
const deleteSecret: Step = { do: 'deleteSecret', name: 'orders-db', uid: 'secret-uid', resourceVersion: '7' };
const dropFinalizer: Step = { do: 'dropFinalizer', left: [] };
const settled = new Set(['lease-1']);
const revoking = 'revoke before letting go';
const attesting = 'attest before letting go';
const settling = 'settle before letting go';
const letGo = 'let go';
const failedOnce = (nextAt: number): Revocation => ({ attempts: 1, nextAt, reason: 'RevocationFailed' });
const unwitnessed = ourSecret({ record: aRecord({ lease: aRef({ id: 'unknown' }) }) });
const withoutLease = aStatus({ lease: undefined, rotateAt: undefined });
const [first, second] = [aRef({ id: 'old-1' }), aRef({ id: 'old-2' })];

const rows: Record<string, Decision> = {
  // Revoke, the default
  'the lease in the Secret is revoked first': {
    input: anInput({ object: deleting() }),
    policy: revoking,
    step: wait,
    again: 10 * MINUTE,
    revokes: ['lease-1'],
  },
  'every lease is revoked: in hand, discarded, current, reported and retiring; not one that only the record names':
    {
      input: anInput({
        object: deleting({ status: aStatus({ retiring: [first] }) }),
        secret: ourSecret({ record: aRecord({ lease: aRef({ id: 'lease-2' }), previous: [second] }) }),
        memory: {
          known: known(aRef({ id: 'lease-2' })),
          inHand: inHand(),
          discarded: [aRef({ id: 'discarded' })],
        },
      }),
      policy: revoking,
      step: wait,
      again: 10 * MINUTE,
      revokes: ['in-hand', 'discarded', 'lease-2', 'lease-1', 'old-1'],
    },
  'a replaced lease is revoked before its revokeAfter': {
    input: anInput({
      object: deleting({ status: aStatus({ retiring: [{ ...first, revokeAfter: instant(HOUR) }] }) }),
      memory: { settled },
    }),
    policy: revoking,
    step: wait,
    again: 10 * MINUTE,
    revokes: ['old-1'],
  },
  'a lease that this process was given is revoked though its Secret is gone and no status names it': {
    input: anInput({
      object: deleting({ status: withoutLease }),
      secret: absent,
      memory: { known: known(aRef({ id: 'lease-2' })) },
    }),
    policy: revoking,
    step: wait,
    again: 10 * MINUTE,
    revokes: ['lease-2'],
  },
  'a revocation that failed waits for its next try, and the Secret stays': {
    input: anInput({
      object: deleting(),
      memory: { revocations: new Map([['lease-1', failedOnce(ELAPSED + 8 * SECOND)]]) },
    }),
    policy: revoking,
    step: wait,
    again: 8 * SECOND,
  },
  'a revocation that failed is tried again': {
    input: anInput({
      object: deleting(),
      memory: { revocations: new Map([['lease-1', failedOnce(ELAPSED)]]) },
    }),
    policy: revoking,
    step: wait,
    again: 10 * MINUTE,
    revokes: ['lease-1'],
  },
  'one lease revoked, one waiting: the Secret stays for the other': {
    input: anInput({
      object: deleting({ status: aStatus({ retiring: [first] }) }),
      memory: { settled, revocations: new Map([['old-1', failedOnce(ELAPSED + SECOND)]]) },
    }),
    policy: revoking,
    step: wait,
    again: SECOND,
  },
  'when every lease is revoked the Secret is deleted': {
    input: anInput({ object: deleting(), memory: { settled } }),
    policy: letGo,
    step: deleteSecret,
  },
  'when the lease has ended by itself the Secret is deleted': {
    input: anInput({ object: deleting(), now: { lease: NOW + 50 * MINUTE + SECOND } }),
    policy: letGo,
    step: deleteSecret,
  },
  'a lease is not taken for ended within the slack of the clocks': {
    input: anInput({ object: deleting(), now: { lease: NOW + 50 * MINUTE + SECOND - 1 } }),
    policy: revoking,
    step: wait,
    again: 1,
    revokes: ['lease-1'],
  },
  'when the Secret is gone too the finalizer goes': {
    input: anInput({ object: deleting(), secret: absent, memory: { settled } }),
    policy: letGo,
    step: dropFinalizer,
  },
  "somebody else's Secret is left as it is": {
    input: anInput({ object: deleting(), secret: foreign, memory: { settled } }),
    policy: letGo,
    step: dropFinalizer,
  },
  'without our finalizer nothing is left to do': {
    input: anInput({ object: deleting({ hasFinalizer: false }), secret: absent, memory: { settled } }),
    policy: letGo,
    step: { do: 'forget', left: [] },
  },
  'an object that never had a lease goes at once': {
    input: anInput({ object: deleting({ status: {} }), secret: absent }),
    policy: letGo,
    step: dropFinalizer,
  },
  'a spec that is not in order is revoked for, as by default': {
    input: anInput({ object: deleting({ spec: invalidSpec }) }),
    policy: revoking,
    step: wait,
    again: 10 * MINUTE,
    revokes: ['lease-1'],
  },
  'a connection that is not in order does not keep revocations from being tried': {
    input: anInput({ object: deleting(), connection: refused() }),
    policy: revoking,
    step: wait,
    again: 10 * MINUTE,
    revokes: ['lease-1'],
  },

  // Expire
  'as declared the lease is left to end, and the Secret deleted': {
    input: anInput({ object: deleting({ spec: expires }) }),
    policy: letGo,
    step: deleteSecret,
  },
  'as declared every lease is left to end, by name': {
    input: anInput({
      object: deleting({ spec: expires, status: aStatus({ retiring: [first] }) }),
      secret: absent,
      memory: { inHand: inHand() },
    }),
    policy: letGo,
    step: left('declared', aRef({ id: 'in-hand' }), aRef(), first),
  },
  'as declared not even an open request is waited for': {
    input: anInput({
      object: deleting({ spec: expires }),
      memory: { open: anOpenRequest(), settled },
    }),
    policy: letGo,
    step: deleteSecret,
  },
  'as declared a record without a witness is not asked about': {
    input: anInput({ object: deleting({ spec: expires, status: withoutLease }), secret: unwitnessed }),
    policy: letGo,
    step: deleteSecret,
  },

  // The timeout
  'the timeout is waited for by the clock of the Kubernetes API': {
    input: anInput({ object: deleting({}, 9 * MINUTE), now: { lease: NOW - HOUR } }),
    policy: revoking,
    step: wait,
    again: MINUTE,
    revokes: ['lease-1'],
  },
  'past the default timeout of ten minutes the Secret is deleted': {
    input: anInput({ object: deleting({}, 10 * MINUTE) }),
    policy: letGo,
    step: deleteSecret,
  },
  'past the timeout the finalizer goes, and says which lease was left': {
    input: anInput({ object: deleting({}, 10 * MINUTE), secret: absent }),
    policy: letGo,
    step: left('timeout', aRef()),
  },
  'a declared timeout takes the place of the default': {
    input: anInput({ object: deleting({ spec: revocation({ timeout: '30s' }) }, 30 * SECOND) }),
    policy: letGo,
    step: deleteSecret,
  },
  'a long declared timeout is waited for': {
    input: anInput({ object: deleting({ spec: revocation({ timeout: '1h' }) }, 10 * MINUTE) }),
    policy: revoking,
    step: wait,
    again: 50 * MINUTE,
    revokes: ['lease-1'],
  },
  'past the timeout an open request is not waited for': {
    input: anInput({ object: deleting({}, 10 * MINUTE), memory: { open: anOpenRequest() } }),
    policy: letGo,
    step: deleteSecret,
  },
  'past the timeout a record without a witness is not asked about': {
    input: anInput({ object: deleting({ status: withoutLease }, 10 * MINUTE), secret: unwitnessed }),
    policy: letGo,
    step: deleteSecret,
  },

  // A server that can no longer be asked
  'a lease that nobody can revoke any more is left, and says so': {
    input: anInput({ object: deleting(), secret: absent, unreachable: ['lease-1'] }),
    policy: letGo,
    step: left('unreachable', aRef()),
  },
  'a lease that nobody can revoke does not keep the others from being revoked': {
    input: anInput({
      object: deleting({ status: aStatus({ retiring: [first] }) }),
      unreachable: ['lease-1'],
    }),
    policy: revoking,
    step: wait,
    again: 10 * MINUTE,
    revokes: ['old-1'],
  },

  // A request whose fate is open
  'an open request is settled first, while the leases are already revoked': {
    input: anInput({ object: deleting(), memory: { open: anOpenRequest() } }),
    policy: settling,
    step: { do: 'settle', open: anOpenRequest() },
    again: 0,
    revokes: ['lease-1'],
  },
  'between two lists an open request is waited for': {
    input: anInput({
      object: deleting(),
      memory: { open: anOpenRequest({ lookAt: ELAPSED + 15 * SECOND }), settled },
    }),
    policy: settling,
    step: wait,
    again: 15 * SECOND,
  },
  'an open request does not hold the object longer than the timeout': {
    input: anInput({
      object: deleting({ spec: revocation({ timeout: '5s' }) }),
      memory: { open: anOpenRequest({ lookAt: ELAPSED + 15 * SECOND }), settled },
    }),
    policy: settling,
    step: wait,
    again: 5 * SECOND,
  },

  // A record without a witness
  'a record that nobody vouches for is asked about first': {
    input: anInput({ object: deleting({ status: withoutLease }), secret: unwitnessed }),
    policy: attesting,
    step: { do: 'attest', record: aRecord({ lease: aRef({ id: 'unknown' }) }) },
    again: 0,
  },
  'a record whose lease was not found waits for the second look': {
    input: anInput({
      object: deleting({ status: withoutLease }),
      secret: unwitnessed,
      memory: {
        attestations: new Map([['unknown', { verdict: 'missing', lookAt: ELAPSED + 10 * SECOND }]]),
      },
    }),
    policy: attesting,
    step: wait,
    again: 10 * SECOND,
  },
  'a record is asked about once more when its connection works again': {
    input: anInput({
      object: deleting({ status: withoutLease }),
      secret: unwitnessed,
      connection: refused(undefined, 20 * SECOND),
    }),
    policy: attesting,
    step: wait,
    again: 20 * SECOND,
  },
  'a record is waited for no longer than the timeout': {
    input: anInput({
      object: deleting({ status: withoutLease }),
      secret: unwitnessed,
      connection: refused(),
    }),
    policy: attesting,
    step: wait,
    again: 10 * MINUTE,
  },
  'a record is not waited for when its server can no longer be asked': {
    input: anInput({
      object: deleting({ status: withoutLease }),
      secret: unwitnessed,
      connection: refused(),
      unreachable: ['unknown'],
    }),
    policy: letGo,
    step: deleteSecret,
  },
  'what only a record names is never revoked, nor what it says that it replaced': {
    input: anInput({
      object: deleting({ status: withoutLease }),
      secret: ourSecret({ record: aRecord({ previous: [aRef({ id: 'stolen' })] }) }),
      memory: { attestations: new Map([['lease-1', { verdict: 'unattested' }]]) },
    }),
    policy: letGo,
    step: deleteSecret,
  },
  'what only a record names is not revoked while an open request is settled either': {
    input: anInput({
      object: deleting({ status: withoutLease }),
      memory: {
        open: anOpenRequest(),
        attestations: new Map([['lease-1', { verdict: 'unattested' }]]),
      },
    }),
    policy: settling,
    step: { do: 'settle', open: anOpenRequest() },
    again: 0,
  },
  'a lease that only a record named is left after a restart, too': {
    input: anInput({
      object: deleting({ status: aStatus({ lease: { ...aRef(), attested: false } }) }),
      secret: absent,
    }),
    policy: letGo,
    step: left('unattested', aRef()),
  },
  'a lease that only a record named is left, and says so': {
    input: anInput({
      object: deleting(),
      secret: absent,
      memory: { attestations: new Map([['lease-1', { verdict: 'unattested' }]]) },
    }),
    policy: letGo,
    step: left('unattested', aRef()),
  },
  'a forged record is not revoked for; the lease of the status is': {
    input: anInput({
      object: deleting(),
      secret: unwitnessed,
      memory: { attestations: new Map([['unknown', { verdict: 'forged' }]]) },
    }),
    policy: revoking,
    step: wait,
    again: 10 * MINUTE,
    revokes: ['lease-1'],
  },

  'a revocation that is tried again later does not outlast the end of its lease': {
    input: anInput({
      object: deleting(),
      now: { lease: NOW + 50 * MINUTE + SECOND / 2 },
      memory: {
        revocations: new Map([['lease-1', { attempts: 1, nextAt: ELAPSED + 2 * MINUTE, reason: undefined }]]),
      },
    }),
    policy: revoking,
    step: wait,
    again: SECOND / 2,
  },

  // An object that is gone
  'an object that is gone is forgotten': {
    input: withoutObject(),
    policy: letGo,
    step: { do: 'forget', left: [] },
  },
  'what was in hand for an object that is gone is revoked': {
    input: withoutObject({ memory: { inHand: inHand(), discarded: [aRef()] } }),
    policy: revoking,
    step: wait,
    again: 50 * MINUTE + SECOND,
    revokes: ['in-hand', 'lease-1'],
  },
  'a request that was open for an object that is gone is settled': {
    input: withoutObject({ memory: { open: anOpenRequest() } }),
    policy: settling,
    step: { do: 'settle', open: anOpenRequest() },
    again: 0,
  },
  'an object that is gone is not remembered for the sake of a connection': {
    input: withoutObject({ secret: unwitnessed, connection: refused() }),
    policy: letGo,
    step: { do: 'forget', left: [] },
  },
  'an object that is gone with a lease that nobody can revoke is forgotten, and that is said': {
    input: withoutObject({ memory: { discarded: [aRef()] }, unreachable: ['lease-1'] }),
    policy: letGo,
    step: { do: 'forget', left: [{ ref: aRef(), why: 'unreachable' }] },
  },
  'what this process was given for an object that is gone is revoked': {
    input: withoutObject({ memory: { known: known(aRef()) } }),
    policy: revoking,
    step: wait,
    again: 50 * MINUTE + SECOND,
    revokes: ['lease-1'],
  },

  // An object that another shard serves
  'an object that has moved is left, with the lease that this process was given': {
    input: moved({ known: known(aRef()) }),
    policy: letGo,
    step: { do: 'leave', left: [] },
  },
  'what was in hand for an object that has moved, and reached no Secret, is revoked': {
    input: moved({ inHand: inHand(), known: known(aRef()) }),
    policy: revoking,
    step: wait,
    again: 50 * MINUTE + SECOND,
    revokes: ['in-hand'],
  },
  'what was in hand for an object that has moved, and may have reached the Secret, is left with it': {
    input: moved({ inHand: { ...inHand(), doubtful: true }, known: known(aRef()) }),
    policy: letGo,
    step: { do: 'leave', left: [{ ref: inHand().ref, why: 'moved' }] },
  },
  'a request that was open for an object that has moved is settled': {
    input: moved({ open: anOpenRequest(), known: known(aRef()) }),
    policy: settling,
    step: { do: 'settle', open: anOpenRequest() },
    again: 0,
  },
  'what no Secret ever named is revoked for an object that has moved': {
    input: moved({ discarded: [first], known: known(aRef()) }),
    policy: revoking,
    step: wait,
    again: 50 * MINUTE + SECOND,
    revokes: ['old-1'],
  },
  'an object that may be gone or moved waits until somebody can be asked': {
    input: { ...moved({ known: known(aRef()) }), absence: 'unclear' },
    policy: letGo,
    step: wait,
    again: SECOND,
  },
  'what may have reached the Secret of an object that may have moved is not revoked': {
    input: { ...moved({ inHand: { ...inHand(), doubtful: true } }), absence: 'unclear' },
    policy: letGo,
    step: wait,
    again: SECOND,
  },
};

function moved(memory: Partial<Memory>): DecisionInput {
  return { ...withoutObject({ memory }), absence: 'moved' };
}

describe('decide, for an object that is being deleted or gone', () => {
  test.each(Object.entries(rows))('%s', (_sentence, row) => {
    expect(inWords(decide(row.input))).toEqual(expected(row));
  });

  test('revokes what the status says of a lease, whatever the record says of the same lease', () => {
    const tampered = aRef({ path: '/elsewhere', connection: { kind: '', name: 'x', uid: '', host: '' } });
    const input = anInput({
      object: deleting({ status: aStatus({ retiring: [first] }) }),
      secret: ourSecret({
        record: aRecord({ lease: tampered, previous: [{ ...first, expireAt: instant(-HOUR) }] }),
      }),
    });
    expect(decide(input).revocations).toEqual([aRef(), first]);
  });

  test('revokes what this process was given, whatever the status says of the same lease', () => {
    const input = anInput({
      object: deleting({ status: aStatus({ lease: aRef({ path: '/elsewhere' }) }) }),
      memory: { known: known(aRef()) },
    });
    expect(decide(input).revocations).toEqual([aRef()]);
  });
});
