import type { RestartStatus } from '../api/restart.ts';
import { formatInstant } from '../instant.ts';
import type { CurrentLease } from './current.ts';
import type { DecisionInput, ObjectView } from './input.ts';

/**
 * What the status says of restarts: they begin with a lease that takes the place of another, and are told of for as long
 * as that one is in use. The first lease restarts nothing: whoever needs it has waited for the Secret. One that only the
 * record speaks for restarts as any other does: a process may have died between its Secret and its status.
 */
export function restartOf(
  { now }: DecisionInput,
  { spec, status }: ObjectView,
  current: CurrentLease,
): RestartStatus | undefined {
  if (current.state !== 'trusted') return status.restart;
  const { id } = current.ref;
  if (status.restart?.lease === id) return status.restart;
  const isFirst = status.lease === undefined;
  // A restart that was not begun before the next lease came is one with its own.
  if (isFirst || status.lease?.id === id || !namesWorkloads(spec)) return undefined;
  return { lease: id, since: formatInstant(now.kube), complete: false };
}

function namesWorkloads(spec: ObjectView['spec']): boolean {
  return spec.valid && spec.value.restart !== undefined && spec.value.restart.length > 0;
}

/** Whether pods may still use what was replaced: their workloads have not all taken up the lease in use. */
export function isRestarting({ status }: ObjectView): boolean {
  return status.restart?.complete === false;
}
