import type { SeedResult } from './run.ts';

/** What a failed seed prints: what was violated, what happened last, and how to see it again. */
export function describeFailure({ seed, violation }: SeedResult): string {
  if (violation === undefined) return '';
  const { invariant, message, trace } = violation;
  return [
    ...trace,
    `seed ${String(seed)} violates ${invariant}: ${message}`,
    `  again: npm run test:simulate -- --seed ${String(seed)} --trace`,
  ].join('\n');
}

/** The last line. */
export function summary(results: readonly SeedResult[]): string {
  const steps = results.reduce((sum, one) => sum + one.steps, 0);
  const violations = results.filter(({ violation }) => violation !== undefined).length;
  return `simulate: seeds ${String(results.length)}, steps ${String(steps)}, violations ${String(violations)}`;
}

/** The results in the form of Vitest's JSON report: one test a seed. */
export function vitestReport(results: readonly SeedResult[]): string {
  const assertionResults = results.map(({ seed, violation }) => ({
    title: `seed ${String(seed)}`,
    status: violation === undefined ? 'passed' : 'failed',
  }));
  const failed = results.some(({ violation }) => violation !== undefined);
  const file = { name: 'test/simulation', status: failed ? 'failed' : 'passed', assertionResults };
  return JSON.stringify({ testResults: [file] });
}
