import { askedOf } from '../figures/leases.ts';
import { courseOf, firstReady, firstWrite } from '../figures/progress.ts';
import { requestsOf } from '../figures/requests.ts';
import { against, common, round } from '../result.ts';
import type { Run } from '../saved/run.ts';
import { startDeadServer } from '../world/dead-server.ts';
import { createLeases, leaseNames, untilAll } from '../world/fleet.ts';
import { namespaceObjects } from '../world/objects.ts';
import type { World } from '../world/world.ts';
import type { CaseOptions } from './case.ts';
import { cold } from './cold.ts';
import { play } from './run.ts';

/** The namespace whose server is dead, and its leases. */
const DEAD = 'bench-dead';
const DEAD_LEASES = 100;

/**
 * The case `cold` twice, alone and beside a namespace whose server takes connections and never answers. Figures are of the
 * second time and of the others' leases only, but for processor time and memory; `alone…` are those of the first.
 */
export async function noisy(options: CaseOptions): Promise<Run> {
  const { leases, namespaces } = options;
  const alone = await cold(options);
  const seen = await play(options, {
    async prepare(world) {
      await createDead(world);
      await createLeases(world, leaseNames(leases, namespaces));
      return undefined;
    },
    // One has been made for the sample.
    play: (world) => untilAll(world, { leases, of: ({ namespace }) => namespace !== DEAD, made: leases + 1 }),
  });
  const { user, startedAt, ceiling, ledger } = seen;
  const others = seen.events.filter(({ namespace }) => namespace !== DEAD);
  const course = courseOf(firstReady(seen.reports), startedAt);
  const rate = leases / (course.secondsToAll - (firstWrite(others, user) - startedAt) / 1000);
  const compared = against(rate, ceiling.first, ceiling);
  const figures = common(options, seen, requestsOf(others, user));
  return {
    case: 'noisy',
    ...figures,
    ...compared,
    ...course,
    duplicateLeases: askedOf(ledger, leases).duplicates,
    more: {
      deadLeases: DEAD_LEASES,
      deadWrites: requestsOf(seen.events, user).writes - requestsOf(others, user).writes,
      aloneLeasesPerSecond: alone.leasesPerSecond ?? Number.NaN,
      aloneShareOfCeiling: alone.shareOfCeiling ?? Number.NaN,
      aloneSecondsTo99: alone.secondsTo99 ?? Number.NaN,
      aloneSecondsToAll: alone.secondsToAll ?? Number.NaN,
      shareOfAlone: round((compared.shareOfCeiling ?? Number.NaN) / (alone.shareOfCeiling ?? Number.NaN), 3),
      ...figures.more,
    },
  };
}

async function createDead(world: World): Promise<void> {
  const { url } = world.use(await startDeadServer());
  for (const object of namespaceObjects(DEAD, url, world.login))
    await world.admin.send({ method: 'POST', ...object });
  const names = leaseNames(DEAD_LEASES, 1, 'dead').map(({ name }) => ({ namespace: DEAD, name }));
  await createLeases(world, names);
}
