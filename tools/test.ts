/**
 * What `npm test` runs: the checks, the sandbox's binaries, then the test suites. The last line tells how many items
 * passed and failed, as the runners' own reports and the checks' exit codes have it.
 *
 * Usage: npm test
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { z } from 'zod';
import { runCommand } from './child.ts';
import type { Command, Outcome } from './child.ts';
import { checkTally, closingLine, nothing, suiteVerdict, sum } from './test-report.ts';
import type { Tally } from './test-report.ts';

const root = join(import.meta.dirname, '..');
const minute = 60_000;

type Step =
  /** Scripts of package.json that run side by side; each of them is one item. */
  | { readonly kind: 'checks'; readonly scripts: readonly string[] }
  /** What the suites need. No item, but a failed one when it fails. */
  | { readonly kind: 'preparation'; readonly name: string; readonly run: Command['run'] }
  /** A test runner and the JSON report that it writes. */
  | {
      readonly kind: 'suite';
      readonly name: string;
      readonly run: Command['run'];
      readonly report: string;
      /** Milliseconds until it is broken off. Default: 20 minutes. */
      readonly deadline?: number;
    };

const steps: readonly Step[] = [
  { kind: 'checks', scripts: ['check:types', 'check:lint', 'check:format', 'check:generated'] },
  { kind: 'preparation', name: 'binaries', run: [process.execPath, 'tools/setup.ts'] },
  {
    kind: 'suite',
    name: 'vitest',
    run: vitest('vitest', '--project', '!measured'),
    report: '.reports/vitest.json',
    // A machine that others work on takes 19 minutes.
    deadline: 30 * minute,
  },
  {
    kind: 'suite',
    name: 'measured',
    run: vitest('measured', '--project', 'measured'),
    report: '.reports/measured.json',
  },
  {
    kind: 'suite',
    name: 'simulate',
    run: [process.execPath, 'test/simulation/main.ts', '--report', '.reports/simulate.json'],
    report: '.reports/simulate.json',
  },
  {
    kind: 'suite',
    name: 'crash',
    run: [process.execPath, 'test/crash/main.ts', '--report', '.reports/crash.json'],
    report: '.reports/crash.json',
  },
  {
    kind: 'suite',
    name: 'mutants',
    run: [process.execPath, 'test/mutants/main.ts', '--report', '.reports/mutants.json'],
    report: '.reports/mutants.json',
  },
  {
    kind: 'suite',
    name: 'chaos',
    run: [process.execPath, 'test/chaos/main.ts', '--rotations', '200', '--report', '.reports/chaos.json'],
    report: '.reports/chaos.json',
  },
];

function vitest(report: string, ...selection: readonly string[]): Command['run'] {
  const file = `--outputFile.json=.reports/${report}.json`;
  return ['vitest', 'run', ...selection, '--reporter=default', '--reporter=json', file];
}

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopping.abort(name));

const tallies: Tally[] = [];
for (const step of steps) {
  if (!stopping.signal.aborted) tallies.push(await take(step));
}
const total = sum(tallies);
if (stopping.signal.aborted) console.log(`Stopped by ${String(stopping.signal.reason)}: nothing is counted.`);
else console.log(`\n${closingLine(total)}`);
process.exitCode = stopping.signal.aborted || total.failed > 0 ? 1 : 0;

function take(step: Step): Promise<Tally> {
  switch (step.kind) {
    case 'checks':
      return takeChecks(step.scripts);
    case 'preparation':
      return takePreparation(step.name, step.run);
    case 'suite':
      return takeSuite(step);
  }
}

async function takeChecks(scripts: readonly string[]): Promise<Tally> {
  const lines = readScripts();
  const takeOne = async (script: string): Promise<Tally> => {
    const line = lines[script];
    if (line === undefined) {
      console.log(`${script}: package.json has no such script`);
      return checkTally(1);
    }
    const outcome = await execute(line, 'capture', 5 * minute);
    announce(script, outcome);
    if (outcome.code !== 0) console.log(outcome.output.trimEnd());
    return checkTally(outcome.code);
  };
  return sum(await Promise.all(scripts.map(takeOne)));
}

async function takePreparation(name: string, run: Command['run']): Promise<Tally> {
  const outcome = await execute(run, 'inherit', 20 * minute);
  announce(name, outcome);
  return outcome.code === 0 ? nothing : { ...nothing, failed: 1 };
}

async function takeSuite({
  name,
  run,
  report,
  deadline = 20 * minute,
}: Extract<Step, { readonly kind: 'suite' }>): Promise<Tally> {
  const path = join(root, report);
  mkdirSync(dirname(path), { recursive: true });
  // What an earlier run has left must not count for this one.
  rmSync(path, { force: true });
  const outcome = await execute(run, 'inherit', deadline);
  announce(name, outcome);
  const { tally, remarks } = suiteVerdict(name, outcome.code, readIfThere(path));
  for (const remark of remarks) console.log(remark);
  return tally;
}

function execute(run: Command['run'], output: Command['output'], deadline: number): Promise<Outcome> {
  const path = [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);
  const env = { ...process.env, PATH: path };
  return runCommand({ run, cwd: root, env, output, deadline, signal: stopping.signal });
}

function announce(name: string, { code, seconds }: Outcome): void {
  const result = code === 0 ? 'ok' : `failed with code ${String(code)}`;
  console.log(`${name}: ${result} after ${seconds.toFixed(1)} s`);
}

function readScripts(): Readonly<Record<string, string>> {
  const manifest = z.object({ scripts: z.record(z.string(), z.string()) });
  return manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).scripts;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
