type Schema = Readonly<Record<string, unknown>>;

const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };
const interval = {
  type: 'string',
  pattern: '^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?)$',
};

function record(properties: Schema, ...required: readonly string[]): Schema {
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

function list(items: Schema): Schema {
  return { type: 'array', items };
}

const selector = record({ matchLabels: texts });
const endpoints = list(record({ port: text, path: text, interval }));

/** The kinds of the Prometheus operator, as far as the chart uses them, by the names and rules that their fields have there. */
export function monitoringKinds(): readonly object[] {
  return [
    kindOf('ServiceMonitor', record({ selector, endpoints }, 'endpoints', 'selector')),
    kindOf('PodMonitor', record({ selector, podMetricsEndpoints: endpoints }, 'selector')),
    kindOf('PrometheusRule', record({ groups: list(record({ name: text, rules: list(rule) }, 'name')) })),
  ];
}

const rule = record(
  {
    alert: text,
    expr: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, text] },
    for: interval,
    labels: texts,
    annotations: texts,
  },
  'expr',
);

function kindOf(kind: string, spec: Schema): object {
  const singular = kind.toLowerCase();
  const group = 'monitoring.coreos.com';
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      names: { kind, singular, plural: `${singular}s`, listKind: `${kind}List` },
      scope: 'Namespaced',
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: record({ spec }, 'spec') } },
      ],
    },
  };
}
