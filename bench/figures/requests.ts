import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import { LOGIN } from '../world/objects.ts';

/** What the operator asked of the API server, by verb and kind. */
export interface Requests {
  /** Writes of leases and of their Secrets. */
  readonly writes: number;
  /** Writes of anything else, but those of its election. */
  readonly otherWrites: number;
  /** Reads of them one by one; the watches' first lists are none. */
  readonly reads: number;
  /** Refusals because somebody else has written in between. */
  readonly conflicts: number;
  /** Everything, by kind: `{'create secrets': 1000}`. */
  readonly byKind: Readonly<Record<string, number>>;
}

const LEASE_KINDS: ReadonlySet<string> = new Set([
  'secrets',
  'dynamicsecretleases',
  'dynamicsecretleases/status',
]);
const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Sorts a user's requests. Of the Secrets the connections' logins do not count: they are read once for all leases. */
export function requestsOf(events: readonly AuditEvent[], user: string): Requests {
  const byKind: Record<string, number> = {};
  let [writes, otherWrites, reads, conflicts] = [0, 0, 0, 0];
  for (const event of events) {
    if (event.user !== user) continue;
    const kind = kindOf(event);
    byKind[kind] = (byKind[kind] ?? 0) + 1;
    if (event.responseCode === 409) conflicts += 1;
    if (isLeaseWrite(event)) writes += 1;
    else if (WRITES.has(event.verb) && !isElection(event)) otherWrites += 1;
    else if (isLeaseRead(event)) reads += 1;
  }
  return { writes, otherWrites, reads, conflicts, byKind };
}

function kindOf({ verb, resource, requestURI }: AuditEvent): string {
  return `${verb} ${resource || requestURI.replace(/\?.*/, '')}`;
}

function isLeaseRead({ verb, resource, name }: AuditEvent): boolean {
  return verb === 'get' && LEASE_KINDS.has(resource) && name !== LOGIN;
}

function isLeaseWrite({ verb, resource }: AuditEvent): boolean {
  return WRITES.has(verb) && LEASE_KINDS.has(resource);
}

function isElection({ resource, group }: AuditEvent): boolean {
  return resource === 'leases' && group === 'coordination.k8s.io';
}
