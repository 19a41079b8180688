import { createHash } from 'node:crypto';

import { parseDuration } from '../api/duration.ts';
import type { Fault, RetryClass } from '../errors.ts';
import type { Timing } from '../timing.ts';

/** The share of a lease's life before its end at which it is replaced, when the spec does not say. */
export const DEFAULT_BEFORE = '33%';

/** How much of a lease's life the jitter may take, at most. It only ever makes a rotation earlier. */
const JITTER_SHARE = 0.1;

/** How long a lease's end stays away, at least, from the last attempt to replace it: a quarter of what is left. */
const DEADLINE_SHARE = 1 / 4;

/**
 * How long before its end a lease is replaced, in milliseconds: what the spec wishes, but at least
 * `timing.minimumBefore` (an outage and a kubelet's delay must fit in), and never so long that the lease would be used
 * for less than a tenth of its life or `timing.minimumUse`. A life too short for that is used for half.
 *
 * @param before a share (`33%`) or a duration; anything else counts as the default.
 * @param life milliseconds from a lease's creation to its end.
 */
export function effectiveBefore(before: string | undefined, life: number, timing: Timing): number {
  const wished = Math.max(wishedBefore(before ?? DEFAULT_BEFORE, life), timing.minimumBefore);
  const latest = life - Math.max(JITTER_SHARE * life, timing.minimumUse);
  return Math.max(Math.min(wished, latest), Math.min(wished, life / 2, timing.minimumUse));
}

function wishedBefore(before: string, life: number): number {
  if (before.endsWith('%')) {
    const share = Number(before.slice(0, -1)) / 100;
    return Number.isFinite(share) ? share * life : wishedBefore(DEFAULT_BEFORE, life);
  }
  return parseDuration(before) ?? wishedBefore(DEFAULT_BEFORE, life);
}

/** A lease's span by the server's clock. */
export interface LeaseSpan {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly expireAt: number;
}

/**
 * When a lease is to be replaced, in milliseconds since 1970 by the server's clock.
 *
 * @param jitter the object's own fixed number of [0, 1): see {@link jitterOf}.
 */
export function rotationTime(
  span: LeaseSpan,
  before: string | undefined,
  jitter: number,
  timing: Timing,
): number {
  const life = Math.max(span.expireAt - span.createdAt, 0);
  const ahead = effectiveBefore(before, life, timing);
  const latest = span.expireAt - ahead;
  // Jitter spreads what was issued together; it must not eat the little that a short lease is used for.
  const room = Math.max(latest - span.createdAt - Math.min(timing.minimumUse, life / 4), 0);
  return latest - Math.min(jitter * JITTER_SHARE * life, room);
}

/**
 * How long a lease is used at least before its age is a reason to ask for another, in milliseconds since it was issued
 * and whatever the clocks say: one that seems due or over on arrival (a clock is wrong, a life is next to nothing) must
 * not become a storm of leases. No more than what {@link rotationTime} leaves of a life of 20 s or longer.
 *
 * @param life milliseconds from a lease's creation to its end.
 */
export function leastUse(life: number, timing: Timing): number {
  return Math.min(Math.max(life / 4, timing.minimumUse / 6), timing.minimumUse);
}

/** Whether a replaced lease lives on for less than the overlap that every kubelet needs to show its successor. */
export function overlapsTooLittle(span: LeaseSpan, rotateAt: number, timing: Timing): boolean {
  return span.expireAt - rotateAt < timing.overlap;
}

/** A fixed number of [0, 1) for an object, drawn from its uid, so that a restart changes no schedule. */
export function jitterOf(uid: string): number {
  return createHash('sha256').update(uid).digest().readUInt32BE(0) / 2 ** 32;
}

/**
 * How long to wait after a fault, in milliseconds: exponential with full jitter, capped by the fault's class, never
 * shorter than the server asked, and always so that another attempt fits well before the lease ends.
 *
 * @param count faults in a row, this one included.
 * @param random a number of [0, 1).
 * @param remaining milliseconds that the current lease has left; undefined where there is none.
 */
export function backoff(
  failure: Pick<Fault, 'retry' | 'retryAfter'> & { readonly count: number },
  random: number,
  remaining: number | undefined,
  timing: Timing,
): number {
  const { base, cap } = boundsOf(failure.retry, timing);
  const ceiling = Math.min(cap, base * 2 ** Math.min(Math.max(failure.count - 1, 0), 30));
  const jittered = Math.max(ceiling * random, base / 2);
  const allowed =
    remaining === undefined || remaining <= 0 ? cap : Math.max(remaining * DEADLINE_SHARE, base);
  return Math.max(Math.min(jittered, allowed), failure.retryAfter ?? 0);
}

/** The first wait and the longest one. */
function boundsOf(retry: RetryClass, timing: Timing): { readonly base: number; readonly cap: number } {
  switch (retry) {
    case 'backoff':
      return { base: timing.backoffBase, cap: timing.backoffCap };
    case 'rare':
      return { base: timing.slowBackoffCap, cap: timing.rareBackoffCap };
    case 'slow':
    case 'change':
      return { base: timing.backoffBase, cap: timing.slowBackoffCap };
  }
}
