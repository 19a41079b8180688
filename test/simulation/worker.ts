import { parentPort } from 'node:worker_threads';

import { runSeed } from './run.ts';

/** A seed to play; whoever has none left ends. */
export interface Task {
  readonly seed: number;
  readonly trace: boolean;
}

parentPort?.on('message', (task: Task | undefined) => {
  if (task === undefined) parentPort?.close();
  else void runSeed(task.seed, task.trace).then((result) => parentPort?.postMessage(result));
});
