import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import { LOGIN } from '../world/objects.ts';

/** What the operator asked of the API server, by verb and kind. */
export interface Requests {
  /** Writes of leases and of their Secrets. */
  readonly writes: number;
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
  let [writes, reads, conflicts] = [0, 0, 0];
  for (const { verb, resource, name, responseCode, requestURI, ...event } of events) {
    if (event.user !== user) continue;
    const kind = `${verb} ${resource || requestURI.replace(/\?.*/, '')}`;
    byKind[kind] = (byKind[kind] ?? 0) + 1;
    if (responseCode === 409) conflicts += 1;
    if (!LEASE_KINDS.has(resource)) continue;
    if (WRITES.has(verb)) writes += 1;
    else if (verb === 'get' && name !== LOGIN) reads += 1;
  }
  return { writes, reads, conflicts, byKind };
}
