import { describe, expect, test } from 'vitest';

import { scaledTiming, standardTiming } from '../../src/timing.ts';

describe('the standard timing', () => {
  test('is that of the documentation', () => {
    expect(standardTiming).toMatchObject({
      leaseRequestDeadline: 60_000,
      deliveryDeadline: 60_000,
      settleAfter: 90_000,
      goneSecondLook: 10_000,
      goneMinimumAge: 120_000,
      massSecondLook: 60_000,
      replacementPace: 100,
      inventoryInterval: 300_000,
      sweepMinimumAge: 180_000,
      minimumBefore: 150_000,
      minimumUse: 30_000,
      overlap: 120_000,
      driftInterval: 600_000,
      removalTimeout: 600_000,
      removalLook: 5_000,
      backoffCap: 120_000,
      attemptsWorthWriting: 60_000,
      referenceInterval: 45_000,
      referencePace: 1_000,
      referenceRetry: 600_000,
    });
  });

  test('holds numbers of milliseconds that a timer takes', () => {
    for (const value of Object.values(standardTiming)) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(2 ** 31);
    }
  });

  test('looks for the outcome of a request only after nobody waits for its answer any more', () => {
    expect(standardTiming.settleAfter).toBeGreaterThan(standardTiming.leaseRequestDeadline);
  });

  test('sweeps no lease that whoever asked for it may still write', () => {
    const { leaseRequestDeadline, deliveryDeadline, kubeRequestDeadline, sweepMinimumAge } = standardTiming;
    expect(sweepMinimumAge).toBeGreaterThan(leaseRequestDeadline + deliveryDeadline + kubeRequestDeadline);
  });

  test('cannot be changed', () => {
    expect(Object.isFrozen(standardTiming)).toBe(true);
  });
});

describe('a scaled timing', () => {
  test('has every wait of the standard one, so many times as long', () => {
    const scaled = scaledTiming(0.1);
    expect(Object.keys(scaled)).toEqual(Object.keys(standardTiming));
    expect(scaled.deliveryDeadline).toBe(6000);
    const [long, short] = [Object.values(standardTiming), Object.values(scaled)];
    expect(Math.max(...short.map((value, index) => Math.abs(value * 10 - (long[index] ?? 0))))).toBeLessThan(
      1e-6,
    );
  });

  test('cannot be changed', () => {
    expect(Object.isFrozen(scaledTiming(2))).toBe(true);
  });
});
