import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

import type { LoginWay, Metrics } from '../telemetry.ts';
import { countBy, gaugeBy, observe, type ClosedSet, type First } from './closed-set.ts';

const ways: ClosedSet<LoginWay> = {
  universal: true,
  kubernetes: true,
  oidc: true,
  jwt: true,
  aws: true,
  azure: true,
  gcp: true,
  ldap: true,
  token: true,
};
const logins: ClosedSet<Parameters<Metrics['loggedIn']>[1]> = { accepted: true, refused: true };
const states: ClosedSet<keyof Parameters<Metrics['connections']>[0]> = {
  ready: true,
  unready: true,
  deleting: true,
};
const circuitStates: ClosedSet<keyof Parameters<Metrics['circuits']>[0]> = {
  closed: true,
  'half-open': true,
  open: true,
};
const holdingBack: ClosedSet<First<'heldBack'>> = { circuit: true, limit: true };

/** Classes of answers, for how long they took; none: no answer, or one that is not the API's. */
const codes = ['2xx', '4xx', '5xx', 'none'] as const;

/** Seconds. Making a lease makes a database user: rarely under 20 ms, and no request lasts longer than 60 s. */
const API_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface ApiLabels {
  /** The requests to lease APIs. */
  readonly routes?: readonly string[];
  /** What can become of them. */
  readonly outcomes?: readonly string[];
}

/** Of the lease API. No label names a server: tenants choose those, and there may be any number. */
export function apiMetrics(
  registry: Registry,
  { routes = [], outcomes = [] }: ApiLabels,
): Pick<
  Metrics,
  | 'apiAnswered'
  | 'connections'
  | 'loggedIn'
  | 'sessionsChanged'
  | 'circuits'
  | 'turnsAwaited'
  | 'throttled'
  | 'heldBack'
> {
  return {
    connections: gaugeBy(
      registry,
      {
        name: 'leaseholder_connections',
        help: 'InfisicalConnection and ClusterInfisicalConnection objects by state.',
      },
      'state',
      states,
    ),
    ...requestMetrics(registry, routes, outcomes),
    ...sessionMetrics(registry),
    ...gateMetrics(registry, routes),
  };
}

function requestMetrics(
  registry: Registry,
  routes: readonly string[],
  outcomes: readonly string[],
): Pick<Metrics, 'apiAnswered'> {
  const registers = [registry];
  const requests = new Counter({
    name: 'leaseholder_api_requests_total',
    help: 'Requests to lease APIs by their outcome: a status or a class of them; unreadable: not the API’s answer; lost: sent, without an answer; unreachable: not sent.',
    labelNames: ['route', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'leaseholder_api_request_duration_seconds',
    help: 'How long a request to a lease API took until its outcome was known, in seconds; none: without an answer of the API.',
    labelNames: ['route', 'code'],
    buckets: API_BUCKETS,
    registers,
  });
  for (const route of routes) {
    for (const outcome of outcomes) requests.inc({ route, outcome }, 0);
    for (const code of codes) durations.zero({ route, code });
  }
  return {
    apiAnswered(route, outcome, seconds) {
      requests.inc({ route, outcome });
      observe(durations, { route, code: codeOf(outcome) }, seconds);
    },
  };
}

function codeOf(outcome: string): (typeof codes)[number] {
  return codes.find((code) => code.charAt(0) === outcome.charAt(0) && /^\d/.test(outcome)) ?? 'none';
}

function sessionMetrics(registry: Registry): Pick<Metrics, 'loggedIn' | 'sessionsChanged'> {
  const registers = [registry];
  const tries = new Counter({
    name: 'leaseholder_logins_total',
    help: 'Logins to lease APIs; refused: by the server.',
    labelNames: ['method', 'result'],
    registers,
  });
  const sessions = new Gauge({
    name: 'leaseholder_sessions',
    help: 'Sessions with lease APIs whose last login was accepted.',
    labelNames: ['method'],
    registers,
  });
  for (const method of Object.keys(ways)) {
    sessions.set({ method }, 0);
    for (const result of Object.keys(logins)) tries.inc({ method, result }, 0);
  }
  return {
    loggedIn: (method, result) => tries.inc({ method, result }),
    sessionsChanged: (method, by) => sessions.inc({ method }, by),
  };
}

function gateMetrics(
  registry: Registry,
  routes: readonly string[],
): Pick<Metrics, 'circuits' | 'turnsAwaited' | 'throttled' | 'heldBack'> {
  const registers = [registry];
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
  for (const route of routes) {
    waiting.set({ route }, 0);
    throttled.inc({ route }, 0);
  }
  return {
    circuits: gaugeBy(
      registry,
      {
        name: 'leaseholder_api_servers',
        help: 'Servers that connections lead to; open: it does not answer, so no request is sent to it; half-open: it is being asked whether it does.',
      },
      'circuit',
      circuitStates,
    ),
    turnsAwaited: (route, count) => waiting.set({ route }, count),
    throttled: (route, seconds) => throttled.inc({ route }, Math.max(seconds, 0)),
    heldBack: countBy(
      registry,
      {
        name: 'leaseholder_api_held_back_total',
        help: 'Requests that were not sent; circuit: the server does not answer; limit: the turn did not come in time.',
      },
      'reason',
      holdingBack,
    ),
  };
}
