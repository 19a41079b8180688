import type { RestartStatus, RestartTarget, WorkloadKind, WorkloadPhase } from '../api/restart.ts';
import { MOST_WORKLOADS } from '../api/restart.ts';
import { selects } from '../api/label-selector.ts';
import { formatInstant } from '../instant.ts';
import { restartKey } from './annotation.ts';

/** How far the rollout of a workload's present pod template has come. */
export interface Rollout {
  readonly phase: Exclude<WorkloadPhase, 'Pending'>;
  readonly reason?: string;
}

/** A workload, as far as its restart depends on it. */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Those of its pod template. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly rollout: Rollout;
}

/** An object whose Secret has come to hold another lease, which its workloads are to take up. */
export interface Renewal {
  /** Name of the object. */
  readonly name: string;
  /** Id of the lease. */
  readonly lease: string;
  /** When it came into the Secret, in milliseconds since 1970. */
  readonly since: number;
  readonly targets: readonly RestartTarget[];
}

/** One change of a pod template: the annotations to set. */
export interface Restart<Seen extends Workload> {
  readonly workload: Seen;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * When the restarts of a namespace begin, in milliseconds since 1970: so long after the first lease that waits for one, so
 * that what rotates meanwhile is taken up by the same restart. Undefined where none waits.
 */
export function beginOf(renewals: readonly Renewal[], window: number): number | undefined {
  return renewals.length === 0 ? undefined : Math.min(...renewals.map(({ since }) => since)) + window;
}

/** Whether a workload is one of those that an entry of `spec.restart` names. */
export function isMeant({ kind, name, selector }: RestartTarget, workload: Workload): boolean {
  if (kind !== workload.kind) return false;
  return name === undefined
    ? selector !== undefined && selects(selector, workload.labels)
    : name === workload.name;
}

/**
 * What is to be changed: each workload once, for all objects that name it and whose lease it has not taken up. One that
 * somebody has paused is left alone until it goes on.
 */
export function restartsOf<Seen extends Workload>(
  renewals: readonly Renewal[],
  workloads: readonly Seen[],
): readonly Restart<Seen>[] {
  return workloads.flatMap((workload) => {
    if (isPaused(workload)) return [];
    const lacking = renewals
      .filter(({ targets }) => targets.some((target) => isMeant(target, workload)))
      .filter((renewal) => !hasTakenUp(workload, renewal))
      .map(({ name, lease }): [string, string] => [restartKey(name), lease]);
    return lacking.length === 0 ? [] : [{ workload, annotations: Object.fromEntries(lacking) }];
  });
}

/**
 * Whether a workload has taken up a lease of the object that this view of it does not know: neither the one in use nor one
 * that it has replaced. It may be a newer one, and then no workload goes back.
 *
 * @param replaced ids of the leases that the status says were replaced.
 */
export function isDoubtful(
  { name, lease, targets }: Renewal,
  replaced: ReadonlySet<string>,
  workloads: readonly Workload[],
): boolean {
  const key = restartKey(name);
  return workloads
    .filter((workload) => targets.some((target) => isMeant(target, workload)))
    .map(({ annotations }) => annotations[key])
    .some((taken) => taken !== undefined && taken !== lease && !replaced.has(taken));
}

/** How the restarts of one object stand, for its status. */
export function standingOf(renewal: Renewal, workloads: readonly Workload[]): RestartStatus {
  const { lease, since, targets } = renewal;
  const meant = workloads.filter((workload) => targets.some((target) => isMeant(target, workload)));
  const there = meant.map((workload) => ({
    kind: workload.kind,
    name: workload.name,
    ...phaseOf(workload, renewal),
  }));
  const missing = targets
    .filter(
      ({ kind, name }) => name !== undefined && !meant.some((one) => one.kind === kind && one.name === name),
    )
    .map(({ kind, name = '' }) => ({ kind, name, phase: 'Failed' as const, reason: 'NotFound' }));
  const all = [...there, ...missing].toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  return {
    lease,
    since: formatInstant(since),
    complete: all.every(({ phase }) => phase === 'Complete'),
    workloads: all.slice(0, MOST_WORKLOADS),
  };
}

function phaseOf(workload: Workload, renewal: Renewal): { phase: WorkloadPhase; reason?: string } {
  if (hasTakenUp(workload, renewal) || isPaused(workload)) return workload.rollout;
  return { phase: 'Pending' };
}

function hasTakenUp({ annotations }: Workload, { name, lease }: Renewal): boolean {
  return annotations[restartKey(name)] === lease;
}

/** A template that changes only when somebody deletes its pods can be changed; what was paused as a whole is not. */
function isPaused({ rollout }: Workload): boolean {
  return rollout.phase === 'Paused' && rollout.reason === 'Paused';
}

function keyOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind} ${name}`;
}
