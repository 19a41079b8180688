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
] as const;

/** Counts, not times: the bundle works, and costs what the sources cost. */
const counts = {
  cold: { writesPerLease: 3, readsPerLease: 0, conflicts: 0, logins: 1, duplicateLeases: 0 },
  delete: { writesPerLease: 2, readsPerLease: 0, conflicts: 0, logins: 1, duplicateLeases: 0 },
};

test.each(Object.entries(counts))('the bench measures the case %s', async (name, expected) => {
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
  for (const figure of ['leasesPerSecond', 'ceilingLeasesPerSecond', 'secondsToAll', 'peakMemoryMiB'])
    expect(result[figure]).toBeGreaterThan(0);
});
