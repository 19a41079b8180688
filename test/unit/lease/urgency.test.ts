import { describe, expect, test } from 'vitest';

import type { Condition } from '../../../src/api/condition.ts';
import type { ObjectView } from '../../../src/lease/input.ts';
import { deadlineOf } from '../../../src/lease/urgency.ts';
import { aStatus, instant, MINUTE, NOW } from '../../support/builders.ts';

const timing = { firstLeasePatience: 5 * MINUTE };

function ready(status: 'True' | 'False', since: number): Condition {
  return {
    type: 'Ready',
    status,
    reason: 'Delivered',
    message: '',
    observedGeneration: 1,
    lastTransitionTime: instant(since),
  };
}

function ending(at: number): ObjectView['status'] {
  const status = aStatus();
  return { ...status, ...(status.lease && { lease: { ...status.lease, expireAt: instant(at) } }) };
}

describe('the deadline of an object', () => {
  const none: ObjectView['status'] = { observedGeneration: -1 };
  const cases: Record<string, [Pick<ObjectView, 'deletedAt' | 'status'>, number]> = {
    'is the end of its lease': [{ deletedAt: undefined, status: ending(20 * MINUTE) }, NOW + 20 * MINUTE],
    'is the end of its lease where that is over too': [
      { deletedAt: undefined, status: ending(-MINUTE) },
      NOW - MINUTE,
    ],
    'comes five minutes after a new object was seen': [
      { deletedAt: undefined, status: none },
      NOW + 5 * MINUTE,
    ],
    'comes five minutes after an object began to wait for its first lease': [
      { deletedAt: undefined, status: { ...none, conditions: [ready('False', -3 * MINUTE)] } },
      NOW + 2 * MINUTE,
    ],
    'comes five minutes after the deletion of an object was asked for, whatever its lease': [
      { deletedAt: NOW - MINUTE, status: ending(MINUTE) },
      NOW + 4 * MINUTE,
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [object, deadline]) => {
    expect(deadlineOf(object, NOW, timing)).toBe(deadline);
  });
});
