import type { KeyRef } from '../../api/object.ts';
import { fault, FaultError } from '../../errors.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { Cluster } from '../ports.ts';

/** Where a connection takes something from: one key of an object that its spec names. */
export interface Place {
  /** The field that names it, for the fault's sentence. */
  readonly field: string;
  readonly kind: 'Secret' | 'ConfigMap';
  readonly ref: KeyRef;
}

export type PlaceReader = Pick<Cluster, 'readCredential' | 'readConfigMap'>;

/** What is kept in a place. @throws FaultError that names the field, the object and the key. */
export async function readPlace(cluster: PlaceReader, namespace: string, place: Place): Promise<string> {
  const { field, kind, ref } = place;
  const details = { field, kind, secret: ref.name, key: ref.key };
  try {
    const value =
      kind === 'Secret'
        ? (await cluster.readCredential(namespace, { secretKeyRef: ref }))?.value
        : await cluster.readConfigMap(namespace, ref);
    if (value !== undefined) return value;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    throw new FaultError(
      error.status === 403
        ? fault('CredentialForbidden', details)
        : fault('KubernetesUnavailable', { request: `read a ${kind}` }, error.retryAfter),
      { cause: error },
    );
  }
  throw new FaultError(fault('CredentialNotFound', details));
}
