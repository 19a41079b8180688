import { entry } from './entry.ts';
import { connectionField, target, type TargetName } from './names.ts';

/** What the server says of a lease, and what is wrong with the DynamicSecret that it is of. */
export const leaseFaults = {
  // The DynamicSecret that declares what is leased
  DynamicSecretNotFound: entry(
    'change',
    (d: { name: string }) =>
      `spec.dynamicSecretRef names DynamicSecret ${d.name}, which does not exist in this namespace and shard. Create it, correct the name, or give both the same label leaseholder.dev/shard.`,
  ),
  DynamicSecretNotReady: entry(
    'backoff',
    (d: { name: string }) =>
      `DynamicSecret ${d.name}, which spec.dynamicSecretRef names, is not on the server yet. Leases begin when it is; if this lasts, its own conditions say why.`,
  ),
  DynamicSecretDeleted: entry(
    'change',
    (d: { name: string }) =>
      `DynamicSecret ${d.name}, which spec.dynamicSecretRef names, is being deleted, so nothing more is leased from it: the lease in the Secret goes on to its end (status.lease.expireAt). Delete this object, or name another DynamicSecret.`,
  ),

  ConnectionElsewhere: entry(
    'change',
    (d: { connection: string; name: string; declaredBy?: string | undefined }) =>
      `${connectionField(d)} names ${d.connection}, which leads to another server than the one that keeps the dynamic secret of DynamicSecret ${d.name}. ${d.declaredBy === undefined ? 'Leave it out, or name a connection to that server' : 'Name a connection to that server there'}.`,
  ),

  // What the server says of the request
  TargetNotFound: entry(
    'slow',
    (d: TargetName & { declared?: true }) =>
      `The server knows no ${target(d)}. Check ${d.declared === true ? 'spec.projectSlug, spec.environmentSlug and spec.path' : 'spec.dynamicSecret: projectSlug, environmentSlug, path and name'}.`,
  ),
  PermissionDenied: entry(
    'slow',
    (d: TargetName & { request: string }) =>
      `The connection's identity may not ${d.request} for ${target(d)}. Give its role the "lease" permission on dynamic secrets there.`,
  ),
  TTLTooLong: entry(
    'slow',
    (d: TargetName & { ttl: string }) =>
      `spec.ttl (${d.ttl}) is longer than the maximum TTL of ${target(d)}. Shorten spec.ttl or raise the maximum.`,
  ),
  LeaseLimitReached: entry(
    'slow',
    (d: TargetName) =>
      `The server's limit of leases for ${target(d)} is reached. Revoke leases that are not needed or raise the limit.`,
  ),
  PlanRestricted: entry(
    'slow',
    (d: { host: string }) =>
      `The licence of ${d.host} does not include dynamic secrets. It is tried again until it does; nothing has to be changed here.`,
  ),
  RequestRefused: entry(
    'slow',
    (d: TargetName & { status: number; request: string }) =>
      `The server refused to ${d.request} for ${target(d)} with status ${d.status}. Check spec.dynamicSecret, spec.ttl against the maximum TTL, spec.config, and the provider behind the dynamic secret.`,
  ),

  // The end of a lease
  RevocationFailed: entry(
    'backoff',
    (d: TargetName) =>
      `The server could not revoke a lease of ${target(d)}. It is tried again until spec.revocation.timeout; the server's own log tells the cause.`,
  ),
  RetiringFull: entry(
    'backoff',
    (d: { most: number }) =>
      `${d.most} replaced leases have not ended yet, which is the most that are kept. A new one waits until one of them ends or is revoked.`,
  ),
  Unaccounted: entry(
    'backoff',
    (d: TargetName) =>
      `Requests for a lease of ${target(d)} got no answer, and the server keeps no tags by which their leases could be found. Another is sent when those leases must have ended.`,
  ),
  LeaseLost: entry(
    'backoff',
    (d: TargetName) =>
      `The lease of ${target(d)} ended on the server before its time. A new one is requested.`,
  ),
} as const;
