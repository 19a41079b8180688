import { Registry, collectDefaultMetrics } from 'prom-client';
import type { Metrics } from '../telemetry.ts';
import { apiMetrics, type ApiLabels } from './api-metrics.ts';
import { dynamicSecretMetrics } from './dynamic-secret-metrics.ts';
import { describeMetrics, type MetricDescription } from './description.ts';
import { engineMetrics, type EngineLabels } from './engine-metrics.ts';
import { leaseMetrics } from './lease-metrics.ts';
import { surveyMetrics } from './survey-metrics.ts';

/**
 * The operator's metrics; `docs/metrics.md` has the list, which is made of their own descriptions. All names begin with
 * `leaseholder_`; every label is a closed set, so that their number does not grow with the number of leases, but for the ends of
 * leases, of which so many are told at most.
 *
 * Beside them stand the usual `process_…` and `nodejs_…` metrics, among them by how much the event loop is late: see
 * {@link EVENT_LOOP_BEAT}. Everything that is known beforehand is there from
 * the start with the value 0, so that the first failure is an increase that an alert can see.
 */
export interface PrometheusMetrics extends Metrics {
  /** Everything in Prometheus' text format. */
  expose(): Promise<Exposition>;
  /** Our own metrics, as they describe themselves. */
  describe(): Promise<readonly MetricDescription[]>;
}

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** The label values that the composition root knows: they are counted from 0, others from their first appearance. */
export interface KnownLabels extends ApiLabels, EngineLabels {}

/**
 * Milliseconds between two looks at the event loop, which `nodejs_eventloop_lag_…` is made of, since the last time that it was
 * asked for. The delays hold this time: a loop with nothing to do shows it. Prom-client's 10 ms would wake a process that has
 * nothing to do a hundred times a second, at more than half a percent of a core.
 */
export const EVENT_LOOP_BEAT = 50;

/** The metrics, in a registry of their own: two instances in one process do not meet. */
export function createMetrics(known: KnownLabels = {}): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_BEAT });
  const survey = surveyMetrics(registry);
  return {
    ...leaseMetrics(registry),
    surveyLeases: (take) => survey.surveyLeases(take),
    ...dynamicSecretMetrics(registry),
    ...apiMetrics(registry, known),
    ...engineMetrics(registry, known),
    expose: async () => {
      survey.refresh();
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
    describe: () => describeMetrics(registry),
  };
}
