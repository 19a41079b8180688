import type { LeaseTag } from './ledger.ts';

export const FAILED_DELETION = 'Failed to delete';

/** A lease as it is stored. Rows never change; a change is a new row. Instants are those of the server's clock. */
export interface LeaseRow {
  readonly id: string;
  readonly externalEntityId: string;
  readonly expireAt: number;
  readonly status: string | null;
  readonly statusDetails: string | null;
  readonly dynamicSecretId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly config: unknown;
  /** The identity that asked for it; the API never shows it. */
  readonly by: string;
  readonly tag: LeaseTag | null;
}

/** The leases as they are, or as they were a moment ago. */
export interface LeaseView {
  get(id: string): LeaseRow | undefined;
  list(dynamicSecretId: string): readonly LeaseRow[];
}

interface Change {
  readonly at: number;
  readonly id: string;
  readonly before: LeaseRow | undefined;
}

/** How many changes a view of the past can look back over. */
const REMEMBERED_CHANGES = 2000;

export class LeaseStore implements LeaseView {
  readonly #rows = new Map<string, LeaseRow>();
  readonly #bySecret = new Map<string, Map<string, LeaseRow>>();
  #changes: Change[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(id: string): LeaseRow | undefined {
    return this.#rows.get(id);
  }

  list(dynamicSecretId: string): readonly LeaseRow[] {
    return [...(this.#bySecret.get(dynamicSecretId)?.values() ?? [])];
  }

  count(dynamicSecretId: string): number {
    return this.#bySecret.get(dynamicSecretId)?.size ?? 0;
  }

  all(): readonly LeaseRow[] {
    return [...this.#rows.values()];
  }

  /** Inserts or replaces a row. */
  put(row: LeaseRow): void {
    this.#remember(row.id);
    this.#rows.set(row.id, row);
    const siblings = this.#bySecret.get(row.dynamicSecretId) ?? new Map<string, LeaseRow>();
    this.#bySecret.set(row.dynamicSecretId, siblings);
    siblings.set(row.id, row);
  }

  /** @returns the removed row; undefined if another request was faster. */
  remove(id: string): LeaseRow | undefined {
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    this.#remember(id);
    this.#rows.delete(id);
    this.#bySecret.get(row.dynamicSecretId)?.delete(id);
    return row;
  }

  /** The leases as they were at an instant, as far back as changes are remembered. */
  asOf(instant: number): LeaseView {
    const then = new Map<string, LeaseRow | undefined>();
    for (const { at, id, before } of this.#changes.toReversed()) {
      if (at <= instant) break;
      then.set(id, before);
    }
    return {
      get: (id) => (then.has(id) ? then.get(id) : this.get(id)),
      list: (dynamicSecretId) => [
        ...this.list(dynamicSecretId).filter(({ id }) => !then.has(id)),
        ...[...then.values()]
          .filter((row) => row?.dynamicSecretId === dynamicSecretId)
          .flatMap((row) => row ?? []),
      ],
    };
  }

  #remember(id: string): void {
    this.#changes.push({ at: this.#now(), id, before: this.#rows.get(id) });
    // Trimmed in portions, so that a change does not cost a copy each.
    if (this.#changes.length > 2 * REMEMBERED_CHANGES)
      this.#changes = this.#changes.slice(-REMEMBERED_CHANGES);
  }
}
