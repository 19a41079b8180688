import type { ApiObject } from '../unit/reconcile/support/api-server.ts';
import { isHeldBack } from './invariants/ground.ts';
import { Invariants } from './invariants/invariants.ts';
import { makeAmends } from './tenants.ts';
import { lacksDeclaration } from './declared/view.ts';
import { commitOf, isOwned, type ObjectState } from './view.ts';
import { Violation } from './violation.ts';
import { isWrite } from './wire.ts';
import type { Task } from './task.ts';
import { World } from './world.ts';

const MINUTE = 60_000;

/** How long after the last trouble everything must be in order. */
const HEALING = 35 * MINUTE;

/** For how long nothing may be written then that is not due. */
const QUIET = 10 * MINUTE;

/** How often, and how far apart in milliseconds, an object that is not in order is looked at. */
const [LOOKS, BETWEEN_LOOKS] = [4, 7000];

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
export async function runSeed(task: Task): Promise<SeedResult> {
  const { seed, trace: traceAll } = task;
  const world = new World(task);
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
  const { time, profile } = world;
  const amend = (): void => {
    makeAmends(world.land);
    world.declared?.makeAmends();
    world.pods?.makeAmends();
  };
  world.begin();
  await time.run(profile.busy, check);
  world.trace.note('world', 'all is well from here on');
  amend();
  for (let at = 0; at < HEALING; at += 2 * MINUTE) time.after(at, amend, false);
  for (let at = 0; at < HEALING; at += 2 * MINUTE)
    time.after(at + MINUTE, () => world.kube.collectGarbage(), false);
  await time.run(profile.busy + HEALING, check);
  await untilHealed(world, invariants, check);
  invariants.accounting.checkHealed();
  invariants.declared.checkHealed();
  check();
  await checkQuiet(world, invariants, check);
  check();
}

/** A rotation may just be under way: what is wrong must be so at every look. */
async function untilHealed(world: World, invariants: Invariants, check: () => void): Promise<void> {
  const { ground, declared, restarts } = invariants;
  const all = (): readonly string[] => [
    ...problemsOf(world, ground),
    ...declared.problems(),
    ...restarts.problems(),
  ];
  let problems = all();
  for (let looks = 1; looks < LOOKS && problems.length > 0; looks += 1) {
    await world.time.run(world.time.now + BETWEEN_LOOKS, check);
    problems = all();
  }
  for (const problem of problems) world.violate('liveness', problem);
}

function problemsOf(world: World, { objects, meddled }: Invariants['ground']): readonly string[] {
  return objects.flatMap((state) => {
    // Another object was first to fill the Secret of that name.
    if (state.atName !== undefined && state.secret === undefined) return [];
    if (isHeldBack(world, state.lease) || lacksDeclaration(world, state.lease)) return [];
    const problem =
      unreadiness(state) ??
      leftover(world, state) ??
      (meddled.has(state.lease.uid) ? undefined : deadness(world, state));
    return problem === undefined ? [] : [`${state.lease.key} ${problem}.`];
  });
}

const nothingSaid = { status: 'Unknown', reason: 'no condition' };

/** Liveness: deleted objects are gone, the others say that they are ready, and of the lease in their Secret. */
function unreadiness({ lease: { status, deletedAt, generation }, record }: ObjectState): string | undefined {
  if (deletedAt !== undefined) return 'is still being deleted';
  const { status: holds, reason } = status.conditions?.find((one) => one.type === 'Ready') ?? nothingSaid;
  if (holds !== 'True') return `is not Ready: ${reason}`;
  if (status.observedGeneration !== generation) return 'has a status of another generation';
  return status.lease?.id === record?.lease.id ? undefined : 'has a status of another lease';
}

/** A Secret of a name that the spec has given up goes with its lease. */
function leftover(world: World, state: ObjectState): string | undefined {
  const { leases, time } = world;
  const isOver = (one: ApiObject): boolean => {
    const made = leases.made.get(commitOf(one)?.lease.id ?? '');
    return made === undefined || made.endsAt + MINUTE < time.now;
  };
  const left = formersOf(world, state).find((one) => isOver(one));
  return left && `still has the Secret ${left.metadata.name}`;
}

/** The Secrets of an object by other names than it has now. */
function formersOf({ kube }: World, { lease, secret }: ObjectState): readonly ApiObject[] {
  return kube.list('secrets').filter((one) => one !== secret && isOwned(one, lease.uid));
}

/** The Secret must name a lease that lives. */
function deadness({ leases }: World, { record }: ObjectState): string | undefined {
  const named = leases.made.get(record?.lease.id ?? '');
  const lives = named !== undefined && leases.livingNow().has(named);
  return lives ? undefined : 'has a Secret that names no live lease';
}

/** I7: an unchanged world costs no write and no login, but for the rotations that are due. */
async function checkQuiet(world: World, { requests, ground }: Invariants, check: () => void): Promise<void> {
  // What such an object has put off comes when its time is over.
  if (ground.objects.some(({ lease }) => isHeldBack(world, lease))) return;
  const { time } = world;
  const waiting = ground.objects.reduce((sum, { lease }) => sum + (lease.status.retiring?.length ?? 0), 0);
  const formers = ground.objects.reduce((sum, state) => sum + formersOf(world, state).length, 0);
  const { made, renewals: renewed, revocations: revoked } = world.leases;
  const before = made.size;
  requests.clear();
  await time.run(time.now + QUIET, check);
  const rotations = made.size - before;
  const renewals = world.leases.renewals - renewed;
  const revocations = world.leases.revocations - revoked;
  const most: ReadonlyMap<string, number> = new Map([
    ['CREATE lease', rotations],
    // One may have begun before.
    ['patch secrets', rotations + renewals + formers + 1],
    // Secrets of names that were given up go with their leases.
    ['delete secrets', formers],
    // With restarts once more, when they are complete.
    ['patch leases/status', (world.pods === undefined ? 2 : 3) * rotations + renewals + revocations + 2],
    ['patch workloads', (rotations + waiting + 1) * (world.pods?.fleet.rows.size ?? 0)],
    // One that is refused leads to a rotation.
    ['RENEW lease', renewals + rotations],
    // Each replaced lease once, where the spec has them revoked.
    ['REVOKE lease', rotations + waiting],
  ]);
  for (const [name, count] of requests) {
    // Sessions do not end here: who logs in again has forgotten that he was.
    if (!(isWrite(name) || name === 'LOGIN') || count <= (most.get(name) ?? 0)) continue;
    world.violate(
      'I7',
      `${String(count)} times "${name}" in a quiet world with ${String(rotations)} rotations and ${String(renewals)} renewals.`,
    );
  }
}

function describe(error: unknown): string {
  if (error instanceof Violation) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
