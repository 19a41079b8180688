/** What the dashboard shows: rows of panels over the metrics that docs/metrics.md lists. */

export interface Panel {
  readonly title: string;
  readonly about: string;
  readonly unit?: 'short' | 's' | 'ops' | 'bytes' | 'percentunit';
  readonly kind?: 'timeseries' | 'stat' | 'table';
  /** PromQL by legend. */
  readonly queries: Readonly<Record<string, string>>;
}

const SELECTED = 'namespace=~"$namespace", job=~"$job"';

const rate = (metric: string, by: string, more = ''): string =>
  `sum by (${by}) (rate(${metric}{${SELECTED}${more}}[$__rate_interval]))`;

const quantile = (q: number, metric: string, by: string): string =>
  `histogram_quantile(${String(q)}, sum by (le, ${by}) (rate(${metric}_bucket{${SELECTED}}[$__rate_interval])))`;

/** The rows, by their titles. */
export const rows: Readonly<Record<string, readonly Panel[]>> = {
  'At a glance': [
    {
      title: 'Leader',
      about: 'How many replicas work: one.',
      kind: 'stat',
      queries: { leads: `sum(leaseholder_leading{${SELECTED}})` },
    },
    {
      title: 'Leases',
      about: 'Lease objects by their state.',
      queries: { '{{state}}': `sum by (state) (leaseholder_leases{${SELECTED}})` },
    },
    {
      title: 'Nearest ends',
      about: 'How long the leases that end next have left. They are replaced before.',
      unit: 's',
      kind: 'table',
      queries: {
        left: `bottomk(10, leaseholder_lease_expiry_timestamp_seconds{${SELECTED}} - time())`,
      },
    },
    {
      title: 'Overdue',
      about: 'Leases that should have been replaced by now, and are not.',
      kind: 'stat',
      queries: {
        overdue: `count(leaseholder_lease_rotation_timestamp_seconds{${SELECTED}} < time()) or vector(0)`,
      },
    },
    {
      title: 'Servers that do not answer',
      about: 'Requests to them are held back until they do.',
      kind: 'stat',
      queries: { down: `sum(leaseholder_api_servers{${SELECTED}, circuit=~"open|half-open"})` },
    },
    {
      title: 'Connections',
      about: 'By state; unready: no login works.',
      queries: { '{{state}}': `sum by (state) (leaseholder_connections{${SELECTED}})` },
    },
    {
      title: 'Revocations that fail',
      about: 'Leases whose revocation has failed and is tried again.',
      kind: 'stat',
      queries: { failing: `sum(leaseholder_revocations_failing{${SELECTED}})` },
    },
    {
      title: 'Ends that are not told',
      about: 'Of how many leases the end is not among the metrics, because others end first.',
      kind: 'stat',
      queries: { omitted: `sum(leaseholder_lease_expiries_omitted{${SELECTED}})` },
    },
  ],
  Leases: [
    {
      title: 'Requests for leases',
      about: 'By what came of them.',
      unit: 'ops',
      queries: { '{{result}}': rate('leaseholder_lease_requests_total', 'result') },
    },
    {
      title: 'Deliveries and rotations',
      about: 'Writes of credentials into Secrets, and leases that were replaced.',
      unit: 'ops',
      queries: {
        '{{result}}': rate('leaseholder_deliveries_total', 'result'),
        rotations: `sum(rate(leaseholder_rotations_total{${SELECTED}}[$__rate_interval]))`,
      },
    },
    {
      title: 'Ends of leases',
      about: 'Revocations and renewals by what came of them, and leases that nobody named.',
      unit: 'ops',
      queries: {
        'revoked: {{result}}': rate('leaseholder_revocations_total', 'result'),
        'renewed: {{result}}': rate('leaseholder_renewals_total', 'result'),
        'swept: {{result}}': rate('leaseholder_swept_leases_total', 'result'),
      },
    },
    {
      title: 'Requests without an answer',
      about: 'What became of them.',
      queries: {
        '{{result}}': `sum by (result) (increase(leaseholder_unanswered_requests_settled_total{${SELECTED}}[$__rate_interval]))`,
      },
    },
    {
      title: 'Leases that live on',
      about: 'Replaced and not ended yet; of unknown fate, and findable by nobody.',
      queries: {
        replaced: `sum(leaseholder_retiring_leases{${SELECTED}})`,
        unaccounted: `sum(leaseholder_unaccounted_leases{${SELECTED}})`,
      },
    },
    {
      title: 'Failures',
      about: 'Steps that failed and are tried again, by the reason that the condition shows.',
      unit: 'ops',
      queries: { '{{what}} {{reason}}': `${rate('leaseholder_failures_total', 'what, reason')} > 0` },
    },
    {
      title: 'Changes by others',
      about: 'Secrets that somebody else deleted or edited.',
      queries: {
        '{{kind}}': `sum by (kind) (increase(leaseholder_drift_total{${SELECTED}}[$__rate_interval]))`,
      },
    },
    {
      title: 'Dynamic secrets',
      about: 'DynamicSecret objects by their state.',
      queries: { '{{state}}': `sum by (state) (leaseholder_dynamic_secrets{${SELECTED}})` },
    },
    {
      title: 'Changes of dynamic secrets',
      about: 'What was done on the servers.',
      unit: 'ops',
      queries: { '{{what}}': rate('leaseholder_dynamic_secret_changes_total', 'what') },
    },
    {
      title: 'Restarts and nudges',
      about: 'Pod templates and pods that were annotated for new credentials.',
      unit: 'ops',
      queries: {
        'restarts: {{result}}': rate('leaseholder_workload_restarts_total', 'result'),
        'nudges: {{result}}': rate('leaseholder_pod_nudges_total', 'result'),
      },
    },
  ],
  'Infisical servers': [
    {
      title: 'Requests',
      about: 'By route and what came of them.',
      unit: 'ops',
      queries: { '{{route}} {{outcome}}': rate('leaseholder_api_requests_total', 'route, outcome') },
    },
    {
      title: 'How long they take',
      about: '99 of 100 requests take less.',
      unit: 's',
      queries: {
        '{{route}} {{code}}': quantile(0.99, 'leaseholder_api_request_duration_seconds', 'route, code'),
      },
    },
    {
      title: 'Requests that wait for their turn',
      about: 'Where a server limits their rate.',
      queries: { '{{route}}': `sum by (route) (leaseholder_api_turns_awaited{${SELECTED}})` },
    },
    {
      title: 'How long they wait in a second',
      about: 'All requests of a route together.',
      unit: 's',
      queries: { '{{route}}': rate('leaseholder_api_throttled_seconds_total', 'route') },
    },
    {
      title: 'Requests that are not sent',
      about: 'The server does not answer, or the turn did not come in time.',
      unit: 'ops',
      queries: { '{{reason}}': rate('leaseholder_api_held_back_total', 'reason') },
    },
    {
      title: 'Logins and sessions',
      about: 'Logins by method and what came of them, and sessions that work.',
      queries: {
        '{{method}} {{result}}': `sum by (method, result) (increase(leaseholder_logins_total{${SELECTED}}[$__rate_interval])) > 0`,
        'sessions: {{method}}': `sum by (method) (leaseholder_sessions{${SELECTED}}) > 0`,
      },
    },
  ],
  Engine: [
    {
      title: 'Objects that wait for a worker',
      about: 'By controller.',
      queries: { '{{controller}}': `sum by (controller) (leaseholder_queue_depth{${SELECTED}})` },
    },
    {
      title: 'How long they wait',
      about: '99 of 100 objects wait less from when they are due.',
      unit: 's',
      queries: { '{{controller}}': quantile(0.99, 'leaseholder_queue_wait_seconds', 'controller') },
    },
    {
      title: 'Looks at objects',
      about: 'By controller and what came of them.',
      unit: 'ops',
      queries: {
        '{{controller}} {{result}}': rate('leaseholder_reconciliations_total', 'controller, result'),
      },
    },
    {
      title: 'How long a look takes',
      about: '99 of 100 take less.',
      unit: 's',
      queries: {
        '{{controller}}': quantile(0.99, 'leaseholder_reconciliation_duration_seconds', 'controller'),
      },
    },
    {
      title: 'Requests to the Kubernetes API',
      about: 'By verb, kind and answer.',
      unit: 'ops',
      queries: {
        '{{verb}} {{resource}} {{code}}': rate('leaseholder_kube_requests_total', 'verb, resource, code'),
      },
    },
    {
      title: 'Watches begun anew',
      about: 'By kind and cause.',
      queries: {
        '{{resource}} {{cause}}': `sum by (resource, cause) (increase(leaseholder_watch_restarts_total{${SELECTED}}[$__rate_interval]))`,
      },
    },
    {
      title: 'Events',
      about: 'Kubernetes events by what became of them.',
      queries: {
        '{{result}}': `sum by (result) (increase(leaseholder_events_total{${SELECTED}}[$__rate_interval]))`,
      },
    },
    {
      title: 'Event loop',
      about: 'By how much it is late, its beat of 50 ms included.',
      unit: 's',
      queries: { '{{pod}}': `nodejs_eventloop_lag_p99_seconds{${SELECTED}}` },
    },
    {
      title: 'Memory',
      about: 'Resident in each replica.',
      unit: 'bytes',
      queries: { '{{pod}}': `process_resident_memory_bytes{${SELECTED}}` },
    },
    {
      title: 'Processor',
      about: 'Share of a core for each replica.',
      unit: 'percentunit',
      queries: { '{{pod}}': `rate(process_cpu_seconds_total{${SELECTED}}[$__rate_interval])` },
    },
  ],
};
