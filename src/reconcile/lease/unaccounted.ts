import { parseServerDuration } from '../../api/duration.ts';
import { formatInstant, parseInstant } from '../../instant.ts';
import { unaccountedMore } from '../../lease/unaccounted.ts';
import type { LeasePass } from './context.ts';

/** How long a lease may live of which neither the request nor the dynamic secret says it, in milliseconds. */
const LONGEST_DEFAULT = 24 * 3_600_000;

/**
 * Counts a request that may have made a lease which nobody can find, because the server keeps no tags: in the status,
 * until the lease must have ended.
 *
 * @param sentAt elapsed milliseconds when it was sent.
 * @param end RFC 3339 where it is known; else the request's ttl, the last seen default, or 24 hours from now.
 */
export function countUnaccounted(pass: LeasePass, sentAt: number, end?: string): void {
  const object = pass.cluster.leases.get(pass.key);
  const now = serverNow(pass);
  const earlier = pass.memory().unaccounted ?? object?.status.unaccounted;
  const current = (parseInstant(earlier?.until) ?? 0) > now ? earlier : undefined;
  const until = parseInstant(end) ?? now + lifeOf(pass);
  pass.remember({ unaccounted: unaccountedMore(current, now - (pass.clock.elapsed() - sentAt), until) });
  pass.log.warn('A request for a lease may have made one that cannot be found; it is left to end.', {
    until: formatInstant(until),
  });
  pass.events.warn(
    pass.subject,
    'RequestUnaccounted',
    'A request for a lease got no answer, and the server keeps no tags: a lease that it may have made is left to end.',
  );
}

/** The longest that a lease of the object's last request can live, in milliseconds. */
function lifeOf(pass: LeasePass): number {
  const object = pass.cluster.leases.get(pass.key);
  const declared = object?.spec.valid === true ? object.spec.value.ttl : undefined;
  const usual = pass.memory().dynamicSecret?.defaultTTL ?? object?.status.dynamicSecret?.defaultTTL;
  return parseServerDuration(declared) ?? parseServerDuration(usual) ?? LONGEST_DEFAULT;
}

function serverNow(pass: LeasePass): number {
  const object = pass.cluster.leases.get(pass.key);
  if (object?.spec.valid !== true) return pass.cluster.now();
  const { name } = object.spec.value.connectionRef;
  const connection = pass.cluster.connections.get(`${object.namespace}/${name}`);
  const found = connection === undefined ? undefined : pass.links.of(connection);
  return (found?.ok === true ? found.link.client.now() : undefined) ?? pass.cluster.now();
}
