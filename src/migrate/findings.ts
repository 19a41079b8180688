/** What is told of an object while it is converted. */
export interface Findings {
  /** What a person has to know or do. */
  note(sentence: string): void;
  /** What stands in the way. */
  fault(sentence: string): void;
  readonly notes: readonly string[];
  readonly faults: readonly string[];
}

/** Makes empty {@link Findings}. */
export function findings(): Findings {
  const [notes, faults]: [string[], string[]] = [[], []];
  return {
    note: (sentence) => void notes.push(sentence),
    fault: (sentence) => void faults.push(sentence),
    notes,
    faults,
  };
}
