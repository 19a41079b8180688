import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

const run = promisify(execFile);
const BENCH = join(import.meta.dirname, '../../bench/main.ts');
const LEASES = 20;

/** The figures that anybody may rely on. */
const FIGURES = [
  'case',
  'leases',
  'leasesPerSecond',
  'ceilingLeasesPerSecond',
  'rawCreatesPerSecond',
  'shareOfCeiling',
  'secondsTo50',
  'secondsTo99',
  'secondsToAll',
  'writesPerLease',
  'readsPerLease',
  'cpuSecondsPer1000',
  'peakMemoryMiB',
  'conflicts',
  'logins',
  'duplicateLeases',
  'deadCredentialSeconds',
  'more',
] as const;

const compared = ['leasesPerSecond', 'ceilingLeasesPerSecond', 'secondsToAll', 'peakMemoryMiB'] as const;

/** Counts, not times: the bundle works, and costs what the sources cost. */
const counts = {
  cold: {
    expected: { writesPerLease: 3, readsPerLease: 0, conflicts: 0, logins: 1, duplicateLeases: 0 },
    measured: compared,
  },
  delete: {
    expected: { writesPerLease: 2, readsPerLease: 0, conflicts: 0, logins: 1, duplicateLeases: 0 },
    measured: compared,
  },
  restart: {
    expected: {
      writesPerLease: 0,
      readsPerLease: 0,
      conflicts: 0,
      logins: 1,
      duplicateLeases: 0,
      // The connection tells of its login.
      more: { newLeases: 0, leaseWrites: 0, otherWrites: 1 },
    },
    measured: ['secondsToAll', 'peakMemoryMiB'],
  },
} as const;

test('the bench measures the case start: nothing is there, and nothing is leased', async () => {
  const { stdout } = await run(process.execPath, [BENCH, '--case', 'start', '--json']);
  const result = JSON.parse(stdout) as { more: Record<string, number> } & Record<string, unknown>;
  expect(result).toMatchObject({ case: 'start', leases: 0, duplicateLeases: 0, conflicts: 0 });
  const { secondsToReady = 0, secondsToWork = 0, restMemoryMiB = 0, mainChunkBytes = 0 } = result.more;
  expect(secondsToReady).toBeGreaterThan(0);
  expect(secondsToWork).toBeGreaterThanOrEqual(secondsToReady);
  // Not the bars: those are for a machine that does nothing else. Far above them something is loaded that should not be.
  expect(restMemoryMiB).toBeLessThan(150);
  expect(mainChunkBytes).toBeLessThan(5_000_000);
});

test.each(Object.entries(counts))('the bench measures the case %s', async (name, { expected, measured }) => {
  const { stdout } = await run(process.execPath, [
    BENCH,
    '--case',
    name,
    '--leases',
    String(LEASES),
    '--json',
  ]);
  const result = JSON.parse(stdout) as Record<string, unknown>;
  expect(Object.keys(result)).toEqual(expect.arrayContaining([...FIGURES]));
  expect(result).toMatchObject({ case: name, leases: LEASES, ...expected });
  for (const figure of measured) expect(result[figure]).toBeGreaterThan(0);
});
