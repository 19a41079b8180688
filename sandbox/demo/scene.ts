import type { ControlPlane } from '../control-plane/control-plane.ts';
import type { LeaseApi } from '../lease-api/lease-api.ts';
import type { LogLine, OperatorProcess } from '../operator/operator.ts';
import type { Check } from './check.ts';
import type { Narrator } from './narrator.ts';
import type { Shop } from './shop.ts';
import type { Terminal } from './terminal.ts';

/** What each step tells and checks with. */
export interface Telling {
  readonly narrator: Narrator;
  readonly check: Check;
}

/** What the operator works with; all of it runs. */
export interface Surroundings {
  readonly plane: ControlPlane;
  readonly api: LeaseApi;
  readonly shop: Shop;
  readonly terminal: Terminal;
}

/** Everything that a step after the set-up plays with. */
export interface Scene extends Telling, Surroundings {
  readonly operator: OperatorProcess;
  /** Where the operator answers its probes and tells its metrics: host and port. */
  readonly address: string;
  /** The operator's log lines since the last call. */
  readonly heard: () => readonly LogLine[];
}

/** Who can say what went on. */
export type Actors = Pick<Scene, 'operator' | 'terminal'>;

/** How one run of the demo goes. */
export interface Course {
  /** What is started ends with it. */
  readonly running: AsyncDisposableStack;
  /** Aborted when somebody does not want to see the end. */
  readonly interrupted: AbortSignal;
  /** Is told of the operator and its surroundings as soon as they run, for the report of a failure. */
  readonly onStarted: (actors: Actors) => void;
  /** Called when everything is up to stay; resolves when it is to end. Undefined: nothing stays up. */
  readonly stay: (() => Promise<void>) | undefined;
}
