import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metrics, ReconcileResult } from '../telemetry.ts';
import { dynamicSecretMetrics } from './dynamic-secret-metrics.ts';

/**
 * The operator's metrics. All names begin with `leaseholder_`; every label is a closed set, so that their number does
 * not grow with the number of leases.
 *
 * | Name                                            | Kind      | Labels               | What it tells                            |
 * | ----------------------------------------------- | --------- | -------------------- | ---------------------------------------- |
 * | `leaseholder_leases`                            | gauge     | state                | lease objects now                        |
 * | `leaseholder_dynamic_secrets`                   | gauge     | state                | DynamicSecret objects now                |
 * | `leaseholder_dynamic_secret_changes_total`      | counter   | what                 | dynamic secrets `created`, `adopted`, `updated`, `renamed`, `removed`, or `left` on the server |
 * | `leaseholder_lease_requests_total`              | counter   | result               | requests for a lease                     |
 * | `leaseholder_unanswered_requests_settled_total` | counter   | result               | what became of those without an answer   |
 * | `leaseholder_deliveries_total`                  | counter   | result               | writes of credentials into Secrets       |
 * | `leaseholder_rotations_total`                   | counter   |                      | leases replaced by a successor           |
 * | `leaseholder_revocations_total`                 | counter   | result               | ends of leases                           |
 * | `leaseholder_renewals_total`                    | counter   | result               | renewals of leases in use                |
 * | `leaseholder_swept_leases_total`                | counter   | result               | listed leases that nobody names          |
 * | `leaseholder_drift_total`                       | counter   | kind                 | changes of Secrets by others             |
 * | `leaseholder_leading`                           | gauge     |                      | 1 while this process leads               |
 * | `leaseholder_logins_total`                      | counter   | result               | logins to lease APIs                     |
 * | `leaseholder_reconciliations_total`             | counter   | controller, result   | looks at one object                      |
 * | `leaseholder_reconciliation_duration_seconds`   | histogram | controller           | how long such a look took                |
 * | `leaseholder_queue_depth`                       | gauge     | controller           | objects that wait for a worker           |
 * | `leaseholder_workload_restarts_total`          | counter   | result               | pod templates changed for a new lease    |
 * | `leaseholder_pod_nudges_total`                  | counter   | result               | pods annotated for new credentials       |
 * | `leaseholder_watch_restarts_total`              | counter   | resource, cause      | watches of the Kubernetes API begun anew |
 * | `leaseholder_api_requests_total`                | counter   | route, outcome       | answers of lease APIs                    |
 * | `leaseholder_api_request_duration_seconds`      | histogram | route                | how long they took                       |
 * | `leaseholder_api_servers`                       | gauge     | circuit              | servers that answer (`closed`), that do not (`open`), and of these the ones that are being asked whether they do (`half-open`) |
 * | `leaseholder_api_turns_awaited`                 | gauge     | route                | requests that wait because a server limits their rate |
 * | `leaseholder_api_throttled_seconds_total`       | counter   | route                | how long requests have waited for that   |
 * | `leaseholder_api_held_back_total`               | counter   | reason               | requests not sent: `circuit`, the server does not answer; `limit`, the turn did not come in time |
 * | `leaseholder_kube_requests_total`               | counter   | verb, resource, code | answers of the Kubernetes API            |
 *
 * Beside them stand the usual `process_…` and `nodejs_…` metrics, among them by how much the event loop is late: see
 * {@link EVENT_LOOP_BEAT}. Everything that is known beforehand is there from
 * the start with the value 0, so that the first failure is an increase that an alert can see.
 */
export interface PrometheusMetrics extends Metrics {
  /** Everything in Prometheus' text format. */
  expose(): Promise<Exposition>;
}

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** The label values that the composition root knows: they are counted from 0, others from their first appearance. */
export interface KnownLabels {
  /** The controllers by name. */
  readonly controllers?: readonly string[];
  /** The requests to lease APIs that may have to wait for their turn. */
  readonly routes?: readonly string[];
  /** The resources that are watched. */
  readonly watched?: readonly string[];
}

/** A value for every member of a closed set; a missing or a superfluous one does not compile. */
type ClosedSet<Member extends string> = Readonly<Record<Member, true>>;

type First<Method extends keyof Metrics> = Parameters<Metrics[Method]>[0] & string;

const leaseRequestResults: ClosedSet<First<'leaseRequested'>> = { made: true, refused: true, unknown: true };
const settlements: ClosedSet<First<'requestSettled'>> = {
  revoked: true,
  'never-made': true,
  unattributed: true,
};
const deliveries: ClosedSet<First<'delivered'>> = {
  written: true,
  found: true,
  conflict: true,
  refused: true,
  abandoned: true,
};
const revocations: ClosedSet<First<'revoked'>> = {
  confirmed: true,
  gone: true,
  ended: true,
  refused: true,
  left: true,
};
const sweeps: ClosedSet<First<'swept'>> = { revoked: true, reported: true };
const drifts: ClosedSet<First<'drifted'>> = { deleted: true, edited: true, unlabelled: true, forged: true };
const renewals: ClosedSet<First<'renewed'>> = { renewed: true, refused: true, unknown: true };
const workloadRestarts: ClosedSet<First<'restarted'>> = { restarted: true, failed: true };
const podNudges: ClosedSet<First<'nudged'>> = { nudged: true, failed: true };
const logins: ClosedSet<First<'loggedIn'>> = { accepted: true, refused: true };
const reconcileResults: ClosedSet<ReconcileResult> = {
  done: true,
  requeued: true,
  faulted: true,
  crashed: true,
};
const restartCauses: ClosedSet<Parameters<Metrics['watchRestarted']>[1]> = {
  ended: true,
  silent: true,
  expired: true,
  error: true,
};
const leaseStates: ClosedSet<keyof Parameters<Metrics['leases']>[0]> = {
  ready: true,
  unready: true,
  deleting: true,
};

/**
 * Seconds, as upper bounds. A reconciliation that writes nothing takes a millisecond or so; one with requests to both
 * APIs takes from tens of milliseconds to the two deadlines of 60 s that it may run into.
 */
const RECONCILIATION_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Seconds. Making a lease makes a database user: rarely under 20 ms, and no request lasts longer than 60 s. */
const API_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

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
  return {
    ...leaseMetrics(registry),
    ...dynamicSecretMetrics(registry),
    ...engineMetrics(registry, known),
    ...requestMetrics(registry),
    ...gateMetrics(registry, known.routes ?? []),
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

type LeaseMetrics = Pick<
  Metrics,
  | 'leaseRequested'
  | 'requestSettled'
  | 'delivered'
  | 'revoked'
  | 'rotated'
  | 'renewed'
  | 'restarted'
  | 'nudged'
  | 'swept'
  | 'drifted'
  | 'loggedIn'
  | 'leading'
  | 'leases'
>;

function leaseMetrics(registry: Registry): LeaseMetrics {
  const registers = [registry];
  const rotations = new Counter({
    name: 'leaseholder_rotations_total',
    help: 'Leases that were replaced by a successor.',
    registers,
  });
  const leases = new Gauge({
    name: 'leaseholder_leases',
    help: 'DynamicSecretLease objects by state.',
    labelNames: ['state'],
    registers,
  });
  for (const state of Object.keys(leaseStates)) leases.set({ state }, 0);
  const leader = new Gauge({
    name: 'leaseholder_leading',
    help: 'Whether this process leads: 1 while it does.',
    registers,
  });
  return {
    leaseRequested: countResults(
      registry,
      'leaseholder_lease_requests_total',
      'Requests for a lease; unknown: without an answer that tells whether one was made.',
      leaseRequestResults,
    ),
    requestSettled: countResults(
      registry,
      'leaseholder_unanswered_requests_settled_total',
      'What became of requests for a lease that got no answer; unattributed: cannot be found out.',
      settlements,
    ),
    delivered: countResults(
      registry,
      'leaseholder_deliveries_total',
      'Writes of credentials into Secrets; found: an earlier try had arrived after all.',
      deliveries,
    ),
    revoked: countResults(
      registry,
      'leaseholder_revocations_total',
      'Ends of leases; left: not revoked, as declared or for want of a way.',
      revocations,
    ),
    renewed: countResults(registry, 'leaseholder_renewals_total', 'Renewals of leases in use.', renewals),
    swept: countResults(
      registry,
      'leaseholder_swept_leases_total',
      'Listed leases that nobody names; reported: left alone, because they may be somebody else’s.',
      sweeps,
    ),
    drifted: countKinds(registry, drifts),
    leading: (leads) => leader.set(leads ? 1 : 0),
    loggedIn: countResults(registry, 'leaseholder_logins_total', 'Logins to lease APIs.', logins),
    rotated: () => rotations.inc(),
    restarted: countResults(
      registry,
      'leaseholder_workload_restarts_total',
      'Workloads whose pod template was changed for a new lease; failed: the Kubernetes API refused it.',
      workloadRestarts,
    ),
    nudged: countResults(
      registry,
      'leaseholder_pod_nudges_total',
      'Pods that were annotated for new credentials; failed: the Kubernetes API refused it.',
      podNudges,
    ),
    leases: (counts) => Object.entries(counts).forEach(([state, count]) => leases.set({ state }, count)),
  };
}

/** A counter with the one label `result`. */
function countResults<Result extends string>(
  registry: Registry,
  name: string,
  help: string,
  results: ClosedSet<Result>,
): (result: Result) => void {
  const counter = new Counter({ name, help, labelNames: ['result'], registers: [registry] });
  for (const result of Object.keys(results)) counter.inc({ result }, 0);
  return (result) => counter.inc({ result });
}

function countKinds(
  registry: Registry,
  kinds: ClosedSet<First<'drifted'>>,
): (kind: First<'drifted'>) => void {
  const name = 'leaseholder_drift_total';
  const help = 'Changes that somebody else made to Secrets of ours.';
  const counter = new Counter({ name, help, labelNames: ['kind'], registers: [registry] });
  for (const kind of Object.keys(kinds)) counter.inc({ kind }, 0);
  return (kind) => counter.inc({ kind });
}

function engineMetrics(
  registry: Registry,
  { controllers = [], watched = [] }: KnownLabels,
): Pick<Metrics, 'reconciled' | 'queueDepth' | 'watchRestarted'> {
  const registers = [registry];
  const reconciliations = new Counter({
    name: 'leaseholder_reconciliations_total',
    help: 'Reconciliations of one object; crashed: by a defect of the operator.',
    labelNames: ['controller', 'result'],
    registers,
  });
  const durations = new Histogram({
    name: 'leaseholder_reconciliation_duration_seconds',
    help: 'How long one reconciliation took, in seconds.',
    labelNames: ['controller'],
    buckets: RECONCILIATION_BUCKETS,
    registers,
  });
  const depths = new Gauge({
    name: 'leaseholder_queue_depth',
    help: 'Objects that are due and wait for a worker.',
    labelNames: ['controller'],
    registers,
  });
  const restarts = new Counter({
    name: 'leaseholder_watch_restarts_total',
    help: 'Watches of the Kubernetes API that were begun anew.',
    labelNames: ['resource', 'cause'],
    registers,
  });
  for (const controller of controllers) {
    for (const result of Object.keys(reconcileResults)) reconciliations.inc({ controller, result }, 0);
    durations.zero({ controller });
    depths.set({ controller }, 0);
  }
  for (const resource of watched) {
    for (const cause of Object.keys(restartCauses)) restarts.inc({ resource, cause }, 0);
  }
  return {
    reconciled(controller, result, seconds) {
      reconciliations.inc({ controller, result });
      observe(durations, { controller }, seconds);
    },
    queueDepth: (controller, depth) => depths.set({ controller }, depth),
    watchRestarted: (resource, cause) => restarts.inc({ resource, cause }),
  };
}

const circuitStates: ClosedSet<keyof Parameters<Metrics['circuits']>[0]> = {
  closed: true,
  'half-open': true,
  open: true,
};
const holdingBack: ClosedSet<First<'heldBack'>> = { circuit: true, limit: true };

type GateMetrics = Pick<Metrics, 'circuits' | 'turnsAwaited' | 'throttled' | 'heldBack'>;

/** Of the gate to each server. No label names a server: tenants choose those, and there may be any number. */
function gateMetrics(registry: Registry, routes: readonly string[]): GateMetrics {
  const registers = [registry];
  const servers = new Gauge({
    name: 'leaseholder_api_servers',
    help: 'Servers that connections lead to; open: it does not answer, so no request is sent to it.',
    labelNames: ['circuit'],
    registers,
  });
  const waiting = new Gauge({
    name: 'leaseholder_api_turns_awaited',
    help: 'Requests that wait for their turn where a server limits the rate.',
    labelNames: ['route'],
    registers,
  });
  const throttled = new Counter({
    name: 'leaseholder_api_throttled_seconds_total',
    help: 'How long requests have waited for their turn, in seconds.',
    labelNames: ['route'],
    registers,
  });
  const heldBack = new Counter({
    name: 'leaseholder_api_held_back_total',
    help: 'Requests that were not sent; circuit: the server does not answer; limit: the turn did not come in time.',
    labelNames: ['reason'],
    registers,
  });
  for (const circuit of Object.keys(circuitStates)) servers.set({ circuit }, 0);
  for (const reason of Object.keys(holdingBack)) heldBack.inc({ reason }, 0);
  for (const route of routes) {
    waiting.set({ route }, 0);
    throttled.inc({ route }, 0);
  }
  return {
    circuits: (counts) =>
      Object.entries(counts).forEach(([circuit, count]) => servers.set({ circuit }, count)),
    turnsAwaited: (route, count) => waiting.set({ route }, count),
    throttled: (route, seconds) => throttled.inc({ route }, Math.max(seconds, 0)),
    heldBack: (reason) => heldBack.inc({ reason }),
  };
}

function requestMetrics(registry: Registry): Pick<Metrics, 'apiAnswered' | 'kubeAnswered'> {
  const registers = [registry];
  const apiRequests = new Counter({
    name: 'leaseholder_api_requests_total',
    help: 'Requests to lease APIs by their outcome.',
    labelNames: ['route', 'outcome'],
    registers,
  });
  const apiDurations = new Histogram({
    name: 'leaseholder_api_request_duration_seconds',
    help: 'How long a request to a lease API took until its outcome was known, in seconds.',
    labelNames: ['route'],
    buckets: API_BUCKETS,
    registers,
  });
  const kubeRequests = new Counter({
    name: 'leaseholder_kube_requests_total',
    help: 'Requests to the Kubernetes API by the status of their answer.',
    labelNames: ['verb', 'resource', 'code'],
    registers,
  });
  return {
    apiAnswered(route, outcome, seconds) {
      apiRequests.inc({ route, outcome });
      observe(apiDurations, { route }, seconds);
    },
    kubeAnswered: (verb, resource, code) => kubeRequests.inc({ verb, resource, code: String(code) }),
  };
}

/** A duration that is no number is left out: prom-client throws at it, and counting must never stop the work. */
function observe<Label extends string>(
  histogram: Histogram<Label>,
  labels: Partial<Record<Label, string>>,
  seconds: number,
): void {
  if (Number.isFinite(seconds)) histogram.observe(labels, seconds);
}
