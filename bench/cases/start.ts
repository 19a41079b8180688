import { statSync } from 'node:fs';

import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import { usageOf } from '../figures/usage.ts';
import { requestsOf } from '../figures/requests.ts';
import { common, courseless, round, uncompared } from '../result.ts';
import type { Run } from '../saved/run.ts';
import { BUNDLE } from '../world/program.ts';
import { untilQuiet, untilSettled } from '../world/waiting.ts';
import type { CaseOptions } from './case.ts';
import { observe } from './run.ts';

/** The operator gives memory back some seconds after it has come to rest. Milliseconds without a change. */
const SETTLED = 15_000;

/** Between two looks whether it is ready, in milliseconds: what a figure is late by at most. */
const LOOK = 2;

/**
 * The operator is started beside an API server that is warm and has no object for it: what the program costs by itself. Nothing that an
 * earlier process compiled is at hand, as in a container that has just been made.
 */
export async function start(options: CaseOptions): Promise<Run> {
  let [secondsToReady, secondsToWork, restMemoryMiB] = [Number.NaN, Number.NaN, Number.NaN];
  const seen = await observe(options, {
    launch: { environment: { NODE_DISABLE_COMPILE_CACHE: '1' } },
    async prepare(world) {
      // One before it: the API server and the files are warm, and the election is free.
      const earlier = world.launch();
      await earlier.ready();
      await earlier.stop();
      return undefined;
    },
    async play(_world, operator) {
      const seconds = (): number => (performance.now() - operator.launchedAt) / 1000;
      await awaitCondition(() => operator.isReady(), { what: '/readyz', intervalMs: LOOK });
      secondsToReady = seconds();
      await operator.ready();
      secondsToWork = seconds();
      await untilQuiet(operator.pid);
      await untilSettled(operator.pid, SETTLED);
      ({ memoryMiB: restMemoryMiB } = await usageOf(operator.pid));
    },
  });
  const figures = common({ ...options, leases: 0 }, seen, requestsOf(seen.events, seen.user));
  return {
    case: 'start',
    ...figures,
    ...uncompared,
    ...courseless,
    writesPerLease: null,
    readsPerLease: null,
    cpuSecondsPer1000: null,
    deadCredentialSeconds: null,
    more: {
      secondsToReady: round(secondsToReady, 3),
      secondsToWork: round(secondsToWork, 3),
      restMemoryMiB: round(restMemoryMiB, 1),
      cpuSeconds: round(seen.usage.cpuSeconds, 2),
      mainChunkBytes: statSync(BUNDLE).size,
      ...figures.more,
    },
  };
}
