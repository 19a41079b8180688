import { parseDuration } from '../../../../src/api/duration.ts';
import type { DynamicSecret, IssuedLease, Lease, LeaseTag, Target } from '../../../../src/api/lease.ts';
import type { Clock } from '../../../../src/clock.ts';
import { fault } from '../../../../src/errors.ts';
import type { LeaseRequest } from '../../../../src/infisical/lease-request.ts';
import { RequestError } from '../../../../src/infisical/request-error.ts';
import type { FoundLease } from '../../../../src/infisical/schemas.ts';
import { parseInstant } from '../../../../src/instant.ts';
import { HOST, HOUR } from '../../../support/builders.ts';

/** One entry of the ledger: a lease and what became of it. Rows are never removed. */
export interface Row {
  readonly lease: Lease;
  readonly target: Target;
  readonly password: string;
  readonly revoked: boolean;
}

/** Throws RequestError as the client does for what a server of today answers, or one of 2024. */
export class LeaseServer {
  readonly host: string;
  /** Whether a lease shows the tag of its request. Servers of 2024 drop it. */
  tags: 'kept' | 'dropped' = 'kept';
  /** Milliseconds that a lease lives when its request names no ttl. */
  life = HOUR;
  /** Milliseconds from a lease's making that no renewal may pass; none by default. */
  maximum: number | undefined;
  /** The type of the dynamic secrets. */
  type = 'sql-database';
  /** `fails`: the provider refuses, the answer is a 200 all the same. */
  revocation: 'works' | 'fails' = 'works';
  /** Servers of 2024 answer a revocation that works with the text of an earlier one that did not. */
  shows: 'old failures' | 'the outcome' = 'the outcome';
  /** What a lease carries beside its username and password. */
  more: Readonly<Record<string, unknown>> = {};
  /** The status of the refusal that means "no such lease". */
  missing: 404 | 400 = 404;
  /** Leases that a replica does not show yet, or no more: no request finds them. */
  hidden: ReadonlySet<string> = new Set();
  /** What the server says of every dynamic secret beside its name. */
  secretState: Partial<DynamicSecret> = {};
  /** Milliseconds that its clock is ahead of everybody else's. */
  ahead = 0;
  /** What happens while the next request for a lease waits for its turn. */
  readonly whileWaiting: (() => void)[] = [];
  readonly #clock: Clock;
  readonly #rows = new Map<string, Row>();

  constructor(clock: Clock, host: string = HOST) {
    this.#clock = clock;
    this.host = host;
  }

  /** By this server's clock, in milliseconds since 1970. */
  now(): number {
    return this.#clock.wall() + this.ahead;
  }

  get rows(): readonly Row[] {
    return [...this.#rows.values()];
  }

  /** Ids of the leases whose credentials work. */
  get live(): readonly string[] {
    return this.rows.filter((row) => this.#works(row)).map((row) => row.lease.id);
  }

  create({ target, ttl, config, tag }: LeaseRequest): IssuedLease {
    const count = this.#rows.size + 1;
    const id = `10000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
    const life = ttl === undefined ? this.life : (parseDuration(ttl) ?? this.life);
    const now = new Date(this.now()).toISOString();
    const lease: Lease = {
      id,
      version: 1,
      externalEntityId: `role-${String(count)}`,
      expireAt: new Date(this.now() + life).toISOString(),
      status: null,
      statusDetails: null,
      dynamicSecretId: 'dynamic-secret-id',
      config: this.tags === 'kept' ? config : undefined,
      tag: this.tags === 'kept' ? tag : undefined,
      createdAt: now,
      updatedAt: now,
    };
    const row = { lease, target, password: `password-${String(count)}`, revoked: false };
    this.#rows.set(id, row);
    return {
      lease,
      dynamicSecret: this.#dynamicSecret(target),
      data: { DB_USERNAME: lease.externalEntityId, DB_PASSWORD: row.password, ...this.more },
    };
  }

  get(id: string, target: Target): FoundLease {
    const { lease, target: leased } = this.#find(id, target, 'read a lease');
    return { lease, dynamicSecret: this.#dynamicSecret(leased) };
  }

  list(target: Target): readonly Lease[] {
    const rows = this.rows.filter((row) => this.#isShown(row) && sameTarget(row.target, target));
    return rows.map((row) => row.lease);
  }

  /** Adds to the old end, as the real one does; past the maximum it refuses. */
  renew(id: string, target: Target, ttl: string | undefined): Lease {
    const row = this.#find(id, target, 'renew a lease');
    const life = ttl === undefined ? this.life : (parseDuration(ttl) ?? this.life);
    const end = (parseInstant(row.lease.expireAt) ?? 0) + life;
    const most =
      this.maximum === undefined ? Infinity : (parseInstant(row.lease.createdAt) ?? 0) + this.maximum;
    if (end > most) {
      const raised = fault('RequestRefused', { ...target, status: 400, request: 'renew a lease' });
      throw new RequestError({ fault: raised, fate: 'refused', status: 400 });
    }
    const lease = {
      ...row.lease,
      expireAt: new Date(end).toISOString(),
      updatedAt: new Date(this.now()).toISOString(),
    };
    this.#rows.set(id, { ...row, lease });
    return lease;
  }

  revoke(id: string, target: Target): Lease {
    const row = this.#find(id, target, 'revoke a lease');
    if (this.revocation === 'fails') {
      const lease = { ...row.lease, status: 'Failed to delete', statusDetails: 'role is in use' };
      this.#rows.set(id, { ...row, lease });
      return lease;
    }
    this.#rows.set(id, { ...row, revoked: true });
    return this.shows === 'old failures' ? row.lease : { ...row.lease, status: null, statusDetails: null };
  }

  /** A lease of another object, or of nobody. */
  seed(target: Target, tag?: LeaseTag): Lease {
    const { lease } = this.create({ target, tag: tag ?? { install: '', object: '', attempt: '' } });
    const seeded = { ...lease, tag };
    const password = `password-${String(this.#rows.size)}`;
    this.#rows.set(lease.id, { target, lease: seeded, password, revoked: false });
    return seeded;
  }

  /** The server's word on a lease changes. */
  mark(id: string, change: Partial<Lease>): void {
    const row = this.#rows.get(id);
    if (row !== undefined) this.#rows.set(id, { ...row, lease: { ...row.lease, ...change } });
  }

  /** Changes the tag of a lease, by its number, as a clone of the cluster with an id of its own would see it. */
  retag(number: number, change: Partial<LeaseTag>): void {
    const row = this.rows[number - 1];
    if (row?.lease.tag === undefined) return;
    this.#rows.set(row.lease.id, { ...row, lease: { ...row.lease, tag: { ...row.lease.tag, ...change } } });
  }

  #find(id: string, target: Target, request: string): Row {
    const row = this.#rows.get(id);
    if (row !== undefined && this.#isShown(row)) return row;
    const raised = fault('RequestRefused', { ...target, status: this.missing, request });
    throw new RequestError({ fault: raised, fate: 'refused', status: this.missing, notFound: 'lease' });
  }

  #dynamicSecret({ dynamicSecret: name }: Target): DynamicSecret {
    return {
      id: 'dynamic-secret-id',
      name,
      type: this.type,
      version: 1,
      defaultTTL: '1h',
      maxTTL: this.maximum === undefined ? null : `${String(this.maximum)}ms`,
      status: null,
      statusDetails: null,
      ...this.secretState,
    };
  }

  #isShown(row: Row): boolean {
    return this.#works(row) && !this.hidden.has(row.lease.id);
  }

  #works({ lease, revoked }: Row): boolean {
    return !revoked && this.now() < (parseInstant(lease.expireAt) ?? 0);
  }
}

function sameTarget(one: Target, other: Target): boolean {
  return (
    one.projectSlug === other.projectSlug &&
    one.environmentSlug === other.environmentSlug &&
    one.path === other.path &&
    one.dynamicSecret === other.dynamicSecret
  );
}
