import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { LeaseRef } from '../../../src/api/lease.ts';
import { parseDuration } from '../../../src/api/duration.ts';
import { currentLease, leaseRefOf } from '../../../src/lease/current.ts';
import { decide } from '../../../src/lease/decide.ts';
import type { DecisionInput } from '../../../src/lease/input.ts';
import type { Plan } from '../../../src/lease/plan.ts';
import { isOver } from '../../../src/lease/lifetime.ts';
import { anyInput } from '../../support/arbitrary-input.ts';

/** Holds for whatever is decided about whatever is seen. */
function always(rule: (plan: Plan, input: DecisionInput) => void): void {
  fc.assert(
    fc.property(anyInput, (input) => {
      rule(decide(input), input);
    }),
    { numRuns: 2000 },
  );
}

/** The leases that something other than the Secret's own word vouches for. */
function vouchedFor({ object, memory }: DecisionInput): readonly LeaseRef[] {
  return [
    ...(memory.inHand === undefined ? [] : [memory.inHand.ref]),
    ...memory.discarded,
    ...[...memory.known.values()].map(({ ref }) => ref),
    ...(object?.status.lease === undefined ? [] : [leaseRefOf(object.status.lease)]),
    ...(object?.status.retiring ?? []).map(leaseRefOf),
  ];
}

/** What is said of a lease but its end, which the server may have moved. */
function words(ref: LeaseRef): Omit<LeaseRef, 'expireAt'> {
  const { expireAt: _end, ...rest } = leaseRefOf(ref);
  return rest;
}

function isExpire(input: DecisionInput): boolean {
  const spec = input.object?.spec;
  return spec?.valid === true && spec.value.revocation?.onDelete === 'Expire';
}

/** Whether a lease that only a Secret names is over, as far as is known. */
function isPast({ memory, now, timing }: DecisionInput, { id, expireAt }: LeaseRef): boolean {
  return memory.settled.has(id) || Date.parse(expireAt) + timing.clockSlack <= (now.lease ?? now.kube);
}

function isOverdue({ object, now }: DecisionInput): boolean {
  if (object?.deletedAt === undefined) return false;
  const declared = object.spec.valid ? object.spec.value.revocation?.timeout : undefined;
  return now.kube >= object.deletedAt + (parseDuration(declared ?? '10m') ?? 0);
}

describe('whatever is seen', () => {
  test('a decision is made, the same each time, and nothing of what was seen is changed', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const copy = structuredClone(input);
        const plan = decide(input);
        expect(decide(input)).toEqual(plan);
        expect(input).toEqual(copy);
      }),
      { numRuns: 1000 },
    );
  });

  test('the next look is at a moment that can be waited for', () => {
    always(({ again }) => {
      expect(again === undefined || (Number.isFinite(again) && again >= 0)).toBe(true);
    });
  });

  test('a wait without anything to do is never for no time', () => {
    always(({ step, again, revocations }) => {
      const idle = (step.do === 'wait' || step.do === 'refuse') && revocations.length === 0;
      expect(idle && again === 0).toBe(false);
    });
  });

  test('a lease is asked for only when everything is in order for one', () => {
    always(({ step }, { object, memory, connection, secret }) => {
      if (step.do !== 'lease') return;
      expect(secret.state).not.toBe('foreign');
      expect({ object, memory, connection }).toMatchObject({
        object: { deletedAt: undefined, hasFinalizer: true, spec: { valid: true } },
        memory: { open: undefined, inHand: undefined, blocked: undefined },
        connection: { state: 'usable' },
      });
    });
  });

  test('a lease that is taken along is one that somebody vouches for, in its own words, and not yet over', () => {
    always(({ step }, input) => {
      if (step.do !== 'lease' || step.replaced === undefined) return;
      expect(vouchedFor(input).map(words)).toContainEqual(words(step.replaced));
      expect(isOver(input, step.replaced)).toBe(false);
    });
  });

  test('what is in hand is delivered unless the object goes', () => {
    always(({ step }, { object, memory, now }) => {
      if (memory.inHand === undefined || object === undefined || object.deletedAt !== undefined) return;
      expect(step.do).toBe(memory.inHand.retryAt <= now.elapsed ? 'deliver' : 'wait');
    });
  });

  test('nothing is made for an object that is being deleted or gone', () => {
    const ends = ['settle', 'attest', 'account', 'wait', 'deleteSecret', 'dropFinalizer', 'forget'];
    always(({ step }, { object }) => {
      expect(object !== undefined && object.deletedAt === undefined ? 'wait' : step.do).toBeOneOf(ends);
    });
  });

  test('nothing is deleted or let go of an object that lives, but a Secret by a former name', () => {
    always(({ step }, input) => {
      if (!isStaying(input)) return;
      expect(step.do).not.toBeOneOf(['dropFinalizer', 'forget']);
      const touched = step.do === 'deleteSecret' || step.do === 'releaseSecret' ? [step.name] : [];
      const names = input.formers.map(({ name }) => name);
      expect(touched.filter((name) => !names.includes(name))).toEqual([]);
    });
  });
});

describe('whatever is to be revoked', () => {
  test('is pending, can be asked about, and is named once', () => {
    always(({ revocations }, input) => {
      for (const ref of revocations) {
        expect(isOver(input, ref)).toBe(false);
        expect(input.unreachable.has(ref.id)).toBe(false);
      }
      expect(new Set(revocations.map(({ id }) => id)).size).toBe(revocations.length);
    });
  });

  test('was never named by the word of a record alone', () => {
    always(({ revocations }, input) => {
      const trusted = vouchedFor(input);
      const current = currentLease(input);
      const replaced = current.state === 'trusted' && current.mayRevoke ? current.record.previous : [];
      for (const ref of revocations) {
        const known = trusted.some(({ id }) => id === ref.id);
        expect(known ? trusted : replaced).toContainEqual(leaseRefOf(ref));
      }
    });
  });

  test('waits for its next try', () => {
    always(({ revocations }, { memory, now }) => {
      for (const { id } of revocations) {
        expect(memory.revocations.get(id)?.nextAt ?? 0).toBeLessThanOrEqual(now.elapsed);
      }
    });
  });

  test('is nothing while an object is deleted whose leases are declared to expire', () => {
    always(({ revocations }, input) => {
      if (input.object?.deletedAt === undefined || !isExpire(input)) return;
      expect(revocations).toEqual([]);
    });
  });
});

function isStaying({ object }: DecisionInput): boolean {
  return object !== undefined && object.deletedAt === undefined;
}

describe('an object is let go', () => {
  test('before its time only when no lease is left that could be revoked, and no request is open', () => {
    always(({ step }, input) => {
      if (!['deleteSecret', 'dropFinalizer', 'forget'].includes(step.do)) return;
      if (isStaying(input)) return;
      if (isExpire(input) || isOverdue(input)) return;
      const revocable = vouchedFor(input).filter(
        (ref) =>
          !isOver(input, ref) &&
          !input.unreachable.has(ref.id) &&
          input.memory.attestations.get(ref.id)?.verdict !== 'unattested',
      );
      expect(revocable).toEqual([]);
      expect(input.memory.open).toBeUndefined();
    });
  });

  test('not with a Secret by a former name while its lease lives, or the new one holds none', () => {
    always(({ step }, input) => {
      if (step.do !== 'deleteSecret' || !isStaying(input)) return;
      const former = input.formers.find(({ name }) => name === step.name);
      const listed = (input.object?.status.retiring ?? []).find(({ id }) => id === former?.lease?.id);
      expect(former).toBeDefined();
      expect(listed === undefined || isOver(input, listed)).toBe(true);
      expect(former?.lease === undefined || listed !== undefined || isPast(input, former.lease)).toBe(true);
      expect(currentLease(input).state).toBe('trusted');
    });
  });

  test('naming every lease that nobody revoked', () => {
    always(({ step }, input) => {
      if (step.do !== 'dropFinalizer') return;
      const named = step.left.map(({ ref }) => ref.id);
      const pending = vouchedFor(input).filter((ref) => !isOver(input, ref));
      expect(named).toEqual(expect.arrayContaining(pending.map(({ id }) => id)));
    });
  });

  test('in the end, once its time is over: first its Secrets, then the object', () => {
    always(({ step }, input) => {
      if (!isOverdue(input)) return;
      expect(step.do).toBe(
        input.secret.state === 'ours' || input.formers.length > 0
          ? 'deleteSecret'
          : input.object?.hasFinalizer === true
            ? 'dropFinalizer'
            : 'forget',
      );
    });
  });
});
