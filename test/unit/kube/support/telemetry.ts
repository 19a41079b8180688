import type { Log, LogFields, Metrics } from '../../../../src/telemetry.ts';

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that remembers its lines. */
export function memoryLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const make = (common: LogFields): Log => {
    const at =
      (level: Line['level']) =>
      (message: string, fields: LogFields = {}): void =>
        void lines.push({ level, message, fields: { ...common, ...fields } });
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: (fields) => make({ ...common, ...fields }),
    };
  };
  return { log: make({}), lines };
}

type KubeMetrics = Pick<Metrics, 'kubeAnswered' | 'watchRestarted'>;

/** The metrics of `src/kube`, as lists of what was counted. */
export function memoryMetrics(): {
  readonly metrics: KubeMetrics;
  readonly answers: string[];
  readonly restarts: string[];
} {
  const answers: string[] = [];
  const restarts: string[] = [];
  return {
    answers,
    restarts,
    metrics: {
      kubeAnswered: (verb, resource, code) => void answers.push(`${verb} ${resource} ${String(code)}`),
      watchRestarted: (resource, cause) => void restarts.push(`${resource} ${cause}`),
    },
  };
}
