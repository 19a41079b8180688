import { setTimeout as delay } from 'node:timers/promises';

import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import { usageOf } from '../figures/usage.ts';
import type { World } from './world.ts';

/** Waits for an instant, in milliseconds since 1970; one that has passed is not waited for. */
export async function untilInstant(at: number): Promise<void> {
  const left = at - Date.now();
  if (left > 0) await delay(left);
}

/** How often the lease API was asked for something so far, whatever it answered. */
export async function askedSoFar(
  { api }: World,
  route: 'lease-create' | 'lease-list' = 'lease-create',
): Promise<number> {
  const { counts } = await api.control.counts();
  return Object.values(counts[route] ?? {}).reduce((sum, one) => sum + one, 0);
}

/** Waits until the lease API was asked so often; that costs the API server nothing. */
export async function untilAsked(
  world: World,
  wanted: {
    readonly route?: 'lease-create' | 'lease-list';
    readonly count: number;
    readonly timeoutMs: number;
  },
): Promise<void> {
  const { route = 'lease-create', count, timeoutMs } = wanted;
  await awaitCondition(async () => (await askedSoFar(world, route)) >= count, {
    what: `${String(count)} requests for ${route}`,
    timeoutMs,
    intervalMs: 50,
  });
}

/**
 * Waits until the lease API has given so many leases, or until an instant: requests that it refused count among those that
 * it was asked for, and not here.
 *
 * @param wanted until: milliseconds since 1970
 */
export async function untilMade(
  { api }: World,
  { count, until }: { readonly count: number; readonly until: number },
): Promise<void> {
  for (let from = 0, made = 0; ;) {
    const { entries, next } = await api.control.readLedger({ from });
    from = next;
    made += entries.filter(({ event }) => event === 'made').length;
    if (made >= count || Date.now() >= until) return;
    await delay(LOOK_MS);
  }
}

/** A process is quiet when it has used less than this share of a core ... */
const QUIET_SHARE = 0.03;
/** ... for so long, in milliseconds. */
const QUIET_MS = 3000;
/** Between two looks, in milliseconds: the kernel counts in steps of 10 ms. */
const LOOK_MS = 1000;

/** A process has settled when its memory has stayed within so many MiB ... */
const SETTLED_MIB = 1;
/** ... for so long, in milliseconds. */
const SETTLED_MS = 60_000;
/** How long that is waited for, in milliseconds: the memory of one that leaks never stays. */
const SETTLING_MS = 300_000;

/** Waits until a process has given back what it does not need any more: what it gives back later is no slope. */
export async function untilSettled(pid: number, settledMs: number = SETTLED_MS): Promise<void> {
  const until = Date.now() + SETTLING_MS;
  let first = { at: Date.now(), memory: (await usageOf(pid)).memoryMiB };
  while (Date.now() - first.at < settledMs && Date.now() < until) {
    await delay(LOOK_MS);
    const { memoryMiB: memory } = await usageOf(pid);
    if (Math.abs(memory - first.memory) > SETTLED_MIB) first = { at: Date.now(), memory };
  }
}

/**
 * Waits until a process has nothing to do any more, as the kernel sees it.
 *
 * @returns when that began, in milliseconds since 1970, to the second.
 */
export async function untilQuiet(pid: number): Promise<number> {
  let last = { at: Date.now(), cpu: (await usageOf(pid)).cpuSeconds };
  let since = last.at;
  return awaitCondition(
    async () => {
      const now = { at: Date.now(), cpu: (await usageOf(pid)).cpuSeconds };
      if (now.cpu - last.cpu >= (QUIET_SHARE * (now.at - last.at)) / 1000) since = now.at;
      last = now;
      return now.at - since >= QUIET_MS ? since : undefined;
    },
    { what: 'the operator to be quiet', timeoutMs: 300_000, intervalMs: LOOK_MS },
  );
}
