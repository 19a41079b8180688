import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { absence, takeInventory, type HeldLease, type Presence } from '../../../src/lease/inventory.ts';
import { standardTiming as timing } from '../../../src/timing.ts';
import { aLease, aRef, ELAPSED, HOUR, instant, MINUTE, NOW, SECOND } from '../../support/builders.ts';

const asked = { elapsed: ELAPSED, server: NOW };

function aHeldLease(overrides: Partial<HeldLease> = {}): HeldLease {
  return {
    id: 'lease-1',
    expireAt: instant(50 * MINUTE),
    createdAt: instant(-10 * MINUTE),
    absentSince: undefined,
    ...overrides,
  };
}

function many(count: number, overrides: Partial<HeldLease> = {}): readonly HeldLease[] {
  return Array.from({ length: count }, (_, index) =>
    aHeldLease({ id: `lease-${String(index)}`, ...overrides }),
  );
}

function listOf(...ids: readonly string[]): Parameters<typeof takeInventory>[0] {
  return { leases: ids.map((id) => aLease(aRef({ id }))), asked };
}

/** What is said of one lease that a list lacks, or has. */
function saidOf(lease: HeldLease, list = listOf()): Presence | undefined {
  return takeInventory(list, [lease], timing).leases.get(lease.id);
}

describe('a held lease', () => {
  const cases: Record<string, readonly [lease: Partial<HeldLease>, said: Presence]> = {
    'that is missing for the first time is looked for again in 10 s': [
      {},
      { state: 'missing', since: ELAPSED, lookAt: ELAPSED + 10 * SECOND },
    ],
    'that is missing again, too soon, is looked for at the same moment': [
      { absentSince: ELAPSED - 9 * SECOND },
      { state: 'missing', since: ELAPSED - 9 * SECOND, lookAt: ELAPSED + SECOND },
    ],
    'that is missing again 10 s later is gone': [{ absentSince: ELAPSED - 10 * SECOND }, { state: 'gone' }],
    'that is missing and not two minutes old is looked for when it is': [
      { createdAt: instant(-MINUTE), absentSince: ELAPSED - 30 * SECOND },
      { state: 'missing', since: ELAPSED - 30 * SECOND, lookAt: ELAPSED + MINUTE },
    ],
    'of unknown age counts as new when it was first missed': [
      { createdAt: undefined, absentSince: ELAPSED - 30 * SECOND },
      { state: 'missing', since: ELAPSED - 30 * SECOND, lookAt: ELAPSED + 90 * SECOND },
    ],
    'of unknown age is gone two minutes after it was first missed': [
      { createdAt: undefined, absentSince: ELAPSED - 2 * MINUTE },
      { state: 'gone' },
    ],
    'past its end is not looked for': [
      { expireAt: instant(-SECOND), absentSince: ELAPSED - HOUR },
      { state: 'ended' },
    ],
    'whose end the clocks cannot tell from now is not looked for either': [
      { expireAt: instant(SECOND), absentSince: ELAPSED - HOUR },
      { state: 'ended' },
    ],
    'whose end cannot be read is looked for': [
      { expireAt: 'soon', absentSince: ELAPSED - HOUR },
      { state: 'gone' },
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [lease, said]) => {
    expect(saidOf(aHeldLease(lease))).toEqual(said);
  });

  test('that is listed is present, whatever was missed before', () => {
    const lease = aHeldLease({ absentSince: ELAPSED - HOUR, createdAt: undefined });
    expect(saidOf(lease, listOf('lease-1', 'other'))).toEqual({
      state: 'present',
      lease: aLease(aRef({ id: 'lease-1' })),
    });
  });

  test('of a server whose time is not known is gone only two minutes after it was first missed', () => {
    const unknown = { elapsed: ELAPSED, server: undefined };
    const missed = (ms: number): object =>
      absence({ createdAt: instant(-HOUR), absentSince: ELAPSED - ms }, unknown, timing);
    expect([missed(2 * MINUTE - 1), missed(2 * MINUTE)]).toMatchObject([
      { state: 'missing' },
      { state: 'gone' },
    ]);
  });
});

/** What is said of eight leases that a list lacked so many milliseconds ago, as this one does. */
function massMissedFor(ms: number): ReadonlySet<string> {
  const held = many(8, { absentSince: ELAPSED - ms });
  const { leases } = takeInventory(listOf(), held, timing);
  return new Set([...leases.values()].map(({ state }) => state));
}

describe('leases that are missing together', () => {
  const cases: Record<string, readonly [held: number, missing: number, mass: boolean]> = {
    'six of six are a mass disappearance': [6, 6, true],
    'five of five are not: they are few': [5, 5, false],
    'eight of ten are': [10, 8, true],
    'six of thirty are not: they are a small share': [30, 6, false],
    'seven of thirty are': [30, 7, true],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [count, missing, mass]) => {
    const held = many(count);
    const listed = held.slice(missing).map(({ id }) => id);
    expect(takeInventory(listOf(...listed), held, timing).mass).toBe(mass);
  });

  test('in masses are gone only after a minute', () => {
    expect(massMissedFor(MINUTE - 1)).toEqual(new Set(['missing']));
    expect(massMissedFor(MINUTE)).toEqual(new Set(['gone']));
  });

  test('at their ends are no mass disappearance', () => {
    const held = many(20, { expireAt: instant(-MINUTE) });
    expect(takeInventory(listOf(), held, timing).mass).toBe(false);
  });
});

test('whatever is held and listed: nothing that is listed, young, or missing for the first time is gone', () => {
  const heldLease = fc.record({
    id: fc.constantFrom(...Array.from({ length: 12 }, (_, index) => `lease-${String(index)}`)),
    expireAt: fc.integer({ min: -HOUR, max: HOUR }).map(instant),
    createdAt: fc.option(fc.integer({ min: -HOUR, max: MINUTE }).map(instant), { nil: undefined }),
    absentSince: fc.option(fc.integer({ min: ELAPSED - HOUR, max: ELAPSED }), { nil: undefined }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(heldLease, { selector: ({ id }) => id }),
      fc.subarray(Array.from({ length: 12 }, (_, index) => `lease-${String(index)}`)),
      (held, listed) => {
        const { leases } = takeInventory(listOf(...listed), held, timing);
        expect([...leases.keys()].toSorted()).toEqual(held.map(({ id }) => id).toSorted());
        for (const { id, createdAt, absentSince } of held) {
          if (leases.get(id)?.state !== 'gone') continue;
          expect(listed).not.toContain(id);
          expect(absentSince).toBeLessThanOrEqual(ELAPSED - timing.goneSecondLook);
          expect(Date.parse(createdAt ?? instant(-HOUR))).toBeLessThanOrEqual(NOW - 2 * MINUTE);
        }
      },
    ),
  );
});
