import { setTimeout as delay } from 'node:timers/promises';

/** How many tasks go on side by side. */
export interface Lanes {
  /** So many whatever the machine does. */
  readonly least: number;
  /** And no more than this, however idle it is. */
  readonly most: number;
  /** Whether it has time for one more. */
  readonly isIdle: () => boolean;
}

/** Between two tasks that begin, at least, so that the machine shows what the first one costs; milliseconds. */
const PACE = 300;

/** Does tasks, begun in order. @returns what they give, in the order of the tasks. */
export async function inLanes<Task, Result>(
  { least, most, isIdle }: Lanes,
  tasks: readonly Task[],
  take: (task: Task) => Promise<Result>,
  pace = PACE,
): Promise<readonly Result[]> {
  const running = new Set<Promise<Result>>();
  const all: Promise<Result>[] = [];
  for (const task of tasks) {
    while (running.size >= least && !(running.size < most && isIdle())) {
      await (running.size >= most ? Promise.race(running) : Promise.race([delay(pace), ...running]));
    }
    const result = take(task);
    all.push(result);
    running.add(result);
    const ended = (): void => void running.delete(result);
    result.then(ended, ended);
    if (running.size >= least) await delay(pace);
  }
  return Promise.all(all);
}
