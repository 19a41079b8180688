import type { RestartStatus } from '../../api/restart.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { equal } from '../../kube/merge-patch.ts';
import { beginOf, isDoubtful, standingOf } from '../../restart/plan.ts';
import type { Events, EventSubject, Log, Metrics } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import type { Cluster, LeaseRecord } from '../ports.ts';
import { workloadKey, workloadsOf, type Found } from './gather.ts';
import { pendingOf, type Pending } from './pending.ts';
import { roll } from './roll.ts';

export interface RestartParts {
  readonly cluster: Pick<Cluster, 'workloads' | 'now'> & {
    readonly leases: Pick<Cluster['leases'], 'inNamespace' | 'look' | 'patchStatus'>;
  };
  readonly timing: Pick<Timing, 'restartWindow' | 'restartLook' | 'restartRetry'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'restarted'>;
  readonly events: Events;
  /** Ids of the leases whose restarts this process has begun, by namespace. Lost in a restart: only ever an optimisation. */
  readonly begun: Map<string, ReadonlySet<string>>;
}

/** `again`: milliseconds until there is more to do; undefined: an event will tell. */
export interface RestartOutcome {
  readonly again?: number;
  readonly faulted?: boolean;
}

/**
 * Restarts the workloads of a namespace whose leases have been replaced, and follows their rollouts to the end. One pass
 * serves all objects of the namespace, so that what several of them share is restarted once. How far it has come is written
 * when it is complete or stuck, or takes longer than `timing.restartRetry`: not each time that it moves.
 *
 * | Situation | What happens |
 * | --- | --- |
 * | no object waits | nothing |
 * | the first that waits has not waited for `timing.restartWindow` | it is waited for; rollouts that go on are looked at |
 * | a workload has not taken up a lease | its pod template is annotated with the lease's id |
 * | it has taken up one that the object is not known to have had | the object is looked at first: this view of it may be old |
 * | it is paused | it is left alone, and looked at again |
 * | it does not exist, or the change is refused | the status says so, and it is tried again |
 * | its rollout goes on | it is looked at again |
 */
export async function reconcileRestarts(parts: RestartParts, namespace: string): Promise<RestartOutcome> {
  const { cluster, timing, log, metrics } = parts;
  const known = parts.begun.get(namespace) ?? new Set();
  const pending = cluster.leases.inNamespace(namespace).flatMap((object) => pendingOf(object, known) ?? []);
  const fresh = pending.filter(({ begun }) => !begun);
  const begin = beginOf(fresh, timing.restartWindow);
  const wait = begin === undefined ? undefined : Math.max(begin - cluster.now(), 0);
  const acting = wait === undefined || wait === 0 ? pending : pending.filter(({ begun }) => begun);
  parts.begun.set(namespace, new Set(acting.map(({ lease }) => lease)));
  if (pending.length === 0) parts.begun.delete(namespace);
  const targets = acting.flatMap((one) => one.targets);
  const resource = cluster.workloads;
  const seen = await workloadsOf(resource, namespace, targets);
  const sure = await sureOf(parts, acting, seen);
  const found = await roll({ resource, log, metrics }, sure, seen);
  const looks = [wait === 0 ? undefined : wait];
  for (const one of sure) looks.push(await report(parts, one, found));
  const again = looks.filter((look) => look !== undefined);
  return {
    ...(again.length === 0 ? {} : { again: Math.min(...again) }),
    ...(found.failures.size === 0 ? {} : { faulted: true }),
  };
}

/** Those that still wait for this lease, by a live look where a workload tells that this view of one may be old. */
async function sureOf(
  { cluster }: RestartParts,
  acting: readonly Pending[],
  { workloads }: Found,
): Promise<readonly Pending[]> {
  const sure: Pending[] = [];
  for (const one of acting) {
    const { status, key } = one.object;
    const replaced = new Set((status.retiring ?? []).map(({ id }) => id));
    const isOld = isDoubtful(one, replaced, workloads) && !isSame(one, await cluster.leases.look(key));
    if (!isOld) sure.push(one);
  }
  return sure;
}

/** What is another by now has told so by its event. */
function isSame({ object, lease }: Pending, now: LeaseRecord | undefined): boolean {
  return now?.uid === object.uid && pendingOf(now)?.lease === lease;
}

/** Says how the restarts of an object stand. @returns milliseconds until another look, where they are not complete. */
async function report(parts: RestartParts, pending: Pending, found: Found): Promise<number | undefined> {
  const { timing } = parts;
  const standing = withFailures(standingOf(pending, found.workloads), pending, found);
  if (!pending.begun) tellBegun(parts, pending, standing);
  const isTold = !isNews(parts, pending, standing) || (await write(parts, pending, standing));
  if (!isTold) return timing.restartLook;
  if (standing.complete) return undefined;
  const moves = standing.workloads?.some(({ phase }) => phase === 'RollingOut' || phase === 'Pending');
  return moves === true ? timing.restartLook : timing.restartRetry;
}

/** What could not be looked at or changed is not known to have taken anything up. */
function withFailures(standing: RestartStatus, { targets }: Pending, { failures }: Found): RestartStatus {
  if (failures.size === 0) return standing;
  const told = (standing.workloads ?? []).map((one) => {
    const reason = failures.get(workloadKey(one));
    return reason === undefined ? one : { ...one, phase: 'Failed' as const, reason };
  });
  const unseen = targets
    .filter((target) => target.name === undefined && failures.has(workloadKey(target)))
    .map(({ kind }) => ({
      kind,
      name: '',
      phase: 'Failed' as const,
      reason: failures.get(workloadKey({ kind })) ?? '',
    }));
  const workloads = [...told, ...unseen];
  return { ...standing, complete: standing.complete && unseen.length === 0 && told.every(isDone), workloads };
}

function isDone({ phase }: NonNullable<RestartStatus['workloads']>[number]): boolean {
  return phase === 'Complete';
}

/** Whether it is complete, or something is stuck or goes on again; that it goes on at all is news when it takes long. */
function isNews(
  { cluster, timing }: RestartParts,
  { object, since }: Pending,
  standing: RestartStatus,
): boolean {
  const told = object.status.restart;
  const isLate = cluster.now() >= since + timing.restartWindow + timing.restartRetry;
  const isFirst = told?.workloads === undefined;
  return standing.complete || (isLate && isFirst) || !equal(stuckOf(told), stuckOf(standing));
}

function stuckOf(status: RestartStatus | undefined): RestartStatus['workloads'] {
  return (status?.workloads ?? []).filter(({ phase }) => phase === 'Paused' || phase === 'Failed');
}

function tellBegun({ events }: RestartParts, { object }: Pending, { workloads = [] }: RestartStatus): void {
  if (!workloads.some(({ phase }) => phase === 'RollingOut' || phase === 'Complete')) return;
  events.note(
    subjectOf(object),
    'WorkloadsRestarted',
    'The workloads of spec.restart are restarted for the new credentials.',
  );
}

function subjectOf({ namespace, name, uid }: LeaseRecord): EventSubject {
  return { kind: 'DynamicSecretLease', namespace, name, uid };
}

/** @returns false when the object has changed meanwhile. */
async function write(
  { cluster, events }: RestartParts,
  { object }: Pending,
  restart: RestartStatus,
): Promise<boolean> {
  if (equal(object.status.restart, restart)) return true;
  const { resourceVersion } = object;
  try {
    await cluster.leases.patchStatus(object.key, { metadata: { resourceVersion }, status: { restart } });
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
    await cluster.leases.look(object.key);
    return false;
  }
  for (const workload of newlyFailed(object.status.restart, restart)) {
    events.warn(
      subjectOf(object),
      'RestartFailed',
      `${workload} does not take up the new credentials; status.restart says why.`,
    );
  }
  return true;
}

function newlyFailed(before: RestartStatus | undefined, after: RestartStatus): readonly string[] {
  const known = new Set(failedIn(before));
  return failedIn(after).filter((one) => !known.has(one));
}

function failedIn(status: RestartStatus | undefined): readonly string[] {
  return (status?.workloads ?? []).filter(({ phase }) => phase === 'Failed').map(workloadKey);
}
