/**
 * Two operators on real parts, disturbed in every way at once by a seeded schedule, while the database is logged in to
 * with what the Secrets hold; judged from outside.
 *
 * Usage: npm run chaos -- [--rotations 5000] [--seed 1] [--report FILE]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { parseOptions } from './options.ts';
import { countsLine, describe, isGood, reportOf, summary } from './report.ts';
import { run } from './run.ts';

const options = parseOptions(process.argv.slice(2));
const folder = `seed-${String(options.seed)}-${new Date().toISOString().replaceAll(':', '-')}`;
const logs = path.join(import.meta.dirname, '..', '..', '.reports', 'chaos', folder);

await using outcome = await run(options, logs);
const { verdict, figures, world, ledger } = outcome;
if (options.report !== undefined) {
  mkdirSync(path.dirname(options.report), { recursive: true });
  writeFileSync(options.report, reportOf(verdict));
}
for (const line of await describe(verdict, world, ledger)) console.log(line);
if (isGood(verdict)) rmSync(logs, { recursive: true });
else console.log(`The operators' logs are in ${logs}.`);
for (const [what, counts] of Object.entries(figures)) console.log(`${what}: ${countsLine(counts)}`);
console.log(summary(verdict));
process.exitCode = isGood(verdict) ? 0 : 1;
