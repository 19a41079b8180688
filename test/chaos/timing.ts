import { timingOf } from '../support/scale.ts';

/** Every wait of the operator times 0.05; those of elections times 0.5, since a busy machine takes its time. */
export const SCALE = '0.05/0.5';

export const timing = timingOf(SCALE);

const second = 1000;

/** How long a lease lives that is replaced half-way, in milliseconds, and what the spec says of it. */
export const SHORT = { life: 80 * second, before: '50%' } as const;

/**
 * A lease with a long life left when it is replaced: one that nobody names any more is not hidden by its end. It is
 * used for 30 s less the object's own jitter.
 */
export const LONG = { life: 200 * second, before: '85%' } as const;

/** From the rotation of a short lease to its end, at least. */
export const MARGIN = SHORT.life / 2;

/** No outage lasts longer: rotations that wait for its end are still in time. */
export const LONGEST_OUTAGE = 4 * second;

/** Between two heavy faults, at least: what a design that promises anything needs to be reached in between. */
export const LEAST_PAUSE = 3 * second;

/**
 * Before a heavy fault that may cost the lead, at least. Elections are slower here than everything else: of the time
 * between a rotation and the end of its lease no more than two changes of the lead may take their share.
 */
export const LEAST_LEAD = 10 * second;

/** How long the lead of a process that is gone is respected: recorded in whole seconds. */
export const HOLD = Math.ceil(timing.leaderLease / second) * second;

/** No suspension lasts longer. */
export const LONGEST_SUSPENSION = HOLD + 2 * second;

/** A change is seen and answered with a new lease within this, with the two changes of the lead that fall into it. */
export const HEALED_WITHIN =
  timing.watchWatchdog +
  timing.leaseRequestDeadline +
  timing.settleAfter +
  timing.deliveryDeadline +
  2 * (LONGEST_OUTAGE + HOLD) +
  3 * second;

/** An outside revocation is noticed within this: a list, an age from which on it counts, a second look. */
export const NOTICED_WITHIN =
  1.1 * timing.inventoryInterval + timing.goneMinimumAge + timing.goneSecondLook + HEALED_WITHIN;

/** After an act on an object's Secret it is left alone for so long: the drift of one costs one lease in that time. */
export const ACT_INTERVAL = timing.driftInterval + NOTICED_WITHIN;

/** When nothing is disturbed any more everything is as it should be within this. */
export const CALM_WITHIN =
  timing.inventoryFirst +
  timing.sweepMinimumAge +
  1.1 * timing.inventoryInterval +
  timing.driftInterval +
  timing.slowBackoffCap +
  10 * second;

/** When everything is deleted, and nothing is disturbed, it is gone within this. */
export const GONE_WITHIN = 60 * second;

/** A lease may be on its way into a Secret for so long. */
export const IN_FLIGHT = timing.leaseRequestDeadline + timing.deliveryDeadline + timing.kubeRequestDeadline;
