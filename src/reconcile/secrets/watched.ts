import { MANAGED_LABEL, MANAGED_VALUE } from '../../api/names.ts';
import { shardSelector, type Shard } from '../../api/shard.ts';
import { startReflector } from '../../kube/reflector.ts';
import { resource, type ResourceType } from '../../kube/resource.ts';
import { secretIndexes } from '../indexes.ts';
import { secretRecord } from '../records.ts';
import type { ObservedSecrets, ObserveOptions } from './observed.ts';
import { secretResource } from './resource.ts';
import { sightByReading } from './sight.ts';

export const secretType: ResourceType = { group: '', version: 'v1', plural: 'secrets', namespaced: true };

/** Selects the Secrets that a shard writes. */
export function ownSecrets(shard: Shard): string {
  return `${MANAGED_LABEL}=${MANAGED_VALUE},${shardSelector(shard)}`;
}

/** Observes Secrets by a watch of our labels. Metadata alone: credentials are written, never read back. */
export function watchSecrets(options: ObserveOptions): ObservedSecrets {
  const { transport, shard, mayWrite } = options;
  const type = resource(transport, secretType, mayWrite);
  const reflector = startReflector({
    ...options,
    resource: type,
    project: secretRecord,
    indexes: secretIndexes,
    labelSelector: ownSecrets(shard),
    metadataOnly: true,
  });
  const { store } = reflector;
  return {
    store,
    resource: secretResource({ type, sight: sightByReading(type), store, shard }),
    get hasSynced() {
      return reflector.hasSynced;
    },
    synced: () => reflector.synced(),
    ended: reflector.ended,
  };
}
