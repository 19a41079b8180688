import { connectionFinalizerOf } from '../../api/shard.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { Cluster, ConnectionRecord } from '../ports.ts';
import { isInUse } from './in-use.ts';

/** What stands between a connection and its end. */
export type Hold =
  /** Kept: something needs it. */
  | { readonly state: 'kept'; readonly connection: ConnectionRecord }
  /** Nothing needs it, and nothing of ours keeps it. */
  | { readonly state: 'free'; readonly connection: ConnectionRecord }
  /** The object has changed meanwhile and must be looked at again. */
  | { readonly state: 'changed' };

/**
 * Sees to it that this shard's finalizer is there if and only if the shard uses the connection. One guarded write, where
 * it is not so. Those of other shards are theirs.
 */
export async function hold(cluster: Cluster, connection: ConnectionRecord): Promise<Hold> {
  const { finalizers } = connection;
  const own = connectionFinalizerOf(cluster.shard);
  const inUse = isInUse(connection, cluster);
  const state = inUse ? 'kept' : 'free';
  const rest = finalizers.filter((finalizer) => finalizer !== own);
  const held = rest.length < finalizers.length;
  // What is already being deleted takes no new finalizer.
  if (held === inUse || (inUse && connection.deletedAt !== undefined)) return { state, connection };
  try {
    const wanted = inUse ? [...rest, own] : rest;
    const metadata = { resourceVersion: connection.resourceVersion, finalizers: wanted };
    return { state, connection: await cluster.connections.patch(connection.key, { metadata }) };
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
    await cluster.connections.look(connection.key);
    return { state: 'changed' };
  }
}
