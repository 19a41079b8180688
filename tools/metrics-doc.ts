import { knownLabels } from '../src/known-labels.ts';
import type { MetricDescription } from '../src/observability/description.ts';
import { createMetrics } from '../src/observability/metrics.ts';

/** The groups of the page, by what names begin with: the first that fits takes a metric. */
const groups: readonly (readonly [title: string, prefixes: readonly string[]])[] = [
  ['Dynamic secrets', ['dynamic_secret']],
  ['Infisical servers', ['api_', 'logins_', 'sessions', 'connections']],
  ['The engine', ['reconciliation', 'queue_', 'watch_', 'kube_', 'leading', 'events_']],
  ['Leases', ['']],
];

/** So many values of a label stand beside a metric, at most; longer lists stand in a table of their own. */
const MOST_VALUES = 6;

/** Every metric of ours, as it describes itself. */
export function describedMetrics(): Promise<readonly MetricDescription[]> {
  return createMetrics(knownLabels).describe();
}

/** The page about metrics, made of their own descriptions. */
export async function renderMetricsDoc(): Promise<string> {
  const all = await describedMetrics();
  const { body } = await createMetrics(knownLabels).expose();
  const series = body.match(/^leaseholder_/gm)?.length ?? 0;
  const groupOf = ({ name }: MetricDescription): string | undefined =>
    groups.find(([, prefixes]) => prefixes.some((prefix) => name.startsWith(`leaseholder_${prefix}`)))?.[0];
  const titles = ['Leases', ...groups.map(([title]) => title).filter((title) => title !== 'Leases')];
  return [
    '# Metrics',
    '',
    'Generated from `src/observability` by `tools/generate.ts`; do not edit.',
    '',
    'The operator serves them at `/metrics` of `--listen` ([configuration.md](configuration.md)), in the text format of Prometheus. The chart brings a ServiceMonitor or a PodMonitor, a dashboard and alerts; [runbook.md](runbook.md) has an entry for each alert.',
    '',
    '- **All are there from the start**, with 0 for each value of a label that is known beforehand, so that the first failure is an increase which an alert can see. Only `leaseholder_kube_requests_total` and the two of the ends of leases begin with what happens.',
    '- **Their number is bounded**: labels are closed sets, and no name of a tenant, an object or a server is one. The ends of leases are the exception: they name objects, 2,000 at most. Where there are more, those that end first are told, and `leaseholder_lease_expiries_omitted` says how many are not.',
    `- A replica has ${String(series)} series from the start, the ${String(series - withoutBuckets(body))} buckets of histograms among them.`,
    '- **Only the leader tells of objects.** Other replicas show 0 for what they do not know; sums over all replicas are right.',
    '- Names of objects are in `lease_namespace` and `lease_name`: `namespace` is that of the pod, which Prometheus adds.',
    '- Moments are Unix times, those of leases by the clock of their server: `leaseholder_lease_expiry_timestamp_seconds - time()` is what a lease has left.',
    '- An answer takes some 4 ms of the process, and some 16 ms with 10,000 leases, of which 2,000 are told (measured on a core of a shared machine).',
    '',
    'Beside them stand the usual `process_…` and `nodejs_…` metrics of the runtime.',
    '',
    ...titles.flatMap((title) => [
      `## ${title}`,
      '',
      '| Name | Type | Labels | What it tells |',
      '| --- | --- | --- | --- |',
      ...all.filter((metric) => groupOf(metric) === title).map(row),
      '',
    ]),
    '## Labels with many values',
    '',
    '| Label | Values |',
    '| --- | --- |',
    ...longLists(all),
    '',
  ].join('\n');
}

function withoutBuckets(body: string): number {
  return body.match(/^leaseholder_\w+(?<!_bucket)(?:\{| )/gm)?.length ?? 0;
}

function row({ name, type, labels, help }: MetricDescription): string {
  const told = [...labels].map(([label, values]) => labelText(label, values)).join('; ');
  return `| \`${name}\` | ${type} | ${told} | ${help} |`;
}

function labelText(label: string, values: readonly string[]): string {
  const isListed = values.length > 0 && values.length <= MOST_VALUES;
  return `\`${label}\`${isListed ? `: ${quoted(values)}` : ''}`;
}

function quoted(values: readonly string[]): string {
  return values.map((value) => `\`${value}\``).join(', ');
}

/** What the labels may be whose values are too many to stand beside each metric. */
function longLists(all: readonly MetricDescription[]): readonly string[] {
  const lists = new Map<string, string>();
  for (const { labels } of all)
    for (const [label, values] of labels) {
      if (values.length > MOST_VALUES) lists.set(label, quoted(values));
    }
  lists.set(
    'reason',
    'that of `leaseholder_failures_total`: the second table of [conditions.md](conditions.md)',
  );
  return [...lists].map(([label, values]) => `| \`${label}\` | ${values} |`);
}
