import { readFileSync } from 'node:fs';
import path from 'node:path';

const page = path.join(import.meta.dirname, '..', '..', 'docs', 'metrics.md');

/** The names of the metrics that docs/metrics.md lists. */
export function documentedMetrics(): readonly string[] {
  const rows = readFileSync(page, 'utf8').matchAll(/^\| `(leaseholder_\w+)` +\|/gm);
  return [...rows].map(([, name = '']) => name);
}

/** The names of our metrics that a text in Prometheus' format tells the type of. */
export function exposedMetrics(text: string): readonly string[] {
  return [...text.matchAll(/^# TYPE (leaseholder_\w+) \w+$/gm)].map(([, name = '']) => name);
}

/** Those of them that it has no value of. */
export function withoutSample(text: string): readonly string[] {
  const sampled = new Set(
    [...text.matchAll(/^(leaseholder_\w+)(?:\{.*\})? \S+$/gm)].map(([, name = '']) => name),
  );
  return exposedMetrics(text).filter((name) => !sampled.has(name) && !sampled.has(`${name}_count`));
}
