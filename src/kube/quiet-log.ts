import type { Log } from '../telemetry.ts';

/**
 * The log of a watch that the operator can do without: what it warns of is told for debugging only. Faults of the program
 * are told as ever.
 */
export function quietLog(log: Log): Log {
  const debug = log.debug.bind(log);
  return {
    debug,
    info: debug,
    warn: debug,
    error: log.error.bind(log),
    with: (fields) => quietLog(log.with(fields)),
  };
}
