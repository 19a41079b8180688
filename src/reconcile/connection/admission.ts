import type { ConnectionRef } from '../../api/connection-ref.ts';
import { fault, type Fault } from '../../errors.ts';
import { lackingGrant } from '../../lease/grants.ts';
import type { Wanted } from '../../lease/target.ts';
import { resolve } from '../lease/resolve.ts';
import type { Cluster, ConnectionRecord, LeaseRecord } from '../ports.ts';
import { connectionKey } from './key.ts';
import { hostOf } from './links.ts';

/** The connection that an object names, or why the object may not use it. */
export type Admission =
  | { readonly admitted: true; readonly connection: ConnectionRecord }
  | {
      readonly admitted: false;
      readonly fault: Fault;
      /** Undefined where there is none. */
      readonly connection: ConnectionRecord | undefined;
    };

/** As much of the cluster as an admission looks at. */
export type Seen = Pick<Cluster, 'labelsOf' | 'scope'> & {
  readonly connections: Pick<Cluster['connections'], 'get'>;
  readonly dynamicSecrets: Pick<Cluster['dynamicSecrets'], 'get'>;
};

/**
 * Whether an object may lease what its spec asks for through the connection that it names, or that its DynamicSecret does. A
 * connection of its own namespace needs no grant.
 *
 * @returns undefined where the spec cannot be read, or refers to a DynamicSecret of which no place is known.
 */
export function admission(
  cluster: Seen,
  object: Pick<LeaseRecord, 'namespace' | 'spec'>,
): Admission | undefined {
  const use = useOf(cluster, object);
  if (use === undefined) return undefined;
  const { kind, name } = use.ref;
  const connection = cluster.connections.get(connectionKey(object.namespace, use.ref));
  const refuse = (why: Fault): Admission => ({ admitted: false, fault: why, connection });
  if (kind === 'ClusterInfisicalConnection' && cluster.scope === 'namespaces') {
    return refuse(fault('ClusterConnectionsOff', { ...use.whose, name }));
  }
  if (connection === undefined) return refuse(fault('ConnectionNotFound', { ...use.whose, kind, name }));
  const why = leadingElsewhere(use, connection) ?? ungranted(cluster, object.namespace, use, connection);
  return why === undefined ? { admitted: true, connection } : refuse(why);
}

/** What is leased, by which connection, and who names that: undefined where the object itself does. */
interface Use {
  readonly wanted: Wanted;
  readonly ref: ConnectionRef;
  readonly whose: { readonly declaredBy?: string | undefined };
}

function useOf(cluster: Seen, object: Pick<LeaseRecord, 'namespace' | 'spec'>): Use | undefined {
  const { wanted } = resolve(cluster, object);
  if (wanted === undefined || !object.spec.valid) return undefined;
  const own = object.spec.value.connectionRef;
  if (own !== undefined) return { wanted, ref: own, whose: {} };
  const ref = followed(cluster, object.namespace, wanted);
  return { wanted, ref, whose: { declaredBy: wanted.declaredBy?.name } };
}

/** A DynamicSecret may have come to name a connection that leads elsewhere: what it has made is leased where it is. */
function followed(
  { connections }: Pick<Seen, 'connections'>,
  namespace: string,
  { connectionRef, declaredBy }: Wanted,
): ConnectionRef {
  if (declaredBy === undefined) return connectionRef;
  const leads = (ref: ConnectionRef): boolean => {
    const connection = connections.get(connectionKey(namespace, ref));
    return connection !== undefined && hostOf(connection) === declaredBy.host;
  };
  return !leads(connectionRef) && leads(declaredBy.madeBy) ? declaredBy.madeBy : connectionRef;
}

/** What a connection to another server leases by that name is something else. */
function leadingElsewhere({ wanted, ref, whose }: Use, connection: ConnectionRecord): Fault | undefined {
  const { declaredBy } = wanted;
  if (declaredBy === undefined || !connection.spec.valid || hostOf(connection) === declaredBy.host)
    return undefined;
  return fault('ConnectionElsewhere', { ...whose, connection: ref.name, name: declaredBy.name });
}

function ungranted(
  cluster: Seen,
  namespace: string,
  { wanted: { target }, ref }: Use,
  connection: ConnectionRecord,
): Fault | undefined {
  if (ref.kind === 'InfisicalConnection') return undefined;
  if (!connection.spec.valid) return connection.spec.fault;
  const grantee = { namespace, labels: cluster.labelsOf(namespace) };
  const lacking = lackingGrant(connection.grants, grantee, target);
  return lacking && fault('NotGranted', { ...target, connection: ref.name, namespace, lacking });
}
