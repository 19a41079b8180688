import { scaledTiming } from '../../src/timing.ts';

/** Every wait of the operator times this. */
export const SCALE = 0.03;

export const timing = scaledTiming(SCALE);

/**
 * How long the first lease of a life lives, in milliseconds. With `rotation.before` of 90 % it is replaced two seconds
 * after it was made; the rest is for a crash and what comes after it, on a busy machine.
 */
export const SHORT_LIFE = 20_000;

/** No write of the operator for this long, in milliseconds: the world is quiet. */
export const QUIET = 3000;

/**
 * How long a lease that nobody names may live after everything else is settled, in milliseconds: a first list after a
 * start, old enough for the sweep, another list, and its revocation.
 */
export const SWEPT_WITHIN =
  timing.inventoryFirst + timing.sweepMinimumAge + 1.1 * timing.inventoryInterval + 5000;

/** An outside revocation is noticed within this time: one list, an age at which it counts, a second look. */
export const NOTICED_WITHIN =
  1.1 * timing.inventoryInterval + timing.goneMinimumAge + timing.goneSecondLook + 3000;

/** A step of a life takes no longer than this, crash and restart included. */
export const STEP_WITHIN = 60_000;
