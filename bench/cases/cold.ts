import { askedOf } from '../figures/leases.ts';
import { courseOf, firstReady, firstWrite } from '../figures/progress.ts';
import { requestsOf } from '../figures/requests.ts';
import { against, common, round } from '../result.ts';
import type { Run } from '../saved/run.ts';
import { createLeases, leaseNames, untilAll } from '../world/fleet.ts';
import type { CaseOptions } from './case.ts';
import { play } from './run.ts';

/**
 * The operator comes to a cluster that is full of leases which nobody has served yet. Seconds count from the start of its
 * process; the rate from the moment at which its first write arrives, since the ceiling's client is there already, too.
 */
export async function cold(options: CaseOptions): Promise<Run> {
  const { leases, namespaces } = options;
  const seen = await play(options, {
    async prepare(world) {
      await createLeases(world, leaseNames(leases, namespaces));
      return undefined;
    },
    // One has been made for the sample.
    play: (world) => untilAll(world, { leases, made: leases + 1 }),
  });
  const { events, reports, user, startedAt, ceiling, ledger } = seen;
  const ready = firstReady(reports);
  const course = courseOf(ready, startedAt);
  const begun = firstWrite(events, user);
  const rate = leases / (course.secondsToAll - (begun - startedAt) / 1000);
  const figures = common(options, seen, requestsOf(events, user));
  return {
    case: 'cold',
    ...figures,
    ...against(rate, ceiling.first, ceiling),
    ...course,
    duplicateLeases: askedOf(ledger, leases).duplicates,
    more: { secondsToFirst: round(((ready[0] ?? Number.NaN) - startedAt) / 1000, 2), ...figures.more },
  };
}
