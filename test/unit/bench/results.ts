import type { Result } from '../../../bench/result.ts';
import { parseLines, savedLine, type SavedRun } from '../../../bench/saved/line.ts';
import type { Machine } from '../../../bench/saved/machine.ts';
import type { Traces } from '../../../bench/saved/run.ts';

export const aMachine: Machine = {
  cpu: 'A CPU',
  cores: 2,
  memoryMiB: 8192,
  kernel: 'Linux 6.0.0',
  node: 'v24.0.0',
};

/** A result of 1,000 leases in one namespace. Default: a cold start. */
export function aResult(more: Partial<Result> = {}): Result {
  return {
    case: 'cold',
    leases: 1000,
    namespaces: 1,
    leasesPerSecond: 100,
    ceilingLeasesPerSecond: 200,
    rawCreatesPerSecond: 900,
    shareOfCeiling: 0.5,
    secondsTo50: 5,
    secondsTo90: 9,
    secondsTo99: 9.9,
    secondsToAll: 10,
    writesPerLease: 3,
    readsPerLease: 0,
    cpuSecondsPer1000: 4,
    peakMemoryMiB: 200,
    conflicts: 0,
    logins: 1,
    duplicateLeases: 0,
    deadCredentialSeconds: 0,
    more: {},
    requests: { 'create secrets': 1000 },
    ...more,
  };
}

/** A run as it comes back from a results file. */
export function aSavedRun(result: Partial<Result> = {}, traces: Traces = {}): SavedRun {
  const line = savedLine(aResult(result), traces, aMachine, new Date(0));
  const [run] = parseLines(line, 'runs.jsonl');
  if (run === undefined) throw new Error('The line was lost.');
  return run;
}
