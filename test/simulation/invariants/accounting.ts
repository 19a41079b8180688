import { parseDuration } from '../../../src/api/duration.ts';
import { DEFAULT_REVOCATION_TIMEOUT } from '../../../src/lease/deletion.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import type { ApiObject } from '../../unit/reconcile/support/api-server.ts';
import type { Made } from '../ledger.ts';
import { notYet } from '../not-yet.ts';
import { leaseOf } from '../view.ts';
import type { World } from '../world.ts';
import type { Ground } from './ground.ts';

/** I1: every lease is accounted for. I4: an object that is gone leaves none that lives, but for what was declared. */
export class Accounting {
  readonly #ground: Ground;
  /** Objects that are gone, and whose leases may live on. */
  readonly #excused = new Set<string>();
  /** Leases that a process said it lets run out, and attempts that it gave up. */
  readonly #told = new Set<string>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  said(text: string): void {
    if (!/left to (?:run out|end)|had made no lease/.test(text)) return;
    for (const [, id = ''] of text.matchAll(/"(?:lease|attempt)":"([^"]+)"/g)) this.#told.add(id);
  }

  check(): void {
    const { world } = this.#ground;
    for (const made of world.leases.livingNow()) {
      if (this.#isNobodys(made) && !this.#isAllowed(made)) {
        world.violate(
          'I1',
          `Nobody answers for ${made.id} (attempt ${made.attempt}, object ${made.object}).`,
        );
      }
    }
  }

  /** When everything had its time to heal nothing is allowed for any more. */
  checkHealed(): void {
    if (notYet.sweep) return;
    const { world } = this.#ground;
    const lost = [...world.leases.livingNow()].find(
      (made) => this.#isNobodys(made) && !this.#excused.has(made.object),
    );
    if (lost !== undefined) world.violate('I1', `${lost.id} is still nobody's.`);
  }

  /** An object has gone. */
  ended(object: ApiObject): void {
    const { world } = this.#ground;
    const lease = leaseOf(object);
    if (mayLeave(world, lease)) this.#excused.add(lease.uid);
    for (const made of world.leases.livingNow()) {
      if (made.object !== lease.uid || this.#isAllowed(made)) continue;
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

  #isAllowed(made: Made): boolean {
    const { world, meddled } = this.#ground;
    // Where the lease API's time is not known the Kubernetes API's counts, and the two differ.
    if (made.endsAt - world.time.now <= Math.abs(world.profile.skew)) return true;
    const object = this.#ground.object(made.object)?.lease;
    if (this.#excused.has(made.object) || (object !== undefined && isLeaving(world, object))) return true;
    if (this.#told.has(made.id) || this.#told.has(made.attempt)) return true;
    return notYet.sweep && (!made.process.acts || meddled.has(made.object));
  }
}

/** Whether an object may go while its leases live: as declared, for want of a way, or because its time was over. */
function mayLeave(world: World, lease: LeaseRecord): boolean {
  const connections = world.kube.list('connections');
  const connected = connections.some(({ metadata }) => metadata.namespace === lease.namespace);
  if (notYet.connectionFinalizer && !connected) return true;
  return lease.status.lease?.attested === false || isLeaving(world, lease);
}

/** Whether an object is being deleted and by its own terms may leave its leases behind. */
function isLeaving(world: World, { spec, deletedAt }: LeaseRecord): boolean {
  if (deletedAt === undefined) return false;
  const revocation = spec.valid ? spec.value.revocation : undefined;
  const timeout = parseDuration(revocation?.timeout ?? DEFAULT_REVOCATION_TIMEOUT) ?? 0;
  return revocation?.onDelete === 'Expire' || world.kubeNow() >= deletedAt + timeout;
}
