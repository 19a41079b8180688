import type { PointName } from './faults.ts';
import type { Moment } from './options.ts';
import { changesSomething } from './points.ts';
import type { Windows } from './recovery.ts';
import type { Point, Task } from './report.ts';
import type { State } from './state.ts';
import { OBJECTS, type ObjectName } from './tenant.ts';

/** A life with one fault, as far as pairs are made of it. */
export interface First {
  readonly point: Point;
  readonly when: Moment;
  /** At the kill. */
  readonly state: Pick<State, 'parts'>;
  readonly windows: Windows;
}

/**
 * The pairs: for each object and each distinct state of it at a kill, a second kill at each write about it that a process
 * has sent which started in that state and recovered. Of the lives that came through the same state one stands for all:
 * the first that sent the write. States are an object's own, because a process takes each object by itself.
 *
 * @param moments of the second fault.
 */
export function pairsOf(firsts: readonly First[], moments: readonly Moment[]): readonly Task[] {
  const pairs = OBJECTS.flatMap((name) =>
    groupsOf(firsts, name).flatMap((group) => {
      const windows = group.map(({ windows: { [name]: window } }) => window);
      const writes = new Set(windows.flat().filter((point) => changesSomething(point)));
      return [...writes].flatMap((write) => {
        const first = group[windows.findIndex((window) => window.includes(write))];
        return first === undefined ? [] : tasksOf(first, write, moments);
      });
    }),
  );
  // A write about the connection may come from a state of either.
  return [...new Map(pairs.map((pair) => [nameOf(pair), pair])).values()];
}

/** The lives with the same state of an object at the kill, by state. */
function groupsOf(firsts: readonly First[], name: ObjectName): readonly (readonly First[])[] {
  return [...Map.groupBy(firsts, ({ state }) => state.parts[name]).values()];
}

/** How many distinct states of an object there are at the kills. */
export function countStates(firsts: readonly First[]): number {
  return OBJECTS.reduce((sum, name) => sum + groupsOf(firsts, name).length, 0);
}

function tasksOf({ point, when }: First, write: PointName, moments: readonly Moment[]): readonly Task[] {
  return moments.map((moment) => ({ point, when, second: { point: write, when: moment } }));
}

function nameOf({ point, when, second }: Task): string {
  return JSON.stringify([point.server, point.name, when, second]);
}
