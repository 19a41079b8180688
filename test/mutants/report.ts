import type { Played } from './play.ts';

export interface Outcome {
  /** The mutant's sentence. */
  readonly name: string;
  readonly played: Played;
}

export function isCaught({ played }: Outcome): boolean {
  return played.end === 'violation';
}

/** One line: whether the mutant was caught, by which invariant, at which seed, after how many seconds. */
export function describeOutcome(outcome: Outcome): string {
  const { name, played } = outcome;
  const word = isCaught(outcome) ? 'caught' : 'SURVIVED';
  return `${word.padEnd(8)} ${howOf(played).padEnd(22)} ${played.seconds.toFixed(1).padStart(5)} s  ${name}`;
}

function howOf(played: Played): string {
  switch (played.end) {
    case 'violation':
      return `${played.invariant}, seed ${String(played.seed)}`;
    case 'nothing':
      return 'no violation';
    case 'late':
      return `too late, seed ${String(played.seed)}`;
    case 'broken':
      return 'the simulation broke';
  }
}

/** The last line. */
export function summary(outcomes: readonly Outcome[]): string {
  const caught = outcomes.filter((outcome) => isCaught(outcome)).length;
  return `mutants: ${String(caught)} caught, ${String(outcomes.length - caught)} survived`;
}

/** The outcomes in the form of Vitest's JSON report: one test a mutant, and one for the sources as they are. */
export function vitestReport(control: boolean, outcomes: readonly Outcome[]): string {
  const assertionResults = [
    { title: 'the sources as they are', status: statusOf(control) },
    ...outcomes.map((outcome) => ({ title: outcome.name, status: statusOf(isCaught(outcome)) })),
  ];
  const good = assertionResults.every(({ status }) => status === 'passed');
  const file = { name: 'test/mutants', status: statusOf(good), assertionResults };
  return JSON.stringify({ testResults: [file] });
}

function statusOf(good: boolean): 'passed' | 'failed' {
  return good ? 'passed' : 'failed';
}
