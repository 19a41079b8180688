import { z } from 'zod';
import { LOGIN_METHODS } from './logins/settings.ts';

/** How the operator tags a lease: `config.leaseholder` of the create request. */
export const leaseTag = z.object({ install: z.string(), object: z.string(), attempt: z.string() });
export type LeaseTag = z.infer<typeof leaseTag>;

export const LEDGER_EVENTS = [
  'login',
  /** A create request passed every check; the provider is asked next. */
  'requested',
  'made',
  'renewed',
  /** Revoked on request. */
  'revoked',
  'revoke-failed',
  /** Revoked by the server at the end of its life. */
  'expired',
  /** The row is gone without a revocation: a forced deletion, or its dynamic secret or folder was removed. */
  'dropped',
  /** A dynamic secret was made, changed, renamed or removed through the API; removed by nobody after its leases. */
  'secret-made',
  'secret-changed',
  'secret-renamed',
  'secret-removed',
] as const;

/** One thing that happened. Instants are milliseconds on the server's clock. */
export const ledgerEntry = z.object({
  at: z.number(),
  event: z.enum(LEDGER_EVENTS),
  leaseId: z.string().nullable(),
  dynamicSecret: z.string().nullable(),
  dynamicSecretId: z.string().nullable(),
  /** The identity whose request caused it; null for what the server does by itself. */
  by: z.string().nullable(),
  /** How a login was made; null for everything else. */
  method: z.enum(LOGIN_METHODS).nullable(),
  /**
   * Tells the token of a login from every other without keeping it: the first twelve hexadecimal digits of its
   * SHA-256. Null for a login without a token.
   */
  proof: z.string().nullable(),
  /** What the request was tagged with, also where the server drops `config`. */
  tag: leaseTag.nullable(),
  externalEntityId: z.string().nullable(),
  expireAt: z.number().nullable(),
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;

const EMPTY = {
  leaseId: null,
  dynamicSecret: null,
  dynamicSecretId: null,
  by: null,
  method: null,
  proof: null,
  tag: null,
  externalEntityId: null,
  expireAt: null,
} satisfies Partial<LedgerEntry>;

/** How often each identity called each route, refused calls included. Calls without a valid token: `anonymous`. */
export type Counts = Record<string, Record<string, number>>;

/** The append-only book of what the server did. It only grows: read it in portions with `from`. */
export class Ledger {
  readonly #entries: LedgerEntry[] = [];
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  record(entry: Partial<LedgerEntry> & { readonly event: LedgerEntry['event'] }): void {
    this.#entries.push({ ...EMPTY, ...entry, at: this.#now() });
  }

  /** The entries from an index on, so many at most. @param from @default 0 @param most @default all */
  entries(from = 0, most = Number.POSITIVE_INFINITY): readonly LedgerEntry[] {
    return this.#entries.slice(from, from + most);
  }

  count(route: string, identityId: string | undefined): void {
    const identities = this.#counts.get(route) ?? new Map<string, number>();
    this.#counts.set(route, identities);
    const key = identityId ?? 'anonymous';
    identities.set(key, (identities.get(key) ?? 0) + 1);
  }

  counts(): Counts {
    return Object.fromEntries(
      [...this.#counts].map(([route, identities]) => [route, Object.fromEntries(identities)]),
    );
  }
}
