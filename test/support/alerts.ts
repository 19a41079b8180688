import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const alertsFile = path.join(import.meta.dirname, '../../deploy/helm/leaseholder/files/alerts.yaml');

const rule = z.strictObject({
  alert: z.string().regex(/^Leaseholder[A-Z]\w+$/),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.url() }),
});

export type Alert = z.infer<typeof rule>;

const rules = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(rule) })),
});

/** The alerts that the chart brings. */
export function readAlerts(): readonly Alert[] {
  return rules.parse(parse(readFileSync(alertsFile, 'utf8'))).groups.flatMap((group) => group.rules);
}
