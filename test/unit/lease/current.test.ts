import { describe, expect, test } from 'vitest';

import { currentLease, hasEnded, leaseRefOf, rotateAtOf, spanOf } from '../../../src/lease/current.ts';
import type { Attestation } from '../../../src/lease/input.ts';
import {
  absent,
  aKnownLease,
  anIdentity,
  anInput,
  aNewInput,
  aRecord,
  aRef,
  aSpec,
  aStatus,
  foreign,
  HOUR,
  instant,
  known,
  MINUTE,
  NOW,
  ourSecret,
  valid,
  type InputParts,
} from '../../support/builders.ts';

const record = aRecord();

function attested(attestation: Attestation): NonNullable<InputParts['memory']> {
  return { attestations: new Map([['lease-1', attestation]]) };
}

describe('the lease that a record names', () => {
  const trusted = { state: 'trusted', ref: aRef(), record, mayRevoke: true };
  const cases: Record<string, { parts: InputParts; expected: unknown }> = {
    'is none without a Secret': { parts: { secret: absent }, expected: { state: 'none' } },
    "is none in somebody else's Secret": { parts: { secret: foreign }, expected: { state: 'none' } },
    'is none where the record cannot be read': {
      parts: { secret: ourSecret({ record: undefined }) },
      expected: { state: 'none' },
    },
    'is trusted when the status names it': { parts: { object: { status: aStatus() } }, expected: trusted },
    'is trusted when this process was given it': {
      parts: { memory: { known: known(aRef()) } },
      expected: trusted,
    },
    'has no witness when neither names it': { parts: {}, expected: { state: 'unwitnessed', record } },
    'has no witness when the status names another': {
      parts: { object: { status: aStatus({ lease: aRef({ id: 'lease-0' }) }) } },
      expected: { state: 'unwitnessed', record },
    },
    'has no witness in an entry of retiring': {
      parts: { object: { status: { retiring: [aRef()] } } },
      expected: { state: 'unwitnessed', record },
    },
    'has no witness while the server was asked once and did not find it': {
      parts: { memory: attested({ verdict: 'missing', lookAt: 0 }) },
      expected: { state: 'unwitnessed', record },
    },
    "is disowned when the server knows it as somebody else's": {
      parts: { memory: attested({ verdict: 'forged' }) },
      expected: { state: 'disowned', record },
    },
    'is disowned when the server knows nothing of it': {
      parts: { memory: attested({ verdict: 'gone' }) },
      expected: { state: 'disowned', record },
    },
    'is used but never revoked where the server cannot say whose it is': {
      parts: { memory: attested({ verdict: 'unattested' }) },
      expected: { ...trusted, mayRevoke: false },
    },
    'stays unrevoked after a restart, when the status names it and says that only the record speaks for it': {
      parts: { object: { status: aStatus({ lease: { ...aRef(), attested: false } }) } },
      expected: { ...trusted, mayRevoke: false },
    },
    'stays unrevoked when the status came to name it on the word of the record': {
      parts: { object: { status: aStatus() }, memory: attested({ verdict: 'unattested' }) },
      expected: { ...trusted, mayRevoke: false },
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { parts, expected }) => {
    expect(currentLease(aNewInput({ secret: ourSecret(), ...parts }))).toEqual(expected);
  });

  describe('is told in the words of its witness, when a tenant left the id and changed the rest', () => {
    const tampered = aRecord({
      lease: aRef({
        expireAt: instant(100 * HOUR),
        attempt: 'forged',
        connection: anIdentity({ host: 'https://evil.example.com' }),
        projectSlug: 'forged',
        environmentSlug: 'forged',
        path: '/forged',
        dynamicSecret: 'forged',
      }),
    });
    const secret = ourSecret({ record: tampered });

    test('the status', () => {
      expect(currentLease(anInput({ secret }))).toMatchObject({ state: 'trusted', ref: aRef() });
    });

    test('this process, before the status', () => {
      const status = aStatus({ lease: aRef({ path: '/status' }) });
      const input = anInput({ secret, object: { status }, memory: { known: known(aRef()) } });
      expect(currentLease(input)).toMatchObject({ state: 'trusted', ref: aRef() });
    });
  });
});

test('a Ref is taken out of what extends it, and nothing else', () => {
  const wider = { ...aRef(), version: 3, config: {} };
  expect(leaseRefOf(wider)).toEqual(aRef());
});

describe('a lease has ended', () => {
  const end = 50 * MINUTE;
  test.each([
    ['at its end', { lease: NOW + end }, 0, true],
    ['not a moment before', { lease: NOW + end - 1 }, 0, false],
    ['only after the slack', { lease: NOW + end + 999 }, 1000, false],
    ['with the slack', { lease: NOW + end + 1000 }, 1000, true],
    [
      "not by the Kubernetes API's clock, where the server's is known",
      { lease: NOW, kube: NOW + HOUR },
      0,
      false,
    ],
    [
      "by the Kubernetes API's clock, where the server's is not known",
      { lease: undefined, kube: NOW + HOUR },
      0,
      true,
    ],
  ])('%s', (_sentence, now, slack, ended) => {
    expect(hasEnded(aRef(), anInput({ now }).now, slack)).toBe(ended);
  });

  test('never, when its end is no instant: it is revoked rather than forgotten', () => {
    expect(hasEnded(aRef({ expireAt: 'never' }), anInput().now, 0)).toBe(false);
  });
});

describe('the span of a lease', () => {
  const expireAt = NOW + 50 * MINUTE;
  const cases: Record<string, { parts: InputParts; createdAt: number }> = {
    'begins when the status says': { parts: {}, createdAt: NOW - 10 * MINUTE },
    'begins when the server told this process, before the status': {
      parts: {
        memory: { known: new Map([['lease-1', aKnownLease(aRef(), { createdAt: instant(-20 * MINUTE) })]]) },
      },
      createdAt: NOW - 20 * MINUTE,
    },
    'begins now where nobody knows': { parts: { object: { status: {} } }, createdAt: NOW },
    'begins now where the status speaks of another lease': {
      parts: { object: { status: aStatus({ lease: { ...aRef({ id: 'x' }), createdAt: instant(-HOUR) } }) } },
      createdAt: NOW,
    },
    'begins now where it is said to begin at its end': {
      parts: {
        memory: {
          known: new Map([['lease-1', aKnownLease(aRef(), { createdAt: instant(50 * MINUTE) })]]),
        },
      },
      createdAt: NOW,
    },
    "begins now by the Kubernetes API's clock where the server's is not known": {
      parts: { object: { status: {} }, now: { lease: undefined, kube: NOW + MINUTE } },
      createdAt: NOW + MINUTE,
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { parts, createdAt }) => {
    const input = anInput(parts);
    expect(spanOf(input, input.object, aRef())).toEqual({ createdAt, expireAt });
  });
});

describe('the time of the next rotation', () => {
  test('stands as the status says, whatever became of the spec', () => {
    const spec = valid(aSpec({ rotation: { before: '90%' } }));
    const input = anInput({ object: { spec } });
    expect(rotateAtOf(input, input.object, aRef())).toBe(NOW + 30 * MINUTE);
  });

  const computed: Record<string, InputParts> = {
    'the status names another lease': { object: { status: aStatus({ lease: aRef({ id: 'lease-0' }) }) } },
    'the status has none': { object: { status: aStatus({ rotateAt: undefined }) } },
    'what the status has is no instant': { object: { status: aStatus({ rotateAt: 'later' }) } },
  };

  test.each(Object.entries(computed))('is computed where %s', (_sentence, parts) => {
    const input = anInput({ ...parts, memory: { known: known(aRef()) } });
    const moment = rotateAtOf(input, input.object, aRef());
    // A third of an hour before the end, and up to a tenth of an hour earlier.
    expect(moment).toBeLessThanOrEqual(NOW + 50 * MINUTE - 0.33 * HOUR);
    expect(moment).toBeGreaterThanOrEqual(NOW + 50 * MINUTE - 0.43 * HOUR);
  });

  test('is computed with the before of the spec', () => {
    const spec = valid(aSpec({ rotation: { before: '10m' } }));
    const input = anInput({ object: { spec, status: {} }, memory: { known: known(aRef()) } });
    const moment = rotateAtOf(input, input.object, aRef());
    expect(moment).toBeLessThanOrEqual(NOW + 40 * MINUTE);
    expect(moment).toBeGreaterThanOrEqual(NOW + 34 * MINUTE);
  });
});
