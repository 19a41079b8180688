import { vitestReport } from '../support/vitest-report.ts';
import type { ServerKind } from '../support/server-kind.ts';
import type { Moment } from './options.ts';
import type { PointName } from './recorder.ts';
import type { RunResult } from './run.ts';

/** One request of a life. */
export interface Point {
  /** From 1 on, for each server. */
  readonly number: number;
  readonly server: ServerKind;
  readonly name: PointName;
}

export interface Outcome {
  readonly point: Point;
  readonly when: Moment;
  readonly result: RunResult;
}

/** What a failed run prints: request, moment, oracle, what was seen, and how to see it again. */
export function describeFailure({ point, when, result }: Outcome): string {
  const { number, server, name } = point;
  return [
    `violation at point ${String(number)}, ${name}, ${when}, ${server}:`,
    ...result.violations.map(({ oracle, seen }) => `  not so: ${oracle}. Seen: ${seen}`),
    // By its name: a number is that of one recording, and another may hold a read more or less.
    `  again: npm run test:crash -- --point '${name}' --when ${when} --server ${server}`,
  ].join('\n');
}

/** The last line. */
export function summary(points: number, outcomes: readonly Outcome[]): string {
  const violations = outcomes.reduce((sum, { result }) => sum + result.violations.length, 0);
  const slowest = Math.max(0, ...outcomes.map(({ result }) => result.recovery ?? 0)) / 1000;
  const counts = `points ${String(points)}, runs ${String(outcomes.length)}, violations ${String(violations)}`;
  return `crash: ${counts}, slowest recovery ${slowest.toFixed(1)} s`;
}

/** The outcomes in the form of Vitest's JSON report: one test a run. */
export function reportOf(outcomes: readonly Outcome[]): string {
  const tests = outcomes.map(({ point, when, result }) => ({
    title: `${String(point.number)} ${point.server} ${point.name} ${when}`,
    passed: result.violations.length === 0,
  }));
  return vitestReport('test/crash', tests);
}
