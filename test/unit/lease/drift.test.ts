import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/lease/decide.ts';
import {
  absent,
  aLease,
  anInput,
  aNewInput,
  aRecord,
  aRef,
  aStatus,
  ELAPSED,
  HOUR,
  INSTALL,
  instant,
  known,
  MINUTE,
  ourSecret,
  SECOND,
  type InputParts,
} from '../../support/builders.ts';
import { expected, inWords, leaseStep, wait, type Decision } from '../../support/plans.ts';

const live = 'there must be a live lease in the Secret';
const inspects = 'a Secret that somebody has written is looked at';
const moves = 'the record follows a lease whose end has moved';
const well = { policy: 'all is well', step: wait, again: 30 * MINUTE };

/** What a list has shown of lease-1. */
function sighted(overrides: Parameters<typeof aLease>[1]): InputParts {
  return { memory: { sighted: new Map([['lease-1', aLease(aRef(), overrides)]]) } };
}

const ours = { install: INSTALL, object: 'object-uid', attempt: 'attempt of lease-1' };
const later = aRef({ expireAt: instant(2 * HOUR) });

const rows: Record<string, Decision> = {
  'a Secret that somebody has written is looked at': {
    input: anInput({ secret: ourSecret({ data: 'unknown' }) }),
    policy: inspects,
    step: { do: 'inspect', record: aRecord() },
  },
  'it is looked at before the status follows the record': {
    input: anInput({
      secret: ourSecret({ data: 'unknown', record: aRecord({ lease: aRef({ id: 'lease-2' }) }) }),
      memory: { known: known(aRef({ id: 'lease-2' })) },
    }),
    policy: inspects,
    step: { do: 'inspect', record: aRecord({ lease: aRef({ id: 'lease-2' }) }) },
  },
  'one whose record is not believed is not looked at: it is replaced': {
    input: aNewInput({
      secret: ourSecret({ data: 'unknown' }),
      memory: { attestations: new Map([['lease-1', { verdict: 'forged' }]]) },
    }),
    policy: live,
    step: leaseStep('record-refused'),
  },
  'one whose data is still ours is left as it is': { input: anInput(), ...well },
  'one whose data is not ours is replaced, and its lease taken along': {
    input: anInput({ secret: ourSecret({ data: 'edited' }) }),
    policy: live,
    step: leaseStep('secret-edited', 'lease-1'),
  },
  "a lease that a list has shown to be another installation's is replaced, and not taken along": {
    input: anInput(sighted({ tag: { ...ours, install: 'another' } })),
    policy: live,
    step: leaseStep('record-refused'),
  },
  "a lease that a list has shown to be another object's is replaced, and not taken along": {
    input: anInput(sighted({ tag: { ...ours, object: 'another' } })),
    policy: live,
    step: leaseStep('record-refused'),
  },
  "another installation's lease is not taken along with a deleted Secret either": {
    input: anInput({ ...sighted({ tag: { ...ours, install: 'another' } }), secret: absent }),
    policy: live,
    step: leaseStep('secret-deleted'),
  },
  'a lease that this process was given is ours, whatever a list shows': {
    input: anInput({
      memory: { ...sighted({ tag: { ...ours, install: 'another' } }).memory, known: known(aRef()) },
    }),
    ...well,
  },
  'a lease that a list has shown to be ours is left as it is': {
    input: anInput(sighted({ tag: ours })),
    ...well,
  },
  'a lease without a tag is left as it is': { input: anInput(sighted({ tag: undefined })), ...well },
  'a lease that others have lengthened is entered into the record': {
    input: anInput(sighted({ expireAt: later.expireAt })),
    policy: moves,
    step: { do: 'inscribe', ref: later },
  },
  'an end that is a second off is the same': {
    input: anInput({
      ...sighted({ expireAt: instant(50 * MINUTE + SECOND) }),
      object: { status: aStatus({ lease: { ...aRef({ expireAt: instant(50 * MINUTE + SECOND) }) } }) },
    }),
    ...well,
  },
  'an earlier end than is known is not believed: the server never shortens a lease': {
    input: anInput(sighted({ expireAt: instant(-MINUTE) })),
    ...well,
  },
  'a record with a later end than the status is left: the status may be behind a renewal': {
    input: anInput({ secret: ourSecret({ record: aRecord({ lease: later }) }) }),
    ...well,
  },
  'a record with a later end than the server says is put right': {
    input: anInput({ ...sighted({}), secret: ourSecret({ record: aRecord({ lease: later }) }) }),
    policy: moves,
    step: { do: 'inscribe', ref: aRef() },
  },
  'the end of a lease that only the record names is not entered into it': {
    input: anInput({
      object: { status: { ...aStatus(), lease: { ...later, attested: false } } },
      memory: {
        ...sighted({ expireAt: later.expireAt }).memory,
        attestations: new Map([['lease-1', { verdict: 'unattested' }]]),
      },
    }),
    ...well,
  },
  'drift that was healed a moment ago does not hold a lost lease up': {
    input: anInput({ memory: { healedAt: ELAPSED - SECOND, settled: new Set(['lease-1']) } }),
    policy: live,
    step: leaseStep('lost'),
  },
};

describe('what somebody else has done', () => {
  test.each(Object.entries(rows))('%s', (_sentence, row) => {
    expect(inWords(decide(row.input))).toEqual(expected(row));
  });
});
