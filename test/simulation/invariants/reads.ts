import { parseInstant } from '../../../src/instant.ts';
import { jitterOf, rotationTime } from '../../../src/lease/schedule.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../src/timing.ts';
import type { Actor, Made } from '../ledger.ts';
import { lacksDeclaration } from '../declared/view.ts';
import { namespaces } from '../tenants.ts';
import { isSuspended, leaseOf, type ObjectState } from '../view.ts';
import type { ApiObject } from '../../unit/reconcile/support/api-server.ts';
import type { World } from '../world.ts';
import { isHeldBack, type Ground } from './ground.ts';

/** The APIs must have been in reach for so long, so long before a lease's end. */
const [REACH, MARGIN] = [60_000, 30_000];

/** I2: what a pod reads works. */
export class Reads {
  readonly #ground: Ground;
  /** Objects that have been Ready. */
  readonly #ready = new Set<string>();
  readonly #excused = new Set<string>();
  /** Leases whose end was looked at. */
  readonly #judged = new Set<string>();
  #troubles: ReadonlySet<string> = new Set();
  /** Until when nobody could see to a Secret that had got its name back: the servers were out of reach ever since. */
  readonly #unseenTo = new Map<string, number>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  leaseChanged(object: ApiObject): void {
    const lease = leaseOf(object);
    const ready = lease.status.conditions?.find((one) => one.type === 'Ready');
    if (ready?.status === 'True') this.#ready.add(lease.uid);
    this.#checkRotation(lease);
  }

  /** What {@link rotationOf} takes from the status must not come after the end. */
  #checkRotation({ key, status }: LeaseRecord): void {
    const [rotateAt, end] = [parseInstant(status.rotateAt), parseInstant(status.lease?.expireAt)];
    if (rotateAt === undefined || end === undefined || rotateAt <= end) return;
    this.#ground.world.violate('I2', `${key} is to replace its lease only after the lease's end.`);
  }

  /** What becomes of a lease is not judged. */
  excuse({ id }: Made): void {
    this.#excused.add(id);
  }

  revoking(made: Made, actor: Actor): void {
    const { world } = this.#ground;
    const state = this.#ground.object(made.object);
    if (state === undefined || state.lease.deletedAt !== undefined || world.edited.has(state.secretKey))
      return;
    // It was asked for while the Secret had a name that the spec had given up.
    if (this.#ground.isFresh(this.#ground.renamed.get(made.object))) return;
    if (state.record?.lease.id !== made.id) return;
    world.violate('I2', `${actor.name} revokes ${made.id}, which the Secret of ${state.lease.key} names.`);
  }

  check(): void {
    this.#noteTrouble();
    this.#noteRenamed();
    for (const state of this.#ground.objects) {
      const made = this.#read(state);
      if (made !== undefined) this.#judge(state, made);
    }
  }

  #noteRenamed(): void {
    const ground = this.#ground;
    if (!this.#troubles.has('')) return;
    for (const uid of ground.renamed.keys())
      if (ground.isFresh(this.#renamedAt(uid))) this.#unseenTo.set(uid, ground.world.time.now);
  }

  #renamedAt(uid: string): number | undefined {
    const at = this.#ground.renamed.get(uid);
    return at === undefined ? undefined : Math.max(at, this.#unseenTo.get(uid) ?? at);
  }

  /** What was so since the last step counts until this one. */
  #noteTrouble(): void {
    const { world } = this.#ground;
    const { time, weather, election, kube } = world;
    const { leader } = election;
    const acts = leader !== undefined && !leader.suspended && leader.frozenUntil <= time.now;
    const cut = namespaces.filter((one) => kube.find('connections', `${one}/infisical`) === undefined);
    const idle = this.#ground.objects
      .filter(({ lease }) => isSuspended(lease))
      .map(({ lease }) => lease.namespace);
    const lost = this.#ground.objects
      .filter(({ lease }) => lacksDeclaration(world, lease))
      .map(({ lease }) => lease.namespace);
    const troubles = new Set([...cut, ...idle, ...lost, ...(acts && weather.isClear(time.now) ? [] : [''])]);
    for (const namespace of new Set([...troubles, ...this.#troubles]))
      world.trouble(namespace, time.now + 5000);
    this.#troubles = troubles;
  }

  /** The lease in a Secret that pods may rely on. */
  #read({ lease, secretKey, record }: ObjectState): Made | undefined {
    const { world } = this.#ground;
    if (record === undefined || lease.deletedAt !== undefined || !this.#ready.has(lease.uid))
      return undefined;
    const made = world.leases.made.get(record.lease.id);
    if (made?.object !== lease.uid || this.#excused.has(made.id)) return undefined;
    // What has its name back may have lost its lease meanwhile.
    if (this.#ground.isFresh(this.#renamedAt(lease.uid))) return undefined;
    return world.edited.has(secretKey) ? undefined : made;
  }

  #judge({ lease }: ObjectState, made: Made): void {
    const { world } = this.#ground;
    const { id, revoked, endsAt } = made;
    const naming = `The Secret of ${lease.key} names ${id}`;
    if (revoked?.by.isOperator === true) world.violate('I2', `${naming}, which ${revoked.by.name} revoked.`);
    if (revoked !== undefined || endsAt > world.time.now || this.#judged.has(id)) return;
    this.#judged.add(id);
    if (isHeldBack(world, lease)) return;
    const wellSince = Math.max(...['', lease.namespace].map((one) => world.troubled.get(one) ?? 0));
    const from = Math.max(rotationOf(world, lease, made), wellSince);
    if (endsAt - MARGIN - from < REACH) return;
    world.violate(
      'I2',
      `${naming}, which has ended; all was well since ${String(Math.round(from / 1000))} s.`,
    );
  }
}

/** When a lease is due to be replaced, in simulated milliseconds. */
function rotationOf(world: World, { uid, spec, status }: LeaseRecord, made: Made): number {
  const written = status.lease?.id === made.id ? parseInstant(status.rotateAt) : undefined;
  if (written !== undefined) return world.leases.momentOf(status.rotateAt ?? '');
  const before = spec.valid ? spec.value.rotation?.before : undefined;
  const span = { createdAt: made.madeAt, expireAt: made.endsAt };
  return rotationTime(span, before, jitterOf(uid), standardTiming);
}
