import type { ApiEvent, ApiObject } from '../../unit/reconcile/support/api-server.ts';
import type { CallName } from '../../unit/reconcile/support/wire.ts';
import { INPUT_CANARY } from '../declared/specs.ts';
import type { DeclaredAct } from '../declared/server.ts';
import type { Actor } from '../ledger.ts';
import type { TemplateWrite } from '../pods/fleet.ts';
import type { OperatorProcess } from '../process.ts';
import type { Witness, World } from '../world.ts';
import { leaseOf, secretKeyOf } from '../view.ts';
import { Accounting } from './accounting.ts';
import { Declared } from './declared.ts';
import { Ground } from './ground.ts';
import { Reads } from './reads.ts';
import { checkSecretWrite } from './secrets.ts';
import { Restarts } from './restarts.ts';
import { Storms } from './storms.ts';

/** What every password of the lease server contains, and every one of a provider's administrator; and their beginnings in base64. */
const canaries = ['password-', 'cGFzc3dvcmQt', INPUT_CANARY, 'YWRtaW4td29yZC'];

/** Controllers whose reconciliations never throw. */
const crashes: ReadonlySet<string> = new Set(['crashed: lease', 'crashed: dynamic-secret']);

/** What must always hold (docs/architecture.md), judged by what the two servers hold. I7 is in run.ts: it takes a world at rest. */
export class Invariants implements Witness {
  readonly ground: Ground;
  readonly accounting: Accounting;
  readonly declared: Declared;
  readonly restarts: Restarts;
  /** Requests since this was last cleared, by name. */
  readonly requests = new Map<CallName, number>();
  readonly #world: World;
  readonly #reads: Reads;
  readonly #storms: Storms;

  constructor(world: World) {
    this.#world = world;
    this.ground = new Ground(world);
    this.accounting = new Accounting(this.ground);
    this.declared = new Declared(this.ground);
    this.restarts = new Restarts(this.ground);
    this.#reads = new Reads(this.ground);
    this.#storms = new Storms(world);
  }

  /** Looks at everything, after a step. */
  check(): void {
    this.#reads.check();
    this.#storms.check();
    this.accounting.check();
  }

  changed(event: ApiEvent, before: ApiObject | undefined, actor: Actor): void {
    const { kind, type, object } = event;
    if (kind === 'leases') {
      this.#checkCanaries(JSON.stringify(object.status ?? {}), `The status of ${object.metadata.name} shows`);
      this.#noteChange(object, before);
      this.#reads.leaseChanged(object);
      this.accounting.leaseChanged(object);
      this.restarts.changed(object, before, actor.isOperator);
      if (type === 'removed') this.accounting.ended(object);
    } else if (kind === 'dynamicSecrets') {
      this.#checkCanaries(JSON.stringify(object.status ?? {}), `The status of ${object.metadata.name} shows`);
      this.declared.changed(event, before, actor.isOperator);
    } else if (kind === 'secrets') {
      if (actor.isOperator) {
        this.restarts.delivered(object);
        checkSecretWrite(this.ground, event, before, actor);
      } else this.#meddled(object, before);
    }
  }

  #noteChange(object: ApiObject, before: ApiObject | undefined): void {
    const { now } = this.#world.time;
    const { uid, generation } = object.metadata;
    if (before?.metadata.generation !== generation) this.ground.changed.set(uid, now);
    if (before !== undefined && secretKeyOf(leaseOf(before)) !== secretKeyOf(leaseOf(object)))
      this.ground.renamed.set(uid, now);
  }

  #meddled({ metadata }: ApiObject, before: ApiObject | undefined): void {
    for (const { uid } of metadata.ownerReferences ?? []) this.ground.meddled.add(uid);
    this.accounting.secretTaken(before);
  }

  /** I3: nothing is revoked that is not the operator's own. */
  revoking(id: string, actor: Actor): void {
    if (!actor.isOperator) return;
    const made = this.#world.leases.made.get(id);
    if (made === undefined && this.declared.mayRevoke(id)) return;
    if (made === undefined)
      this.#world.violate('I3', `${actor.name} revokes ${id}, which is another's lease.`);
    else if (this.declared.isStray(made)) this.#reads.excuse(made);
    else {
      this.#reads.revoking(made, actor);
      this.restarts.revoking(made, actor);
    }
  }

  declaring(act: DeclaredAct): void {
    this.declared.declaring(act);
  }

  rolling(write: TemplateWrite): void {
    this.restarts.writing(write);
  }

  said(process: OperatorProcess, text: string): void {
    this.#checkCanaries(text, `${process.name} says`);
    this.accounting.said(text);
    this.declared.said(text);
  }

  counted(process: OperatorProcess, word: string): void {
    if (!crashes.has(word)) return;
    this.#world.violate('crash', `A reconciliation of ${process.name} threw.`);
  }

  served(name: CallName, outcome: string): void {
    this.declared.served(name, outcome);
    this.requests.set(name, (this.requests.get(name) ?? 0) + 1);
    this.#storms.served(name);
  }

  /** I6. */
  #checkCanaries(text: string, where: string): void {
    if (canaries.some((canary) => text.includes(canary))) this.#world.violate('I6', `${where} a password.`);
  }
}
