import type { Moment } from './options.ts';
import type { PointName } from './faults.ts';

/** Of each kind of read so many are points: an inventory would add one more for each second that a life lasts. */
const MOST_READS = 2;

/**
 * The points of a life: the requests that every one of the recorded lives has sent, by their names: the
 * order in which they are sent is not the same in each life.
 *
 * @param lives the requests of each life, in order.
 */
export function pointsOf(lives: readonly (readonly PointName[])[]): readonly PointName[] {
  const [first = [], ...others] = lives;
  return first.filter((point) => isCounted(point) && others.every((life) => life.includes(point))).toSorted();
}

function isCounted(point: PointName): boolean {
  const occurrence = Number(point.slice(point.lastIndexOf('#') + 1));
  return !point.startsWith('GET ') || occurrence <= MOST_READS;
}

/**
 * The moments of a point. A read changes nothing, and what the process learnt from it dies with the process: all three
 * moments are the same world, so one is enough unless another is asked for.
 *
 * @param asked those that the command line names.
 */
export function momentsOf(point: PointName, asked: readonly Moment[]): readonly Moment[] {
  const chosen = point.startsWith('GET ') && asked.length > 1;
  return chosen ? asked.filter((moment) => moment === 'after-answer') : asked;
}
