import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

import type { EventResult, Metrics, ReconcileResult } from '../telemetry.ts';
import { countBy, observe, type ClosedSet } from './closed-set.ts';

const results: ClosedSet<ReconcileResult> = { done: true, requeued: true, faulted: true, crashed: true };
const restartCauses: ClosedSet<Parameters<Metrics['watchRestarted']>[1]> = {
  ended: true,
  silent: true,
  expired: true,
  error: true,
};
const eventResults: ClosedSet<EventResult> = { written: true, joined: true, failed: true, dropped: true };

/**
 * Seconds, as upper bounds. A reconciliation that writes nothing takes a millisecond or so; one with requests to both
 * APIs takes from tens of milliseconds to the two deadlines of 60 s that it may run into. An object waits for as long as
 * those before it take.
 */
const RECONCILIATION_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export interface EngineLabels {
  /** The controllers by name. */
  readonly controllers?: readonly string[];
  /** The resources that are watched. */
  readonly watched?: readonly string[];
}

type EngineMetrics = Pick<
  Metrics,
  'reconciled' | 'queueDepth' | 'queueWaited' | 'watchRestarted' | 'kubeAnswered' | 'leading' | 'eventTold'
>;

/** Of the work itself, and of the Kubernetes API. */
export function engineMetrics(registry: Registry, labels: EngineLabels): EngineMetrics {
  return {
    ...queueMetrics(registry, labels.controllers ?? []),
    ...kubeMetrics(registry, labels.watched ?? []),
    eventTold: countBy(
      registry,
      {
        name: 'leaseholder_events_total',
        help: 'Kubernetes events; joined: a repetition that is told with the next write of the same one; failed: refused or too slow; dropped: over the budget.',
      },
      'result',
      eventResults,
    ),
  };
}

function queueMetrics(
  registry: Registry,
  controllers: readonly string[],
): Pick<Metrics, 'reconciled' | 'queueDepth' | 'queueWaited'> {
  const common = { labelNames: ['controller'], registers: [registry] };
  const reconciliations = new Counter({
    name: 'leaseholder_reconciliations_total',
    help: 'Reconciliations of one object; crashed: by a defect of the operator.',
    labelNames: ['controller', 'result'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'leaseholder_reconciliation_duration_seconds',
    help: 'How long one reconciliation took, in seconds.',
    buckets: RECONCILIATION_BUCKETS,
    ...common,
  });
  const depths = new Gauge({
    name: 'leaseholder_queue_depth',
    help: 'Objects that are due and wait for a worker.',
    ...common,
  });
  const waits = new Histogram({
    name: 'leaseholder_queue_wait_seconds',
    help: 'How long an object waited from when it was due until a worker began, in seconds.',
    buckets: RECONCILIATION_BUCKETS,
    ...common,
  });
  for (const controller of controllers) {
    for (const result of Object.keys(results)) reconciliations.inc({ controller, result }, 0);
    durations.zero({ controller });
    depths.set({ controller }, 0);
    waits.zero({ controller });
  }
  return {
    reconciled(controller, result, seconds) {
      reconciliations.inc({ controller, result });
      observe(durations, { controller }, seconds);
    },
    queueDepth: (controller, depth) => depths.set({ controller }, depth),
    queueWaited: (controller, seconds) => observe(waits, { controller }, seconds),
  };
}

function kubeMetrics(
  registry: Registry,
  watched: readonly string[],
): Pick<Metrics, 'watchRestarted' | 'kubeAnswered' | 'leading'> {
  const registers = [registry];
  const restarts = new Counter({
    name: 'leaseholder_watch_restarts_total',
    help: 'Watches of the Kubernetes API that were begun anew.',
    labelNames: ['resource', 'cause'],
    registers,
  });
  for (const resource of watched)
    for (const cause of Object.keys(restartCauses)) restarts.inc({ resource, cause }, 0);
  const requests = new Counter({
    name: 'leaseholder_kube_requests_total',
    help: 'Requests to the Kubernetes API by the status of their answer.',
    labelNames: ['verb', 'resource', 'code'],
    registers,
  });
  const leader = new Gauge({
    name: 'leaseholder_leading',
    help: 'Whether this process leads: 1 while it does.',
    registers,
  });
  return {
    watchRestarted: (resource, cause) => restarts.inc({ resource, cause }),
    kubeAnswered: (verb, resource, code) => requests.inc({ verb, resource, code: String(code) }),
    leading: (leads) => leader.set(leads ? 1 : 0),
  };
}
