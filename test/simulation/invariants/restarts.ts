import { parseInstant } from '../../../src/instant.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { restartKey } from '../../../src/restart/annotation.ts';
import { isMeant } from '../../../src/restart/plan.ts';
import type { ApiObject } from '../../unit/reconcile/support/api-server.ts';
import type { Actor, Made } from '../ledger.ts';
import { recordOf, type Row, type TemplateWrite } from '../pods/fleet.ts';
import { commitOf, leaseOf } from '../view.ts';
import type { Ground } from './ground.ts';

/** When all is well every restart is complete so long after its lease came. */
const DONE_WITHIN = 10 * 60_000;

/** What must hold of restarts: P1 to P3 of docs/reliability.md. */
export class Restarts {
  readonly #ground: Ground;

  /** Leases that a Secret has named: no pod has seen any other. */
  readonly #delivered = new Set<string>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  delivered(secret: ApiObject): void {
    const id = commitOf(secret)?.lease.id;
    if (id !== undefined) this.#delivered.add(id);
  }

  /**
   * P1: a template names only leases of the object that its key is for, and never an older one than before, unless that is
   * what the object says that it has: a name that is given back brings back its Secret.
   */
  writing({ row, annotations }: TemplateWrite): void {
    const { world } = this.#ground;
    for (const [key, id] of Object.entries(annotations)) {
      const made = world.leases.made.get(id);
      const problem = made === undefined ? 'is none' : this.#problemOf(row, key, made);
      if (problem !== undefined)
        world.violate(
          'P1',
          `${row.kind} ${row.namespace}/${row.name} is restarted for ${id}, which ${problem}.`,
        );
    }
  }

  /** P2: a restart is complete when each workload that the object names runs with the lease. */
  changed(object: ApiObject, before: ApiObject | undefined, isOperator: boolean): void {
    const { world } = this.#ground;
    const lease = leaseOf(object);
    const isNew = lease.status.restart?.complete === true && !isComplete(before);
    if (!isOperator || !isNew || this.#ground.isFresh(this.#ground.changed.get(lease.uid))) return;
    for (const row of this.#targetsOf(lease)) {
      if (this.#ground.isFresh(row.changedAt) || runsWith(row, lease)) continue;
      world.violate('P2', `${lease.key} says that ${row.kind} ${row.name} has taken up its lease.`);
    }
  }

  /** P2: with `onRotation: Revoke` what was replaced is revoked only when the restarts for its successor are complete. */
  revoking({ id, object }: Made, actor: Actor): void {
    const { world } = this.#ground;
    const { lease } = this.#ground.object(object) ?? {};
    if (lease === undefined || lease.deletedAt !== undefined) return;
    const { restart } = lease.status;
    if (restart?.complete !== false || !this.#isReplaced(lease, id)) return;
    // What began just now may not be known to the process yet.
    const since = world.kubeMoment(parseInstant(restart.since) ?? 0);
    if (this.#ground.isFresh(since)) return;
    world.violate('P2', `${actor.name} revokes ${id} while workloads of ${lease.key} may still use it.`);
  }

  /** P3: when all is well every restart comes to its end. */
  problems(): readonly string[] {
    const { world } = this.#ground;
    return this.#ground.objects.flatMap(({ lease }) => {
      const { restart } = lease.status;
      if (restart === undefined || lease.deletedAt !== undefined) return [];
      if (restart.lease !== lease.status.lease?.id)
        return [`${lease.key} tells of a restart for another lease.`];
      const since = world.kubeMoment(parseInstant(restart.since) ?? 0);
      if (restart.complete || world.time.now - since < DONE_WITHIN) return [];
      return [`${lease.key} has a restart that is not complete: ${JSON.stringify(restart.workloads)}.`];
    });
  }

  #isReplaced({ status: { retiring = [] } }: LeaseRecord, id: string): boolean {
    return this.#delivered.has(id) && retiring.some((one) => one.id === id);
  }

  #problemOf({ namespace, annotations }: Row, key: string, { id, madeAt, object }: Made): string | undefined {
    const { lease } = this.#ground.object(object) ?? {};
    // An object that is gone by now had it.
    if (lease !== undefined && !isOf(lease, namespace, key))
      return this.#countsAsOwn(namespace, key, id) ? undefined : `is a lease of ${lease.key}`;
    if (annotations[key] === id) return 'it has taken up already';
    const newer = this.#newerThan({ madeAt, object }, annotations[key]);
    // What the object says that it has is right, however old.
    return newer === undefined || isInUse(lease, id) ? undefined : `is older than ${newer}`;
  }

  /** The lease that a template names, where it is of the same object and was made later. */
  #newerThan({ madeAt, object }: Pick<Made, 'madeAt' | 'object'>, named = ''): string | undefined {
    const before = this.#ground.world.leases.made.get(named);
    return before?.object === object && before.madeAt > madeAt ? before.id : undefined;
  }

  /**
   * Where the server drops tags, a lease that the record alone speaks for counts as the object's, and the status says so. A
   * tenant may have written the record; whether he has, or a process died before its status write, nobody can tell.
   */
  #countsAsOwn(namespace: string, key: string, id: string): boolean {
    const own = this.#ground.objects.find(({ lease }) => isOf(lease, namespace, key))?.lease;
    return isInUse(own, id) && own?.status.lease?.attested === false;
  }

  #targetsOf({ namespace, spec }: LeaseRecord): readonly Row[] {
    const targets = spec.valid ? (spec.value.restart ?? []) : [];
    const rows = [...(this.#ground.world.pods?.fleet.rows.values() ?? [])];
    return rows.filter(
      (row) => row.namespace === namespace && targets.some((target) => isMeant(target, recordOf(row))),
    );
  }
}

function isInUse(lease: LeaseRecord | undefined, id: string): boolean {
  return lease?.status.lease?.id === id;
}

function isOf(lease: LeaseRecord, namespace: string, key: string): boolean {
  return lease.namespace === namespace && restartKey(lease.name) === key;
}

function isComplete(object: ApiObject | undefined): boolean {
  return object !== undefined && leaseOf(object).status.restart?.complete === true;
}

function runsWith(row: Row, { name, status }: LeaseRecord): boolean {
  const { annotations, rollout } = recordOf(row);
  return annotations[restartKey(name)] === status.restart?.lease && rollout.phase === 'Complete';
}
