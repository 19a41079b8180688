import type { ServerKind } from '../support/server-kind.ts';
import type { Surroundings } from '../support/surroundings.ts';
import type { Operators } from './operators.ts';
import type { Recorder } from './recorder.ts';
import type { State } from './state.ts';

/** Something that must hold, and does not. */
export interface Violation {
  /** The sentence that must hold. */
  readonly oracle: string;
  readonly seen: string;
}

/** What a life has to itself, and what tells of it. */
export interface LifeContext {
  readonly surroundings: Surroundings;
  readonly server: ServerKind;
  /** Its namespace, which is also the slug of its project at the lease API. */
  readonly namespace: string;
  /** The lease API's address for the operator. */
  readonly hostAPI: string;
  readonly recorder: Recorder;
  readonly operators: Pick<Operators, 'absences' | 'output'>;
  /** Is told of each step that was reached. */
  readonly reached: (step: string) => void;
  /** Ends the life where it is: its reason is thrown. */
  readonly signal: AbortSignal;
}

/** A life that can be lived once. */
export interface Life {
  /** Goes through it, while an operator works. @throws Error when a step takes too long. */
  live(): Promise<void>;
  /** What was not as it must be, when the operator has ended. */
  judge(): Promise<readonly Violation[]>;
  /** What the lease API has done, for people. */
  history(): Promise<readonly string[]>;
  /** How everything stands, for people. */
  standing(): Promise<string>;
  /** How everything stands while no process runs, where pairs of faults can be made of this life. */
  readonly state: ((steps: readonly string[]) => Promise<State>) | undefined;
}

/** Each entry: a sentence that must hold, and what tells otherwise. */
export type Oracles<Evidence> = Readonly<Record<string, (evidence: Evidence) => readonly string[]>>;

export function violationsOf<Evidence>(oracles: Oracles<Evidence>, evidence: Evidence): readonly Violation[] {
  return Object.entries(oracles).flatMap(([oracle, look]) =>
    look(evidence).map((seen) => ({ oracle, seen })),
  );
}
