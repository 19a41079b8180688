import { describe, expect, test } from 'vitest';

import { fault } from '../../../src/errors.ts';
import { decide } from '../../../src/lease/decide.ts';
import type { Step } from '../../../src/lease/plan.ts';
import {
  absent,
  anInput,
  aSpec,
  aStatus,
  ELAPSED,
  failures,
  foreign,
  HOUR,
  NOW,
  ourSecret,
  refused,
  SECOND,
  valid,
  type InputParts,
} from '../../support/builders.ts';

const seek: Step = { do: 'seek' };
const unavailable = fault('KubernetesUnavailable', { request: 'read the Secret' });

/** The status names a Secret that the watch does not show, and nobody has looked. */
function outOfView(parts: InputParts = {}): InputParts {
  return { secret: absent, ...parts, memory: { sought: false, ...parts.memory } };
}

function stepOf(parts: InputParts): Step {
  return decide(anInput(parts)).step;
}

describe('a Secret that the status names and no watch shows', () => {
  const sought: Record<string, InputParts> = {
    'before it counts as deleted': outOfView(),
    'while nothing is to be done': outOfView({ object: { spec: valid(aSpec({ suspend: true })) } }),
    'while the connection does not work': outOfView({ connection: refused() }),
    'before the object goes': outOfView({ object: { deletedAt: NOW } }),
    'before the object goes whose leases are to run out': outOfView({
      object: { deletedAt: NOW, spec: valid(aSpec({ revocation: { onDelete: 'Expire' } })) },
    }),
    'again, when a failed look has waited': outOfView({
      memory: { failures: failures({ fault: unavailable, nextAt: ELAPSED }) },
    }),
    'while something else has failed': outOfView({ memory: { failures: failures() } }),
  };
  test.each(Object.entries(sought))('is looked for %s', (_sentence, parts) => {
    expect(stepOf(parts)).toEqual(seek);
  });

  const left: Record<string, InputParts> = {
    'is in view': { ...outOfView(), secret: ourSecret() },
    "is another's": { ...outOfView(), secret: foreign },
    'was looked for': outOfView({ memory: { sought: true } }),
    'was written by this process, which had it in view': outOfView({
      memory: { written: { uid: 'secret-uid', resourceVersion: '6' } },
    }),
    'has another name by now': outOfView({ object: { spec: valid(aSpec({ secret: { name: 'renamed' } })) } }),
    'was never written': outOfView({ object: { status: aStatus({ secret: undefined }) } }),
    'belongs to an object that has no more time to go': outOfView({
      object: { deletedAt: NOW - HOUR },
    }),
  };
  test.each(Object.entries(left))('costs no look where it %s', (_sentence, parts) => {
    expect(stepOf(parts)).not.toEqual(seek);
  });

  test('is not looked for at once after a look that failed', () => {
    const parts = outOfView({
      memory: { failures: failures({ fault: unavailable, nextAt: ELAPSED + SECOND }) },
    });
    expect(decide(anInput(parts))).toMatchObject({ step: { do: 'wait' }, again: SECOND });
    const deleting = outOfView({ ...parts, object: { deletedAt: NOW } });
    expect(decide(anInput(deleting))).toMatchObject({ step: { do: 'wait' }, again: SECOND });
  });

  test('does not keep the leases of an object that goes from being revoked', () => {
    const plan = decide(anInput(outOfView({ object: { deletedAt: NOW } })));
    expect(plan.revocations.map(({ id }) => id)).toEqual(['lease-1']);
  });
});
