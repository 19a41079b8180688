import type { CaseOptions } from './cases/case.ts';
import type { Seen } from './cases/run.ts';
import type { Ceiling } from './figures/ceiling.ts';
import { askedOf } from './figures/leases.ts';
import type { Requests } from './figures/requests.ts';
import type { Run } from './saved/run.ts';

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

/** The figures of a case that is compared with no ceiling. */
export const uncompared = {
  leasesPerSecond: null,
  ceilingLeasesPerSecond: null,
  rawCreatesPerSecond: null,
  shareOfCeiling: null,
} satisfies Partial<Result>;

/** Those of a case in which nothing has a course from a first object to a last one. */
export const courseless = {
  secondsTo50: null,
  secondsTo90: null,
  secondsTo99: null,
  secondsToAll: null,
} satisfies Partial<Result>;

/** The figures that every case has, and zero or null for what it must say itself. */
export function common(
  { leases, namespaces }: Pick<CaseOptions, 'leases' | 'namespaces'>,
  {
    usage,
    ledger,
    eventLoopDelayP99Ms,
    memory,
    apiServer,
  }: Pick<Seen, 'usage' | 'ledger' | 'eventLoopDelayP99Ms' | 'memory' | 'apiServer'>,
  { writes, reads, conflicts, byKind }: Requests,
): Omit<
  Run,
  | 'case'
  | keyof ReturnType<typeof against>
  | 'secondsTo50'
  | 'secondsTo90'
  | 'secondsTo99'
  | 'secondsToAll'
  | 'readiness'
> {
  return {
    leases,
    namespaces,
    writesPerLease: round(writes / leases, 3),
    readsPerLease: round(reads / leases, 3),
    cpuSecondsPer1000: round((usage.cpuSeconds * 1000) / leases, 2),
    peakMemoryMiB: round(usage.peakMemoryMiB, 1),
    conflicts,
    logins: askedOf(ledger, leases).logins,
    duplicateLeases: 0,
    deadCredentialSeconds: 0,
    more: { eventLoopDelayP99Ms: round(eventLoopDelayP99Ms, 1) },
    requests: byKind,
    memory,
    apiServer,
  };
}

/** The medians of several runs of a case, figure by figure; of their requests those of the first. */
export function medianOf(results: readonly Result[]): Result {
  const [first] = results;
  if (first === undefined) throw new Error('There are no runs, and so no medians.');
  const names = Object.keys(first) as (keyof Result)[];
  const figures = names.filter((name) => typeof first[name] === 'number');
  const medians = figures.map((name) => [name, median(results.map((one) => Number(one[name])))] as const);
  const more = Object.keys(first.more).map(
    (name) => [name, median(results.map((one) => one.more[name] ?? Number.NaN))] as const,
  );
  return { ...first, ...Object.fromEntries(medians), more: Object.fromEntries(more) };
}

/** The value in the middle, or between the two there; NaN where there are none. Three digits. */
export function median(values: readonly number[]): number {
  const ascending = values.toSorted((one, other) => one - other);
  const middle = Math.floor(ascending.length / 2);
  const [low, high] = [ascending[ascending.length % 2 === 0 ? middle - 1 : middle], ascending[middle]];
  return round(((low ?? Number.NaN) + (high ?? Number.NaN)) / 2, 3);
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** A run as lines of text, a figure each. */
export function describeResult({ more, requests, ...figures }: Result): string {
  return [...lines({ ...figures, ...more }), ...lines(requests).map((line) => `  ${line}`)].join('\n');
}

function lines(record: Readonly<Record<string, string | number | null>>): readonly string[] {
  return Object.entries(record).flatMap(([name, value]) =>
    value === null ? [] : [`${name.padEnd(26)} ${String(value)}`],
  );
}
