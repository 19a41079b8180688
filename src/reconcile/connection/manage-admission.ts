import type { DynamicSecretSpec } from '../../api/dynamic-secret.ts';
import { fault } from '../../errors.ts';
import { lackingGrant } from '../../lease/grants.ts';
import type { Admission, Seen } from './admission.ts';
import { connectionKey } from './key.ts';

/**
 * Whether an object of a namespace may make and change a dynamic secret through the connection that its spec names. A
 * connection of its own namespace needs no grant; one of the cluster needs a grant that covers the place and says
 * `manage`.
 */
export function manageAdmission(
  cluster: Pick<Seen, 'connections' | 'labelsOf' | 'scope'>,
  namespace: string,
  spec: Pick<DynamicSecretSpec, 'connectionRef' | 'projectSlug' | 'environmentSlug' | 'path' | 'name'>,
): Admission {
  const { kind, name } = spec.connectionRef;
  const connection = cluster.connections.get(connectionKey(namespace, spec.connectionRef));
  if (kind === 'ClusterInfisicalConnection' && cluster.scope === 'namespaces') {
    return { admitted: false, fault: fault('ClusterConnectionsOff', { name }), connection };
  }
  if (connection === undefined) {
    return { admitted: false, fault: fault('ConnectionNotFound', { kind, name }), connection };
  }
  if (kind === 'InfisicalConnection') return { admitted: true, connection };
  if (!connection.spec.valid) return { admitted: false, fault: connection.spec.fault, connection };
  const { projectSlug, environmentSlug, path, name: dynamicSecret } = spec;
  const target = { projectSlug, environmentSlug, path, dynamicSecret };
  const grantee = { namespace, labels: cluster.labelsOf(namespace) };
  const lacking = lackingGrant(connection.grants, grantee, target, 'manage');
  if (lacking === undefined) return { admitted: true, connection };
  const why = fault('NotGranted', { ...target, connection: name, namespace, lacking });
  return { admitted: false, fault: why, connection };
}
