import type { AuditEvent, AuditLog, AuditMark } from '../../sandbox/control-plane/audit.ts';
import type { Control } from '../../sandbox/lease-api/control.ts';
import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import { instantOf, reportOf, type Report } from './progress.ts';

/** What the operator did, as both servers have written it down. */
export interface Log {
  /** Its requests to the API server, in the order of the log, without what was sent. */
  readonly events: readonly AuditEvent[];
  readonly reports: readonly Report[];
  readonly ledger: readonly LedgerEntry[];
}

/** Ledger entries that are fetched at a time: megabytes, and not the hundreds that a long run leaves. */
const PORTION = 20_000;

/**
 * Reads what a user did since a mark. The log of the API server is read line by line, and of its lines only what figures
 * are made of is kept.
 */
export async function readLog(
  from: { readonly audit: AuditLog; readonly since: AuditMark; readonly user: string },
  control: Control,
): Promise<Log> {
  const [events, reports]: [AuditEvent[], Report[]] = [[], []];
  for await (const event of from.audit.stream(from.since)) {
    if (event.user !== from.user) continue;
    const report = reportOf(event);
    if (report !== undefined) reports.push(report);
    events.push({ ...event, requestObject: undefined });
  }
  return { events, reports, ledger: await readLedger(control) };
}

async function readLedger(control: Control): Promise<readonly LedgerEntry[]> {
  const all: LedgerEntry[] = [];
  for (let from = 0; ;) {
    const { entries, next } = await control.readLedger({ from, most: PORTION });
    all.push(...entries);
    if (entries.length < PORTION) return all;
    from = next;
  }
}

/** The part of a log from one instant to before another, in milliseconds since 1970. */
export function partOf({ events, reports, ledger }: Log, from: number, to = Number.POSITIVE_INFINITY): Log {
  const within = (at: number): boolean => at >= from && at < to;
  return {
    events: events.filter((event) => within(instantOf(event))),
    reports: reports.filter(({ at }) => within(at)),
    ledger: ledger.filter(({ at }) => within(at)),
  };
}
