import { courseOf, goneAt } from '../figures/progress.ts';
import { requestsOf } from '../figures/requests.ts';
import { against, common } from '../result.ts';
import type { Run } from '../saved/run.ts';
import { createLeases, deleteLeases, leaseNames, untilAll } from '../world/fleet.ts';
import type { CaseOptions } from './case.ts';
import { play } from './run.ts';

/**
 * All leases were deleted while no operator ran; it comes, revokes, deletes the Secrets, and lets the objects go. Seconds
 * count from the start of its process, the rate from the first object that went.
 */
export async function deletion(options: CaseOptions): Promise<Run> {
  const { leases, namespaces } = options;
  const names = leaseNames(leases, namespaces);
  const seen = await play(options, {
    async prepare(world) {
      await createLeases(world, names);
      const operator = world.launch();
      await untilAll(world, { leases, made: leases + 1 });
      await operator.stop();
      await deleteLeases(world, names);
      return undefined;
    },
    play: (world) => untilAll(world, { leases: 0 }),
  });
  const { events, user, startedAt, ceiling } = seen;
  const gone = goneAt(events, user);
  const course = courseOf(gone, startedAt);
  const rate = (leases - 1) / (course.secondsToAll - ((gone[0] ?? Number.NaN) - startedAt) / 1000);
  return {
    case: 'delete',
    ...common(options, seen, requestsOf(events, user)),
    ...against(rate, ceiling.deletion, ceiling),
    ...course,
    deadCredentialSeconds: null,
  };
}
