/**
 * Measures the operator from outside: a process of its own beside a real Kubernetes API and the sandbox's lease API.
 *
 * Usage: npm run bench -- --case cold [--leases 1000] [--namespaces 1] [--runs 5] [--json] [--save FILE]
 */
import { appendFile } from 'node:fs/promises';

import { cold } from './cases/cold.ts';
import type { CaseOptions } from './cases/case.ts';
import { deletion } from './cases/deletion.ts';
import { parseOptions, type CaseName } from './options.ts';
import { describeResult, medianOf, type Result } from './result.ts';
import { savedLine } from './saved/line.ts';
import { thisMachine } from './saved/machine.ts';
import { apart, type Run } from './saved/run.ts';
import { buildProgram } from './world/program.ts';

const cases: Readonly<Record<CaseName, (options: CaseOptions) => Promise<Run>>> = {
  cold,
  delete: deletion,
};

const options = parseOptions(process.argv.slice(2));
// A file that cannot be written is said before minutes are spent.
if (options.save !== undefined) await appendFile(options.save, '');
buildProgram();
const results: Result[] = [];
while (results.length < options.runs) {
  const { result, traces } = apart(await cases[options.case](options));
  results.push(result);
  if (options.save !== undefined)
    await appendFile(options.save, savedLine(result, traces, thisMachine(), new Date()));
  if (!options.json && options.runs > 1)
    console.log(`run ${String(results.length)} of ${String(options.runs)}\n${describeResult(result)}\n`);
}
const median = medianOf(results);
console.log(options.json ? JSON.stringify(median) : describeResult(median));
