import { parseDuration } from '../../src/api/duration.ts';
import { rotationTime } from '../../src/lease/schedule.ts';
import { standardTiming } from '../../src/timing.ts';
import { deadSeconds } from '../figures/dead.ts';
import { partOf } from '../figures/log.ts';
import { requestsOf } from '../figures/requests.ts';
import { deliveriesOf, prematureOf, punctuality, rotationsOf } from '../figures/rotations.ts';
import { against, common, courseless, round } from '../result.ts';
import type { Run } from '../saved/run.ts';
import { leaseNames } from '../world/fleet.ts';
import { createEvenly } from '../world/tempo.ts';
import { askedSoFar, untilAsked, untilInstant } from '../world/waiting.ts';
import type { CaseOptions } from './case.ts';
import { play } from './run.ts';

/** How long each of the first rotations may take, in milliseconds, beside twice the time that a lease is used. */
const PATIENCE = 60_000;
const PATIENCE_EACH = 60;

/**
 * Leases with short lives, made evenly over the time that one is used, so that as many come due in each second. The window
 * begins when each was replaced once. Figures are of the window; "per lease" is per rotation.
 */
export async function steady(options: CaseOptions): Promise<Run> {
  const { leases, namespaces, ttl } = options;
  const life = parseDuration(ttl) ?? Number.NaN;
  const use = rotationTime({ createdAt: 0, expireAt: life }, undefined, 0.5, standardTiming);
  const windowMs = options.window === undefined ? 2 * life : options.window * 1000;
  const seen = await play(options, {
    async prepare(world) {
      const made = await askedSoFar(world);
      const operator = world.launch();
      await operator.ready();
      await createEvenly(world, leaseNames(leases, namespaces), { ttl }, use);
      const timeoutMs = PATIENCE + PATIENCE_EACH * leases + 2 * use;
      await untilAsked(world, { count: made + 2 * leases, timeoutMs });
      return operator;
    },
    play: () => untilInstant(Date.now() + windowMs),
  });
  const { user, startedAt, endedAt, all, usage, ceiling } = seen;
  const window = partOf(seen, startedAt, endedAt);
  const deliveries = deliveriesOf(all.events, all.reports).filter(({ at }) => at < endedAt);
  const rotations = rotationsOf(deliveries, all.ledger).filter(({ at }) => at >= startedAt);
  const seconds = (endedAt - startedAt) / 1000;
  const requests = requestsOf(window.events, user);
  const figures = common({ leases: rotations.length, namespaces }, { ...seen, ...window }, requests);
  return {
    case: 'steady',
    ...figures,
    leases,
    ...against(rotations.length / seconds, ceiling.rotation, ceiling),
    ...courseless,
    duplicateLeases: prematureOf(all.ledger),
    deadCredentialSeconds: round(deadSeconds(deliveries, all.ledger, endedAt), 2),
    more: {
      windowSeconds: round(seconds, 1),
      rotations: rotations.length,
      dueLeasesPerSecond: round((leases * 1000) / use, 1),
      cpuPercentOfCore: round((usage.cpuSeconds * 100) / seconds, 1),
      ...punctuality(rotations),
      ...figures.more,
    },
  };
}
