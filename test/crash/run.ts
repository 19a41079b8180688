import type { ServerKind } from '../support/server-kind.ts';
import type { Surroundings } from '../support/surroundings.ts';
import { declaredLife } from './declared/declared.ts';
import type { Fault, PointName } from './faults.ts';
import { leasesLife } from './leases.ts';
import type { LifeKind } from './options.ts';
import type { Recorder } from './recorder.ts';
import { recoveryOf, type Windows } from './recovery.ts';
import { settingOf } from './setting.ts';
import type { State } from './state.ts';
import type { Life, LifeContext, Violation } from './story.ts';
import { OBJECTS } from './tenant.ts';
import { atRest } from './world.ts';

export interface RunResult {
  readonly violations: readonly Violation[];
  /** The requests before the first crash, in order. */
  readonly points: readonly PointName[];
  /** When they came; wall clock, milliseconds. */
  readonly times: readonly number[];
  /** How many of them had been sent when a step was reached, for each step. */
  readonly stepsAfter: readonly number[];
  /** How many of the faults were met. */
  readonly fired: number;
  /** The longest time from a kill to the next step of the life that was reached, in milliseconds. */
  readonly recovery: number | undefined;
  /** What the last process sent about each object until that one's next step was reached. */
  readonly windows: Windows;
  /** How everything stood after each kill, where that was asked for. */
  readonly states: readonly State[];
  /** Whether the life was ended at its last fault. */
  readonly pruned: boolean;
  /** What happened, for people. */
  readonly trace: readonly string[];
}

/** What is lived: which life, before which server, with which faults. */
export interface Script {
  readonly life: LifeKind;
  readonly server: ServerKind;
  readonly faults: readonly Fault[];
}

const lives: Readonly<Record<LifeKind, (context: LifeContext) => Promise<Life>>> = {
  leases: leasesLife,
  declared: declaredLife,
};

/** Whether a state need not be lived from, because a whole life has been. */
export type IsKnown = (state: State) => boolean;

/**
 * One life, with as many faults as are given.
 *
 * @param isKnown with it the state is taken after each kill, and the life ends at the last where that is known.
 */
export async function run(
  surroundings: Surroundings,
  { life: kind, server, faults }: Script,
  isKnown?: IsKnown,
): Promise<RunResult> {
  const started = Date.now();
  const trace: string[] = [];
  const steps: string[] = [];
  const stepsAfter: number[] = [];
  const states: State[] = [];
  const over = new AbortController();
  let pruned = false;
  const note = (what: string): void => {
    trace.push(`${((Date.now() - started) / 1000).toFixed(1)} s: ${what}`);
  };
  /** @returns whether the life goes on. */
  const takeState = async (): Promise<boolean> => {
    await atRest(proxies, recorder);
    const state = await life.state?.(steps);
    if (state === undefined) throw new Error(`Of the life ${kind} no pairs can be made.`);
    states.push(state);
    pruned = recorder.fired() === faults.length && isKnown?.(state) === true;
    note(`state ${state.digest}${pruned ? ', known' : ''}: ${state.text}`);
    if (pruned) over.abort(new Error('The state is known.'));
    return !pruned;
  };
  const meanwhile = async (): Promise<boolean> => {
    if (isKnown === undefined) return true;
    // Nobody waits for a kill: what goes wrong here is told by the life.
    return takeState().catch((error: unknown) => {
      over.abort(error);
      return false;
    });
  };
  await using setting = await settingOf(surroundings, { server, faults, meanwhile });
  const { recorder, operators, proxies, ...own } = setting;
  const recovery = recoveryOf({ faults, recorder, operators });
  const reached = (step: string): void => {
    note(step);
    steps.push(step);
    if (recorder.processes.length === 1) stepsAfter.push(recorder.processes[0]?.length ?? 0);
    recovery.reached(step);
  };
  const context = { surroundings, server, recorder, operators, reached, signal: over.signal };
  const life = await lives[kind]({ ...own, ...context });

  const violations: Violation[] = [];
  operators.start();
  try {
    await life.live();
    const code = await operators.stop();
    over.signal.throwIfAborted();
    if (code !== 0) violations.push({ oracle: 'an operator that is asked to end does', seen: String(code) });
    violations.push(...(await life.judge()));
  } catch (error) {
    const seen = `${String(error)} ${await life.standing()}`;
    if (!pruned) violations.push({ oracle: 'the life goes on', seen });
  }
  const [points = []] = recorder.processes;
  const [times = []] = recorder.times;
  trace.push(...requestsIn(recorder, started));
  if (violations.length > 0) trace.push(...(await life.history()), operators.output());
  const { longest, windows } = recovery.seen();
  if (isKnown !== undefined) {
    trace.push(...OBJECTS.map((name) => `${name} recovered by: ${windows[name].join(', ')}`));
  }
  const fired = recorder.fired();
  return { violations, points, times, stepsAfter, fired, recovery: longest, windows, states, pruned, trace };
}

/** What each process has sent, and when. */
function requestsIn(
  { processes, times }: Pick<Recorder, 'processes' | 'times'>,
  started: number,
): readonly string[] {
  return processes.flatMap((requests, index) => [
    `process ${String(index + 1)}:`,
    ...requests.map((request, at) => {
      const seconds = ((times[index]?.[at] ?? started) - started) / 1000;
      return `  ${seconds.toFixed(1)} s ${request}`;
    }),
  ]);
}
