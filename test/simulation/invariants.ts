import { MANAGED_LABEL } from '../../src/api/names.ts';
import { parseDuration } from '../../src/api/duration.ts';
import { parseInstant } from '../../src/instant.ts';
import { DEFAULT_REVOCATION_TIMEOUT } from '../../src/lease/deletion.ts';
import { jitterOf, rotationTime } from '../../src/lease/schedule.ts';
import { standardTiming } from '../../src/timing.ts';
import type { ApiEvent, ApiObject } from '../unit/reconcile/support/api-server.ts';
import { keyOf } from '../unit/reconcile/support/api-server.ts';
import type { CallName } from '../unit/reconcile/support/wire.ts';
import type { Actor, Made } from './ledger.ts';
import { notYet } from './not-yet.ts';
import type { OperatorProcess } from './process.ts';
import { namespaces } from './tenants.ts';
import { commitOf, isOwned, leaseOf, type ObjectState, objectsOf } from './view.ts';
import type { Witness, World } from './world.ts';

/** From the request to the last moment at which the Kubernetes API may take the write of its lease. */
const LATEST_WRITE =
  standardTiming.leaseRequestDeadline + standardTiming.deliveryDeadline + standardTiming.kubeRequestDeadline;

/** The API must have been in reach for so long, so long before a lease's end. */
const [REACH, MARGIN] = [60_000, 30_000];

/** The most leases of one object within so long; the shortest lives alone make four. */
const [MOST_AT_ONCE, STORM] = [20, 120_000];

/** What every password of the lease server contains, and its beginning in base64. */
const canaries = ['password-', 'cGFzc3dvcmQt'];

/** How an object came to its end. */
interface Ending {
  readonly at: number;
  readonly declared: boolean;
  readonly overdue: boolean;
  readonly unreachable: boolean;
}

/** What must always hold (docs/architecture.md), judged by what the two servers hold. */
export class Invariants implements Witness {
  readonly #world: World;
  /** Objects that have been Ready. */
  readonly #ready = new Set<string>();
  readonly #endings = new Map<string, Ending>();
  /** Leases that a process said it lets run out, and attempts that it gave up. */
  readonly #told = new Set<string>();
  readonly #judged = new Set<string>();
  /** Objects whose Secret or record a tenant has changed. */
  readonly #meddled = new Set<string>();
  readonly writes = new Map<CallName, number>();
  #troubles: ReadonlySet<string> = new Set();
  #version = '';
  #seen = 0;
  /** When a write of a Secret was last refused. */
  #refusedAt = -Infinity;
  #objects: readonly ObjectState[] = [];
  #named: ReadonlySet<string> = new Set();
  /** Objects that are being deleted and let their leases expire. */
  #declared: ReadonlySet<string> = new Set();

  constructor(world: World) {
    this.#world = world;
  }

  // While it happens

  changed(event: ApiEvent, before: ApiObject | undefined, actor: Actor): void {
    const { kind, object } = event;
    if (kind === 'leases') this.#leaseChanged(event);
    if (kind !== 'secrets') return;
    if (actor.isOperator) this.#secretWritten(event, before, actor);
    else for (const { uid } of object.metadata.ownerReferences ?? []) this.#meddled.add(uid);
  }

  /** I3, I2: nothing is revoked that is not the operator's own, or that pods read. */
  revoking(id: string, actor: Actor): void {
    if (!actor.isOperator) return;
    const { world } = this;
    const made = world.leases.made.get(id);
    if (made === undefined)
      return world.violate('I3', `${actor.name} revokes ${id}, which is another's lease.`);
    const state = this.#state().find(({ lease }) => lease.uid === made.object);
    if (state === undefined || state.lease.deletedAt !== undefined || world.edited.has(state.secretKey))
      return;
    if (state.record?.lease.id === id)
      world.violate('I2', `${actor.name} revokes ${id}, which the Secret of ${state.lease.key} names.`);
  }

  said(process: OperatorProcess, text: string): void {
    this.#checkCanaries(text, `${process.name} says`);
    if (!/left to (?:run out|end)|had made no lease/.test(text)) return;
    for (const [, id = ''] of text.matchAll(/"(?:lease|attempt)":"([^"]+)"/g)) this.#told.add(id);
  }

  counted(process: OperatorProcess, word: string): void {
    if (word === 'crashed: lease')
      this.world.violate('crash', `A reconciliation of ${process.name} threw (${word}).`);
  }

  served(name: CallName, outcome: string): void {
    if (outcome === '403' && name.endsWith('secrets')) this.#refusedAt = this.world.time.now;
    this.writes.set(name, (this.writes.get(name) ?? 0) + 1);
  }

  // After each step

  check(): void {
    this.#noteTrouble();
    this.#checkStorm();
    for (const state of this.#state()) this.#checkReads(state);
    for (const made of this.world.leases.livingNow()) {
      if (!this.#isAccounted(made)) {
        this.world.violate(
          'I1',
          `Nobody answers for ${made.id} (attempt ${made.attempt}, object ${made.object}).`,
        );
      }
    }
  }

  get world(): World {
    return this.#world;
  }

  /** Leases of nobody, whatever is allowed for: what the sweep is for. */
  lost(): readonly Made[] {
    return [...this.world.leases.livingNow()].filter(
      (made) => !this.#isNamed(made) && !this.#isRemembered(made),
    );
  }

  state(): readonly ObjectState[] {
    return this.#state();
  }

  isMeddled(uid: string): boolean {
    return this.#meddled.has(uid);
  }

  #state(): readonly ObjectState[] {
    const { kube } = this.world;
    if (this.#version === kube.version) return this.#objects;
    this.#version = kube.version;
    this.#objects = objectsOf(kube);
    this.#declared = new Set(this.#objects.filter(isLeft).map(({ lease }) => lease.uid));
    this.#named = new Set([...this.#objects.flatMap(namesOf), ...this.#secretsNames()]);
    return this.#objects;
  }

  /** What owned Secrets name that are not at their object's name, or have outlived it. */
  #secretsNames(): readonly string[] {
    return this.world.kube.list('secrets').flatMap((secret) => {
      const record = secret.metadata.ownerReferences === undefined ? undefined : commitOf(secret);
      return record === undefined ? [] : [record.lease.id, ...record.previous.map(({ id }) => id)];
    });
  }

  #leaseChanged({ type, object }: ApiEvent): void {
    const lease = leaseOf(object);
    this.#checkCanaries(JSON.stringify(object.status ?? {}), `The status of ${lease.key} shows`);
    if (lease.status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true)
      this.#ready.add(lease.uid);
    if (type === 'removed') this.#checkEnding(object);
  }

  /** I4: what is left of an object that is gone. */
  #checkEnding(object: ApiObject): void {
    const { world } = this;
    const lease = leaseOf(object);
    const spec = lease.spec.valid ? lease.spec.value : undefined;
    const timeout = parseDuration(spec?.revocation?.timeout ?? DEFAULT_REVOCATION_TIMEOUT) ?? 0;
    const connected = world.kube
      .list('connections')
      .some(({ metadata }) => metadata.namespace === lease.namespace);
    const ending: Ending = {
      at: world.time.now,
      declared: spec?.revocation?.onDelete === 'Expire',
      overdue: lease.deletedAt !== undefined && world.kubeNow() >= lease.deletedAt + timeout,
      unreachable: notYet.connectionFinalizer && !connected,
    };
    this.#endings.set(lease.uid, ending);
    const unattested = lease.status.lease?.attested === false;
    for (const made of world.leases.livingNow()) {
      if (made.object !== lease.uid || isExcused(ending) || this.#isAllowed(made) || unattested) continue;
      world.violate('I4', `${lease.key} is gone, and its lease ${made.id} lives.`);
    }
  }

  /** I3, I5 and the guard: what the operator writes into Secrets. */
  #secretWritten({ type, object }: ApiEvent, before: ApiObject | undefined, actor: Actor): void {
    const { world } = this;
    const key = keyOf(object);
    const lease = this.#ownerOf(object);
    if (before !== undefined && (lease === undefined || !isOwned(before, lease))) {
      world.violate('I5', `${actor.name} changes Secret ${key}, which is nobody's of the operator.`);
    }
    if (type === 'removed' || JSON.stringify(object.data) === JSON.stringify(before?.data)) return;
    world.edited.delete(key);
    const named = commitOf(object)?.lease.id ?? '';
    const made = world.leases.made.get(named);
    if (made === undefined || made.object !== lease)
      return world.violate('I3', `${actor.name} writes ${key} with ${named}, which is not its lease.`);
    const password = Buffer.from(object.data?.['DB_PASSWORD'] ?? '', 'base64').toString();
    if (password !== made.password)
      world.violate('I3', `${actor.name} writes ${key} with the record of ${named} and other credentials.`);
    if (world.time.now > made.madeAt + LATEST_WRITE && !notYet.deliveryDeadline) {
      world.violate(
        'guard',
        `${actor.name} writes ${named} into ${key} ${String(Math.round((world.time.now - made.madeAt) / 1000))} s after it was made.`,
      );
    }
  }

  #ownerOf(secret: ApiObject): string | undefined {
    const owned = secret.metadata.ownerReferences?.[0]?.uid;
    return secret.metadata.labels?.[MANAGED_LABEL] === undefined ? undefined : owned;
  }

  #checkCanaries(text: string, where: string): void {
    if (canaries.some((canary) => text.includes(canary))) this.world.violate('I6', `${where} a password.`);
  }

  // I2

  /** What was so since the last step counts until this one. */
  #noteTrouble(): void {
    const { world } = this;
    const { time, weather, election, kube } = world;
    const { leader } = election;
    const acts = leader !== undefined && !leader.suspended && leader.frozenUntil <= time.now;
    const cut = namespaces.filter((one) => kube.find('connections', `${one}/infisical`) === undefined);
    const troubles = new Set(acts && weather.isClear(time.now) ? cut : ['', ...cut]);
    for (const namespace of new Set([...troubles, ...this.#troubles]))
      world.trouble(namespace, time.now + 5000);
    this.#troubles = troubles;
  }

  #checkReads({ lease, secretKey, record }: ObjectState): void {
    const { world } = this;
    if (record === undefined || lease.deletedAt !== undefined || !this.#ready.has(lease.uid)) return;
    const { id } = record.lease;
    const made = world.leases.made.get(id);
    if (made === undefined || made.object !== lease.uid || world.edited.has(secretKey)) return;
    if (made.revoked?.by.isOperator === true) {
      world.violate('I2', `The Secret of ${lease.key} names ${id}, which ${made.revoked.by.name} revoked.`);
    }
    if (made.revoked !== undefined || made.endsAt > world.time.now || this.#judged.has(id)) return;
    this.#judged.add(id);
    const from = Math.max(
      rotationOf(world, lease, made),
      world.troubled.get('') ?? 0,
      world.troubled.get(lease.namespace) ?? 0,
    );
    if (made.endsAt - MARGIN - from >= REACH) {
      world.violate(
        'I2',
        `The Secret of ${lease.key} names ${id}, which has ended; all was well since ${String(Math.round(from / 1000))} s.`,
      );
    }
  }

  /** However things go, an object asks for no more leases than its lives and its troubles explain. */
  #checkStorm(): void {
    const { leases, time } = this.world;
    if (leases.made.size === this.#seen) return;
    if (notYet.refusedWrites && this.#refusedAt > time.now - STORM) return;
    this.#seen = leases.made.size;
    const recent = [...leases.made.values()]
      .slice(-MOST_AT_ONCE * 4)
      .filter(({ madeAt }) => madeAt > time.now - STORM);
    const last = recent.at(-1);
    const count = recent.filter(({ object }) => object === last?.object).length;
    if (count > MOST_AT_ONCE)
      this.world.violate('storm', `${String(count)} leases for ${last?.object ?? ''} in two minutes.`);
  }

  // I1

  #isAccounted(made: Made): boolean {
    return this.#isNamed(made) || this.#isRemembered(made) || this.#isAllowed(made);
  }

  #isNamed({ id }: Made): boolean {
    this.#state();
    return this.#named.has(id);
  }

  #isRemembered({ id, object, attempt }: Made): boolean {
    return this.world.election.processes.some((process) => {
      if (!process.alive) return false;
      const { inHand, open, discarded } = process.memories.of(object);
      return inHand?.ref.id === id || open?.attempt === attempt || discarded.some((ref) => ref.id === id);
    });
  }

  #isAllowed(made: Made): boolean {
    // Where the lease API's time is not known the Kubernetes API's counts, and the two differ.
    if (made.endsAt - this.world.time.now <= Math.abs(this.world.profile.skew)) return true;
    const ending = this.#endings.get(made.object);
    if (ending !== undefined && isExcused(ending)) return true;
    if (this.#declared.has(made.object)) return true;
    if (this.#told.has(made.id) || this.#told.has(made.attempt)) return true;
    return notYet.sweep && (!made.process.alive || this.#meddled.has(made.object));
  }
}

function isLeft({ lease: { deletedAt, spec } }: ObjectState): boolean {
  return deletedAt !== undefined && spec.valid && spec.value.revocation?.onDelete === 'Expire';
}

function isExcused({ declared, overdue, unreachable }: Ending): boolean {
  return declared || overdue || unreachable;
}

function namesOf({ lease: { status } }: ObjectState): readonly string[] {
  const reported = status.lease === undefined ? [] : [status.lease.id];
  return [...reported, ...(status.retiring ?? []).map(({ id }) => id)];
}

/** When a lease is due to be replaced, in simulated milliseconds. */
function rotationOf(world: World, { uid, spec, status }: ObjectState['lease'], made: Made): number {
  const written = status.lease?.id === made.id ? parseInstant(status.rotateAt) : undefined;
  if (written !== undefined) return world.leases.momentOf(status.rotateAt ?? '');
  const before = spec.valid ? spec.value.rotation?.before : undefined;
  return rotationTime(
    { createdAt: made.madeAt, expireAt: made.endsAt },
    before,
    jitterOf(uid),
    standardTiming,
  );
}
