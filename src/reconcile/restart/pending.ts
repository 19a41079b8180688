import { parseInstant } from '../../instant.ts';
import { equal } from '../../kube/merge-patch.ts';
import type { Renewal } from '../../restart/plan.ts';
import type { LeaseRecord } from '../ports.ts';

/** An object whose workloads have not all taken up the lease in its Secret. */
export interface Pending extends Renewal {
  readonly object: LeaseRecord;
  /** Whether its restarts have been begun: this process knows it, or the status tells of workloads. */
  readonly begun: boolean;
}

/**
 * The restart that an object waits for; undefined where it waits for none.
 *
 * @param known ids of the leases whose restarts this process has begun. Default: none is known.
 */
export function pendingOf(object: LeaseRecord, known: ReadonlySet<string> = new Set()): Pending | undefined {
  const { name, deletedAt, spec, status } = object;
  const { restart } = status;
  if (restart === undefined || restart.complete || deletedAt !== undefined || !spec.valid) return undefined;
  if (spec.value.suspend === true || restart.lease !== status.lease?.id) return undefined;
  const { lease, workloads } = restart;
  const since = parseInstant(restart.since) ?? 0;
  const targets = spec.value.restart ?? [];
  return { object, name, lease, since, targets, begun: workloads !== undefined || known.has(lease) };
}

/** Whether an object has come to wait for another restart, or for that of other workloads. */
export function isNewRestart(before: LeaseRecord | undefined, after: LeaseRecord): boolean {
  const [was, is] = [before && pendingOf(before), pendingOf(after)];
  if (is === undefined) return false;
  return was?.lease !== is.lease || !equal(was.targets, is.targets);
}
