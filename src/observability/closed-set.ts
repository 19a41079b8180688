import { Counter, Gauge, type Histogram, type Registry } from 'prom-client';

import type { Metrics } from '../telemetry.ts';

/** A value for every member of a closed set; a missing or a superfluous one does not compile. */
export type ClosedSet<Member extends string> = Readonly<Record<Member, true>>;

/** What the first argument of a method of {@link Metrics} may be. */
export type First<Method extends keyof Metrics> = Parameters<Metrics[Method]>[0] & string;

interface Named {
  readonly name: string;
  readonly help: string;
}

/** A counter with one label, which begins with 0 for each of its values. @returns what counts one more. */
export function countBy<Value extends string>(
  registry: Registry,
  { name, help }: Named,
  label: string,
  values: ClosedSet<Value>,
): (value: Value) => void {
  const counter = new Counter({ name, help, labelNames: [label], registers: [registry] });
  for (const value of Object.keys(values)) counter.inc({ [label]: value }, 0);
  return (value) => counter.inc({ [label]: value });
}

/** A gauge with one label, which begins with 0 for each of its values. @returns what sets all of them. */
export function gaugeBy<Value extends string>(
  registry: Registry,
  { name, help }: Named,
  label: string,
  values: ClosedSet<Value>,
): (counts: Readonly<Record<Value, number>>) => void {
  const gauge = new Gauge({ name, help, labelNames: [label], registers: [registry] });
  for (const value of Object.keys(values)) gauge.set({ [label]: value }, 0);
  return (counts) => {
    for (const [value, count] of Object.entries<number>(counts)) gauge.set({ [label]: value }, count);
  };
}

/** A duration that is no number is left out: prom-client throws at it, and counting must never stop the work. */
export function observe<Label extends string>(
  histogram: Histogram<Label>,
  labels: Partial<Record<Label, string>>,
  seconds: number,
): void {
  if (Number.isFinite(seconds)) histogram.observe(labels, Math.max(seconds, 0));
}
