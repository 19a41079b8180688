/**
 * Kills the operator at each request of a life, in three moments each, on real parts, and checks from outside that
 * everything comes right again. With `--pairs` it kills the process that comes after, too.
 *
 * Usage: npm run test:crash -- [--life declared] [--server tags-kept] [--point 17] [--when after-commit]
 *                              [--first 40] [--lanes 14] [--report FILE] [--trace]
 *        npm run test:crash -- --pairs [--then 'POST lease orders #1'] [--then-when after-commit] [...]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { startSurroundings } from '../support/surroundings.ts';
import { parseOptions } from './options.ts';
import { takePairs } from './phases.ts';
import { momentsOf } from './points.ts';
import { findPoints } from './recording.ts';
import { pairSummary, reportOf, summary, type Outcome, type Point, type Task } from './report.ts';
import { takeAll } from './take.ts';

const options = parseOptions(process.argv.slice(2));

function isChosen({ number, name }: Point): boolean {
  const { point } = options;
  return point === undefined || point === String(number) || point === name;
}

interface Play {
  readonly outcomes: readonly Outcome[];
  readonly lastLine: string;
}

async function play(chosen: readonly Point[], tasks: readonly Task[]): Promise<Play> {
  if (options.pairs) {
    const { states, firsts, pairs } = await takePairs(surroundings, tasks, options);
    return { outcomes: [...firsts, ...pairs], lastLine: pairSummary(states, firsts, pairs) };
  }
  const outcomes = await takeAll(surroundings, tasks, options);
  return { outcomes, lastLine: summary(chosen.length, outcomes) };
}

const began = performance.now();
await using surroundings = await startSurroundings();
const points = await findPoints(surroundings, options);
const seconds = ((performance.now() - began) / 1000).toFixed(0);
const chosenPoints = points.filter((point) => isChosen(point));
const singles = chosenPoints
  .flatMap((point) => momentsOf(point, options.moments).map((when) => ({ point, when })))
  .slice(0, options.first);
console.log(
  `crash: ${String(points.length)} points were recorded after ${seconds} s, which make ${String(singles.length)} lives`,
);
if (options.trace) {
  for (const { point, when } of singles)
    console.log(point.number, point.life, point.server, point.name, when);
}
const { outcomes: all, lastLine } = await play(chosenPoints, singles);
if (options.report !== undefined) {
  mkdirSync(dirname(options.report), { recursive: true });
  writeFileSync(options.report, reportOf(all));
}
console.log(lastLine);
const good = all.length > 0 && all.every(({ result }) => result.violations.length === 0);
process.exitCode = good ? 0 : 1;
