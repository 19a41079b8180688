/**
 * Measures the operator from outside: a process of its own beside a real Kubernetes API and the sandbox's lease API.
 *
 * Usage: npm run bench -- --case cold [--leases 1000] [--namespaces 1] [--runs 5] [--json]
 */
import { cold } from './cases/cold.ts';
import type { CaseOptions } from './cases/case.ts';
import { deletion } from './cases/deletion.ts';
import { parseOptions, type CaseName } from './options.ts';
import { describeResult, medianOf, type Result } from './result.ts';
import { buildProgram } from './world/program.ts';

const cases: Readonly<Record<CaseName, (options: CaseOptions) => Promise<Result>>> = {
  cold,
  delete: deletion,
};

const options = parseOptions(process.argv.slice(2));
buildProgram();
const results: Result[] = [];
while (results.length < options.runs) {
  const result = await cases[options.case](options);
  results.push(result);
  if (!options.json && options.runs > 1)
    console.log(`run ${String(results.length)} of ${String(options.runs)}\n${describeResult(result)}\n`);
}
const median = medianOf(results);
console.log(options.json ? JSON.stringify(median) : describeResult(median));
