/**
 * Kills the operator at each request of a life, in three moments each, on real parts, and checks from outside that
 * everything comes right again.
 *
 * Usage: npm run test:crash -- [--point 17] [--when after-commit] [--server tags-kept] [--lanes 14] [--trace]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import type { ServerKind } from '../support/server-kind.ts';
import { parseOptions, type Moment } from './options.ts';
import { momentsOf, pointsOf } from './points.ts';
import { describeFailure, summary, reportOf, type Outcome, type Point } from './report.ts';
import { run, type RunResult } from './run.ts';
import { startSurroundings, type Surroundings } from '../support/surroundings.ts';

const options = parseOptions(process.argv.slice(2));

interface Task {
  readonly point: Point;
  readonly when: Moment;
}

/** So many lives without a fault tell what the requests of a life are. */
const RECORDED_LIVES = 2;

/** A life may go past a request that only its timing made: it is lived again, so often at most. */
const TRIES = 3;

async function recordLives(surroundings: Surroundings, server: ServerKind): Promise<readonly RunResult[]> {
  const lives = Array.from({ length: RECORDED_LIVES }, () => run(surroundings, server, undefined));
  return Promise.all(lives);
}

async function findPoints(surroundings: Surroundings): Promise<readonly Point[]> {
  const recorded = await Promise.all(
    options.servers.map(async (server) => ({ server, lives: await recordLives(surroundings, server) })),
  );
  for (const { server, lives } of recorded) {
    for (const { violations, trace } of lives) {
      if (options.trace) console.log(trace.join('\n'));
      if (violations.length === 0) continue;
      console.log(trace.join('\n'));
      throw new Error(`A life without a fault went wrong, ${server}: ${JSON.stringify(violations)}`);
    }
  }
  return recorded.flatMap(({ server, lives }) =>
    pointsOf(lives.map((life) => life.points)).map((name, index) => ({ server, name, number: index + 1 })),
  );
}

function isChosen({ number, name }: Point): boolean {
  const { point } = options;
  return point === undefined || point === String(number) || point === name;
}

async function take(surroundings: Surroundings, { point, when }: Task): Promise<Outcome> {
  for (let tries = 1; ; tries += 1) {
    const result = await run(surroundings, point.server, { point: point.name, when });
    if (result.fired || result.violations.length > 0) return { point, when, result };
    if (tries < TRIES) continue;
    const violations = [{ oracle: 'the request is sent', seen: `in none of ${String(TRIES)} lives` }];
    return { point, when, result: { ...result, violations } };
  }
}

async function takeAll(surroundings: Surroundings, tasks: readonly Task[]): Promise<readonly Outcome[]> {
  const left = [...tasks];
  const outcomes: Outcome[] = [];
  const lane = async (): Promise<void> => {
    for (let task = left.shift(); task !== undefined; task = left.shift()) {
      const outcome = await take(surroundings, task);
      outcomes.push(outcome);
      const failed = outcome.result.violations.length > 0;
      if (options.trace) console.log(`\n${task.point.name} ${task.when}\n${outcome.result.trace.join('\n')}`);
      if (failed) console.log(describeFailure(outcome));
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  return outcomes.toSorted((one, other) => one.point.number - other.point.number);
}

const began = performance.now();
await using surroundings = await startSurroundings();
const points = await findPoints(surroundings);
const chosen = points.filter((point) => isChosen(point));
const seconds = ((performance.now() - began) / 1000).toFixed(0);
console.log(`crash: ${String(points.length)} points were recorded after ${seconds} s`);
if (options.trace) for (const { number, server, name } of points) console.log(number, server, name);
const tasks = chosen.flatMap((point) =>
  momentsOf(point.name, options.moments).map((when) => ({ point, when })),
);
const outcomes = await takeAll(surroundings, tasks);
if (options.report !== undefined) {
  mkdirSync(dirname(options.report), { recursive: true });
  writeFileSync(options.report, reportOf(outcomes));
}
console.log(summary(chosen.length, outcomes));
const good = outcomes.length > 0 && outcomes.every(({ result }) => result.violations.length === 0);
process.exitCode = good ? 0 : 1;
