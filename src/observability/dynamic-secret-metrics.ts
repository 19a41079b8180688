import type { Registry } from 'prom-client';

import type { DynamicSecretDeed, Metrics } from '../telemetry.ts';
import { countBy, gaugeBy, type ClosedSet } from './closed-set.ts';

const deeds: ClosedSet<DynamicSecretDeed> = {
  created: true,
  adopted: true,
  updated: true,
  renamed: true,
  removed: true,
  left: true,
};
const states: ClosedSet<keyof Parameters<Metrics['dynamicSecrets']>[0]> = {
  ready: true,
  unready: true,
  deleting: true,
};

/** Of the dynamic secrets that objects declare. */
export function dynamicSecretMetrics(
  registry: Registry,
): Pick<Metrics, 'dynamicSecretChanged' | 'dynamicSecrets'> {
  return {
    dynamicSecretChanged: countBy(
      registry,
      {
        name: 'leaseholder_dynamic_secret_changes_total',
        help: 'What was done to dynamic secrets on servers; left: not removed, as declared or for want of a way.',
      },
      'what',
      deeds,
    ),
    dynamicSecrets: gaugeBy(
      registry,
      { name: 'leaseholder_dynamic_secrets', help: 'DynamicSecret objects by state.' },
      'state',
      states,
    ),
  };
}
