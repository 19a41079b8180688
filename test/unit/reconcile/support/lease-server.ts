import { parseDuration } from '../../../../src/api/duration.ts';
import type { DynamicSecret, IssuedLease, Lease, LeaseTag, Target } from '../../../../src/api/lease.ts';
import type { Clock } from '../../../../src/clock.ts';
import { fault } from '../../../../src/errors.ts';
import type { DynamicSecretChange } from '../../../../src/infisical/dynamic-secrets.ts';
import type { LeaseRequest } from '../../../../src/infisical/lease-request.ts';
import { RequestError } from '../../../../src/infisical/request-error.ts';
import type { FoundLease } from '../../../../src/infisical/schemas.ts';
import { parseInstant } from '../../../../src/instant.ts';
import { HOST, HOUR } from '../../../support/builders.ts';
import { DeclaredStore } from './declared-store.ts';

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
  /** The id of every dynamic secret. */
  dynamicSecretId = 'dynamic-secret-id';
  /** What the server says of every dynamic secret beside its name. */
  secretState: Partial<DynamicSecret> = {};
  /** Milliseconds that its clock is ahead of everybody else's. */
  ahead = 0;
  /** What happens while the next request for a lease waits for its turn. */
  readonly whileWaiting: (() => void)[] = [];
  /** The dynamic secrets that were made through the API. */
  readonly declared = new DeclaredStore();
  /** Whether a name that no dynamic secret was made by is one all the same: somebody has made it by hand. */
  names: 'any' | 'declared' = 'any';
  readonly #clock: Clock;
  readonly #formerNames = new Set<string>();
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
    this.#mustKnow(target);
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
      dynamicSecretId: this.dynamicSecretId,
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
    this.#mustKnow(target);
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

  /** A rename leaves the leases as they are. */
  updateDeclared(target: Target, change: DynamicSecretChange): DynamicSecret {
    const updated = this.declared.update(target, change);
    for (const row of this.rows.filter((one) => sameTarget(one.target, target))) {
      this.#rows.set(row.lease.id, { ...row, target: { ...target, dynamicSecret: updated.name } });
    }
    return updated;
  }

  /** With live leases, unless forced, it is only begun: they are revoked one after another, and then it goes. */
  removeDeclared(target: Target, forced: boolean): DynamicSecret {
    const lives = this.rows.filter((row) => this.#works(row) && sameTarget(row.target, target));
    if (lives.length === 0 || forced) return this.declared.remove(target);
    this.declared.mark(target, { status: 'Revocation in process' });
    return { ...this.#dynamicSecret(target), status: 'Revocation in process' };
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

  /** The server forgets a lease: nobody finds it any more. */
  forget(id: string): void {
    const row = this.#rows.get(id);
    if (row !== undefined) this.#rows.set(id, { ...row, revoked: true });
  }

  /** A dynamic secret gets another name: its leases go on, and nobody knows the old name any more. */
  rename(name: string, newName: string): void {
    this.#formerNames.add(name);
    this.#formerNames.delete(newName);
    for (const row of this.rows) {
      if (row.target.dynamicSecret !== name) continue;
      this.#rows.set(row.lease.id, { ...row, target: { ...row.target, dynamicSecret: newName } });
    }
  }

  /** Changes the tag of a lease, by its number, as a clone of the cluster with an id of its own would see it. */
  retag(number: number, change: Partial<LeaseTag>): void {
    const row = this.rows[number - 1];
    if (row?.lease.tag === undefined) return;
    this.#rows.set(row.lease.id, { ...row, lease: { ...row.lease, tag: { ...row.lease.tag, ...change } } });
  }

  #mustKnow(target: Target): void {
    const isUnmade = this.names === 'declared' && !this.declared.has(target);
    if (isUnmade || this.#formerNames.has(target.dynamicSecret)) throw unknownTarget(target);
  }

  #find(id: string, target: Target, request: string): Row {
    const row = this.#rows.get(id);
    if (row !== undefined && this.#isShown(row)) return row;
    const raised = fault('RequestRefused', { ...target, status: this.missing, request });
    throw new RequestError({ fault: raised, fate: 'refused', status: this.missing, notFound: 'lease' });
  }

  #dynamicSecret({ dynamicSecret: name }: Target): DynamicSecret {
    return {
      id: this.dynamicSecretId,
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

function unknownTarget(target: Target): RequestError {
  const raised = fault('TargetNotFound', target);
  return new RequestError({ fault: raised, fate: 'refused', status: 404, notFound: 'target' });
}

function sameTarget(one: Target, other: Target): boolean {
  return (
    one.projectSlug === other.projectSlug &&
    one.environmentSlug === other.environmentSlug &&
    one.path === other.path &&
    one.dynamicSecret === other.dynamicSecret
  );
}
