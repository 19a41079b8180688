/**
 * Plays seeds of the simulation, in as many processes as asked for, and prints what was violated.
 *
 * Usage: npm run test:simulate -- [--seeds 600] [--first 1] [--minutes 20] | --seed 123 [--trace]
 */
import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { parseOptions } from './options.ts';
import { describeFailure, summary, vitestReport } from './report.ts';
import type { SeedResult } from './run.ts';
import type { Task } from './task.ts';

const options = parseOptions(process.argv.slice(2));
const until = performance.now() + options.minutes * 60_000;
let next = options.first;

function nextTask(): Task | undefined {
  if (next >= options.first + options.seeds || performance.now() > until) return undefined;
  next += 1;
  return { seed: next - 1, trace: options.trace };
}

/** One process that plays seed after seed. One that fails by itself fails the whole. */
function play(results: SeedResult[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = fork(join(import.meta.dirname, 'worker.ts'), { serialization: 'advanced' });
  const proceed = (): void => {
    const task = nextTask();
    if (task === undefined) worker.disconnect();
    else worker.send(task);
  };
  worker.on('message', (result: SeedResult) => {
    results.push(result);
    if (result.violation !== undefined) console.log(describeFailure(result));
    else if (result.trace !== undefined) console.log(result.trace.join('\n'));
    proceed();
  });
  worker.on('error', reject);
  worker.on('exit', (code) => {
    if (code === 0) resolve();
    else reject(new Error(`A worker ended with code ${String(code)}.`));
  });
  proceed();
  return promise;
}

const results: SeedResult[] = [];
await Promise.all(Array.from({ length: options.workers }, () => play(results)));
results.sort((one, other) => one.seed - other.seed);
if (options.report !== undefined) {
  mkdirSync(dirname(options.report), { recursive: true });
  writeFileSync(options.report, vitestReport(results));
}
console.log(summary(results));
process.exitCode = results.length > 0 && results.every(({ violation }) => violation === undefined) ? 0 : 1;
