import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/lease/decide.ts';
import { policies } from '../../../src/lease/policies.ts';
import { anInput, NOW, type InputParts } from '../../support/builders.ts';
import { decisionRows } from '../../support/rows.ts';

const pairs = decisionRows.flatMap((earlier, index) =>
  decisionRows.slice(index + 1).map((later) => ({ earlier, later })),
);

function policyFor(parts: InputParts): string {
  return decide(anInput(parts)).policy;
}

describe('the order of the table', () => {
  test('is that of the policies', () => {
    const names = decisionRows.map(({ policy }) => policy);
    expect([...names, 'all is well']).toEqual(policies.map(({ name }) => name));
  });

  test.each(decisionRows)('alone: $policy', ({ policy, over }) => {
    expect(policyFor(over({}))).toBe(policy);
  });

  test.each(pairs)('$earlier.policy, before: $later.policy', ({ earlier, later }) => {
    expect(policyFor(earlier.over(later.over({})))).toBe(earlier.policy);
  });

  test.each(decisionRows)('a deletion, before: $policy', ({ over }) => {
    const parts = over({});
    const deleting = { ...parts, object: { ...parts.object, deletedAt: NOW } };
    expect(policyFor(deleting)).toMatch(
      /^(settle|find the Secret|attest|account for every lease|revoke) before letting go$|^let go$/,
    );
  });
});
