import { expect, it } from 'vitest';

import { scaledTiming } from '../../../src/timing.ts';
import { timingOf } from '../../support/scale.ts';

it('one factor scales every wait', () => {
  expect(timingOf('0.5')).toEqual(scaledTiming(0.5));
});

it('a second one scales those of elections alone', () => {
  const { leaderLease, leaderRenewDeadline, leaderRetry, leaderRequestDeadline } = scaledTiming(0.5);
  const elections = { leaderLease, leaderRenewDeadline, leaderRetry, leaderRequestDeadline };
  expect(timingOf('0.1/0.5')).toEqual({ ...scaledTiming(0.1), ...elections });
});
