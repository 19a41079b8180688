import type { Surroundings } from '../support/surroundings.ts';
import { lanesFor } from './idle.ts';
import { inLanes } from './lanes.ts';
import type { Options } from './options.ts';
import { isSentAlways } from './points.ts';
import { describeFailure, type Outcome, type Task } from './report.ts';
import { run, type IsKnown } from './run.ts';

/** A life may go past a request that only its timing made: it is lived again, so often at most. */
const TRIES = 5;

export interface TakeOptions extends Pick<Options, 'lanes' | 'trace'> {
  /** With it the states are taken; see `run`. */
  readonly isKnown?: IsKnown;
  /** Is told of each life as soon as it is over. */
  readonly taken?: (outcome: Outcome) => void;
}

/** Lives the life of each task, and prints those that fail. @returns the outcomes in the order of the tasks. */
export function takeAll(
  surroundings: Surroundings,
  tasks: readonly Task[],
  { lanes, trace, isKnown, taken }: TakeOptions,
): Promise<readonly Outcome[]> {
  return inLanes(lanesFor(lanes), tasks, async (task) => {
    const outcome = await take(surroundings, task, isKnown);
    const { point, when, second, result } = outcome;
    const next = second === undefined ? '' : `, then ${second.point} ${second.when}`;
    if (trace) console.log(`\n${point.name} ${when}${next}\n${result.trace.join('\n')}`);
    if (result.violations.length > 0) console.log(describeFailure(outcome));
    taken?.(outcome);
    return outcome;
  });
}

/**
 * Where states are taken, a fault that is not met is no violation: it is counted, and left out of the pairs. Nor is it
 * where the request would have changed nothing, or where its number depends on what comes together.
 */
async function take(surroundings: Surroundings, task: Task, isKnown: IsKnown | undefined): Promise<Outcome> {
  const { point, when, second } = task;
  const first = { point: point.name, when };
  const faults = second === undefined ? [first] : [first, second];
  for (let tries = 1; ; tries += 1) {
    const result = await run(surroundings, { ...point, faults }, isKnown);
    if (result.fired === faults.length || result.violations.length > 0) return { ...task, result };
    if (tries < TRIES) continue;
    if (isKnown !== undefined || !isSentAlways(point.name)) return { ...task, result };
    const violations = [{ oracle: 'the request is sent', seen: `in none of ${String(TRIES)} lives` }];
    return { ...task, result: { ...result, violations } };
  }
}
