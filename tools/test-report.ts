/** What `npm test` counts and how: the pure part, free of processes and files. */
import { z } from 'zod';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0 };

/** A count, and sentences on whatever failed without being a failed test. */
export interface Verdict {
  readonly tally: Tally;
  readonly remarks: readonly string[];
}

/** Vitest's JSON report, as far as it is read; Jest's is the same. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

type TestFile = z.infer<typeof reportSchema>['testResults'][number];

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, { passed, failed, skipped }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      skipped: total.skipped + skipped,
    }),
    nothing,
  );
}

/** A check is one item, whatever it looks at. */
export function checkTally(exitCode: number): Tally {
  return exitCode === 0 ? { ...nothing, passed: 1 } : { ...nothing, failed: 1 };
}

/**
 * Counts a suite by its runner's own report. Whatever leaves a doubt is one failed item with a remark: no report, one
 * that cannot be read, a test file that failed outside its tests, no test that was executed, or an exit code that the
 * report does not explain.
 *
 * @param report the report's text; undefined where there is none.
 */
export function suiteVerdict(name: string, exitCode: number, report: string | undefined): Verdict {
  const files = report === undefined ? undefined : parseReport(report);
  if (files === undefined) return failure(nothing, `${name} left no report that can be read.`);
  const verdict = countFiles(files);
  const { passed, failed } = verdict.tally;
  if (failed > 0) return verdict;
  if (exitCode !== 0)
    return failure(verdict.tally, `${name} ended with code ${String(exitCode)} without a failed test.`);
  return passed === 0 ? failure(verdict.tally, `${name} executed no test.`) : verdict;
}

/** The last line of `npm test`. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  const counts = `${String(passed)} passed, ${String(failed)} failed`;
  return skipped === 0 ? counts : `${counts}, ${String(skipped)} skipped`;
}

function parseReport(text: string): readonly TestFile[] | undefined {
  try {
    return reportSchema.safeParse(JSON.parse(text)).data?.testResults;
  } catch {
    return undefined;
  }
}

function countFiles(files: readonly TestFile[]): Verdict {
  const verdicts = files.map(countFile);
  return {
    tally: sum(verdicts.map(({ tally }) => tally)),
    remarks: verdicts.flatMap(({ remarks }) => remarks),
  };
}

function countFile(file: TestFile): Verdict {
  const tally = sum(file.assertionResults.map(({ status }) => one(status)));
  // An import or a hook that throws fails the file and leaves its tests out or skipped.
  if (file.status === 'failed' && tally.failed === 0)
    return failure(tally, `${file.name} failed outside its tests.`);
  return { tally, remarks: [] };
}

function one(status: string): Tally {
  if (status === 'passed') return { ...nothing, passed: 1 };
  return status === 'failed' ? { ...nothing, failed: 1 } : { ...nothing, skipped: 1 };
}

function failure(tally: Tally, remark: string): Verdict {
  return { tally: { ...tally, failed: tally.failed + 1 }, remarks: [remark] };
}
