import { describe, expect, test } from 'vitest';

import type { LeaseSpec } from '../../../src/api/dynamic-secret-lease.ts';
import type { LeaseRef } from '../../../src/api/lease.ts';
import { currentLease } from '../../../src/lease/current.ts';
import { retiringOf } from '../../../src/lease/retiring.ts';
import {
  aFormerSecret,
  aLease,
  anInput,
  aRecord,
  aRef,
  aSpec,
  aStatus,
  INSTALL,
  instant,
  invalidSpec,
  known,
  MINUTE,
  NOW,
  ourSecret,
  SECOND,
  valid,
  type InputParts,
} from '../../support/builders.ts';

type Revocation = NonNullable<LeaseSpec['revocation']>;

const second = aRef({ id: 'lease-2' });

/** The Secret holds lease-2, which replaced lease-1; the status still speaks of lease-1. */
function rotated(revocation: Revocation | undefined, memory: InputParts['memory'] = {}): InputParts {
  return {
    object: { spec: valid(aSpec(revocation === undefined ? {} : { revocation })) },
    secret: ourSecret({ record: aRecord({ lease: second, previous: [aRef()] }) }),
    memory: { known: known(second), ...memory },
  };
}

function retiring(parts: InputParts): ReturnType<typeof retiringOf> {
  const input = anInput(parts);
  return retiringOf(input, input.object, currentLease(input));
}

describe('a lease that was just replaced', () => {
  const cases: Record<string, { revocation?: Revocation; after: number | undefined }> = {
    'runs out where nothing is said': { after: undefined },
    'runs out where that is said': { revocation: { onRotation: 'Expire' }, after: undefined },
    'runs out with a grace period alone': { revocation: { gracePeriod: '10m' }, after: undefined },
    'is revoked after 5 minutes where no grace period is said': {
      revocation: { onRotation: 'Revoke' },
      after: 5 * MINUTE,
    },
    'is revoked after the grace period': {
      revocation: { onRotation: 'Revoke', gracePeriod: '1h' },
      after: 60 * MINUTE,
    },
    'is revoked after 2 minutes at least': {
      revocation: { onRotation: 'Revoke', gracePeriod: '1s' },
      after: 2 * MINUTE,
    },
    'is revoked after exactly 2 minutes': {
      revocation: { onRotation: 'Revoke', gracePeriod: '2m' },
      after: 2 * MINUTE,
    },
    'does not go by onDelete': { revocation: { onDelete: 'Revoke' }, after: undefined },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { revocation, after }) => {
    const revokeAfter = after === undefined ? {} : { revokeAfter: instant(after) };
    expect(retiring(rotated(revocation))).toEqual([{ ...aRef(), ...revokeAfter }]);
  });

  test('runs out where the spec cannot be read', () => {
    expect(retiring({ ...rotated(undefined), object: { spec: invalidSpec } })).toEqual([aRef()]);
  });

  test("counts its grace period by the server's clock, or by the Kubernetes API's where that is not known", () => {
    const parts = rotated({ onRotation: 'Revoke' });
    const [byServer] = retiring({ ...parts, now: { lease: NOW + 10 * SECOND } }) ?? [];
    expect(byServer?.revokeAfter).toBe(instant(5 * MINUTE + 10 * SECOND));
    const [byKube] = retiring({ ...parts, now: { lease: undefined, kube: NOW + 20 * SECOND } }) ?? [];
    expect(byKube?.revokeAfter).toBe(instant(5 * MINUTE + 20 * SECOND));
  });

  test('keeps what was said when it was replaced: the spec of now is of no interest', () => {
    const listed = { ...aRef({ id: 'lease-0' }), revokeAfter: instant(MINUTE) };
    const parts = {
      object: {
        spec: valid(aSpec({ revocation: { onRotation: 'Expire' as const } })),
        status: aStatus({ retiring: [listed] }),
      },
    };
    expect(retiring(parts)).toEqual([listed]);
  });

  const ours = { install: INSTALL, object: 'object-uid', attempt: 'a' };
  const tags = {
    'another installation': { ...ours, install: 'another' },
    'another object': { ...ours, object: 'another' },
  } as const;

  test.each(Object.entries(tags))('is not listed where a list has shown it to be of %s', (_whose, tag) => {
    const sighted = new Map([['lease-1', aLease(aRef(), { tag })]]);
    expect(retiring(rotated({ onRotation: 'Revoke' }, { sighted }))).toBeUndefined();
  });

  test('is listed where a list has shown it to be ours, or of nobody', () => {
    for (const tag of [ours, undefined]) {
      const sighted = new Map([['lease-1', aLease(aRef(), { tag })]]);
      expect(retiring(rotated(undefined, { sighted }))).toEqual([aRef()]);
    }
  });

  test('is not listed where only a record had spoken for it', () => {
    const lease = { ...aRef(), attested: false as const };
    const parts = rotated({ onRotation: 'Revoke' });
    expect(retiring({ ...parts, object: { ...parts.object, status: aStatus({ lease }) } })).toBeUndefined();
  });
});

function oldLeases(count: number): LeaseRef[] {
  return Array.from({ length: count }, (_, index) =>
    aRef({ id: `old-${String(index)}`, expireAt: instant((index + 20) * MINUTE) }),
  );
}

describe('a full list', () => {
  const lost = aRef({ id: 'lost', expireAt: instant(90 * MINUTE) });
  const failing: InputParts['memory'] = {
    discarded: [lost],
    revocations: new Map([['lost', { attempts: 1, nextAt: 0, reason: 'NoAnswer' }]]),
  };
  const ids = (count: number): string[] => {
    const object = { status: aStatus({ retiring: oldLeases(count) }) };
    return (retiring({ object, memory: failing }) ?? []).map(({ id }) => id);
  };

  test('has no room for a lease that memory still holds: none is dropped for it', () => {
    expect(ids(16)).toEqual(oldLeases(16).map(({ id }) => id));
  });

  test('takes it in as soon as there is room', () => {
    expect(ids(15)).toEqual([...oldLeases(15).map(({ id }) => id), 'lost']);
  });
});

describe('a lease that only a Secret by a former name holds', () => {
  const third = aRef({ id: 'lease-3' });
  const parts: InputParts = {
    secret: ourSecret({ record: aRecord({ lease: third, previous: [] }) }),
    formers: [aFormerSecret({ lease: second })],
  };

  test('is replaced as well, where this process was given it', () => {
    const replaced = retiring({ ...parts, memory: { known: known(second, third) } });
    expect(replaced?.map(({ id }) => id).sort()).toEqual(['lease-1', 'lease-2']);
  });

  test('is not taken from the words of the Secret alone', () => {
    const replaced = retiring({ ...parts, memory: { known: known(third) } });
    expect(replaced?.map(({ id }) => id)).toEqual(['lease-1']);
  });
});
