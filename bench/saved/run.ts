import type { Point } from '../figures/points.ts';
import type { Result } from '../result.ts';

/** What a run leaves for figures, beside its result. */
export interface Traces {
  /** Seconds since the start at which shares of the objects were ready, or gone. Default: the case has no course. */
  readonly readiness?: readonly Point[];
  /** MiB that were resident in the operator over seconds since the start. Default: nobody looked. */
  readonly memory?: readonly Point[];
  /** The version of kube-apiserver: `v1.34.4`. */
  readonly apiServer?: string;
}

/** What a case returns: the result, which is printed, and the traces, which are only kept. */
export interface Run extends Result, Traces {}

/** Takes apart what is printed and what is kept. */
export function apart(run: Run): { readonly result: Result; readonly traces: Traces } {
  const { readiness, memory, apiServer, ...result } = run;
  return {
    result,
    traces: {
      ...(readiness && { readiness }),
      ...(memory && { memory }),
      ...(apiServer !== undefined && { apiServer }),
    },
  };
}
