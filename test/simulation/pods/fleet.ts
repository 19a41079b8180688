import type { WorkloadKind } from '../../../src/api/restart.ts';
import { selects } from '../../../src/api/label-selector.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import type { WorkloadRecord, WorkloadResource } from '../../../src/reconcile/ports.ts';
import type { Rollout } from '../../../src/restart/plan.ts';
import type { Requests } from '../../unit/reconcile/support/wire.ts';

/** A workload as the Kubernetes API has it. Its controller is imitated: a changed template is rolled out in some time. */
export interface Row {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  version: number;
  changedAt: number;
  /** Of the spec, and the one whose rollout is over. */
  generation: number;
  rolledOut: number;
  paused: boolean;
  /** Its pods do not come up. */
  stuck: boolean;
}

/** A write of a pod template by the operator, before it is done. */
export interface TemplateWrite {
  readonly row: Row;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface FleetParts {
  /** Simulated milliseconds. */
  readonly now: () => number;
  /** Makes something happen later. */
  readonly later: (delay: number, act: () => void) => void;
  /** How long the next rollout takes, in milliseconds; undefined: it gets stuck. */
  readonly rolloutTime: () => number | undefined;
}

/** The workloads of all namespaces. */
export class Fleet {
  readonly rows = new Map<string, Row>();
  onWrite: ((write: TemplateWrite) => void) | undefined;
  readonly #parts: FleetParts;
  #version = 0;

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  /** Makes one that runs; one that is there stays as it is. */
  make(kind: WorkloadKind, namespace: string, name: string): void {
    const key = keyOf({ kind, namespace, name });
    if (this.rows.has(key)) return;
    this.#version += 1;
    this.rows.set(key, {
      kind,
      namespace,
      name,
      labels: { uses: 'database' },
      annotations: {},
      version: this.#version,
      changedAt: this.#parts.now(),
      generation: 1,
      rolledOut: 1,
      paused: false,
      stuck: false,
    });
  }

  remove(row: Row): void {
    this.rows.delete(keyOf(row));
  }

  pause(row: Row, paused: boolean): void {
    this.#touch(row);
    row.paused = paused;
    row.generation += 1;
    if (!paused) this.#roll(row);
  }

  /** Somebody changes something else of its template. */
  change(row: Row): void {
    this.#touch(row);
    row.generation += 1;
    this.#roll(row);
  }

  /** Its pods come up after all. */
  mend(row: Row): void {
    if (!row.stuck) return;
    this.#touch(row);
    row.stuck = false;
    row.rolledOut = row.generation;
  }

  /** What a process of the operator sees of them. */
  resource(wire: Requests): WorkloadResource {
    return {
      look: (kind, namespace, name) =>
        wire.call('get workloads', () => {
          const row = this.rows.get(keyOf({ kind, namespace, name }));
          return row && recordOf(row);
        }),
      list: (kind, namespace, selector) =>
        wire.call('get workloads', () =>
          [...this.rows.values()]
            .filter((row) => row.kind === kind && row.namespace === namespace)
            .filter(({ labels }) => selects(selector, labels))
            .map(recordOf),
        ),
      annotate: (workload, annotations) =>
        wire.call('patch workloads', () => recordOf(this.#annotate(workload, annotations))),
    };
  }

  #annotate(workload: WorkloadRecord, annotations: Readonly<Record<string, string>>): Row {
    const row = this.rows.get(keyOf(workload));
    if (row === undefined) throw new KubeError('patch workloads', { status: 404, reason: 'NotFound' });
    if (String(row.version) !== workload.resourceVersion)
      throw new KubeError('patch workloads', { status: 409, reason: 'Conflict' });
    this.onWrite?.({ row, annotations });
    this.#touch(row);
    row.annotations = { ...row.annotations, ...annotations };
    row.generation += 1;
    this.#roll(row);
    return row;
  }

  #roll(row: Row): void {
    const { generation } = row;
    const takes = this.#parts.rolloutTime();
    row.stuck = takes === undefined;
    if (takes === undefined) return;
    this.#parts.later(takes, () => {
      if (row.paused || row.generation !== generation) return;
      this.#touch(row);
      row.rolledOut = generation;
    });
  }

  #touch(row: Row): void {
    this.#version += 1;
    row.version = this.#version;
    row.changedAt = this.#parts.now();
  }
}

function keyOf({ kind, namespace, name }: Pick<Row, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`;
}

function rolloutOf({ paused, stuck, generation, rolledOut }: Row): Rollout {
  if (paused) return { phase: 'Paused', reason: 'Paused' };
  if (rolledOut === generation) return { phase: 'Complete' };
  return stuck ? { phase: 'Failed', reason: 'ProgressDeadlineExceeded' } : { phase: 'RollingOut' };
}

export function recordOf(row: Row): WorkloadRecord {
  const { kind, namespace, name, labels, annotations, version } = row;
  const rollout = rolloutOf(row);
  return { kind, namespace, name, labels, annotations, resourceVersion: String(version), rollout };
}
