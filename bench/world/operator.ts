import { z } from 'zod';

import { EVENT_LOOP_BEAT } from '../../src/observability/metrics.ts';
import type { OperatorProcess } from '../../sandbox/operator/operator.ts';

/** An operator of the bench: as shipped, with its metrics on a port of loopback. */
export interface BenchOperator extends OperatorProcess {
  /**
   * The 99th percentile of what its event loop was late, in milliseconds, since the last time that it was asked. It is looked
   * at every {@link EVENT_LOOP_BEAT} milliseconds.
   */
  eventLoopDelayP99Ms(): Promise<number>;
  /** What its probe of readiness says; false too while nothing listens. */
  isReady(): Promise<boolean>;
  /** When its process was started, by `performance.now()`. */
  readonly launchedAt: number;
}

const DELAY = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m;

/**
 * @param launchedAt when it was started, by `performance.now()`
 * @param port of its `--listen`
 */
export function withMetrics(operator: OperatorProcess, port: number, launchedAt: number): BenchOperator {
  return {
    ...operator,
    launchedAt,
    isReady: () =>
      fetch(`http://127.0.0.1:${String(port)}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    eventLoopDelayP99Ms: async () => {
      const answer = await fetch(`http://127.0.0.1:${String(port)}/metrics`);
      const seconds = z.coerce.number().parse(DELAY.exec(await answer.text())?.[1]);
      return Math.max(0, seconds * 1000 - EVENT_LOOP_BEAT);
    },
  };
}
