import type { LeaseSpec } from '../api/dynamic-secret-lease.ts';
import type { LeasePlace } from '../api/asked.ts';
import type { ConnectionIdentity, Target } from '../api/lease.ts';

/** What a spec asks to lease. */
export function targetOf(spec: LeaseSpec): Target {
  const { name, projectSlug, environmentSlug, path } = spec.dynamicSecret;
  return { projectSlug, environmentSlug, path, dynamicSecret: name };
}

/** What a lease was leased of: all that a later request about it must name. */
export function targetOfRef(ref: Target): Target {
  const { projectSlug, environmentSlug, path, dynamicSecret } = ref;
  return { projectSlug, environmentSlug, path, dynamicSecret };
}

/** Where a spec asks for leases, as its object notes it. */
export function placeOf(spec: LeaseSpec, connection: ConnectionIdentity): LeasePlace {
  return { connection, ...targetOf(spec) };
}

/**
 * Whether a lease is one of what the spec targets: the same names on the same server. A connection of another name to
 * the same server changes nothing.
 */
export function meets(ref: LeasePlace, target: Target, host: string): boolean {
  return (
    ref.connection.host === host &&
    ref.projectSlug === target.projectSlug &&
    ref.environmentSlug === target.environmentSlug &&
    ref.path === target.path &&
    ref.dynamicSecret === target.dynamicSecret
  );
}
