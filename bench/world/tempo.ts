import { createLeases, type LeaseName, type LeaseSpec } from './fleet.ts';
import { askedSoFar, untilAsked, untilInstant } from './waiting.ts';
import type { World } from './world.ts';

/** Leases that are made at once. */
const BATCH = 50;

/** How long the operator may take for one of them, in milliseconds. */
const PATIENCE = 60_000;

/** Leases live so long when they come due once only, in milliseconds. */
const LONG = 24 * 3_600_000;

/** Lets all leases that are given from now on live for a day: whatever comes due has been made before. */
export async function nothingDueTwice({ api, dynamicSecretId }: World): Promise<void> {
  await api.control.overrideDynamicSecret({ dynamicSecretId, lifeOverride: LONG });
}

/** Makes leases evenly over a time, in milliseconds, so that they come due evenly, too. */
export async function createEvenly(
  world: World,
  names: readonly LeaseName[],
  spec: LeaseSpec,
  over: number,
): Promise<void> {
  const begun = Date.now();
  // Ten times a second.
  const batch = Math.max(1, Math.ceil((names.length * 100) / over));
  for (let from = 0; from < names.length; from += batch) {
    await untilInstant(begun + (over * from) / names.length);
    await createLeases(world, names.slice(from, from + batch), spec);
  }
}

/**
 * Makes leases that end together, however long that takes: each lives for what is left, and no more are made than the operator
 * serves at once.
 *
 * @param end milliseconds since 1970
 */
export async function createEndingTogether(
  world: World,
  names: readonly LeaseName[],
  spec: LeaseSpec,
  end: number,
): Promise<void> {
  const before = await askedSoFar(world);
  for (let from = 0; from < names.length; from += BATCH) {
    await untilAsked(world, { count: before + from - BATCH, timeoutMs: PATIENCE });
    const ttl = `${String(Math.max(60, Math.round((end - Date.now()) / 1000)))}s`;
    await createLeases(world, names.slice(from, from + BATCH), { ...spec, ttl });
  }
}
