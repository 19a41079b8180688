import type { Lease, LeaseTag } from '../api/lease.ts';
import type { Shard } from '../api/shard.ts';
import { parseInstant } from '../instant.ts';
import type { Timing } from '../timing.ts';

/** The leases that an object accounts for: named by it, by its Secret or by memory, or on their way there. */
export interface Accounts {
  /** Lease ids. */
  readonly ids: ReadonlySet<string>;
  /** The attempts of requests and leases that are in flight in this process. */
  readonly attempts: ReadonlySet<string>;
}

export interface SweepContext {
  /** Which installation of leaseholder this is. */
  readonly install: string;
  /** Which shard of it. */
  readonly shard?: Shard;
  /**
   * What the object that the lease's tag names accounts for: one that exists, or that this process let go a short while
   * ago. `elsewhere`: an object of this process whose leases are swept by a list of its own namespace's, or one that
   * another shard has taken over, which sweeps them. Undefined: an object that this process knows nothing of.
   */
  readonly object: Accounts | 'elsewhere' | undefined;
  /** The lease API's time when the list was asked for, in milliseconds since 1970; undefined while it is not known. */
  readonly serverTime: number | undefined;
  readonly timing: Pick<Timing, 'sweepMinimumAge'>;
}

export type SweepVerdict =
  /** Another installation's or another shard's, or without a tag: nothing at all to us. */
  | { readonly is: 'foreign' }
  /** Somebody names it, or may in a moment. */
  | { readonly is: 'accounted' }
  /** Nobody names it, and it is too young to be lost. `again`: milliseconds until it is old enough. */
  | { readonly is: 'young'; readonly again: number }
  /** Nobody names it as far as this process sees: a live look at its object and its Secret decides. */
  | { readonly is: 'suspect' }
  /** It carries our tag and belongs to nobody here: said, and left alone. */
  | { readonly is: 'stray' };

/** Judges one listed lease. Only a suspect can turn out to be lost; nothing else is ever revoked by the sweep. */
export function sweepVerdict(lease: Lease, context: SweepContext): SweepVerdict {
  const { tag } = lease;
  if (tag?.install !== context.install || isOfOtherShard(tag, context)) return { is: 'foreign' };
  if (isAccounted(lease.id, tag.attempt, context.object)) return { is: 'accounted' };
  const again = untilOldEnough(lease, context);
  // Of a lease whose age nobody knows it cannot be said that it is old enough.
  if (again === undefined) return { is: 'stray' };
  if (context.object === undefined) return { is: again > 0 ? 'accounted' : 'stray' };
  return again > 0 ? { is: 'young', again } : { is: 'suspect' };
}

/** Of an object that is not seen here the tag tells who may say something of its leases: the shard that it was of. */
function isOfOtherShard({ shard }: LeaseTag, context: SweepContext): boolean {
  return context.object === undefined && shard !== context.shard;
}

function isAccounted(id: string, attempt: string, object: SweepContext['object']): boolean {
  if (object === undefined) return false;
  return object === 'elsewhere' || object.ids.has(id) || object.attempts.has(attempt);
}

function untilOldEnough(lease: Lease, { serverTime, timing }: SweepContext): number | undefined {
  const createdAt = parseInstant(lease.createdAt);
  if (createdAt === undefined || serverTime === undefined) return undefined;
  return createdAt + timing.sweepMinimumAge - serverTime;
}
