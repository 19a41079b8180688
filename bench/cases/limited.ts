import { deadSeconds } from '../figures/dead.ts';
import { optimumOnTime, type Job } from '../figures/optimum.ts';
import { requestsOf } from '../figures/requests.ts';
import { deliveriesOf, duesOf, prematureOf, punctuality, rotationsOf } from '../figures/rotations.ts';
import { common, courseless, round, uncompared } from '../result.ts';
import type { Run } from '../saved/run.ts';
import { createLeases, leaseNames, untilAll } from '../world/fleet.ts';
import { nothingDueTwice } from '../world/tempo.ts';
import { untilMade, untilQuiet } from '../world/waiting.ts';
import type { CaseOptions } from './case.ts';
import { observe } from './run.ts';

/** The server counts in windows of so many milliseconds. */
const WINDOW = 60_000;

/** How long before its end each lease is due. */
const BEFORE = '150s';

/** The life of the lease that ends first, in seconds: its rotation falls into another window of the server than its making. */
const FIRST_END = 240;

/** How many leases end in the time in which the server gives one. */
const OVERLOAD = 5 / 3;

/** More than anybody asks for in a minute. */
const UNLIMITED = 1_000_000;

/** The life of each, in seconds, in an order of its own: they are not made in the order in which they end. */
function lives(leases: number, writeLimit: number): readonly number[] {
  const apart = 60 / (OVERLOAD * writeLimit);
  return Array.from({ length: leases }, (_, index) =>
    Math.round(FIRST_END + ((index * 7919) % leases) * apart),
  );
}

/**
 * Leases come due five thirds as fast as the server gives new ones. Those whose successor is there before they end are on
 * time; the most that could be, in any order, is computed from the same moments and the same limit.
 */
export async function limited(options: CaseOptions): Promise<Run> {
  const { leases, namespaces, writeLimit } = options;
  const life = lives(leases, writeLimit);
  let lastEnd = 0;
  const seen = await observe(options, {
    world: { writeLimit: UNLIMITED },
    async prepare(world) {
      const operator = world.launch();
      await operator.ready();
      await createLeases(world, leaseNames(leases, namespaces), (index) => ({
        ttl: `${String(life[index] ?? FIRST_END)}s`,
        rotation: { before: BEFORE },
      }));
      await untilAll(world, { leases, made: leases });
      lastEnd = Date.now() + Math.max(...life) * 1000;
      await nothingDueTwice(world);
      await world.api.control.setSwitches({ writeLimit });
      return operator;
    },
    async play(world, { pid }) {
      // What is not replaced by the last end is late.
      await untilMade(world, { count: 2 * leases, until: lastEnd });
      await untilQuiet(pid);
    },
  });
  const { user, startedAt, endedAt, all, ledger } = seen;
  const deliveries = deliveriesOf(all.events, all.reports);
  const rotations = rotationsOf(deliveries, all.ledger, BEFORE).filter(({ at }) => at >= startedAt);
  const figures = common(options, seen, requestsOf(seen.events, user));
  const first = all.ledger.filter(({ at }) => at < startedAt);
  const onTime = rotations.filter(({ left }) => left > 0).length;
  return {
    case: 'limited',
    ...figures,
    ...uncompared,
    ...courseless,
    duplicateLeases: prematureOf(all.ledger, BEFORE),
    deadCredentialSeconds: round(deadSeconds(deliveries, all.ledger, endedAt), 2),
    more: {
      onTime,
      optimum: optimumOnTime(jobsOf(first), { most: writeLimit, windowMs: WINDOW }),
      rotations: rotations.length,
      requests: ledger.filter(({ event }) => event === 'requested').length,
      ...punctuality(rotations),
      ...figures.more,
    },
  };
}

function jobsOf(ledger: Parameters<typeof duesOf>[0]): readonly Job[] {
  const dues = duesOf(ledger, BEFORE);
  return ledger.flatMap(({ event, leaseId, expireAt }) =>
    event === 'made' && leaseId !== null && expireAt !== null
      ? [{ due: dues.get(leaseId) ?? expireAt, end: expireAt }]
      : [],
  );
}
