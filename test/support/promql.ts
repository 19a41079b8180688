import type { MetricDescription } from '../../src/observability/description.ts';

/** What Prometheus adds to what it reads. */
const ofTargets = ['namespace', 'job', 'pod', 'instance'];

/** What a query asks for that there is not: metrics, and labels of them. */
export function faultsOf(query: string, metrics: readonly MetricDescription[]): readonly string[] {
  const selectors = [...query.matchAll(/\b((?:leaseholder|process|nodejs)_\w+)(\{[^}]*\})?/g)];
  const named = selectors.map(([, name = '', braces = '']) => ({ name, braces }));
  const all = new Set(named.flatMap(({ name }) => labelsOf(name, metrics) ?? []));
  const grouped = [...query.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, labels = '']) =>
    labels.split(',').map((label) => label.trim()),
  );
  return [
    ...(named.length === 0 ? ['asks for nothing'] : []),
    ...named.flatMap(({ name, braces }) => selectorFaults(name, braces, metrics)),
    ...grouped.filter((label) => !all.has(label)).map((label) => `groups by ${label}`),
  ];
}

function selectorFaults(
  name: string,
  braces: string,
  metrics: readonly MetricDescription[],
): readonly string[] {
  const labels = labelsOf(name, metrics);
  if (labels === undefined) return [`there is no ${name}`];
  const known = new Set(labels);
  const matchers = [...braces.matchAll(/(\w+)(=~|=)"([^"]*)"/g)];
  return matchers.flatMap(([, label = '', , text = '']) => {
    if (!known.has(label)) return [`${name} has no label ${label}`];
    if (text.startsWith('$')) return [];
    const values = valuesOf(name, label, metrics);
    return text
      .split('|')
      .filter((value) => values.length > 0 && !values.includes(value))
      .map((value) => `${label} of ${name} is never ${value}`);
  });
}

/** The labels of what is exposed under a name; undefined where nothing is. */
function labelsOf(name: string, metrics: readonly MetricDescription[]): readonly string[] | undefined {
  if (/^(process|nodejs)_/.test(name)) return runtime.has(name) ? ofTargets : undefined;
  const found = described(name, metrics);
  if (found === undefined) return undefined;
  const bucket = found.type === 'histogram' && name.endsWith('_bucket') ? ['le'] : [];
  return [...found.labels.keys(), ...bucket, ...ofTargets];
}

/** Those of the runtime's own metrics that may be asked for. */
const runtime = new Set([
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
  'nodejs_eventloop_lag_p99_seconds',
]);

function valuesOf(name: string, label: string, metrics: readonly MetricDescription[]): readonly string[] {
  return described(name, metrics)?.labels.get(label) ?? [];
}

/** A histogram is exposed as three. */
function described(name: string, metrics: readonly MetricDescription[]): MetricDescription | undefined {
  return metrics.find(({ name: own, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].some((end) => name === own + end) : name === own,
  );
}
