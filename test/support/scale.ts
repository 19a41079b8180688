import { scaledTiming, type Timing } from '../../src/timing.ts';

/**
 * The product's waits, scaled.
 *
 * @param text a factor such as `0.1`; with `0.1/0.5` the waits of elections have one of their own: they are short as
 *   shipped, and a busy machine takes its time.
 */
export function timingOf(text: string): Timing {
  const [factor = 1, election = factor] = text.split('/').map(Number);
  const { leaderLease, leaderRenewDeadline, leaderRetry, leaderRequestDeadline } = scaledTiming(election);
  const elections = { leaderLease, leaderRenewDeadline, leaderRetry, leaderRequestDeadline };
  return Object.freeze({ ...scaledTiming(factor), ...elections });
}
