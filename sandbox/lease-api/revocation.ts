import type { Ledger, LedgerEntry } from './ledger.ts';
import { FAILED_DELETION, type LeaseRow } from './lease-store.ts';
import { demandProvider } from './provider-down.ts';
import { Refusal } from './refusal.ts';
import { REVOCATION_IN_PROCESS, type SecretRow } from './secret-store.ts';
import type { World } from './world.ts';

/** Longer provider messages are cut in `statusDetails`. */
const DETAILS_LENGTH = 255;
const RETRY_SUFFIX = ' - Retrying automatically';

interface Job {
  readonly at: number;
  /** The waits before the attempts after this one. */
  readonly delays: readonly number[];
  readonly cancel: () => void;
}

/** Everything that ends leases: their own end, requests, and the removal of their dynamic secret. */
export class Revocation {
  readonly #world: World;
  /** The next revocation of each lease that the server does by itself. */
  readonly #jobs = new Map<string, Job>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Revokes the lease at its end; replaces an earlier date. */
  schedule(row: LeaseRow): void {
    const { soon, later } = this.#world.retryDelays;
    this.#schedule(row.id, row.expireAt, this.#world.profile === 'current' ? [...soon, ...later] : []);
  }

  /**
   * Revokes on request. Without `forced` a failure of the provider is not a failure of the request: the row stays and
   * says so. With it the row goes, whatever becomes of the principal.
   *
   * @returns the row to answer with.
   * @throws Refusal with status 500 if the lease is revoked by another request in the meantime.
   */
  async revoke(
    row: LeaseRow,
    secret: SecretRow,
    request: { forced: boolean; by: string },
  ): Promise<LeaseRow> {
    this.#cancel(row.id);
    const failure = await this.#attempt(row, secret);
    if (failure === undefined || request.forced) {
      const removed = this.#world.leases.remove(row.id);
      if (removed === undefined) throw concurrent();
      this.#record(failure === undefined ? 'revoked' : 'dropped', removed, secret, request.by);
      // A server of 2024 still shows the text of an earlier failure.
      return this.#world.profile === '2024' ? removed : { ...removed, status: null, statusDetails: null };
    }
    this.#record('revoke-failed', row, secret, request.by);
    const failed = this.#markFailed(row.id, failure, false);
    if (failed === undefined) throw concurrent();
    this.#retry(row.id, this.#world.retryDelays.later);
    return failed;
  }

  /** Removes a dynamic secret and its leases without revoking anything. */
  drop(secret: SecretRow, by: string | null): void {
    for (const row of this.#world.leases.list(secret.id)) {
      this.#cancel(row.id);
      this.#world.leases.remove(row.id);
      this.#record('dropped', row, secret, by);
    }
    this.#world.secrets.remove(secret);
  }

  /** The same, as somebody asked for it or its leases are all revoked: the ledger has it. */
  remove(secret: SecretRow, by: string | null): void {
    this.drop(secret, by);
    recordSecret(this.#world.ledger, { event: 'secret-removed', by }, secret);
  }

  /** Revokes all leases of a dynamic secret in the background, then removes it. */
  prune(secret: SecretRow): void {
    secret.status = REVOCATION_IN_PROCESS;
    secret.updatedAt = this.#world.clock.now();
    // On a server of 2024 a second request finds its job already there and changes nothing any more.
    if (secret.pruned && this.#world.profile === '2024') return;
    secret.pruned = true;
    void this.#prune(secret);
  }

  /** Stops and restarts what the server does by itself; what fell due in between happens at the restart. */
  pause(): void {
    for (const { cancel } of this.#jobs.values()) cancel();
  }

  resume(): void {
    // A copy, because scheduling moves an entry to the end.
    const jobs = [...this.#jobs];
    for (const [id, { at, delays }] of jobs) this.#schedule(id, at, delays);
  }

  async #prune(secret: SecretRow): Promise<void> {
    const rows = this.#world.leases.list(secret.id);
    for (const row of rows) this.#cancel(row.id);
    const failures = await Promise.all(
      rows.map(async (row) => {
        const failure = await this.#attempt(row, secret);
        if (failure === undefined && this.#world.leases.remove(row.id) !== undefined)
          this.#record('revoked', row, secret, null);
        if (failure !== undefined) this.#record('revoke-failed', row, secret, null);
        return failure;
      }),
    );
    const failure = failures.find((each) => each !== undefined);
    // What was leased in the meantime goes with the row, unrevoked.
    if (failure === undefined) this.remove(secret, null);
    else {
      const updatedAt = this.#world.clock.now();
      Object.assign(secret, { status: FAILED_DELETION, statusDetails: cut(failure), updatedAt });
    }
  }

  async #expire(id: string, delays: readonly number[]): Promise<void> {
    this.#jobs.delete(id);
    const row = this.#world.leases.get(id);
    const secret = row && this.#world.secrets.get(row.dynamicSecretId);
    if (row === undefined || secret === undefined) return;
    const failure = await this.#attempt(row, secret);
    if (failure === undefined) {
      if (this.#world.leases.remove(id) !== undefined) this.#record('expired', row, secret, null);
      return;
    }
    this.#record('revoke-failed', row, secret, null);
    this.#markFailed(id, failure, delays.length > 0);
    this.#retry(id, delays);
  }

  #retry(id: string, [delay, ...later]: readonly number[]): void {
    if (this.#world.profile === '2024' || delay === undefined) return;
    this.#schedule(id, this.#world.clock.now() + delay, later);
  }

  #schedule(id: string, at: number, delays: readonly number[]): void {
    this.#cancel(id);
    const run = (): void => void this.#expire(id, delays);
    this.#jobs.set(id, { at, delays, cancel: this.#world.clock.alarm(at, run) });
  }

  #cancel(id: string): void {
    this.#jobs.get(id)?.cancel();
    this.#jobs.delete(id);
  }

  async #attempt(row: LeaseRow, secret: SecretRow): Promise<Error | undefined> {
    try {
      const fault = this.#world.faults.forProvider('revocation-fails', secret.name);
      if (fault !== undefined) throw new Error(fault.message);
      demandProvider(this.#world, secret);
      await secret.provider.revoke(row.externalEntityId);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #markFailed(id: string, failure: Error, retrying: boolean): LeaseRow | undefined {
    const row = this.#world.leases.get(id);
    if (row === undefined) return undefined;
    const statusDetails = cut(failure) + (retrying ? RETRY_SUFFIX : '');
    const failed = { ...row, status: FAILED_DELETION, statusDetails, updatedAt: this.#world.clock.now() };
    this.#world.leases.put(failed);
    return failed;
  }

  #record(event: LedgerEntry['event'], row: LeaseRow, secret: SecretRow, by: string | null): void {
    recordLease(this.#world.ledger, { event, by }, row, secret);
  }
}

/** Books what happened to a dynamic secret. */
export function recordSecret(
  ledger: Ledger,
  what: { readonly event: LedgerEntry['event']; readonly by: string | null },
  { id, name }: SecretRow,
): void {
  ledger.record({ ...what, dynamicSecret: name, dynamicSecretId: id });
}

/** Books what happened to a lease. */
export function recordLease(
  ledger: Ledger,
  what: { readonly event: LedgerEntry['event']; readonly by: string | null },
  row: LeaseRow,
  secret: SecretRow,
): void {
  ledger.record({
    ...what,
    leaseId: row.id,
    dynamicSecret: secret.name,
    dynamicSecretId: secret.id,
    tag: row.tag,
    externalEntityId: row.externalEntityId,
    expireAt: row.expireAt,
  });
}

function cut(error: Error): string {
  return error.message.slice(0, DETAILS_LENGTH);
}

/** Deleting a row that is gone breaks the server's own answer schema. */
function concurrent(): Refusal {
  return new Refusal('internal', "Response doesn't match the schema");
}
