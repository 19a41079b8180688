/**
 * Measures the operator from outside: a process of its own beside a real Kubernetes API and the sandbox's lease API.
 *
 * Usage: npm run bench -- --case cold [--leases 1000] [--namespaces 1] [--runs 5] [--json] [--save FILE]; more with --help.
 */
import { appendFile } from 'node:fs/promises';

import { cold } from './cases/cold.ts';
import type { CaseOptions } from './cases/case.ts';
import { deletion } from './cases/deletion.ts';
import { idle } from './cases/idle.ts';
import { limited } from './cases/limited.ts';
import { noisy } from './cases/noisy.ts';
import { restart } from './cases/restart.ts';
import { start } from './cases/start.ts';
import { steady } from './cases/steady.ts';
import { storm } from './cases/storm.ts';
import { parseOptions, USAGE, type CaseName, type Options } from './options.ts';
import { describeResult, medianOf, type Result } from './result.ts';
import { savedLine } from './saved/line.ts';
import { thisMachine } from './saved/machine.ts';
import { apart, type Run } from './saved/run.ts';
import { buildProgram } from './world/program.ts';

const cases: Readonly<Record<CaseName, (options: CaseOptions) => Promise<Run>>> = {
  cold,
  delete: deletion,
  restart,
  start,
  steady,
  storm,
  idle,
  noisy,
  limited,
};

const options = parseOptions(process.argv.slice(2));
if (options === undefined) console.log(USAGE);
else await measure(options);

async function measure(wanted: Options): Promise<void> {
  // A file that cannot be written is said before minutes are spent.
  if (wanted.save !== undefined) await appendFile(wanted.save, '');
  buildProgram();
  const results: Result[] = [];
  while (results.length < wanted.runs) {
    const { result, traces } = apart(await cases[wanted.case](wanted));
    results.push(result);
    if (wanted.save !== undefined)
      await appendFile(wanted.save, savedLine(result, traces, thisMachine(), new Date()));
    if (!wanted.json && wanted.runs > 1)
      console.log(`run ${String(results.length)} of ${String(wanted.runs)}\n${describeResult(result)}\n`);
  }
  const median = medianOf(results);
  console.log(wanted.json ? JSON.stringify(median) : describeResult(median));
}
