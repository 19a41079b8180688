/**
 * Every wait of the product in one place, in milliseconds unless said otherwise. `main.ts` passes
 * {@link standardTiming}; a test may start the same composition with {@link scaledTiming}. Nothing else about time
 * can be switched.
 */
export interface Timing {
  /** How long a request for a lease may take before its fate counts as unknown. */
  readonly leaseRequestDeadline: number;
  /** How long any other request to the lease API may take. */
  readonly apiRequestDeadline: number;
  /** How long after the answer the Secret may still be written with it. */
  readonly deliveryDeadline: number;
  /** Between two tries of the same delivery. */
  readonly deliveryRetry: number;
  /** A list made this long after a request was sent shows whether that request made a lease. */
  readonly settleAfter: number;
  /** Between two lists while a request is being settled. */
  readonly settleRetry: number;
  /** A lease is *gone* only when a second list, at least this long after the first, lacks it too. */
  readonly goneSecondLook: number;
  /** A lease younger than this is never *gone*: a list may come from a replica that lags. */
  readonly goneMinimumAge: number;
  /** The second look when many leases of a dynamic secret are missing at once. */
  readonly massSecondLook: number;
  /** Between two replacements of leases that vanished together. */
  readonly replacementPace: number;
  /** Between two lists of the same dynamic secret; a tenth more or less, at random. */
  readonly inventoryInterval: number;
  /** After a start, each dynamic secret is listed once within this time. */
  readonly inventoryFirst: number;
  /** A lease younger than this is never swept: whoever asked for it may still be writing its Secret. */
  readonly sweepMinimumAge: number;
  /** For how long it is remembered which objects this process has let go. */
  readonly formerMemory: number;
  /** Uncertainty about the servers' clocks: a lease is past its end only this long after `expireAt`. */
  readonly clockSlack: number;
  /** The smallest effective `rotation.before` that a lease's life allows. */
  readonly minimumBefore: number;
  /** The least time that a lease is used before it is replaced, where its life allows. */
  readonly minimumUse: number;
  /** A lease with less left than this is replaced, never renewed: the server may be about to end it. */
  readonly renewalGuard: number;
  /** How long a replaced lease should live on, so that every kubelet has shown the successor. */
  readonly overlap: number;
  /** Drift of one Secret costs at most one lease in this time. */
  readonly driftInterval: number;
  /** The first wait after a fault, before jitter; doubled with each further one. */
  readonly backoffBase: number;
  /** The same where the try has cost a lease: a write that passed dry and was refused in earnest. */
  readonly spentBackoffBase: number;
  /** The longest wait after a fault that heals by itself. */
  readonly backoffCap: number;
  /** The longest wait after a fault that a person must mend. */
  readonly slowBackoffCap: number;
  /** The longest wait after a fault of which each try costs a lease. Its first wait is {@link slowBackoffCap}. */
  readonly rareBackoffCap: number;
  /** A wait of at least this length is written into `status.attempts`; a shorter one stays in memory. */
  readonly attemptsWorthWriting: number;
  /** The number of objects that a connection serves is written into its status no more often than this. */
  readonly servedInterval: number;
  /** How long a change of who uses a connection that is kept already waits for others, to be looked at with them. */
  readonly usesDelay: number;
  /** How long a refused login keeps the connection from trying again, at most. */
  readonly loginBackoffCap: number;
  /** After failures alone for so long there is a fresh login; the next time after twice as long. */
  readonly failureRun: number;
  /** The most of it. */
  readonly failureRunCap: number;
  /** The CA and the client certificate of a connection that names them are read anew after this long in use. */
  readonly tlsRefresh: number;
  /**
   * Between two looks at what a connection refers to and cannot be watched, at most. With the login that may follow, a
   * changed credential takes effect within a minute.
   */
  readonly referenceInterval: number;
  /** Between two looks at what a connection refers to, at least, however often that changes. */
  readonly referencePace: number;
  /** How long after a refusal for want of rights it is tried again to watch what a connection refers to. */
  readonly referenceRetry: number;
  /** A watch without a byte for this long is dead. Bookmarks come every minute. */
  readonly watchWatchdog: number;
  /** Between two attempts to list or watch after an error: base and cap of the backoff. */
  readonly watchBackoffBase: number;
  readonly watchBackoffCap: number;
  /** How long a watch is asked to last, at least; up to twice this, at random. */
  readonly watchLength: number;
  /** How long a request to the Kubernetes API may take. */
  readonly kubeRequestDeadline: number;
  /** The same event is written at most once in this time. */
  readonly eventRepeat: number;
  /** An object that has spent its budget of events may have one more written each time that this is over. */
  readonly eventRefill: number;
  /** How long the write of an event may take, and all that wait at the end. */
  readonly eventDeadline: number;
  /** How long the lead of a process that does not renew it is respected by the others. */
  readonly leaderLease: number;
  /** How long a leader works on after the last renewal that succeeded was begun. Shorter than `leaderLease`. */
  readonly leaderRenewDeadline: number;
  /** Between two renewals, or two attempts to take the lead, before jitter. */
  readonly leaderRetry: number;
  /** How long one renewal may take, so that another one fits in before `leaderRenewDeadline`. */
  readonly leaderRequestDeadline: number;
  /** A reconciliation that takes longer than this waits for a server, and no longer occupies a worker. */
  readonly slowAfter: number;
  /** A first lease is as urgent as a lease in use that ends so long after the first one began to wait. */
  readonly firstLeasePatience: number;
  /** The longest that a request waits for its turn where a server limits their rate. */
  readonly turnPatience: number;
  /** How long the question may take that tells whether a server answers at all. */
  readonly probeDeadline: number;
  /** Between two such questions while it does not: the first wait before jitter, and the longest. */
  readonly probeBase: number;
  readonly probeCap: number;
  /** How long a DynamicSecret that is being deleted waits for its removal, at most, where its namespace is ending or that is not known. */
  readonly removalTimeout: number;
  /** Between two looks at a removal that the server has under way. */
  readonly removalLook: number;
  /** Leases that are replaced within this time restart what they share once. */
  readonly restartWindow: number;
  /** In strict mode, between two looks at the same Secret of ours. */
  readonly secretLookInterval: number;
  /** Between two looks at a rollout that goes on. */
  readonly restartLook: number;
  /** Between two looks at one that is paused, or cannot be restarted. */
  readonly restartRetry: number;
  /** Between two looks for pods to be nudged, while no pod is known yet. */
  readonly nudgeLook: number;
  /** Between two looks of `leaseholder drain` at what is left. */
  readonly drainLook: number;
}

const second = 1000;
const minute = 60 * second;

/** The values that the documentation gives. */
export const standardTiming: Timing = Object.freeze({
  leaseRequestDeadline: 60 * second,
  apiRequestDeadline: 60 * second,
  deliveryDeadline: 60 * second,
  deliveryRetry: 1 * second,
  settleAfter: 90 * second,
  settleRetry: 15 * second,
  goneSecondLook: 10 * second,
  goneMinimumAge: 2 * minute,
  massSecondLook: 60 * second,
  replacementPace: 100,
  inventoryInterval: 5 * minute,
  inventoryFirst: 1 * minute,
  sweepMinimumAge: 3 * minute,
  formerMemory: 10 * minute,
  clockSlack: 1 * second,
  minimumBefore: 150 * second,
  minimumUse: 30 * second,
  renewalGuard: 60 * second,
  overlap: 2 * minute,
  driftInterval: 10 * minute,
  backoffBase: 1 * second,
  spentBackoffBase: 15 * second,
  backoffCap: 2 * minute,
  slowBackoffCap: 5 * minute,
  rareBackoffCap: 60 * minute,
  attemptsWorthWriting: 60 * second,
  servedInterval: 10 * second,
  usesDelay: 1 * second,
  loginBackoffCap: 60 * second,
  failureRun: 5 * minute,
  failureRunCap: 60 * minute,
  tlsRefresh: 45 * second,
  referenceInterval: 45 * second,
  referencePace: 1 * second,
  referenceRetry: 10 * minute,
  watchWatchdog: 150 * second,
  watchBackoffBase: 800,
  watchBackoffCap: 30 * second,
  watchLength: 5 * minute,
  kubeRequestDeadline: 30 * second,
  eventRepeat: 10 * minute,
  eventRefill: minute,
  eventDeadline: 5 * second,
  leaderLease: 15 * second,
  leaderRenewDeadline: 10 * second,
  leaderRetry: 2 * second,
  leaderRequestDeadline: 5 * second,
  slowAfter: 2 * second,
  firstLeasePatience: 5 * minute,
  turnPatience: 2 * minute,
  probeDeadline: 10 * second,
  probeBase: 1 * second,
  probeCap: 15 * second,
  removalTimeout: 10 * minute,
  removalLook: 5 * second,
  restartWindow: 30 * second,
  secretLookInterval: 5 * minute,
  restartLook: 5 * second,
  restartRetry: 1 * minute,
  nudgeLook: 5 * second,
  drainLook: 1 * second,
});

/**
 * The same waits, all of them `factor` times as long.
 *
 * @param factor above 0; 0.1 makes a minute six seconds.
 */
export function scaledTiming(factor: number): Timing {
  const scaled = Object.entries(standardTiming).map(([name, value]) => [name, value * factor]);
  return Object.freeze(Object.fromEntries(scaled) as Timing);
}
