import type { Registry } from 'prom-client';
import { z } from 'zod';

/** What a metric says of itself. */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Label names, and of each the values that are there from the start; none: they come with what happens. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

/** prom-client keeps the names of labels, and does not tell of them in its types. */
const described = z.object({
  name: z.string(),
  type: z.enum(['counter', 'gauge', 'histogram', 'summary']),
  help: z.string(),
  labelNames: z.array(z.string()),
});

/** The metrics of a registry whose names are ours, in the order in which they were made. */
export async function describeMetrics(registry: Registry): Promise<readonly MetricDescription[]> {
  const samples = new Map((await registry.getMetricsAsJSON()).map((metric) => [metric.name, metric]));
  return registry
    .getMetricsAsArray()
    .map((metric) => described.parse(metric))
    .filter(({ name }) => name.startsWith('leaseholder_'))
    .map(({ name, type, help, labelNames }) => {
      if (type === 'summary') throw new RangeError(`${name} is of a kind that is not described.`);
      const seen = z.array(sample).parse(samples.get(name)?.values ?? []);
      const values = (label: string): readonly string[] => [
        ...new Set(seen.flatMap(({ labels }) => labels[label] ?? [])),
      ];
      return { name, type, help, labels: new Map(labelNames.map((label) => [label, values(label)])) };
    });
}

const sample = z.object({ labels: z.record(z.string(), z.coerce.string()) });
