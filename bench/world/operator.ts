import { z } from 'zod';

import type { OperatorProcess } from '../../sandbox/operator/operator.ts';

/** An operator of the bench: as shipped, with its metrics on a port of loopback. */
export interface BenchOperator extends OperatorProcess {
  /**
   * The 99th percentile of what its event loop was late, in milliseconds, since the last time that it was asked; 10 ms
   * are a loop with nothing to do, since the monitor looks every 10 ms.
   */
  eventLoopDelayP99Ms(): Promise<number>;
}

const DELAY = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m;

/** @param port of its `--listen` */
export function withMetrics(operator: OperatorProcess, port: number): BenchOperator {
  return {
    ...operator,
    eventLoopDelayP99Ms: async () => {
      const answer = await fetch(`http://127.0.0.1:${String(port)}/metrics`);
      return z.coerce.number().parse(DELAY.exec(await answer.text())?.[1]) * 1000;
    },
  };
}
