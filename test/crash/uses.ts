import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import { isDoneWrite, timeOf } from '../support/audit.ts';
import type { Absence } from './operators.ts';
import type { Recorder } from './recorder.ts';
import { QUIET } from './timing.ts';

/** What was seen of any life from outside, when it is over. Instants: wall clock, milliseconds. */
export interface Traces {
  readonly recorder: Recorder;
  /** What the API server was asked for the namespace. */
  readonly audit: readonly AuditEvent[];
  /** How the audit log calls the operator. */
  readonly user: string;
  /** What happened to the leases of the life. */
  readonly ledger: readonly LedgerEntry[];
  /** What the operators printed. */
  readonly output: string;
  readonly absences: readonly Absence[];
  /** When the first object was deleted. */
  readonly deletedAt: number;
}

/** For how long a Secret named a lease: from its write to the next one's, or to the deletion. */
export interface Use {
  readonly lease: string;
  readonly from: number;
  readonly to: number;
}

/**
 * What was written by the proxy's account, when it was by the API server's.
 *
 * @throws Error when one of them has seen more writes than the other.
 */
export function usesOf(traces: Traces, object: string): readonly Use[] {
  const { recorder, deletedAt } = traces;
  const writes = recorder.secretWrites.filter(({ name }) => name === object);
  const times = writesOf(traces, 'secrets', object)
    .filter((event) => !event.requestURI.includes('dryRun'))
    .map((event) => timeOf(event))
    .sort((one, other) => one - other);
  if (writes.length !== times.length) {
    throw new Error(
      `The proxy saw ${String(writes.length)} writes of Secret ${object}, the API server ${String(times.length)}.`,
    );
  }
  const leases = writes.flatMap(({ lease }, index) => {
    const from = times[index];
    return lease === undefined || from === undefined ? [] : [{ lease, from }];
  });
  return leases.map((use, index) => ({ ...use, to: leases[index + 1]?.from ?? deletedAt }));
}

/** What the operator has written to an object, in order. */
export function writesOf(
  { audit, user }: Pick<Traces, 'audit' | 'user'>,
  resource: string,
  object: string,
): readonly AuditEvent[] {
  return audit.filter(
    (event) =>
      event.user === user && event.resource === resource && event.name === object && isDoneWrite(event),
  );
}

/** When a lease was no more: by the ledger, or by its own end. */
export function endOf(
  { ledger }: Pick<Traces, 'ledger'>,
  id: string,
): { readonly at: number; readonly event: string } {
  const entries = ledger.filter(({ leaseId }) => leaseId === id);
  const ended = entries.find(({ event }) => ['revoked', 'expired', 'dropped'].includes(event));
  const expireAt = entries.at(-1)?.expireAt ?? Infinity;
  if (ended !== undefined && ended.at < expireAt) return { at: ended.at, event: ended.event };
  return { at: expireAt, event: 'expired' };
}

/** When the API server took the last finalizer of an object; undefined: nobody took it. */
export function letGoAt(traces: Traces, resource: string, object: string): number | undefined {
  return writesOf(traces, resource, object)
    .map((event) => timeOf(event))
    .filter((at) => at > traces.deletedAt)
    .at(-1);
}

/** The leases that were made for an object and had not ended when it was let go. */
export function letGoTooEarly(
  traces: Traces,
  { name, uid }: { readonly name: string; readonly uid: string | undefined },
  pardoned: ReadonlySet<string> = new Set(),
): readonly string[] {
  const at = letGoAt(traces, 'dynamicsecretleases', name);
  if (at === undefined) return [`${name}: nobody took the finalizer`];
  const made = traces.ledger.filter(({ event, tag }) => event === 'made' && tag?.object === uid);
  return made.flatMap(({ leaseId }) => {
    if (leaseId === null || pardoned.has(leaseId)) return [];
    const late = endOf(traces, leaseId).at - at;
    return late <= 0 ? [] : [`${name}: lease ${leaseId} ended ${String(late)} ms after the finalizer went`];
  });
}

/** What the operator wrote in the quiet time before the deletion. */
export function writesInQuiet({ audit, user, deletedAt }: Traces): readonly string[] {
  return audit
    .filter((event) => event.user === user && isDoneWrite(event))
    .filter((event) => timeOf(event) > deletedAt - QUIET && timeOf(event) < deletedAt)
    .map(({ verb, resource, name }) => `${verb} ${resource} ${String(name)}`);
}

/** Where one of the words stands that must stand nowhere: the audit log, the operators' output. */
export function tellsOf(
  { audit, output }: Pick<Traces, 'audit' | 'output'>,
  words: readonly string[],
): readonly string[] {
  const texts = { audit: JSON.stringify(audit), output };
  return Object.entries(texts).flatMap(([place, text]) =>
    words.some((word) => text.includes(word)) ? [place] : [],
  );
}
