import { runSeed } from './run.ts';
import type { Task } from './task.ts';

/** Plays one seed after the other, as they come. The process ends when its parent cuts the connection. */
process.on('message', (task: Task) => {
  void runSeed(task).then((result) => process.send?.(result));
});
