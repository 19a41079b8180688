import type { ApiEvent, ApiObject } from '../../unit/reconcile/support/api-server.ts';
import type { CallName } from '../../unit/reconcile/support/wire.ts';
import type { Actor } from '../ledger.ts';
import type { OperatorProcess } from '../process.ts';
import type { Witness, World } from '../world.ts';
import { Accounting } from './accounting.ts';
import { Ground } from './ground.ts';
import { Reads } from './reads.ts';
import { checkSecretWrite } from './secrets.ts';
import { Storms } from './storms.ts';

/** What every password of the lease server contains, and its beginning in base64. */
const canaries = ['password-', 'cGFzc3dvcmQt'];

/** What must always hold (docs/architecture.md), judged by what the two servers hold. I7 is in run.ts: it takes a world at rest. */
export class Invariants implements Witness {
  readonly ground: Ground;
  readonly accounting: Accounting;
  /** Requests since this was last cleared, by name. */
  readonly requests = new Map<CallName, number>();
  readonly #world: World;
  readonly #reads: Reads;
  readonly #storms: Storms;

  constructor(world: World) {
    this.#world = world;
    this.ground = new Ground(world);
    this.accounting = new Accounting(this.ground);
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
      this.#reads.leaseChanged(object);
      this.accounting.leaseChanged(object);
      if (type === 'removed') this.accounting.ended(object);
    } else if (kind === 'secrets') {
      if (actor.isOperator) checkSecretWrite(this.#world, event, before, actor);
      else this.#meddled(object, before);
    }
  }

  #meddled({ metadata }: ApiObject, before: ApiObject | undefined): void {
    for (const { uid } of metadata.ownerReferences ?? []) this.ground.meddled.add(uid);
    this.accounting.secretTaken(before);
  }

  /** I3: nothing is revoked that is not the operator's own. */
  revoking(id: string, actor: Actor): void {
    if (!actor.isOperator) return;
    const made = this.#world.leases.made.get(id);
    if (made === undefined)
      this.#world.violate('I3', `${actor.name} revokes ${id}, which is another's lease.`);
    else this.#reads.revoking(made, actor);
  }

  said(process: OperatorProcess, text: string): void {
    this.#checkCanaries(text, `${process.name} says`);
    this.accounting.said(text);
  }

  counted(process: OperatorProcess, word: string): void {
    if (word !== 'crashed: lease') return;
    this.#world.violate('crash', `A reconciliation of ${process.name} threw.`);
  }

  served(name: CallName): void {
    this.requests.set(name, (this.requests.get(name) ?? 0) + 1);
    this.#storms.served(name);
  }

  /** I6. */
  #checkCanaries(text: string, where: string): void {
    if (canaries.some((canary) => text.includes(canary))) this.#world.violate('I6', `${where} a password.`);
  }
}
