import { connectionKinds, type ConnectionIdentity, type ConnectionKind } from '../../api/lease.ts';
import { fault, type Fault } from '../../errors.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import { manageAdmission } from '../connection/manage-admission.ts';
import { connectionKey } from '../connection/key.ts';
import type { Link } from '../connection/link.ts';
import type { Cluster, ConnectionRecord, DynamicSecretRecord } from '../ports.ts';
import type { DynamicSecretPass } from './context.ts';
import { subjectOf } from './subject.ts';

/** The way to the server of an object's dynamic secret. */
export type Way =
  | { readonly open: true; readonly link: Link; readonly revision: string }
  | {
      readonly open: false;
      readonly fault: Fault;
      /** Undefined where no connection leads there: nor will one, unless it is made. */
      readonly identity: ConnectionIdentity | undefined;
      readonly revision: string;
    };

/**
 * The link by which an object's dynamic secret is asked about: of the connection that the spec names, where the object
 * may use it. What is to be removed is removed by any link that still leads to where it was made, also when its
 * connection is gone or a grant was taken back.
 */
export function wayOf(pass: Pick<DynamicSecretPass, 'cluster' | 'links'>, object: DynamicSecretRecord): Way {
  const { place, intent } = object.status;
  const made = place?.connection ?? intent?.connection;
  return object.deletedAt !== undefined && made !== undefined
    ? wayBack(pass, object, made)
    : wayThere(pass, object);
}

/** The client by which a step asks; undefined where the way has been closed since the decision. */
export function clientFor(pass: DynamicSecretPass): LeaseClient | undefined {
  const subject = subjectOf(pass);
  const way = subject && wayOf(pass, subject.known);
  return way?.open === true ? way.link.client : undefined;
}

function wayThere(
  { cluster, links }: Pick<DynamicSecretPass, 'cluster' | 'links'>,
  object: DynamicSecretRecord,
): Way {
  if (!object.spec.valid) return { open: false, fault: object.spec.fault, identity: undefined, revision: '' };
  const admitted = manageAdmission(cluster, object.namespace, object.spec.value);
  const revision = revisionOf(admitted.connection);
  // Nobody is asked anything for an object that may not use the connection.
  if (!admitted.admitted) return { open: false, fault: admitted.fault, identity: undefined, revision };
  const found = links.of(admitted.connection);
  if (!found.ok) return { open: false, fault: found.fault, identity: undefined, revision };
  return { open: true, link: found.link, revision };
}

function wayBack(
  { cluster, links }: Pick<DynamicSecretPass, 'cluster' | 'links'>,
  { namespace }: DynamicSecretRecord,
  made: ConnectionIdentity,
): Way {
  const link = links.towards(namespace, made);
  if (link !== undefined) return { open: true, link, revision: link.identity.uid };
  const { name } = made;
  const kind = kindOf(made);
  const named = namedConnection(cluster, namespace, made);
  // One that cannot be read just now may be put right.
  if (named?.spec.valid === false) {
    return { open: false, fault: named.spec.fault, identity: made, revision: revisionOf(named) };
  }
  const raised = fault('ConnectionNotFound', { kind, name });
  return { open: false, fault: raised, identity: undefined, revision: '' };
}

function namedConnection(
  { connections }: Pick<Cluster, 'connections'>,
  namespace: string,
  made: ConnectionIdentity,
): ConnectionRecord | undefined {
  const named = connections.get(connectionKey(namespace, { kind: kindOf(made), name: made.name }));
  return named?.uid === made.uid ? named : undefined;
}

function kindOf({ kind }: ConnectionIdentity): ConnectionKind {
  return connectionKinds.find((known) => known === kind) ?? 'InfisicalConnection';
}

/** Changes with the connection's spec, and when another takes its name. */
function revisionOf(connection: ConnectionRecord | undefined): string {
  return connection === undefined ? '' : `${connection.uid}/${String(connection.generation)}`;
}
