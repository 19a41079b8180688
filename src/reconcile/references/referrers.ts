import type { WatchedStores } from '../cluster.ts';
import { referrers, type Referrers } from './reference-watches.ts';
import { referencesOf, sourcesOf } from './references.ts';

/** Who is to look again when something that it refers to has changed. Neither may throw. */
export interface Rechecking {
  /** A connection, by its key. */
  recheck(connection: string): void;
  /** A DynamicSecret, by its key. */
  recheckSources(dynamicSecret: string): void;
}

/**
 * The kinds that refer to Secrets and ConfigMaps.
 *
 * @param where `home`: namespace of the objects that cluster connections name.
 */
export function referrersIn(
  {
    cluster: { stores },
    home,
  }: {
    readonly cluster: { readonly stores: Pick<WatchedStores, 'connections' | 'dynamicSecrets'> };
    readonly home: string;
  },
  rechecking: Rechecking,
): readonly Referrers[] {
  return [
    referrers({
      kind: 'connection',
      store: stores.connections,
      referencesOf: (connection) => referencesOf(connection, home),
      recheck: (key) => rechecking.recheck(key),
    }),
    referrers({
      kind: 'dynamic secret',
      store: stores.dynamicSecrets,
      referencesOf: sourcesOf,
      recheck: (key) => rechecking.recheckSources(key),
    }),
  ];
}
