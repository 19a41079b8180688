import type { LeaseRef } from '../api/lease.ts';
import { parseInstant } from '../instant.ts';
import { currentLease } from './current.ts';
import type { DecisionInput } from './input.ts';
import { isOver, mayBeLonger } from './lifetime.ts';
import { isRestarting } from './restarting.ts';

/** Revocations that are due, and when the next one will be. */
export interface DueRevocations {
  readonly now: readonly LeaseRef[];
  /** Milliseconds until another becomes due; undefined where none is waiting. */
  readonly again: number | undefined;
}

export const nothingDue: DueRevocations = { now: [], again: undefined };

/** Milliseconds until a lease counts as ended; undefined where its end cannot be read, or is no end for certain. */
export function untilEnded(input: DecisionInput, ref: LeaseRef): number | undefined {
  const { now, timing } = input;
  const end = mayBeLonger(input, ref) ? undefined : parseInstant(ref.expireAt);
  return end === undefined ? undefined : Math.max(end + timing.clockSlack - (now.lease ?? now.kube), 0);
}

/** Splits pending leases into those to revoke now and those whose next try is later. */
export function dueAmong(input: DecisionInput, refs: readonly LeaseRef[]): DueRevocations {
  const waits = refs.map((ref) =>
    Math.max((input.memory.revocations.get(ref.id)?.nextAt ?? 0) - input.now.elapsed, 0),
  );
  const later = waits.filter((wait) => wait > 0);
  return {
    now: refs.filter((_, index) => waits[index] === 0),
    again: later.length === 0 ? undefined : Math.min(...later),
  };
}

/**
 * The revocations that go on beside any step: leases that no Secret ever named, and replaced ones whose time has
 * come. Replaced leases without `revokeAfter` run out by themselves.
 */
export function dueRevocations(input: DecisionInput): DueRevocations {
  const { object } = input;
  // What pods may still use lives on until they do no longer; a deletion does not wait for that.
  const retiring = object === undefined || isRestarting(object) ? [] : (object.status.retiring ?? []);
  const needed = lastResort(input);
  const serverNow = input.now.lease ?? input.now.kube;
  const revokable = retiring.filter(({ id, revokeAfter }) => revokeAfter !== undefined && !needed.has(id));
  const waits = revokable.map((entry) => (parseInstant(entry.revokeAfter) ?? serverNow) - serverNow);
  const ripe = revokable.filter((_, index) => (waits[index] ?? 0) <= 0);
  const due = dueAmong(
    input,
    unique([...input.memory.discarded, ...ripe]).filter((ref) => canBeAsked(input, ref)),
  );
  const unripe = waits.filter((wait) => wait > 0);
  return { now: due.now, again: earliest([due.again, ...unripe]) };
}

/** While the Secret of the new name holds no lease, pods have those of the names that were given up. */
function lastResort(input: DecisionInput): ReadonlySet<string> {
  if (input.formers.length === 0 || currentLease(input).state === 'trusted') return new Set();
  return new Set(input.formers.flatMap(({ lease }) => lease?.id ?? []));
}

function canBeAsked(input: DecisionInput, ref: LeaseRef): boolean {
  return !isOver(input, ref) && !input.unreachable.has(ref.id);
}

/** The same leases, each once and in the same order: the first mention counts. */
export function unique(refs: readonly LeaseRef[]): readonly LeaseRef[] {
  const first = new Map<string, LeaseRef>();
  for (const ref of refs) if (!first.has(ref.id)) first.set(ref.id, ref);
  return [...first.values()];
}

/** The least of the waits that are given. */
export function earliest(waits: readonly (number | undefined)[]): number | undefined {
  const given = waits.filter((wait) => wait !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
