import { pino } from 'pino';
import type { DestinationStream } from 'pino';

import type { Clock } from '../clock.ts';

/** Standard output, with what has been written to it and is not out yet. */
export interface StandardOutput extends DestinationStream {
  /** Writes what waits. Whoever ends the process calls it, whatever ends it. */
  flush(): void;
}

/** How much may wait, in bytes, and for how long, in milliseconds. */
const MOST_WAITING = 8 * 1024;
const LONGEST_WAIT = 20;

/**
 * Standard output for log lines: those of {@link LONGEST_WAIT} milliseconds are written at once, because a write of each
 * costs more than what it tells. A process that is killed may lose the lines of that time, and nothing before.
 *
 * @param dest descriptor of an open file. Default: that of standard output.
 */
export function standardOutput(clock: Pick<Clock, 'after'>, dest = 1): StandardOutput {
  const destination = pino.destination({ dest, sync: true, minLength: MOST_WAITING });
  let waiting = false;
  const flush = (): void => {
    waiting = false;
    destination.flushSync();
  };
  return {
    write(line) {
      destination.write(line);
      if (waiting) return;
      waiting = true;
      clock.after(LONGEST_WAIT, flush);
    },
    flush,
  };
}
