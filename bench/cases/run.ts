import { z } from 'zod';

import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import type { OperatorProcess } from '../../sandbox/operator/operator.ts';
import { between, measureCeiling, type Ceiling } from '../figures/ceiling.ts';
import { watchMemory } from '../figures/memory.ts';
import type { Point } from '../figures/points.ts';
import { takeSample } from '../figures/sample.ts';
import { usageOf, type Usage } from '../figures/usage.ts';
import { furnish, namespaceName } from '../world/fleet.ts';
import { startWorld, type World } from '../world/world.ts';
import type { CaseOptions } from './case.ts';

/** What a case makes happen, around the operator's process. */
export interface Script {
  /** Makes what is there before anything counts. */
  prepare(world: World): Promise<void>;
  /** From here on everything counts; resolves when what is measured is over. */
  play(world: World, launch: () => OperatorProcess): Promise<OperatorProcess>;
}

/** What was seen from outside while a script was played. */
export interface Seen {
  /** How the audit log calls the operator. */
  readonly user: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly events: readonly AuditEvent[];
  readonly ledger: readonly LedgerEntry[];
  /** The operator's, at the end. */
  readonly usage: Usage;
  /** What was resident in the operator, in MiB, over seconds since the start. */
  readonly memory: readonly Point[];
  /** The version of kube-apiserver. */
  readonly apiServer: string;
  /** The middle of what the API server took before and after. */
  readonly ceiling: Ceiling;
}

const version = z.object({ gitVersion: z.string() });

/** Plays a script in a new world, between two measurements of what the API server takes. */
export async function play({ namespaces }: CaseOptions, script: Script): Promise<Seen> {
  await using world = await startWorld();
  const { plane, api, user } = world;
  await furnish(world, namespaces);
  const sample = await takeSample(world, namespaceName(0));
  const before = await measureCeiling(world, sample);
  await script.prepare(world);
  const since = await plane.audit.mark();
  const { next } = await api.control.readLedger();
  const startedAt = Date.now();
  using memory = watchMemory(startedAt);
  const operator = await script.play(world, () => {
    const launched = world.launch();
    memory.follow(launched.pid);
    return launched;
  });
  const resident = memory.points();
  const usage = await usageOf(operator.pid);
  const events = await plane.audit.events(since);
  const { entries: ledger } = await api.control.readLedger({ from: next });
  await operator.stop();
  const { gitVersion: apiServer } = version.parse(
    await world.admin.read({ method: 'GET', path: '/version' }),
  );
  const after = await measureCeiling(world, sample);
  const ceiling = between(before, after);
  return { user, startedAt, events, ledger, usage, memory: resident, apiServer, ceiling };
}
