import { setTimeout as delay } from 'node:timers/promises';

import { partOf } from '../figures/log.ts';
import { requestsOf } from '../figures/requests.ts';
import { slopePerMinute, type Point } from '../figures/slope.ts';
import { usageOf } from '../figures/usage.ts';
import { common, courseless, round, uncompared } from '../result.ts';
import type { Run } from '../saved/run.ts';
import { createLeases, leaseNames, untilAll } from '../world/fleet.ts';
import { askedSoFar, untilAsked, untilQuiet, untilSettled } from '../world/waiting.ts';
import type { CaseOptions } from './case.ts';
import { observe } from './run.ts';

/** Seconds. */
const WINDOW = 120;

/** Between two looks at the memory, in milliseconds. */
const LOOK = 1000;

/** The operator lists what a server has within a minute of its start, and then every five. Milliseconds. */
const FIRST_LIST = 120_000;

/**
 * All leases are in order and nothing is due. The window begins when the operator has compared its leases with the server's for
 * the first time, has nothing to do any more, and has given back the memory that it does not need.
 */
export async function idle(options: CaseOptions): Promise<Run> {
  const { leases, namespaces, window = WINDOW } = options;
  const memory: Point[] = [];
  let [cpuSeconds, lists] = [0, 0];
  const seen = await observe(options, {
    async prepare(world) {
      await createLeases(world, leaseNames(leases, namespaces));
      const operator = world.launch();
      await untilAll(world, { leases, made: leases });
      await untilAsked(world, { route: 'lease-list', count: 1, timeoutMs: FIRST_LIST });
      await untilQuiet(operator.pid);
      await untilSettled(operator.pid);
      lists = await askedSoFar(world, 'lease-list');
      return operator;
    },
    async play(world, { pid }) {
      const begun = await usageOf(pid);
      const until = Date.now() + window * 1000;
      for (;;) {
        const { memoryMiB, cpuSeconds: used } = await usageOf(pid);
        memory.push({ at: Date.now(), value: memoryMiB });
        cpuSeconds = used - begun.cpuSeconds;
        if (Date.now() >= until) break;
        await delay(Math.min(LOOK, until - Date.now()));
      }
      lists = (await askedSoFar(world, 'lease-list')) - lists;
    },
  });
  const { events, user, startedAt } = seen;
  const end = memory.at(-1)?.at ?? startedAt;
  const requests = requestsOf(partOf(seen, startedAt, end).events, user);
  const figures = common(options, seen, requests);
  return {
    case: 'idle',
    ...figures,
    ...uncompared,
    ...courseless,
    cpuSecondsPer1000: null,
    deadCredentialSeconds: null,
    more: {
      windowSeconds: window,
      cpuPercentOfCore: round((cpuSeconds * 100_000) / (end - startedAt), 3),
      memoryMiB: round(memory.at(-1)?.value ?? Number.NaN, 1),
      memoryMiBPerMinute: round(slopePerMinute(memory), 3),
      requests: events.length,
      leaseWrites: requests.writes,
      otherWrites: requests.otherWrites,
      leaseLists: lists,
      ...figures.more,
    },
  };
}
