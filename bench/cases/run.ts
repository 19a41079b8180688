import { z } from 'zod';

import { between, measureCeiling, type Ceiling } from '../figures/ceiling.ts';
import { partOf, readLog, type Log } from '../figures/log.ts';
import { watchMemory } from '../figures/memory.ts';
import type { Point } from '../figures/points.ts';
import { takeSample } from '../figures/sample.ts';
import { usageOf, type Usage } from '../figures/usage.ts';
import { furnish, namespaceName } from '../world/fleet.ts';
import type { BenchOperator } from '../world/operator.ts';
import { startWorld, type LaunchOptions, type World, type WorldOptions } from '../world/world.ts';
import type { CaseOptions } from './case.ts';

/** What a case makes happen, around the operator's process. */
export interface Script {
  readonly world?: WorldOptions;
  /** How the operator is started when the counting begins. */
  readonly launch?: LaunchOptions;
  /**
   * Makes what is there before anything counts.
   *
   * @returns the operator, where it works already; undefined: it is started when the counting begins.
   */
  prepare(world: World): Promise<BenchOperator | undefined>;
  /** From here on everything counts; resolves when what is measured is over. */
  play(world: World, operator: BenchOperator): Promise<void>;
}

/** What was seen from outside while a script was played. */
export interface Seen extends Log {
  /** How the audit log calls the operator. */
  readonly user: string;
  /** When the counting began and ended, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** What both servers have written down from the preparation on. */
  readonly all: Log;
  /** The operator's processor time from the beginning of the counting, and its memory at the end. */
  readonly usage: Usage;
  /** What the operator itself tells of its event loop. */
  readonly eventLoopDelayP99Ms: number;
  /** What was resident in the operator, in MiB, over seconds since the start. */
  readonly memory: readonly Point[];
  /** The version of kube-apiserver. */
  readonly apiServer: string;
}

export interface Compared extends Seen {
  /** The middle of what the API server took before and after. */
  readonly ceiling: Ceiling;
}

const version = z.object({ gitVersion: z.string() });

/** Plays a script in a new world, between two measurements of what the API server takes. */
export async function play({ leases, namespaces }: CaseOptions, script: Script): Promise<Compared> {
  await using world = await startWorld(script.world);
  await furnish(world, namespaces);
  const sample = await takeSample(world, namespaceName(0));
  const before = await measureCeiling(world, sample, leases);
  const seen = await watch(world, script);
  const after = await measureCeiling(world, sample, leases);
  return { ...seen, ceiling: between(before, after) };
}

/** Plays a script in a new world where nothing is compared with the ceiling. */
export async function observe({ namespaces }: CaseOptions, script: Script): Promise<Seen> {
  await using world = await startWorld(script.world);
  await furnish(world, namespaces);
  return await watch(world, script);
}

async function watch(world: World, script: Script): Promise<Seen> {
  const { plane, api, user } = world;
  const since = await plane.audit.mark();
  const working = await script.prepare(world);
  const used = working === undefined ? 0 : (await usageOf(working.pid)).cpuSeconds;
  // Asking begins a new measurement.
  await working?.eventLoopDelayP99Ms();
  const startedAt = Date.now();
  const operator = working ?? world.launch(script.launch);
  using memory = watchMemory(startedAt);
  memory.follow(operator.pid);
  await script.play(world, operator);
  const endedAt = Date.now();
  const { cpuSeconds, ...rest } = await usageOf(operator.pid);
  const eventLoopDelayP99Ms = await operator.eventLoopDelayP99Ms();
  const resident = memory.points();
  const all = await readLog({ audit: plane.audit, since, user }, api.control);
  await operator.stop();
  const { gitVersion } = version.parse(await world.admin.read({ method: 'GET', path: '/version' }));
  return {
    ...partOf(all, startedAt),
    all,
    user,
    startedAt,
    endedAt,
    usage: { cpuSeconds: cpuSeconds - used, ...rest },
    eventLoopDelayP99Ms,
    memory: resident,
    apiServer: gitVersion,
  };
}
