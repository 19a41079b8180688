import type { LedgerEntry } from '../lease-api/ledger.ts';

/** What became of one lease, after the lease API's ledger. Instants are milliseconds since 1970. */
export interface LeaseHistory {
  readonly leaseId: string;
  readonly user: string;
  readonly madeAt: number;
  /** How it ended: revoked on request, expired at its end; undefined while it lives or when its row is just gone. */
  readonly ended: { readonly how: 'revoked' | 'expired'; readonly at: number } | undefined;
}

/** Every lease of the ledger, in the order in which they were made. */
export function leaseHistories(entries: readonly LedgerEntry[]): readonly LeaseHistory[] {
  return entries.flatMap(({ event, leaseId, externalEntityId, at }) => {
    if (event !== 'made' || leaseId === null) return [];
    return [{ leaseId, user: externalEntityId ?? '', madeAt: at, ended: endOf(leaseId, entries) }];
  });
}

function endOf(leaseId: string, entries: readonly LedgerEntry[]): LeaseHistory['ended'] {
  for (const entry of entries) {
    if (entry.leaseId !== leaseId) continue;
    if (entry.event === 'revoked' || entry.event === 'expired') return { how: entry.event, at: entry.at };
  }
  return undefined;
}

/** A table with a line for each lease; times are counted from the first lease on. */
export function historyTable(histories: readonly LeaseHistory[]): string {
  const start = histories[0]?.madeAt ?? 0;
  const since = (at: number): string => `+${((at - start) / 1000).toFixed(1)} s`.padStart(8);
  const lines = histories.map(({ leaseId, user, madeAt, ended }) => {
    const end = ended === undefined ? 'lives' : `${since(ended.at)}  ${ended.how}`;
    return `${leaseId.slice(0, 8)}  ${user.padEnd(32)}  ${since(madeAt)}  ${end}`;
  });
  return [`LEASE     ${'USER'.padEnd(32)}  ${'MADE'.padStart(8)}  ${'ENDED'.padStart(8)}`, ...lines].join(
    '\n',
  );
}
