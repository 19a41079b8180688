import { describe, expect, test } from 'vitest';

import { condition, progressReasons, reasons } from '../../../src/api/condition.ts';
import { faultCodes } from '../../../src/errors.ts';

describe('the reasons of conditions', () => {
  test('are the words of progress and the codes of faults, each once', () => {
    expect(reasons).toEqual([...progressReasons, ...faultCodes]);
    expect(new Set(reasons).size).toBe(reasons.length);
  });

  test.each(reasons)('%s is a reason as Kubernetes has it', (reason) => {
    expect(reason).toMatch(/^[A-Z][A-Za-z]{2,40}$/);
  });
});

describe('a condition', () => {
  const written = {
    type: 'Ready',
    status: 'True',
    observedGeneration: 3,
    lastTransitionTime: '2026-01-01T12:00:00Z',
    reason: 'LeaseActive',
    message: 'The Secret holds a live lease.',
  };

  test('is read as it was written', () => {
    expect(condition.parse(written)).toEqual(written);
  });

  test.each([
    ['another status', { status: 'Maybe' }],
    ['a message of 1025 characters', { message: 'x'.repeat(1025) }],
    ['a generation that is no whole number', { observedGeneration: 1.5 }],
    ['no reason', { reason: undefined }],
  ])('with %s is none', (_what, change) => {
    expect(condition.safeParse({ ...written, ...change }).success).toBe(false);
  });
});
