import { parseDuration } from '../../../src/api/duration.ts';
import { DEFAULT_REVOCATION_TIMEOUT } from '../../../src/lease/deletion.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import type { ApiObject } from '../../unit/reconcile/support/api-server.ts';
import type { Made } from '../ledger.ts';
import { standardTiming } from '../../../src/timing.ts';
import { commitOf, leaseOf } from '../view.ts';
import type { World } from '../world.ts';
import type { Ground } from './ground.ts';

/** Old enough for the sweep, and then within two lists: the first may come from a replica that lags, or fail. */
const SWEPT = standardTiming.sweepMinimumAge + 2.5 * standardTiming.inventoryInterval;

/** I1: every lease is accounted for. I4: an object that is gone leaves none that lives, but for what was declared. */
export class Accounting {
  readonly #ground: Ground;
  /** Objects that are gone, and whose leases may live on. */
  readonly #excused = new Set<string>();
  /** Leases that a process said it lets run out, and attempts that it gave up. */
  readonly #told = new Set<string>();
  /** Attempts that were found to have made nothing: a list that lags may lie, and then the sweep must find it. */
  readonly #settled = new Set<string>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  said(text: string): void {
    const left = /left to (?:run out|end)/.test(text);
    if (!left && !text.includes('had made no lease')) return;
    const ids = left ? this.#told : this.#settled;
    for (const [, id = ''] of text.matchAll(/"(?:lease|attempt)":"([^"]+)"/g)) ids.add(id);
  }

  /** Where a server keeps no tags, what only a Secret's record speaks for is left to end: the status has said so. */
  leaseChanged(object: ApiObject): void {
    const { lease } = leaseOf(object).status;
    if (lease?.attested === false) this.#told.add(lease.id);
  }

  /**
   * A tenant has taken a Secret away, or changed it. Where the server keeps no tags, a lease whose status was not written
   * yet has lost its only name by that: a known limit. It is excused there, and nowhere else.
   */
  secretTaken(before: ApiObject | undefined): void {
    const record = before === undefined ? undefined : commitOf(before);
    if (record !== undefined && this.#ground.world.profile.tags === 'dropped')
      this.#told.add(record.lease.id);
  }

  check(): void {
    const { world } = this.#ground;
    for (const made of world.leases.livingNow()) {
      if (this.#isNobodys(made) && !this.#isBeingLookedFor(made) && !this.#isExcused(made)) {
        world.violate(
          'I1',
          `Nobody answers for ${made.id} (attempt ${made.attempt}, object ${made.object}).`,
        );
      }
    }
  }

  /** When everything had its time to heal nothing is lost any more, but for what a server without tags hides. */
  checkHealed(): void {
    const { world } = this.#ground;
    for (const made of world.leases.livingNow()) {
      if (!this.#isNobodys(made) || this.#excused.has(made.object) || this.#isHidden(made)) continue;
      if (!this.#isTold(made)) world.violate('I1', `${made.id} is still nobody's.`);
    }
  }

  /** An object has gone. */
  ended(object: ApiObject): void {
    const { world } = this.#ground;
    const lease = leaseOf(object);
    if (mayLeave(world, lease)) this.#excused.add(lease.uid);
    const { status } = lease;
    const named = new Set([status.lease, ...(status.retiring ?? [])].map((ref) => ref?.id));
    for (const made of world.leases.livingNow()) {
      // What the object itself named must be over; only of what nobody named may the sweep find out later.
      const isSought = !named.has(made.id) && this.#isBeingLookedFor(made);
      if (made.object !== lease.uid || isSought || this.#isExcused(made)) continue;
      world.violate('I4', `${lease.key} is gone, and its lease ${made.id} lives.`);
    }
  }

  #isNobodys({ id, object, attempt }: Made): boolean {
    if (this.#ground.named.has(id)) return false;
    return !this.#ground.world.election.processes.some((process) => {
      if (!process.alive) return false;
      const { inHand, open, discarded } = process.memories.of(object);
      return inHand?.ref.id === id || open?.attempt === attempt || discarded.some((ref) => ref.id === id);
    });
  }

  #isExcused(made: Made): boolean {
    const { world } = this.#ground;
    // Where the lease API's time is not known the Kubernetes API's counts, and the two differ.
    if (made.endsAt - world.time.now <= Math.abs(world.kubeNow() - world.leases.now())) return true;
    const object = this.#ground.object(made.object)?.lease;
    if (this.#excused.has(made.object) || (object !== undefined && isLeaving(world, object))) return true;
    if (this.#isTold(made) || this.#settled.has(made.attempt)) return true;
    return this.#isHidden(made);
  }

  #isTold({ id, attempt }: Made): boolean {
    return this.#told.has(id) || this.#told.has(attempt);
  }

  /** The sweep needs its time, and servers that can be reached. Without tags it has nothing to go by. */
  #isBeingLookedFor({ object, madeAt }: Made): boolean {
    const { world } = this.#ground;
    if (world.profile.tags === 'dropped') return false;
    const namespace = this.#ground.object(object)?.lease.namespace ?? '';
    const trouble = Math.max(...['', namespace].map((one) => world.troubled.get(one) ?? 0));
    return world.time.now < Math.max(madeAt, trouble) + SWEPT;
  }

  /** Where the server keeps no tags a lost lease cannot be found: it is counted, or its process could count no more. */
  #isHidden(made: Made): boolean {
    const { world } = this.#ground;
    if (world.profile.tags === 'kept') return false;
    if (!made.process.acts) return true;
    const memories = world.election.processes.map((process) => process.memories.of(made.object).unaccounted);
    const counted = [this.#ground.object(made.object)?.lease.status.unaccounted, ...memories];
    return counted.some((one) => one !== undefined && world.leases.momentOf(one.until) >= made.endsAt);
  }
}

/** Whether an object may go while its leases live: as declared, for want of a way, or because its time was over. */
function mayLeave(world: World, lease: LeaseRecord): boolean {
  // Somebody has taken away the finalizer that keeps a connection in use.
  const connections = world.kube.list('connections');
  const connected = connections.some(({ metadata }) => metadata.namespace === lease.namespace);
  if (!connected) return true;
  return lease.status.lease?.attested === false || isLeaving(world, lease);
}

/** Whether an object is being deleted and by its own terms may leave its leases behind. */
function isLeaving(world: World, { spec, deletedAt }: LeaseRecord): boolean {
  if (deletedAt === undefined) return false;
  const revocation = spec.valid ? spec.value.revocation : undefined;
  const timeout = parseDuration(revocation?.timeout ?? DEFAULT_REVOCATION_TIMEOUT) ?? 0;
  return revocation?.onDelete === 'Expire' || world.kubeNow() >= deletedAt + timeout;
}
