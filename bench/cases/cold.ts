import { between, measureCeiling } from '../figures/ceiling.ts';
import { courseOf, firstReady, instantOf, reportsOf } from '../figures/progress.ts';
import { requestsOf } from '../figures/requests.ts';
import { takeSample } from '../figures/sample.ts';
import { askedOf } from '../figures/leases.ts';
import { usageOf } from '../figures/usage.ts';
import { against, round, type Run } from '../result.ts';
import { createLeases, furnish, leaseNames, namespaceName, untilAll } from '../world/fleet.ts';
import { startWorld } from '../world/world.ts';
import type { CaseOptions } from './case.ts';

/**
 * The operator comes to a cluster that is full of leases which nobody has served yet. Seconds count from the start of its
 * process; the rate from the moment at which its first write arrives, since the ceiling's client is there already, too.
 */
export async function cold({ leases, namespaces }: CaseOptions): Promise<Run> {
  await using world = await startWorld();
  await furnish(world, namespaces);
  const sample = await takeSample(world, namespaceName(0));
  const before = await measureCeiling(world, sample);
  await createLeases(world, leaseNames(leases, namespaces));
  const [since, { next: ledgerStart }] = [
    await world.plane.audit.mark(),
    await world.api.control.readLedger(),
  ];

  const startedAt = Date.now();
  const operator = world.launch();
  await untilAll(world, { leases, made: leases + 1 });
  const usage = await usageOf(operator.pid);
  const events = await world.plane.audit.events(since);
  const { entries: ledger } = await world.api.control.readLedger({ from: ledgerStart });
  await operator.stop();
  const ceiling = between(before, await measureCeiling(world, sample));

  const ready = firstReady(reportsOf(events, world.user));
  const requests = requestsOf(events, world.user);
  const writes = events.filter(
    ({ user, resource, verb }) =>
      user === world.user && verb === 'patch' && resource === 'dynamicsecretleases',
  );
  const begun = Math.min(...writes.map((event) => instantOf(event)));
  const { duplicates, logins } = askedOf(ledger, leases);
  const rate = (leases * 1000) / ((ready.at(-1) ?? Number.NaN) - begun);
  return {
    result: {
      case: 'cold',
      leases,
      namespaces,
      ...against(rate, ceiling.first, ceiling),
      ...rounded(courseOf(ready, startedAt)),
      writesPerLease: round(requests.writes / leases, 3),
      readsPerLease: round(requests.reads / leases, 3),
      cpuSecondsPer1000: round((usage.cpuSeconds * 1000) / leases, 2),
      peakMemoryMiB: round(usage.peakMemoryMiB, 1),
      conflicts: requests.conflicts,
      logins,
      duplicateLeases: duplicates,
      deadCredentialSeconds: 0,
      more: { secondsToFirst: round(((ready[0] ?? Number.NaN) - startedAt) / 1000, 2) },
      requests: requests.byKind,
    },
    readyAfter: ready.map((at) => (at - startedAt) / 1000),
  };
}

function rounded<T extends object>(record: T): T {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, round(value as number, 2)]),
  ) as T;
}
