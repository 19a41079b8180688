import type { IssuedLease, Lease, Target } from '../../src/api/lease.ts';
import type { Clock } from '../../src/clock.ts';
import type { LeaseRequest } from '../../src/infisical/lease-request.ts';
import { parseInstant } from '../../src/instant.ts';
import { LeaseServer } from '../unit/reconcile/support/lease-server.ts';
import type { DeclaredRow } from './declared/row.ts';
import { type DeclaredServer, plain } from './declared/server.ts';

/** Who acts on a server. */
export interface Actor {
  readonly name: string;
  /** Whether it can still bring to an end what it began. Others than processes of the operator always can. */
  readonly acts: boolean;
  readonly isOperator: boolean;
  /** From when on it can be expected to know what is there, in simulated milliseconds. */
  readonly knowsFrom: number;
}

/** A lease that the operator was given, as its maker knows it. */
export interface Made {
  readonly id: string;
  /** The uid of the object that it was asked for. */
  readonly object: string;
  readonly attempt: string;
  readonly process: Actor;
  /** Simulated milliseconds. */
  readonly madeAt: number;
  endsAt: number;
  readonly password: string;
  /** The server's id of the dynamic secret. */
  readonly dynamicSecretId: string;
  /** When the answer arrived, if it did. */
  answeredAt?: number;
  revoked?: { readonly at: number; readonly by: Actor };
}

/** Dynamic secrets that have always been there, by their names and their id. */
export const given: ReadonlySet<string> = new Set(['orders-postgres', 'mail-postgres', 'dynamic-secret-id']);

const LONGEST_LAG = 60_000;

/** A lease server that remembers whose each lease is, and whose replicas lag. */
export class ObservedLeaseServer extends LeaseServer {
  readonly made = new Map<string, Made>();
  /** Leases of the operator whose credentials work, as of the last look. */
  readonly living = new Set<Made>();
  renewals = 0;
  revocations = 0;
  /** How long the replicas lag behind, in milliseconds. */
  lag = 0;
  actor: Actor;
  /** The dynamic secrets that are made through the API. Undefined: there are only those that have always been there. */
  declarations: DeclaredServer | undefined;
  /** Is told of each revocation before it is done. */
  onRevoke: (id: string) => void = () => undefined;
  readonly #time: { readonly now: number };
  #wallAt0: number;
  #recent: { readonly id: string; readonly at: number }[] = [];

  /** @param wallAt0 what this server's clock shows when the simulation begins. */
  constructor(time: { readonly now: number }, wallAt0: number, nobody: Actor) {
    super({ wall: () => wallAt0 + time.now } as Clock);
    this.#time = time;
    this.#wallAt0 = wallAt0;
    this.actor = nobody;
  }

  /** A moment of this server's clock, in simulated milliseconds. */
  momentOf(text: string): number {
    return (parseInstant(text) ?? 0) - this.#wallAt0;
  }

  /** Somebody sets its clock: what lives ends so much sooner, and what has ended does not come back. */
  setClock(ahead: number): void {
    for (const { lease } of this.rows) {
      const end = parseInstant(lease.expireAt) ?? 0;
      if (end <= this.now())
        this.mark(lease.id, { expireAt: new Date(Math.min(end, end + ahead)).toISOString() });
    }
    for (const made of this.livingNow()) made.endsAt -= ahead;
    this.ahead += ahead;
    this.#wallAt0 += ahead;
  }

  override create(request: LeaseRequest): IssuedLease {
    const declared = this.#declared(request.target, 'primary');
    const issued = this.#ofDeclared(super.create(request), declared);
    const { lease } = issued;
    this.#recent.push({ id: lease.id, at: this.#time.now });
    if (!this.actor.isOperator) return issued;
    const made: Made = {
      id: lease.id,
      object: request.tag.object,
      attempt: request.tag.attempt,
      process: this.actor,
      madeAt: this.#time.now,
      endsAt: this.momentOf(lease.expireAt),
      password: String(issued.data['DB_PASSWORD']),
      dynamicSecretId: lease.dynamicSecretId,
    };
    this.made.set(lease.id, made);
    this.living.add(made);
    return issued;
  }

  override get(id: string, target: Target): ReturnType<LeaseServer['get']> {
    this.#hide();
    const found = super.get(id, target);
    const row = this.declarations?.rows.find((one) => one.id === found.lease.dynamicSecretId);
    return row === undefined ? found : { ...found, dynamicSecret: plain(row.shown) };
  }

  override list(target: Target): readonly Lease[] {
    this.#hide();
    const declared = this.#declared(target, 'replica');
    return declared === undefined ? super.list(target) : this.leasesOf(declared.id);
  }

  /** The leases of a dynamic secret that was made through the API, under whatever name, as a replica shows them. */
  leasesOf(id: string): readonly Lease[] {
    const live = new Set(this.live);
    return this.rows
      .map(({ lease }) => lease)
      .filter((lease) => lease.dynamicSecretId === id && live.has(lease.id) && !this.hidden.has(lease.id));
  }

  override renew(id: string, target: Target, ttl: string | undefined): Lease {
    this.#hide();
    const renewed = super.renew(id, target, ttl);
    const made = this.made.get(id);
    this.renewals += 1;
    if (made !== undefined) made.endsAt = this.momentOf(renewed.expireAt);
    return renewed;
  }

  override revoke(id: string, target: Target): Lease {
    this.#hide();
    this.onRevoke(id);
    const answer = super.revoke(id, target);
    const made = this.made.get(id);
    if (made !== undefined && this.revocation === 'works') {
      this.revocations += 1;
      made.revoked = { at: this.#time.now, by: this.actor };
      this.living.delete(made);
    }
    return answer;
  }

  /** The operator's leases whose credentials work. */
  livingNow(): ReadonlySet<Made> {
    for (const made of this.living) if (made.endsAt <= this.#time.now) this.living.delete(made);
    return this.living;
  }

  /** Somebody's hand, or the server's own, takes a lease away whose credentials may go on. */
  takeAway(id: string, by: Actor): void {
    this.forget(id);
    const made = this.made.get(id);
    if (made === undefined) return;
    made.revoked ??= { at: this.#time.now, by };
    this.living.delete(made);
  }

  /** @throws RequestError where none of that name was made. */
  #declared(target: Target, from: 'primary' | 'replica'): DeclaredRow | undefined {
    const { declarations } = this;
    if (declarations === undefined || given.has(target.dynamicSecret)) return undefined;
    const row = from === 'primary' ? declarations.find(target) : declarations.seen(target);
    if (row === undefined) throw declarations.unknown(target);
    return row;
  }

  #ofDeclared(issued: IssuedLease, row: DeclaredRow | undefined): IssuedLease {
    if (row === undefined) return issued;
    const ids = { dynamicSecretId: row.id };
    this.mark(issued.lease.id, ids);
    return { ...issued, lease: { ...issued.lease, ...ids }, dynamicSecret: plain(row.shown) };
  }

  #hide(): void {
    if (this.#recent.length === 0) return;
    this.#recent = this.#recent.filter(({ at }) => at > this.#time.now - LONGEST_LAG);
    const hidden = this.#recent.filter(({ at }) => at > this.#time.now - this.lag);
    this.hidden = new Set(hidden.map(({ id }) => id));
  }
}
