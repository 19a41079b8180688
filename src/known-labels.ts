import { apiOutcomes, routes } from './infisical/transport.ts';
import type { KnownLabels } from './observability/metrics.ts';
import { watchedResources } from './reconcile/cluster.ts';
import { controllerNames } from './reconcile/operator.ts';

/** The values that the labels of metrics are known to have, before anything has happened. */
export const knownLabels: KnownLabels = {
  controllers: controllerNames,
  watched: watchedResources,
  routes,
  outcomes: apiOutcomes,
};
