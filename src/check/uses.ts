import type { Target } from '../api/lease.ts';
import { admission, type Seen } from '../reconcile/connection/admission.ts';
import { connectionKey } from '../reconcile/connection/key.ts';
import { manageAdmission } from '../reconcile/connection/manage-admission.ts';
import { resolve } from '../reconcile/lease/resolve.ts';
import type { DynamicSecretRecord, LeaseRecord } from '../reconcile/ports.ts';
import { failing, type Finding } from './finding.ts';

/** A dynamic secret that objects use through a connection. */
export interface Use {
  readonly target: Target;
  /** The objects, as KIND NAMESPACE/NAME. */
  readonly by: readonly string[];
}

/** What objects use through a connection, and what keeps some of them from it. */
export interface Uses {
  readonly uses: readonly Use[];
  readonly refused: readonly Finding[];
}

/** What one object comes to: undefined where it is no business of the connection. */
type Wish = { readonly by: string; readonly target: Target } | Finding | undefined;

/** @param key of the connection. */
export function usesOf(
  seen: Seen,
  key: string,
  objects: {
    readonly leases: readonly LeaseRecord[];
    readonly dynamicSecrets: readonly DynamicSecretRecord[];
  },
): Uses {
  const wishes = [
    ...objects.leases.map((lease) => leaseWish(seen, key, lease)),
    ...objects.dynamicSecrets.map((declared) => declaredWish(seen, key, declared)),
  ];
  const byTarget = new Map<string, Use>();
  const refused: Finding[] = [];
  for (const wish of wishes) {
    if (wish === undefined) continue;
    if ('check' in wish) {
      refused.push(wish);
      continue;
    }
    const { target, by } = wish;
    const { projectSlug, environmentSlug, path, dynamicSecret } = target;
    const name = JSON.stringify([projectSlug, environmentSlug, path, dynamicSecret]);
    byTarget.set(name, { target, by: [...(byTarget.get(name)?.by ?? []), by] });
  }
  return { uses: [...byTarget.values()], refused };
}

function leaseWish(seen: Seen, key: string, lease: LeaseRecord): Wish {
  const by = `DynamicSecretLease ${lease.key}`;
  const { wanted } = resolve(seen, lease);
  const admitted = admission(seen, lease);
  // One that names this connection and whose DynamicSecret has no place yet leases nothing: its own status says why.
  if (admitted === undefined || wanted === undefined) return undefined;
  if (admitted.connection?.key !== key) return undefined;
  if (!admitted.admitted) return failing('grants', by, admitted.fault);
  return { by, target: wanted.target };
}

function declaredWish(seen: Seen, key: string, { namespace, spec, ...declared }: DynamicSecretRecord): Wish {
  if (!spec.valid || connectionKey(namespace, spec.value.connectionRef) !== key) return undefined;
  const by = `DynamicSecret ${declared.key}`;
  const admitted = manageAdmission(seen, namespace, spec.value);
  if (!admitted.admitted) return failing('grants', by, admitted.fault);
  const { place } = declared.status;
  // What is not there yet cannot be listed.
  if (place === undefined) return undefined;
  const { projectSlug, environmentSlug, path, name } = place;
  return { by, target: { projectSlug, environmentSlug, path, dynamicSecret: name } };
}
