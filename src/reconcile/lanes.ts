import type { LanePlace } from '../controller/lanes.ts';
import { deadlineOf } from '../lease/urgency.ts';
import { namespaceOf } from '../kube/object-key.ts';
import type { Timing } from '../timing.ts';
import { hostOf } from './connection/links.ts';
import type { Group } from './inventory/groups.ts';
import { resolve } from './lease/resolve.ts';
import type { Cluster } from './ports.ts';

type Place = Omit<LanePlace, 'priority'>;

/**
 * In which lane each key waits for a worker: with whatever waits for the same server by the same login. What one
 * connection's server makes wait, no other connection's objects wait for.
 */
export interface Places {
  /** A lease object: its connection's lane, the one first whose lease ends first. */
  ofLease(key: string): Place;
  /** A DynamicSecret: the lane of its connection. */
  ofDynamicSecret(key: string): Place;
  /** A connection: the lane of its server. */
  ofConnection(key: string): Place;
  /** An inventory list: the lane of the connection that it is made through. */
  ofGroup(group: Group | undefined): Place;
}

export function placesIn(
  cluster: Pick<Cluster, 'leases' | 'connections' | 'dynamicSecrets' | 'now'>,
  timing: Pick<Timing, 'firstLeasePatience'>,
): Places {
  return {
    ofLease(key) {
      const lease = cluster.leases.get(key);
      // What an object that is gone has left behind to be revoked.
      if (lease === undefined) return { lane: namespaceOf(key), deadline: 0 };
      const { namespace, status } = lease;
      const connection = resolve(cluster, lease).wanted?.connectionRef ?? status.lease?.connection;
      return { lane: laneOf(namespace, connection), deadline: deadlineOf(lease, cluster.now(), timing) };
    },
    ofDynamicSecret(key) {
      const { spec, status } = cluster.dynamicSecrets.get(key) ?? {};
      const connection = spec?.valid === true ? spec.value.connectionRef : status?.place?.connection;
      return { lane: laneOf(namespaceOf(key), connection), deadline: 0 };
    },
    ofConnection(key) {
      const connection = cluster.connections.get(key);
      return { lane: (connection && hostOf(connection)) ?? '', deadline: 0 };
    },
    ofGroup: (group) => ({
      lane: group === undefined ? '' : laneOf(group.namespace, group.connection),
      deadline: 0,
    }),
  };
}

/** Namespaces that share a cluster connection have a lane each: one's flood is not another's wait. */
function laneOf(
  namespace: string,
  connection: { readonly kind: string; readonly name: string } | undefined,
): string {
  return `${namespace} ${connection?.kind ?? ''} ${connection?.name ?? ''}`;
}
