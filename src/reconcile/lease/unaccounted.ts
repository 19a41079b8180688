import { parseServerDuration } from '../../api/duration.ts';
import { parseInstant } from '../../instant.ts';
import { unaccountedMore, unaccountedPerhaps } from '../../lease/unaccounted.ts';
import type { LeasePass } from './context.ts';
import { serverTime } from './gather.ts';

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
  add(pass, unaccountedMore, sentAt, end);
  pass.log.warn('A request for a lease may have made one that cannot be found; it is left to end.');
  pass.events.warn(
    pass.subject,
    'RequestUnaccounted',
    'A request for a lease got no answer, and the server keeps no tags: a lease that it may have made is left to end.',
  );
}

/** Counts a request that a process before this one may have sent; see {@link countUnaccounted}. */
export function suspectUnaccounted(pass: LeasePass, sentAt: number, end: string): void {
  add(pass, unaccountedPerhaps, sentAt, end);
  pass.log.info('A process before this one may have asked for a lease that cannot be found.');
}

function add(pass: LeasePass, count: typeof unaccountedMore, sentAt: number, end: string | undefined): void {
  const object = pass.cluster.leases.get(pass.key);
  const now = serverNow(pass);
  const earlier = pass.memory().unaccounted ?? object?.status.unaccounted;
  const current = (parseInstant(earlier?.until) ?? 0) > now ? earlier : undefined;
  const until = parseInstant(end) ?? now + lifeOf(pass);
  pass.remember({ unaccounted: count(current, now - (pass.clock.elapsed() - sentAt), until) });
}

/** The longest that a lease of the object's last request can live, in milliseconds. */
function lifeOf(pass: LeasePass): number {
  const object = pass.cluster.leases.get(pass.key);
  const declared = object?.spec.valid === true ? object.spec.value.ttl : undefined;
  const usual = pass.memory().dynamicSecret?.defaultTTL ?? object?.status.dynamicSecret?.defaultTTL;
  return parseServerDuration(declared) ?? parseServerDuration(usual) ?? LONGEST_DEFAULT;
}

function serverNow(pass: LeasePass): number {
  return serverTime(pass, pass.cluster.leases.get(pass.key)) ?? pass.cluster.now();
}
