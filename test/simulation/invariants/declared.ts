import type { DynamicSecretRecord } from '../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../src/timing.ts';
import type { ApiEvent, ApiObject } from '../../unit/reconcile/support/api-server.ts';
import type { CallName } from '../../unit/reconcile/support/wire.ts';
import type { DeclaredWorld } from '../declared/land.ts';
import type { DeclaredRow } from '../declared/row.ts';
import type { DeclaredAct } from '../declared/server.ts';
import { declarationOf, declarationsOf, differences, readinessOf, targetIn } from '../declared/view.ts';
import { given, type Made } from '../ledger.ts';
import type { World } from '../world.ts';
import { requestProblem } from './declared-requests.ts';
import type { Ground } from './ground.ts';

/** For how long a look is gone by, at most. */
const BELIEVED = 1.2 * standardTiming.inventoryInterval;

/** The most changes that may be asked of the server for one object within so long. */
const [MOST_CHANGES, WITHIN] = [12, 120_000];

/** What must hold of the dynamic secrets that objects declare: D1 to D5 of docs/reliability.md. D6 is checked with I6. */
export class Declared {
  readonly #ground: Ground;
  /** Objects whose dynamic secret may stay when they are gone. */
  readonly #excused = new Set<string>();
  readonly #deceived = new Set<string>();
  /** When a list of dynamic secrets has last failed. */
  #unlisted = -Infinity;
  readonly #adopters = new Set<string>();
  readonly #changes = new Map<string, readonly number[]>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** D2 to D4: something is about to be done to a dynamic secret. */
  declaring(act: DeclaredAct): void {
    const { declared } = this.#world;
    const { what, row, asker, mark } = act;
    if (declared === undefined || !asker.actor.isOperator) return;
    const common = { ground: this.#ground, deceived: this.#deceived, adopters: this.#adopters };
    const bench = { ...common, blind: this.#isBlind(declared) };
    const problem = requestProblem(bench, act);
    if (problem !== undefined) {
      const { invariant, why } = problem;
      this.#world.violate(
        invariant,
        `${asker.actor.name} is to ${what} ${row.shown.name} (${row.id}): ${why}.`,
      );
    }
    this.#count(mark ?? row.owner ?? row.id);
  }

  served(name: CallName, outcome: string): void {
    if (name === 'LIST dynamic secrets' && outcome !== 'done') this.#unlisted = this.#world.time.now;
  }

  changed({ type, object }: ApiEvent, before: ApiObject | undefined, isOperator: boolean): void {
    const record = declarationOf(object);
    if (record.spec.valid && record.spec.value.adoption === 'Adopt') this.#adopters.add(record.uid);
    if (type === 'removed') this.#ended(record);
    else if (isOperator) this.#claimed(record, before === undefined ? undefined : declarationOf(before));
  }

  /** D5: a lease replaces another of the same dynamic secret, because that has another name now. */
  said(text: string): void {
    const id = /A lease was issued.*"lease":"([^"]+)".*"cause":"target-changed"/.exec(text)?.[1];
    const { made } = this.#world.leases;
    const lease = id === undefined ? undefined : made.get(id);
    if (lease === undefined || given.has(lease.dynamicSecretId)) return;
    const before = made.get(this.#namedBy(lease.object));
    if (before !== lease && before?.dynamicSecretId === lease.dynamicSecretId)
      this.#world.violate('D5', `${lease.id} replaces ${before.id} of the same dynamic secret.`);
  }

  /** Whether the operator may revoke a lease that is none of its own: it goes with its dynamic secret. */
  mayRevoke(id: string): boolean {
    const { declared, leases } = this.#world;
    const lease = leases.rows.find((row) => row.lease.id === id)?.lease;
    const row = declared?.server.rows.find((one) => one.id === lease?.dynamicSecretId);
    return this.#object(row?.owner)?.deletedAt !== undefined;
  }

  /** Whether a lease was made of another namespace's dynamic secret, which came into the place of one that is gone. */
  isStray({ object, dynamicSecretId }: Made): boolean {
    const row = this.#world.declared?.server.rows.find((one) => one.id === dynamicSecretId);
    const owner = this.#object(row?.owner);
    return owner !== undefined && owner.namespace !== this.#ground.object(object)?.lease.namespace;
  }

  /** D1, and liveness: everything that is declared is as declared, but for what another has. */
  problems(): readonly string[] {
    const { declared, kube } = this.#world;
    if (declared === undefined) return [];
    return declarationsOf(kube).flatMap((record) => {
      const problem = this.#problemOf(record, declared);
      return problem === undefined ? [] : [`${record.key} ${problem}`];
    });
  }

  /** D2: what was made for an object that is gone is gone. */
  checkHealed(): void {
    for (const row of this.#world.declared?.server.rows ?? []) {
      const { owner, removed, shown } = row;
      if (owner === undefined || removed !== undefined || this.#excused.has(owner)) continue;
      if (this.#object(owner) === undefined)
        this.#world.violate('D2', `${shown.name} (${row.id}) is there, and its object ${owner} is gone.`);
    }
  }

  get #world(): World {
    return this.#ground.world;
  }

  #object(uid: string | undefined): DynamicSecretRecord | undefined {
    return declarationsOf(this.#world.kube).find((one) => one.uid === uid);
  }

  /** The lease that the Secret of an object names. */
  #namedBy(object: string): string {
    return this.#ground.object(object)?.record?.lease.id ?? '';
  }

  /** D3: an object says that a dynamic secret is its own. */
  #claimed({ key, uid, status: { place } }: DynamicSecretRecord, before?: DynamicSecretRecord): void {
    const { declared } = this.#world;
    if (declared === undefined || place === undefined || isOf(declared, place.name, uid)) return;
    const known = statusOf(before, uid);
    if (known.place?.name === place.name) return;
    // Its own request may have been refused for it, and the refusal lost: where no mark is seen nobody can tell.
    const mayBelieve = this.#isBlind(declared) && known.intent?.name === place.name;
    if (mayBelieve) this.#deceived.add(uid);
    else this.#world.violate('D3', `${key} says that ${place.name} is its own.`);
  }

  /** Whether it cannot be seen now, or could not lately, whose a dynamic secret is. */
  #isBlind({ blind }: DeclaredWorld): boolean {
    return blind || this.#unlisted > this.#world.time.now - BELIEVED;
  }

  /** D2: an object has gone. */
  #ended(record: DynamicSecretRecord): void {
    const { declared } = this.#world;
    if (declared === undefined) return;
    if (this.#mayLeave(record)) this.#excused.add(record.uid);
    const left = declared.server.rows.find(
      ({ owner, removed }) => owner === record.uid && removed === undefined,
    );
    if (left === undefined || this.#excused.has(record.uid)) return;
    this.#world.violate('D2', `${record.key} is gone, and its ${left.shown.name} (${left.id}) is there.`);
  }

  /** As declared, for want of a way, or because its time was over. */
  #mayLeave({ namespace, spec, deletedAt }: DynamicSecretRecord): boolean {
    const { kube } = this.#world;
    const connected = kube.find('connections', `${namespace}/infisical`) !== undefined;
    if (!connected || (spec.valid && spec.value.deletionPolicy === 'Retain')) return true;
    return deletedAt !== undefined && this.#world.kubeNow() >= deletedAt + standardTiming.removalTimeout;
  }

  #problemOf(record: DynamicSecretRecord, declared: DeclaredWorld): string | undefined {
    if (record.deletedAt !== undefined) return 'is still being deleted';
    const { status, reason } = readinessOf(record);
    const target = targetIn(record);
    const row = target === undefined ? undefined : declared.server.find(target);
    if (status === 'True') return this.#mismatch(record, row, declared);
    const isTaken = row !== undefined && row.owner !== record.uid && mustRefuse(record, row, declared);
    return isTaken && refusals.has(reason) ? undefined : `is not Ready: ${reason}`;
  }

  #mismatch(
    record: DynamicSecretRecord,
    row: DeclaredRow | undefined,
    { blind, server: { keeps, hidden } }: DeclaredWorld,
  ): string | undefined {
    if (record.status.observedGeneration !== record.generation) return 'has a status of another generation';
    if (row === undefined) return 'is Ready, and its dynamic secret is not there';
    if (row.owner !== record.uid) return blind ? undefined : "is Ready, and has another's";
    const { now } = this.#world.time;
    const wrong = differences(this.#world.kube, record, row, { keeps, hidden, now });
    return wrong.length === 0 ? undefined : `is Ready, and differs: ${wrong.join(', ')}`;
  }

  /** D4. */
  #count(object: string): void {
    const { now } = this.#world.time;
    const recent = [...(this.#changes.get(object) ?? []).filter((at) => at > now - WITHIN), now];
    this.#changes.set(object, recent);
    if (recent.length > MOST_CHANGES)
      this.#world.violate('D4', `${String(recent.length)} changes for ${object} within two minutes.`);
  }
}

/** What the status of an object said before. */
function statusOf(before: DynamicSecretRecord | undefined, uid: string): DynamicSecretRecord['status'] {
  return before?.uid === uid ? before.status : {};
}

/** Whether one of that name is an object's, or was. */
function isOf({ server }: DeclaredWorld, name: string, object: string): boolean {
  return server.rows.some((row) => row.hadName(name) && row.wasOf(object));
}

/** Why an object may not be Ready though all is well: another has what it names. */
const refusals: ReadonlySet<string> = new Set(['DynamicSecretExists', 'DynamicSecretOwned']);

function mustRefuse({ spec }: DynamicSecretRecord, row: DeclaredRow, { blind }: DeclaredWorld): boolean {
  if (!spec.valid || spec.value.adoption !== 'Adopt') return true;
  return row.owner !== undefined && !blind;
}
