import { describe, expect, it } from 'vitest';

import { faultsInTurn } from '../../crash/faults.ts';

describe('faults in turn', () => {
  it('meets a request by its name and its occurrence', () => {
    const faults = faultsInTurn([{ point: 'POST lease orders #2', when: 'after-commit' }]);
    expect(faults.meet('POST lease orders')).toBeUndefined();
    expect(faults.meet('POST lease stock')).toBeUndefined();
    expect(faults.meet('POST lease orders')).toBe('after-commit');
    expect(faults.fired()).toBe(1);
    expect(faults.processes).toEqual([
      ['POST lease orders #1', 'POST lease stock #1', 'POST lease orders #2'],
    ]);
  });

  it('counts the requests of the next process from the first on', () => {
    const faults = faultsInTurn([
      { point: 'POST lease orders #1', when: 'after-commit' },
      { point: 'POST lease orders #1', when: 'before-sending' },
    ]);
    expect(faults.meet('POST lease orders')).toBe('after-commit');
    faults.died();
    expect(faults.meet('POST lease orders')).toBe('before-sending');
    expect(faults.fired()).toBe(2);
    expect(faults.processes).toEqual([['POST lease orders #1'], ['POST lease orders #1']]);
  });

  it('counts nothing while a process is being killed', () => {
    const faults = faultsInTurn([
      { point: 'POST lease orders #1', when: 'after-answer' },
      { point: 'POST secrets orders #1', when: 'after-commit' },
    ]);
    faults.meet('POST lease orders');
    expect(faults.isDying()).toBe(true);
    expect(faults.meet('POST secrets orders')).toBeUndefined();
    faults.died();
    expect(faults.isDying()).toBe(false);
    expect(faults.meet('POST secrets orders')).toBe('after-commit');
  });

  it('meets nothing where no fault is left', () => {
    const faults = faultsInTurn([{ point: 'POST lease orders #1', when: 'after-commit' }]);
    faults.meet('POST lease orders');
    faults.died();
    expect(faults.meet('POST lease orders')).toBeUndefined();
    expect(faults.fired()).toBe(1);
  });
});
