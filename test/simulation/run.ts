import { Invariants } from './invariants.ts';
import { notYet } from './not-yet.ts';
import { makeAmends } from './tenants.ts';
import type { ObjectState } from './view.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

const MINUTE = 60_000;

/** How long after the last trouble everything must be in order. */
const HEALING = 35 * MINUTE;

/** For how long nothing may be written then that is not due. */
const QUIET = 10 * MINUTE;

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly leases: number;
  readonly violation?: {
    readonly invariant: string;
    readonly message: string;
    readonly trace: readonly string[];
  };
  readonly trace?: readonly string[];
}

/** Plays one seed. */
export async function runSeed(seed: number, traceAll: boolean): Promise<SeedResult> {
  const world = new World(seed, traceAll);
  const invariants = new Invariants(world);
  world.witness = invariants;
  let stray: unknown;
  const onRejection = (error: unknown): void => {
    stray ??= error;
  };
  process.on('unhandledRejection', onRejection);
  const check = (): void => {
    if (stray !== undefined)
      throw new Violation('crash', `A promise of nobody was rejected: ${describe(stray)}`);
    invariants.check();
    if (world.violation !== undefined) throw world.violation;
  };
  const result = (): SeedResult => ({ seed, steps: world.time.steps, leases: world.leases.made.size });
  try {
    await play(world, invariants, check);
    return { ...result(), ...(traceAll ? { trace: world.trace.lines } : {}) };
  } catch (error) {
    const invariant = error instanceof Violation ? error.invariant : 'harness';
    return { ...result(), violation: { invariant, message: describe(error), trace: world.trace.lines } };
  } finally {
    process.off('unhandledRejection', onRejection);
  }
}

async function play(world: World, invariants: Invariants, check: () => void): Promise<void> {
  const { time, profile, land } = world;
  world.begin();
  await time.run(profile.busy, check);
  world.trace.note('world', 'all is well from here on');
  makeAmends(land);
  for (let at = 0; at < HEALING; at += 2 * MINUTE) time.after(at, () => makeAmends(land), false);
  for (let at = 0; at < HEALING; at += 2 * MINUTE)
    time.after(at + MINUTE, () => world.kube.collectGarbage(), false);
  await time.run(profile.busy + HEALING, check);
  checkHealed(world, invariants);
  check();
  await checkQuiet(world, invariants, check);
  check();
}

function checkHealed(world: World, invariants: Invariants): void {
  for (const state of invariants.state()) checkObject(world, invariants, state);
  if (notYet.sweep) return;
  const [lost] = invariants.lost();
  if (lost !== undefined) world.violate('I1', `${lost.id} is still nobody's.`);
}

/** Liveness: valid objects have what they ask for, deleted ones are gone. */
function checkObject(
  world: World,
  invariants: Invariants,
  { lease, record, secretKey, atName, secret }: ObjectState,
): void {
  const { key, status } = lease;
  if (lease.deletedAt !== undefined) return world.violate('liveness', `${key} is still being deleted.`);
  // Another object was first to fill the Secret of that name.
  if (atName !== undefined && secret === undefined) return;
  const ready = status.conditions?.find((one) => one.type === 'Ready');
  if (ready?.status !== 'True')
    world.violate('liveness', `${key} is not Ready: ${ready?.reason ?? 'no condition'}.`);
  if (status.observedGeneration !== lease.generation)
    world.violate('liveness', `The status of ${key} is of another generation.`);
  if (status.lease?.id !== record?.lease.id)
    world.violate('liveness', `Status and Secret of ${key} name different leases.`);
  if (invariants.isMeddled(lease.uid) && (world.edited.has(secretKey) || notYet.inventory)) return;
  const named = world.leases.made.get(record?.lease.id ?? '');
  const isLive = named !== undefined && world.leases.livingNow().has(named);
  if (!isLive && (named?.revoked === undefined || !notYet.inventory))
    world.violate('liveness', `The Secret of ${key} names no live lease.`);
}

/** I7: an unchanged world costs no write, but for the rotations that are due. */
async function checkQuiet(world: World, invariants: Invariants, check: () => void): Promise<void> {
  const { time, profile } = world;
  const made = world.leases.made.size;
  invariants.writes.clear();
  await time.run(profile.busy + HEALING + QUIET, check);
  const rotations = world.leases.made.size - made;
  const most = {
    'CREATE lease': rotations,
    'patch secrets': rotations,
    'patch leases/status': 2 * rotations,
  };
  for (const [name, count] of invariants.writes) {
    if (!/^(?:CREATE|REVOKE|patch|create|delete)/.test(name) || name.endsWith('dry')) continue;
    const allowed = new Map(Object.entries(most)).get(name) ?? 0;
    if (count > allowed)
      world.violate(
        'I7',
        `${String(count)} times "${name}" in a quiet world with ${String(rotations)} rotations.`,
      );
  }
}

function describe(error: unknown): string {
  if (error instanceof Violation) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
