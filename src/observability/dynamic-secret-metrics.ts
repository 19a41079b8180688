import { Counter, Gauge, type Registry } from 'prom-client';

import type { DynamicSecretDeed, Metrics } from '../telemetry.ts';

const deeds: Readonly<Record<DynamicSecretDeed, true>> = {
  created: true,
  adopted: true,
  updated: true,
  renamed: true,
  removed: true,
  left: true,
};
const states: Readonly<Record<keyof Parameters<Metrics['dynamicSecrets']>[0], true>> = {
  ready: true,
  unready: true,
  deleting: true,
};

/** Of the dynamic secrets that objects declare. */
export function dynamicSecretMetrics(
  registry: Registry,
): Pick<Metrics, 'dynamicSecretChanged' | 'dynamicSecrets'> {
  const registers = [registry];
  const objects = new Gauge({
    name: 'leaseholder_dynamic_secrets',
    help: 'DynamicSecret objects by state.',
    labelNames: ['state'],
    registers,
  });
  const changes = new Counter({
    name: 'leaseholder_dynamic_secret_changes_total',
    help: 'What was done to dynamic secrets on servers; left: not removed, as declared or for want of a way.',
    labelNames: ['what'],
    registers,
  });
  for (const state of Object.keys(states)) objects.set({ state }, 0);
  for (const what of Object.keys(deeds)) changes.inc({ what }, 0);
  return {
    dynamicSecretChanged: (what) => changes.inc({ what }),
    dynamicSecrets: (counts) =>
      Object.entries(counts).forEach(([state, count]) => objects.set({ state }, count)),
  };
}
