import { vitestReport } from '../support/vitest-report.ts';
import type { ServerKind } from '../support/server-kind.ts';
import type { LifeKind, Moment } from './options.ts';
import type { Fault } from './faults.ts';
import type { Occasion } from './points.ts';
import type { RunResult } from './run.ts';

/** One request of a life. */
export interface Point extends Occasion {
  /** From 1 on, for each life and server. */
  readonly number: number;
  readonly life: LifeKind;
  readonly server: ServerKind;
}

/** What is done to a life: one fault, or two. */
export interface Task {
  readonly point: Point;
  readonly when: Moment;
  /** The fault of the second process. */
  readonly second?: Fault;
}

export interface Outcome extends Task {
  readonly result: RunResult;
}

/** What a failed run prints: request, moment, oracle, what was seen, and how to see it again. */
export function describeFailure({ point, when, second, result }: Outcome): string {
  const { number, life, server, name } = point;
  const next = second === undefined ? '' : `then ${second.point}, ${second.when}, `;
  const fault = `--point '${name}' --when ${when}`;
  const pair =
    second === undefined ? fault : `--pairs ${fault} --then '${second.point}' --then-when ${second.when}`;
  return [
    `violation at point ${String(number)}, ${name}, ${when}, ${next}${life}, ${server}:`,
    ...result.violations.map(({ oracle, seen }) => `  not so: ${oracle}. Seen: ${seen}`),
    // By its name: a number is that of one recording, and another may hold a read more or less.
    `  again: npm run test:crash -- --life ${life} ${pair} --server ${server}`,
  ].join('\n');
}

/** The last line. */
export function summary(points: number, outcomes: readonly Outcome[]): string {
  const counts = `points ${String(points)}, runs ${String(outcomes.length)}`;
  return `crash: ${counts}, ${findings(outcomes)}`;
}

/**
 * The last line of pairs. Pruned: at the second kill everything stood as it did where a whole life had gone well from.
 * Not met: a request of theirs was sent in none of the lives.
 *
 * @param firsts the lives with one fault: what goes wrong in them counts too.
 */
export function pairSummary(states: number, firsts: readonly Outcome[], pairs: readonly Outcome[]): string {
  const pruned = pairs.filter(({ result }) => result.pruned).length;
  const unmet = [...firsts, ...pairs].filter((outcome) => !isMet(outcome)).length;
  const counts = `states ${String(states)}, pairs ${String(pairs.length)}, pruned ${String(pruned)}`;
  return `crash pairs: ${counts}, not met ${String(unmet)}, ${findings([...firsts, ...pairs])}`;
}

function isMet({ second, result }: Outcome): boolean {
  return result.violations.length > 0 || result.fired === (second === undefined ? 1 : 2);
}

function findings(outcomes: readonly Outcome[]): string {
  const violations = outcomes.reduce((sum, { result }) => sum + result.violations.length, 0);
  const slowest = Math.max(0, ...outcomes.map(({ result }) => result.recovery ?? 0)) / 1000;
  return `violations ${String(violations)}, slowest recovery ${slowest.toFixed(1)} s`;
}

/** The outcomes in the form of Vitest's JSON report: one test a run. */
export function reportOf(outcomes: readonly Outcome[]): string {
  const tests = outcomes.map(({ point, when, second, result }) => ({
    title: [String(point.number), point.life, point.server, point.name, when, second?.point, second?.when]
      .filter((part) => part !== undefined)
      .join(' '),
    passed: result.violations.length === 0,
  }));
  return vitestReport('test/crash', tests);
}
