import type { Ceiling } from './figures/ceiling.ts';

/** What a run found. Where a case has no such figure it is null. Units stand in the names. */
export interface Result {
  readonly case: string;
  readonly leases: number;
  readonly namespaces: number;
  readonly leasesPerSecond: number | null;
  /** What the API server takes for the same writes from a client that does nothing else. */
  readonly ceilingLeasesPerSecond: number | null;
  readonly rawCreatesPerSecond: number | null;
  readonly shareOfCeiling: number | null;
  readonly secondsTo50: number | null;
  readonly secondsTo90: number | null;
  readonly secondsTo99: number | null;
  readonly secondsToAll: number | null;
  readonly writesPerLease: number | null;
  readonly readsPerLease: number | null;
  readonly cpuSecondsPer1000: number | null;
  readonly peakMemoryMiB: number;
  readonly conflicts: number;
  readonly logins: number;
  readonly duplicateLeases: number;
  readonly deadCredentialSeconds: number | null;
  /** What only this case has. */
  readonly more: Readonly<Record<string, number>>;
  /** The operator's requests to the API server, by verb and kind. */
  readonly requests: Readonly<Record<string, number>>;
}

/** A run, and the instants of its plot: seconds at which each lease was Ready. */
export interface Run {
  readonly result: Result;
  readonly readyAfter: readonly number[];
}

/** The figures that a comparison with the ceiling has. */
export function against(
  rate: number,
  ceiling: number,
  { rawCreates }: Ceiling,
): Pick<Result, 'leasesPerSecond' | 'ceilingLeasesPerSecond' | 'rawCreatesPerSecond' | 'shareOfCeiling'> {
  return {
    leasesPerSecond: round(rate, 1),
    ceilingLeasesPerSecond: round(ceiling, 1),
    rawCreatesPerSecond: round(rawCreates, 0),
    shareOfCeiling: round(rate / ceiling, 3),
  };
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** A run as lines of text, a figure each. */
export function describeResult({ more, requests, ...figures }: Result): string {
  const lines = (record: Readonly<Record<string, string | number | null>>): string[] =>
    Object.entries(record).flatMap(([name, value]) =>
      value === null ? [] : [`${name.padEnd(26)} ${String(value)}`],
    );
  return [...lines({ ...figures, ...more }), ...lines(requests).map((line) => `  ${line}`)].join('\n');
}
