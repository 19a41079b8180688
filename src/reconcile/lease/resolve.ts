import type { LeasePlace } from '../../api/asked.ts';
import type { Target } from '../../api/lease.ts';
import { fault } from '../../errors.ts';
import { objectKey } from '../../kube/object-key.ts';
import { refName, targetNow, targetOf, type TargetView } from '../../lease/target.ts';
import type { Cluster, LeaseRecord } from '../ports.ts';

type Declarations = Pick<Cluster, 'dynamicSecrets'>;

/** What an object leases from, as far as the watches have told. */
export function resolve(
  { dynamicSecrets }: { readonly dynamicSecrets: Pick<Cluster['dynamicSecrets'], 'get'> },
  { namespace, spec }: Pick<LeaseRecord, 'namespace' | 'spec'>,
): TargetView {
  if (!spec.valid) return { ...nothing, fault: spec.fault };
  return targetOf(spec.value, (name) => dynamicSecrets.get(objectKey(namespace, name)));
}

/** What an object that is gone leases from. */
export const nothing: TargetView & { readonly state: 'refused' } = {
  state: 'refused',
  fault: fault('DynamicSecretNotFound', { name: '' }),
  again: undefined,
  wanted: undefined,
  revision: '',
};

/**
 * Where a lease of a namespace is listed now, though its dynamic secret may have been renamed since it was asked for.
 *
 * @param object the object that it was asked for, where there is one: usually it still refers to the same DynamicSecret.
 */
export function follow(
  { dynamicSecrets }: Declarations,
  namespace: string,
  ref: LeasePlace,
  object?: Pick<LeaseRecord, 'spec'>,
): Target {
  if (ref.dynamicSecretId === undefined) return targetNow(ref, []);
  const name = object === undefined ? undefined : refName(object);
  const named = name === undefined ? undefined : dynamicSecrets.get(objectKey(namespace, name));
  if (named?.status.dynamicSecret?.id === ref.dynamicSecretId) return targetNow(ref, [named]);
  return targetNow(ref, dynamicSecrets.inNamespace(namespace));
}
