import { deadSeconds } from '../figures/dead.ts';
import { courseOf } from '../figures/progress.ts';
import { requestsOf } from '../figures/requests.ts';
import { deliveriesOf, duesOf, prematureOf, punctuality, rotationsOf } from '../figures/rotations.ts';
import { against, common, round } from '../result.ts';
import type { Run } from '../saved/run.ts';
import { leaseNames, listLeases, untilAll } from '../world/fleet.ts';
import { createEndingTogether, nothingDueTwice } from '../world/tempo.ts';
import { askedSoFar, untilInstant } from '../world/waiting.ts';
import type { CaseOptions } from './case.ts';
import { play } from './run.ts';

/** How long before their end all leases are due at the latest, in seconds: the least that the operator grants. */
const BEFORE = 150;

/** The share of its life by which the operator may replace a lease earlier than that. */
const JITTER = 0.1;

/** Leases that are made in a second, at least, and what is left between the last of them and the first that is due, in seconds. */
const MADE_PER_SECOND = 60;
const SPARE = 30;

/** The least time that a lease of the fleet is given, so that the storm does not come while it is being made. Milliseconds. */
function lifeOf(leases: number): number {
  return ((leases / MADE_PER_SECOND + SPARE + BEFORE) * 1000) / (1 - JITTER);
}

/**
 * When leases come due that end together, first and last, in milliseconds since 1970.
 *
 * @throws Error when that has begun: then there is no storm, and nothing to measure.
 */
function stillTime(end: number, life: number): readonly [firstDue: number, lastDue: number] {
  const lastDue = end - BEFORE * 1000;
  const firstDue = lastDue - JITTER * life;
  if (Date.now() > firstDue)
    throw new Error('Making the leases took so long that the first are due already.');
  return [firstDue, lastDue];
}

/**
 * Leases that end together, and so come due together: within a tenth of their life, less than a minute. With `outage` the
 * lease API takes no connections from before the first is due until all are, and comes back with nearly all of their last
 * 150 s left; seconds count from then, else from the first that is due. The rate is that from the first rotation to the last.
 */
export async function storm(options: CaseOptions): Promise<Run> {
  const { leases, namespaces, outage } = options;
  const before = `${String(BEFORE)}s`;
  const life = lifeOf(leases);
  let [end, backAt] = [0, 0];
  const seen = await play(options, {
    async prepare(world) {
      const made = (await askedSoFar(world)) + leases;
      const operator = world.launch();
      await operator.ready();
      end = Date.now() + life;
      await createEndingTogether(world, leaseNames(leases, namespaces), { rotation: { before } }, end);
      stillTime(end, life);
      await untilAll(world, { leases, made });
      await nothingDueTwice(world);
      return operator;
    },
    async play(world) {
      const { control } = world.api;
      const [firstDue, lastDue] = stillTime(end, life);
      const old = new Set((await listLeases(world)).map(({ leaseId }) => leaseId));
      const made = (await askedSoFar(world)) + leases;
      if (outage) {
        await untilInstant(firstDue - 2000);
        await control.pause();
        // The ends of leases are whole seconds.
        await untilInstant(lastDue + 2000);
        backAt = Date.now();
        await control.resume();
      } else await untilInstant(firstDue);
      await untilAll(world, { leases, made, probe: ({ ready, leaseId }) => ready && !old.has(leaseId) });
    },
  });
  const { user, startedAt, endedAt, all, ceiling } = seen;
  const deliveries = deliveriesOf(all.events, all.reports);
  const rotations = rotationsOf(deliveries, all.ledger, before).filter(({ at }) => at >= startedAt);
  const instants = rotations.map(({ at }) => at).toSorted((one, other) => one - other);
  const dues = [...duesOf(all.ledger, before).values()]
    .toSorted((one, other) => one - other)
    .slice(0, leases);
  const course = courseOf(instants, outage ? backAt : (dues[0] ?? Number.NaN));
  const rate = ((rotations.length - 1) * 1000) / ((instants.at(-1) ?? 0) - (instants[0] ?? 0));
  const figures = common(options, seen, requestsOf(seen.events, user));
  return {
    case: 'storm',
    ...figures,
    ...against(rate, ceiling.rotation, ceiling),
    ...course,
    duplicateLeases: prematureOf(all.ledger, before),
    deadCredentialSeconds: round(deadSeconds(deliveries, all.ledger, endedAt), 2),
    more: {
      rotations: rotations.length,
      lifeSeconds: round(life / 1000, 0),
      dueWithinSeconds: round(((dues.at(-1) ?? 0) - (dues[0] ?? 0)) / 1000, 1),
      outageSeconds: outage ? round((backAt - (end - BEFORE * 1000 - JITTER * life - 2000)) / 1000, 1) : 0,
      ...punctuality(rotations),
      ...figures.more,
    },
  };
}
