import type { ConnectionKind } from '../../api/lease.ts';
import { objectKey } from '../../kube/object-key.ts';

/** The key of the connection that an object of this namespace names. */
export function connectionKey(
  namespace: string,
  { kind, name }: { readonly kind: ConnectionKind; readonly name: string },
): string {
  return objectKey(kind === 'ClusterInfisicalConnection' ? '' : namespace, name);
}
