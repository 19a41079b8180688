/** Results in the form of Vitest's JSON report. @param name what stands for the file. */
export function vitestReport(
  name: string,
  tests: readonly { readonly title: string; readonly passed: boolean }[],
): string {
  const assertionResults = tests.map(({ title, passed }) => ({ title, status: statusOf(passed) }));
  const status = statusOf(tests.every(({ passed }) => passed));
  return JSON.stringify({ testResults: [{ name, status, assertionResults }] });
}

function statusOf(passed: boolean): 'passed' | 'failed' {
  return passed ? 'passed' : 'failed';
}
