import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { residentMiB, watchMemory } from '../../../bench/figures/memory.ts';
import { sharesOf, thin } from '../../../bench/figures/points.ts';
import type { Result } from '../../../bench/result.ts';
import { parseLines, savedLine, UnreadableResults } from '../../../bench/saved/line.ts';
import { apart } from '../../../bench/saved/run.ts';
import { aMachine, aResult } from './results.ts';

const DATE = new Date('2026-05-04T03:02:01.000Z');

describe('a curve', () => {
  test('is thinned evenly, and keeps both ends', () => {
    const items = Array.from({ length: 1000 }, (_, index) => index);
    const few = thin(items, 5);
    expect(few).toEqual([0, 250, 500, 749, 999]);
    expect(thin(items)).toHaveLength(200);
    expect(new Set(thin(items)).size).toBe(200);
  });

  test('of few points stays as it is', () => {
    expect(thin([1, 2, 3], 3)).toEqual([1, 2, 3]);
    expect(thin([])).toEqual([]);
  });

  test('of readiness ends with all objects', () => {
    expect(sharesOf([1500, 2000, 4250], 1000)).toEqual([
      [0.5, 0.3333],
      [1, 0.6667],
      [3.25, 1],
    ]);
    const many = sharesOf(
      Array.from({ length: 10_000 }, (_, index) => index),
      0,
    );
    expect(many).toHaveLength(200);
    expect(many.at(-1)).toEqual([9.999, 1]);
  });
});

describe('the memory of a process', () => {
  beforeEach(() => vi.useFakeTimers({ now: 10_000 }));
  afterEach(() => vi.useRealTimers());

  test('is looked at twice a second, over a restart, until the end', () => {
    const resident = new Map([[7, 50.04]]);
    const watch = watchMemory(10_000, (pid) => resident.get(pid));
    vi.advanceTimersByTime(600);
    watch.follow(7);
    vi.advanceTimersByTime(400);
    resident.delete(7);
    vi.advanceTimersByTime(1000);
    resident.set(8, 60);
    watch.follow(8);
    watch[Symbol.dispose]();
    vi.advanceTimersByTime(1000);
    expect(watch.points()).toEqual([
      [0.6, 50],
      [1, 50],
      [2, 60],
    ]);
  });

  test('is not known of a process that is not there', () => {
    expect(residentMiB(2 ** 30)).toBeUndefined();
  });
});

describe('a saved run', () => {
  const result: Result = aResult({ leasesPerSecond: 180.5, more: { secondsToFirst: 0.8 } });

  test('comes back as it was', () => {
    const readiness = [[0.5, 1]] as const;
    const memory = [[0.1, 40.5]] as const;
    const line = savedLine(result, { readiness, memory, apiServer: 'v1.34.4' }, aMachine, DATE);
    expect(line.endsWith('\n')).toBe(true);
    const [back] = parseLines(`${line}\n`, 'runs.jsonl');
    expect(back).toMatchObject({
      date: '2026-05-04T03:02:01.000Z',
      machine: { cpu: 'A CPU', apiServer: 'v1.34.4' },
      result: { case: 'cold', leases: 1000, leasesPerSecond: 180.5, deadCredentialSeconds: 0 },
      readiness,
      memory,
    });
  });

  test('keeps all figures of its result in the file', () => {
    const line: unknown = JSON.parse(savedLine(result, {}, aMachine, DATE));
    expect(line).toEqual({
      date: '2026-05-04T03:02:01.000Z',
      machine: { ...aMachine, apiServer: null },
      result,
      readiness: null,
      memory: [],
    });
  });

  test('is none of what is printed', () => {
    const run = { ...result, readiness: [[1, 1]], memory: [], apiServer: 'v1.34.4' } as const;
    const { result: printed, traces } = apart(run);
    expect(printed).toEqual(result);
    expect(traces).toEqual({ readiness: [[1, 1]], memory: [], apiServer: 'v1.34.4' });
    expect(apart(result).traces).toEqual({});
  });

  const good = savedLine(result, {}, aMachine, DATE);
  test.each([
    ['that was cut off', good.slice(0, 50), 'runs.jsonl, line 3: no JSON'],
    ['of another shape', '{"case":"cold"}', 'runs.jsonl, line 3: date: '],
    ['that lacks a figure', good.replace('"leases":1000,', ''), 'runs.jsonl, line 3: result.leases: '],
    ['with text for a figure', good.replace('180.5', '"fast"'), 'line 3: result.leasesPerSecond: '],
  ])('%s is refused, by the number of its line', (_, line, words) => {
    expect(() => parseLines(`${good}\n${line}`, 'runs.jsonl')).toThrow(UnreadableResults);
    expect(() => parseLines(`${good}\n${line}`, 'runs.jsonl')).toThrow(words);
  });
});
