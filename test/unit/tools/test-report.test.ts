import { describe, expect, test } from 'vitest';
import { checkTally, closingLine, nothing, suiteVerdict, sum } from '../../../tools/test-report.ts';
import type { Tally } from '../../../tools/test-report.ts';

function report(...files: { status?: string; tests: string[] }[]): string {
  return JSON.stringify({
    numTotalTests: 99,
    testResults: files.map(({ status, tests }, index) => ({
      name: `${String(index)}.test.ts`,
      status: status ?? (tests.includes('failed') ? 'failed' : 'passed'),
      assertionResults: tests.map((given) => ({ status: given, title: 'x' })),
    })),
  });
}

describe('a suite', () => {
  interface Case {
    readonly code?: number;
    readonly text: string | undefined;
    readonly tally: Tally;
    readonly remarks?: string[];
  }
  const oneFailure = { ...nothing, failed: 1 };
  const cases: Record<string, Case> = {
    'counts the tests of all files': {
      text: report({ tests: ['passed', 'passed'] }, { tests: ['passed'] }),
      tally: { passed: 3, failed: 0, skipped: 0 },
    },
    'counts failed tests once, whatever the exit code': {
      code: 1,
      text: report({ tests: ['passed', 'failed'] }),
      tally: { passed: 1, failed: 1, skipped: 0 },
    },
    'counts a failed test even when the runner exits with 0': {
      text: report({ tests: ['passed', 'failed'] }),
      tally: { passed: 1, failed: 1, skipped: 0 },
    },
    'counts skipped, pending and planned tests as skipped': {
      text: report({ tests: ['passed', 'skipped', 'pending', 'todo', 'disabled'] }),
      tally: { passed: 1, failed: 0, skipped: 4 },
    },
    'fails a file that could not be loaded': {
      code: 1,
      text: report({ tests: ['passed'] }, { status: 'failed', tests: [] }),
      tally: { passed: 1, failed: 1, skipped: 0 },
      remarks: ['1.test.ts failed outside its tests.'],
    },
    'fails a file whose hook threw and whose tests were left out': {
      code: 1,
      text: report({ status: 'failed', tests: ['skipped', 'skipped'] }),
      tally: { passed: 0, failed: 1, skipped: 2 },
      remarks: ['0.test.ts failed outside its tests.'],
    },
    'fails when the exit code tells of an error beside the tests': {
      code: 1,
      text: report({ tests: ['passed'] }),
      tally: { passed: 1, failed: 1, skipped: 0 },
      remarks: ['unit ended with code 1 without a failed test.'],
    },
    'fails without a report': {
      text: undefined,
      tally: oneFailure,
      remarks: ['unit left no report that can be read.'],
    },
    'fails with an empty report': {
      text: '',
      tally: oneFailure,
      remarks: ['unit left no report that can be read.'],
    },
    'fails with a report that was cut off': {
      text: report({ tests: ['passed'] }).slice(0, -9),
      tally: oneFailure,
      remarks: ['unit left no report that can be read.'],
    },
    'fails with a report of another form': {
      text: '{"testResults":[{"ok":true}]}',
      tally: oneFailure,
      remarks: ['unit left no report that can be read.'],
    },
    'fails when there was no file': {
      text: report(),
      tally: oneFailure,
      remarks: ['unit executed no test.'],
    },
    'fails when every test was skipped': {
      text: report({ tests: ['skipped', 'todo'] }),
      tally: { passed: 0, failed: 1, skipped: 2 },
      remarks: ['unit executed no test.'],
    },
  };

  test.each(Object.entries(cases))('%s', (_, { code = 0, text, tally, remarks = [] }) => {
    expect(suiteVerdict('unit', code, text)).toEqual({ tally, remarks });
  });
});

test.each([
  { code: 0, tally: { passed: 1, failed: 0, skipped: 0 } },
  { code: 1, tally: { passed: 0, failed: 1, skipped: 0 } },
  { code: 128, tally: { passed: 0, failed: 1, skipped: 0 } },
])('a check that ends with $code is one item', ({ code, tally }) => {
  expect(checkTally(code)).toEqual(tally);
});

test('tallies add up, and none is nothing', () => {
  const parts = [
    { passed: 1, failed: 20, skipped: 300 },
    { passed: 4, failed: 50, skipped: 600 },
  ];
  expect(sum(parts)).toEqual({ passed: 5, failed: 70, skipped: 900 });
  expect(sum([])).toEqual(nothing);
});

test.each([
  { tally: { passed: 12, failed: 0, skipped: 0 }, line: '12 passed, 0 failed' },
  { tally: { passed: 12, failed: 3, skipped: 1 }, line: '12 passed, 3 failed, 1 skipped' },
])('the closing line is "$line"', ({ tally, line }) => {
  expect(closingLine(tally)).toBe(line);
});
