import { fault, type Fault } from '../../errors.ts';
import { lackingGrant } from '../../lease/grants.ts';
import { targetOf } from '../../lease/target.ts';
import type { Cluster, ConnectionRecord, LeaseRecord } from '../ports.ts';
import { connectionKey } from './key.ts';

/** The connection that an object names, or why the object may not use it. */
export type Admission =
  | { readonly admitted: true; readonly connection: ConnectionRecord }
  | {
      readonly admitted: false;
      readonly fault: Fault;
      /** Undefined where there is none. */
      readonly connection: ConnectionRecord | undefined;
    };

/**
 * Whether an object may lease what its spec asks for through the connection that it names. A connection of its own
 * namespace needs no grant.
 *
 * @returns undefined where the spec cannot be read.
 */
export function admission(
  cluster: Pick<Cluster, 'connections' | 'labelsOf' | 'scope'>,
  { namespace, spec }: Pick<LeaseRecord, 'namespace' | 'spec'>,
): Admission | undefined {
  if (!spec.valid) return undefined;
  const { connectionRef } = spec.value;
  const { kind, name } = connectionRef;
  const connection = cluster.connections.get(connectionKey(namespace, connectionRef));
  const refuse = (why: Fault): Admission => ({ admitted: false, fault: why, connection });
  if (kind === 'ClusterInfisicalConnection' && cluster.scope === 'namespaces') {
    return refuse(fault('ClusterConnectionsOff', { name }));
  }
  if (connection === undefined) return refuse(fault('ConnectionNotFound', { kind, name }));
  if (kind === 'InfisicalConnection') return { admitted: true, connection };
  if (!connection.spec.valid) return refuse(connection.spec.fault);
  const target = targetOf(spec.value);
  const grantee = { namespace, labels: cluster.labelsOf(namespace) };
  const lacking = lackingGrant(connection.grants, grantee, target);
  if (lacking === undefined) return { admitted: true, connection };
  return refuse(fault('NotGranted', { ...target, connection: name, namespace, lacking }));
}
