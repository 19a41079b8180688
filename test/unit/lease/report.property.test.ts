import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { reasons } from '../../../src/api/condition.ts';
import { leaseStatus, type LeaseStatus } from '../../../src/api/dynamic-secret-lease.ts';
import type { Fault } from '../../../src/errors.ts';
import { atLatest, currentLease, isForeign, leaseRefOf } from '../../../src/lease/current.ts';
import { decide } from '../../../src/lease/decide.ts';
import type { DecisionInput, ObjectView } from '../../../src/lease/input.ts';
import { report, withoutEnded } from '../../../src/lease/report.ts';
import { someInput } from '../../support/arbitrary-input.ts';

type Seen = DecisionInput & { readonly object: ObjectView };

/** What a pass over the input refuses for. */
function refusalOf(input: Seen): Fault | undefined {
  const { step } = decide(input);
  return step.do === 'refuse' ? step.fault : undefined;
}

function reported(input: Seen): LeaseStatus {
  return report(input, input.object, refusalOf(input));
}

/** The same world, its status written. */
function after(input: Seen, status: LeaseStatus): Seen {
  return { ...input, object: { ...input.object, status } };
}

function statusOf(status: LeaseStatus, type: string): string | undefined {
  return status.conditions?.find((one) => one.type === type)?.status;
}

/** Holds for whatever is reported anew; a status that holds a backoff after a restart stands as it is. */
function always(rule: (status: LeaseStatus, input: Seen) => void): void {
  fc.assert(
    fc.property(someInput, (input) => {
      const status = reported(input);
      if (status !== input.object.status) rule(status, input);
    }),
    { numRuns: 2000 },
  );
}

describe('whatever is seen', () => {
  test('an unchanged world costs no write: the report of a reported world is the same', () => {
    always((status, input) => {
      const next = after(input, status);
      expect(report(next, next.object, refusalOf(input))).toStrictEqual(status);
    });
  });

  test('the same holds for the status that is written, without what has ended', () => {
    always((status, input) => {
      const written = withoutEnded(status, input);
      const next = after(input, written);
      expect(withoutEnded(report(next, next.object, refusalOf(input)), next)).toStrictEqual(written);
    });
  });

  test('the status is one that the schema takes, and that comes back as it was', () => {
    always((status) => {
      const sent: unknown = JSON.parse(JSON.stringify(status));
      expect(leaseStatus.parse(sent)).toStrictEqual(status);
    });
  });

  test('the three conditions are there, with reasons of the closed set and sentences of bearable length', () => {
    always((status) => {
      expect(status.conditions?.map(({ type }) => type)).toEqual(['Ready', 'Reconciling', 'Stalled']);
      for (const { reason, message } of status.conditions ?? []) {
        expect(reasons).toContain(reason);
        expect(message.length).toBeGreaterThan(0);
        expect(message.length).toBeLessThanOrEqual(1024);
        expect(message).not.toMatch(/\d{4}-\d{2}-\d{2}T/);
      }
    });
  });

  test('what is Stalled is neither Ready nor Reconciling; what is neither Ready nor Stalled is Reconciling', () => {
    always((status) => {
      const ready = statusOf(status, 'Ready') === 'True';
      const reconciling = statusOf(status, 'Reconciling') === 'True';
      const stalled = statusOf(status, 'Stalled') === 'True';
      expect(stalled && (ready || reconciling)).toBe(false);
      expect(ready || stalled || reconciling).toBe(true);
    });
  });

  test('Ready is the truth about a live lease', () => {
    always((status, input) => {
      if (statusOf(status, 'Ready') !== 'True') return;
      const current = currentLease(input);
      expect(current.state).toBe('trusted');
      const ref = current.state === 'trusted' ? current.ref : undefined;
      expect(input.memory.settled.has(ref?.id ?? '')).toBe(false);
      expect(Date.parse(ref?.expireAt ?? '')).toBeGreaterThan(input.now.lease ?? input.now.kube);
      expect(input.object.deletedAt).toBeUndefined();
      expect(input.object.spec.valid).toBe(true);
    });
  });

  test('retiring holds at most sixteen, each once, and never the lease in the Secret', () => {
    always((status, input) => {
      const ids = (status.retiring ?? []).map(({ id }) => id);
      const current = currentLease(input);
      expect(ids.length).toBeLessThanOrEqual(16);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).not.toContain(current.state === 'trusted' ? current.ref.id : undefined);
    });
  });

  test('no lease drops out of the status that still needs anything, unless sixteen others do', () => {
    always((status, input) => {
      const before = [input.object.status.lease, ...(input.object.status.retiring ?? [])];
      const named = new Set([status.lease?.id, ...(status.retiring ?? []).map(({ id }) => id)]);
      for (const ref of before.filter((one) => one !== undefined)) {
        const settled = input.memory.settled.has(ref.id) || isForeign(input, ref.id);
        expect(settled || named.has(ref.id) || status.retiring?.length === 16).toBe(true);
      }
    });
  });

  test('nothing is retiring on the word of a record alone', () => {
    always((status, input) => {
      const current = currentLease(input);
      if (current.state === 'trusted' && current.mayRevoke) return;
      const { status: before } = input.object;
      const named = [...(before.retiring ?? []), ...(before.lease === undefined ? [] : [before.lease])];
      const known = [...input.memory.known.values()].map(({ ref }) => ref);
      // The status may be behind what the server has said of the end since.
      const asHeard = named.map((ref) => atLatest(input, ref));
      const vouched = [...named, ...asHeard, ...known, ...input.memory.discarded].map(leaseRefOf);
      for (const entry of status.retiring ?? []) expect(vouched).toContainEqual(leaseRefOf(entry));
    });
  });
});
