import type { DeclaredLeaseSpec } from '../../api/dynamic-secret-lease.ts';
import type { RestartStatus } from '../../api/restart.ts';
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
  const [restart, spec] = [openRestart(object), servedSpec(object)];
  if (restart === undefined || spec === undefined) return undefined;
  const { lease, workloads } = restart;
  const since = parseInstant(restart.since) ?? 0;
  const targets = spec.restart ?? [];
  const begun = workloads !== undefined || known.has(lease);
  return { object, name: object.name, lease, since, targets, begun };
}

/** Whether an object has come to wait for another restart, or for that of other workloads. */
export function isNewRestart(before: LeaseRecord | undefined, after: LeaseRecord): boolean {
  const [was, is] = [before && pendingOf(before), pendingOf(after)];
  if (is === undefined) return false;
  return was?.lease !== is.lease || !equal(was.targets, is.targets);
}

/** That of the lease in use, while it is not complete. */
function openRestart({ status: { restart, lease } }: LeaseRecord): RestartStatus | undefined {
  return restart?.complete === false && restart.lease === lease?.id ? restart : undefined;
}

/** Nothing is restarted for an object that is suspended, or being deleted. */
function servedSpec({ deletedAt, spec }: LeaseRecord): DeclaredLeaseSpec | undefined {
  const isServed = deletedAt === undefined && spec.valid && spec.value.suspend !== true;
  return isServed ? spec.value : undefined;
}
