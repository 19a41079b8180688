/** The Grafana dashboard: rows of panels over the metrics of src/observability/metrics.ts. */

interface Panel {
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

const rows: Readonly<Record<string, readonly Panel[]>> = {
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
        left: `bottomk(10, leaseholder_lease_expires_seconds{${SELECTED}} - time())`,
      },
    },
    {
      title: 'Servers that do not answer',
      about: 'Requests to them are held back until they do.',
      kind: 'stat',
      queries: { down: `sum(leaseholder_api_servers{${SELECTED}, circuit=~"open|half-open"})` },
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
      title: 'Changes by others',
      about: 'Secrets that somebody else deleted or edited.',
      queries: {
        '{{kind}}': `sum by (kind) (increase(leaseholder_drift_total{${SELECTED}}[$__rate_interval]))`,
      },
    },
    {
      title: 'Dynamic secrets',
      about: 'DynamicSecret objects by their state, and what was done on the servers.',
      queries: {
        '{{state}}': `sum by (state) (leaseholder_dynamic_secrets{${SELECTED}})`,
        '{{what}}': rate('leaseholder_dynamic_secret_changes_total', 'what'),
      },
    },
    {
      title: 'Restarts and nudges',
      about: 'Pod templates and pods that were annotated for new credentials.',
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
      queries: { '{{route}}': quantile(0.99, 'leaseholder_api_request_duration_seconds', 'route') },
    },
    {
      title: 'Rate limits',
      about:
        'Requests that wait for their turn, how long all have waited per second, and those that were not sent.',
      queries: {
        'waiting: {{route}}': `sum by (route) (leaseholder_api_turns_awaited{${SELECTED}})`,
        'waited: {{route}}': rate('leaseholder_api_throttled_seconds_total', 'route'),
        'held back: {{reason}}': rate('leaseholder_api_held_back_total', 'reason'),
      },
    },
    {
      title: 'Logins',
      about: 'By what came of them.',
      queries: {
        '{{result}}': `sum by (result) (increase(leaseholder_logins_total{${SELECTED}}[$__rate_interval]))`,
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

const WIDTH = 24;
const COLUMNS = 4;
const HEIGHT = 7;

/** Every query of the dashboard, for who checks that its metrics exist. */
export const dashboardQueries: readonly string[] = Object.values(rows).flatMap((panels) =>
  panels.flatMap(({ queries }) => Object.values(queries)),
);

/** The dashboard as JSON that Grafana imports. */
export function renderDashboard(): string {
  let [y, id] = [0, 0];
  const panels = Object.entries(rows).flatMap(([title, inRow]) => {
    id += 1;
    const head = {
      id,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    };
    y += 1;
    const placed = inRow.map((panel, index) => {
      id += 1;
      const gridPos = {
        x: (index % COLUMNS) * (WIDTH / COLUMNS),
        y: y + Math.floor(index / COLUMNS) * HEIGHT,
        w: WIDTH / COLUMNS,
        h: HEIGHT,
      };
      return renderPanel(panel, { id, gridPos });
    });
    y += Math.ceil(inRow.length / COLUMNS) * HEIGHT;
    return [head, ...placed];
  });
  const dashboard = {
    uid: 'leaseholder',
    title: 'leaseholder',
    tags: ['leaseholder'],
    schemaVersion: 39,
    version: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [source, variable('namespace'), variable('job')] },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

const source = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' };

function variable(label: string): object {
  const query = `label_values(leaseholder_leading, ${label})`;
  return {
    name: label,
    type: 'query',
    label,
    datasource: { type: 'prometheus', uid: '${datasource}' },
    query: { query, refId: label },
    definition: query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}

function renderPanel(
  { title, about, unit = 'short', kind = 'timeseries', queries }: Panel,
  place: object,
): object {
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  return {
    ...place,
    type: kind,
    title,
    description: about,
    datasource,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: {},
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource,
      expr,
      legendFormat,
      ...(kind === 'table' ? { instant: true, format: 'table' } : {}),
    })),
  };
}
