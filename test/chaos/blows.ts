import { setTimeout as delay } from 'node:timers/promises';

import type { Pair } from './pair.ts';
import type { Blow, Scheduled } from './schedule.ts';
import type { World } from './world.ts';

/** Deals blows until told to stop; whatever was begun is ended. @returns how many of each kind there were. */
export async function strikeUntil(
  stop: AbortSignal,
  parts: { readonly world: World; readonly pair: Pair },
  blows: Iterator<Scheduled<Blow>, never>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  while (!stop.aborted) {
    const { value: blow } = blows.next();
    // Two processes that are gone at once are an outage whose length nobody has drawn.
    await parts.pair.settled();
    await delay(blow.pause, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) break;
    await parts.pair.settled();
    counts.set(blow.kind, (counts.get(blow.kind) ?? 0) + 1);
    await strike(parts, blow);
  }
  return counts;
}

async function strike(
  { world, pair }: { readonly world: World; readonly pair: Pair },
  blow: Blow,
): Promise<void> {
  switch (blow.kind) {
    case 'kill':
      return pair.signal(blow.slot, 'SIGKILL');
    case 'term':
      return pair.signal(blow.slot, 'SIGTERM');
    case 'suspend': {
      const slot = pair.leader() ?? 0;
      pair.signal(slot, 'SIGSTOP');
      await delay(blow.length);
      return pair.signal(slot, 'SIGCONT');
    }
    case 'kube-outage':
      return closed(
        blow.slots.map((slot) => world.kube[slot]),
        blow.length,
      );
    case 'lease-api-outage':
      return closed([world.leaseApi], blow.length);
    case 'watches-cut':
      return world.kube[blow.slot].cutWatches();
    case 'watches-frozen':
      return world.kube[blow.slot].freezeWatches();
  }
}

async function closed(ways: readonly World['leaseApi'][], length: number): Promise<void> {
  await Promise.all(ways.map((way) => way.close()));
  await delay(length);
  await Promise.all(ways.map((way) => way.open()));
}
