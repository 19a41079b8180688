import type { IssuedLease, Lease, Target } from '../../src/api/lease.ts';
import type { Clock } from '../../src/clock.ts';
import type { LeaseRequest } from '../../src/infisical/lease-request.ts';
import { parseInstant } from '../../src/instant.ts';
import { LeaseServer } from '../unit/reconcile/support/lease-server.ts';

/** Who acts on a server. */
export interface Actor {
  readonly name: string;
  /** Whether it can still bring to an end what it began. Others than processes of the operator always can. */
  readonly acts: boolean;
  readonly isOperator: boolean;
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
  /** When the answer arrived, if it did. */
  answeredAt?: number;
  revoked?: { readonly at: number; readonly by: Actor };
}

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
    const issued = super.create(request);
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
    };
    this.made.set(lease.id, made);
    this.living.add(made);
    return issued;
  }

  override get(id: string, target: Target): ReturnType<LeaseServer['get']> {
    this.#hide();
    return super.get(id, target);
  }

  override list(target: Target): readonly Lease[] {
    this.#hide();
    return super.list(target);
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

  #hide(): void {
    if (this.#recent.length === 0) return;
    this.#recent = this.#recent.filter(({ at }) => at > this.#time.now - LONGEST_LAG);
    const hidden = this.#recent.filter(({ at }) => at > this.#time.now - this.lag);
    this.hidden = new Set(hidden.map(({ id }) => id));
  }
}
