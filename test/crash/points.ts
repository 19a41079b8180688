import type { ServerKind } from '../support/server-kind.ts';
import type { PointName } from './faults.ts';
import type { LifeKind, Moment } from './options.ts';

/** Of each kind of read so many are points: an inventory would add one more for each second that a life lasts. */
const MOST_READS = 2;

/** What comes so soon after a request comes in the same world, if nothing else was done: milliseconds. */
const AT_ONCE = 1000;

/** A life without a fault, as far as points are made of it. */
export interface Recorded {
  /** The requests, in order. */
  readonly points: readonly PointName[];
  /** When they came, in milliseconds. */
  readonly times: readonly number[];
  /** How many requests had been sent when a step was reached, for each step. */
  readonly stepsAfter: readonly number[];
}

/** A request at which a process is killed. */
export interface Occasion {
  readonly name: PointName;
  /** Right before it, in each recorded life, came a point that changes something. */
  readonly followsWrite: boolean;
}

/**
 * The points of a life: the requests that every one of the recorded lives has sent, by their names: the order in which
 * they are sent is not the same in each life. One that changes nothing is left out where a point came right before it
 * in each of them: a kill at either leaves the same world.
 */
export function pointsOf(lives: readonly Recorded[]): readonly Occasion[] {
  const [first, ...others] = lives.map(({ points }) => points);
  const common = new Set(
    first?.filter((point) => isCounted(point) && others.every((points) => points.includes(point))),
  );
  const followers = (isLeader: (before: PointName) => boolean): ((point: PointName) => boolean) => {
    const sets = lives.map((life) => followersIn(life, (before) => common.has(before) && isLeader(before)));
    return (point) => sets.every((points) => points.has(point));
  };
  const followsAny = followers(() => true);
  const followsWrite = followers(changesSomething);
  return [...common]
    .filter((name) => changesSomething(name) || !followsAny(name))
    .toSorted()
    .map((name) => ({ name, followsWrite: followsWrite(name) }));
}

/**
 * The requests right before which, with nothing else done in between, a leader was sent. What changes nothing leaves the
 * world to the next as it was.
 */
function followersIn(
  { points, times, stepsAfter }: Recorded,
  isLeader: (point: PointName) => boolean,
): ReadonlySet<PointName> {
  const steps = new Set(stepsAfter);
  const found = new Set<PointName>();
  let leads = false;
  for (const [index, point] of points.entries()) {
    const pause = (times[index] ?? Infinity) - (times[index - 1] ?? -Infinity);
    if (steps.has(index) || pause > AT_ONCE) leads = false;
    if (leads) found.add(point);
    leads = isLeader(point) || (leads && !changesSomething(point));
  }
  return found;
}

function isCounted(point: PointName): boolean {
  const occurrence = Number(point.slice(point.lastIndexOf('#') + 1));
  return !point.startsWith('GET ') || occurrence <= MOST_READS;
}

/**
 * Whether a request changes what another process finds. A read does not, nor does a dry run; a login makes a token that
 * dies with its process; nobody reads an event; the status of a connection is told, and never decided by.
 */
export function changesSomething(point: PointName): boolean {
  const [method = '', what = ''] = point.split(' ');
  if (method === 'GET' || / dry #\d+$/.test(point)) return false;
  return !what.startsWith('/api/') && what !== 'events' && what !== 'infisicalconnections/status';
}

/**
 * Whether each life sends a request that the recorded ones have sent. Reads depend on when they are due, and how many
 * writes of a status there are on how much one of them tells.
 */
export function isSentAlways(point: PointName): boolean {
  return changesSomething(point) && !(point.split(' ')[1] ?? '').endsWith('/status');
}

/** Which life is lived where. */
interface Place {
  readonly life: LifeKind;
  readonly server: ServerKind;
}

/**
 * The moments of a point. One that changes nothing is the same world in all three, and what the process learnt from it
 * dies with the process: one is enough. Before a write that follows another everything is as it was after that one's
 * commit. What servers that drop tags do otherwise in the life that declares comes of lost answers: there its writes
 * alone are points, after their commit. Whatever is asked for alone is taken everywhere.
 *
 * @param asked those that the command line names.
 */
export function momentsOf(
  { name, followsWrite, life, server }: Occasion & Place,
  asked: readonly Moment[],
): readonly Moment[] {
  if (asked.length === 1) return asked;
  const changes = changesSomething(name);
  if (life === 'declared' && server === 'tags-dropped') return changes ? ['after-commit'] : [];
  if (!changes) return ['after-answer'];
  return followsWrite ? asked.filter((moment) => moment !== 'before-sending') : asked;
}
