import { runSeed } from './run.ts';

/** A seed to play. The process ends when its parent cuts the connection. */
export interface Task {
  readonly seed: number;
  readonly trace: boolean;
}

process.on('message', (task: Task) => {
  void runSeed(task.seed, task.trace).then((result) => process.send?.(result));
});
