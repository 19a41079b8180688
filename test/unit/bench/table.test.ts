import { format } from 'prettier';
import { describe, expect, test } from 'vitest';

import { groupsOf, medianFigure, middleRun, sizeText } from '../../../bench/plots/groups.ts';
import { parsePlotOptions } from '../../../bench/plots/options.ts';
import { tableOf } from '../../../bench/plots/table.ts';
import { aSavedRun } from './results.ts';

const runs = [
  aSavedRun({ case: 'something-new', shareOfCeiling: null, deadCredentialSeconds: null }),
  aSavedRun({ case: 'delete', deadCredentialSeconds: null }),
  aSavedRun({ leases: 10_000, namespaces: 100, shareOfCeiling: 0.7 }),
  aSavedRun({ shareOfCeiling: 0.5, secondsToAll: 9, leasesPerSecond: 99.6 }),
  aSavedRun({ shareOfCeiling: 0.6, secondsToAll: 11 }),
  aSavedRun({ shareOfCeiling: 0.4, secondsToAll: 13, leasesPerSecond: 200 }),
];

/** The median share of runs with these. */
function medianShare(...values: (number | null)[]): number | undefined {
  const own = values.map((shareOfCeiling) => aSavedRun({ shareOfCeiling }));
  return medianFigure({ runs: own }, 'shareOfCeiling');
}

describe('runs', () => {
  test('come in groups, in the order of the cases and sizes', () => {
    const groups = groupsOf(runs);
    expect(groups.map((group) => [group.case, sizeText(group), group.runs.length])).toEqual([
      ['cold', '1,000 leases', 3],
      ['cold', '10,000 leases in 100 namespaces', 1],
      ['delete', '1,000 leases', 1],
      ['something-new', '1,000 leases', 1],
    ]);
  });

  test('of a storm after an outage are another group than those without', () => {
    const groups = groupsOf(
      [90, 0, 80].map((outageSeconds) => aSavedRun({ case: 'storm', more: { outageSeconds } })),
    );
    expect(groups.map((group) => [group.case, group.runs.length])).toEqual([
      ['storm', 1],
      ['storm --outage', 2],
    ]);
  });

  test('have medians of those that have the figure', () => {
    expect(medianShare(0.9, 0.1, 0.5)).toBe(0.5);
    expect(medianShare(0.1, 0.2)).toBe(0.15);
    expect(medianShare(null, 0.3)).toBe(0.3);
    expect(medianShare(null)).toBeUndefined();
  });

  test('have one in the middle', () => {
    expect(middleRun([3, 1, 2], Number)).toBe(2);
    expect(middleRun([4, 1, 2, 3], Number)).toBe(2);
    expect(middleRun([], Number)).toBeUndefined();
  });
});

describe('the table', () => {
  const rows = tableOf(runs)
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  test('has the medians of each group, and a dash where there is no figure', () => {
    expect(rows).toHaveLength(6);
    const [head = [], , cold = [], , deletion = [], unknown = []] = rows;
    expect(Object.fromEntries(head.map((name, column) => [name, cold[column]]))).toEqual({
      Case: '`cold`',
      Leases: '1,000',
      Namespaces: '1',
      Runs: '3',
      'Leases/s': '100',
      Ceiling: '200',
      Share: '0.50 (0.40–0.60)',
      's to 50 %': '5.0',
      '99 %': '9.9',
      all: '11.0',
      Writes: '3.00',
      Reads: '0.00',
      'CPU s/1000': '4.0',
      'Peak MiB': '200',
      '409s': '0',
      Logins: '1',
      Duplicates: '0',
      'Dead s': '0.0',
    });
    expect(deletion.at(-1)).toBe('–');
    expect([unknown[6], unknown.at(-1)]).toEqual(['–', '–']);
  });

  test('is laid out as the formatter lays it out', async () => {
    expect(await format(tableOf(runs), { parser: 'markdown' })).toBe(tableOf(runs));
  });
});

describe('the command line of figures', () => {
  test('takes files, a folder and the wish for a table', () => {
    expect(parsePlotOptions(['a.jsonl', 'b.jsonl', '--out', 'docs/figures'])).toEqual({
      files: ['a.jsonl', 'b.jsonl'],
      out: 'docs/figures',
      table: false,
    });
    expect(parsePlotOptions(['--table', 'a.jsonl'])).toEqual({
      files: ['a.jsonl'],
      out: undefined,
      table: true,
    });
  });

  test.each([
    ['no file', ['--table'], 'Which files'],
    ['nothing to do', ['a.jsonl'], 'Nothing to do'],
    ['an unknown option', ['--fast'], '--fast'],
  ])('refuses %s', (_, args, words) => {
    expect(() => parsePlotOptions(args)).toThrow(words);
  });
});
