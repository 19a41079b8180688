import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';

/** What the lease API was asked for. */
export interface Asked {
  readonly logins: number;
  readonly made: number;
  /** Leases beyond those that somebody needed. */
  readonly duplicates: number;
}

/** @param needed how many leases were called for */
export function askedOf(ledger: readonly LedgerEntry[], needed: number): Asked {
  const count = (wanted: LedgerEntry['event']): number =>
    ledger.filter(({ event }) => event === wanted).length;
  const made = count('made');
  return { logins: count('login'), made, duplicates: Math.max(0, made - needed) };
}
