import type { Surroundings } from '../support/surroundings.ts';
import type { Options } from './options.ts';
import { countStates, pairsOf, type First } from './pairs.ts';
import type { Outcome, Task } from './report.ts';
import type { IsKnown } from './run.ts';
import { takeAll } from './take.ts';

export interface Phases {
  /** The distinct states of an object at the first kills. */
  readonly states: number;
  readonly firsts: readonly Outcome[];
  readonly pairs: readonly Outcome[];
}

/**
 * Phase one lives each single fault, and sees in which state it left the world and what the second process wrote then.
 * Phase two lives the pairs; one that stands at its second kill where a whole life has gone well from is ended there.
 * With a second fault that is named there is no phase one, and nothing is pruned.
 */
export async function takePairs(
  surroundings: Surroundings,
  tasks: readonly Task[],
  options: Options,
): Promise<Phases> {
  const { second: named } = options;
  if (named !== undefined) {
    const pairs = tasks.flatMap((task) =>
      options.secondMoments.map((when) => ({ ...task, second: { point: named, when } })),
    );
    const outcomes = await takeAll(surroundings, pairs, { ...options, isKnown: () => false });
    const met = outcomes.flatMap((outcome) => firstOf(outcome));
    return { states: countStates(met), firsts: [], pairs: outcomes };
  }
  const began = performance.now();
  const lived = new Set<string>();
  const taken = ({ second, result }: Outcome): void => {
    const faults = second === undefined ? 1 : 2;
    const state = result.fired === faults ? result.states[faults - 1] : undefined;
    if (state !== undefined && result.violations.length === 0) lived.add(state.digest);
  };
  const firsts = await takeAll(surroundings, tasks, { ...options, isKnown: () => false, taken });
  const known = firsts.flatMap((outcome) => firstOf(outcome));
  const states = countStates(known);
  const pairs = pairsOf(known, options.secondMoments);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(
    `crash pairs: ${String(firsts.length)} single faults left ${String(states)} states after ${seconds} s, which make ${String(pairs.length)} pairs`,
  );
  const isKnown: IsKnown = ({ digest }) => lived.has(digest);
  return { states, firsts, pairs: await takeAll(surroundings, pairs, { ...options, isKnown, taken }) };
}

function firstOf({ point, when, result }: Outcome): readonly First[] {
  const [state] = result.states;
  return state === undefined ? [] : [{ point, when, state, windows: result.windows }];
}
