import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Which project's files begin first: what is long, so that something short is left for every worker at the end. */
const ORDER: readonly string[] = ['measured', 'integration', 'sandbox', 'unit'];

function rank({ project }: TestSpecification): number {
  return ORDER.indexOf(project.name);
}

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

/** One runner, four kinds of test; `tools/test.ts` runs them all and adds up the report. */
export default defineConfig({
  test: {
    // Most of the integration tests wait for processes; a third worker uses that time on two cores.
    maxWorkers: 3,
    maxConcurrency: 12,
    sequence: { sequencer: LongFirst },
    projects: [
      // Properties draw hundreds of cases: a busy machine takes more than the usual five seconds for some.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'sandbox',
          include: ['test/sandbox/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      // What compares times must have the machine to itself: a step of its own, after the others.
      {
        test: {
          name: 'measured',
          include: ['test/measured/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 420_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
