import { declareOnce } from './acts.ts';
import { amendDeclared, type DeclaredLand, settleDeclared } from './settling.ts';
import { DeclaredServer } from './server.ts';
import { drawDeclaredProfile, type DeclaredProfile } from './profile.ts';
import type { Actor, ObservedLeaseServer } from '../ledger.ts';
import type { ApiServer } from '../../unit/reconcile/support/api-server.ts';
import type { Random } from '../random.ts';

/** What the part of a world in which dynamic secrets are declared is made of. */
export interface DeclaredParts {
  /** Drawn apart, so that worlds without declarations are what they were. */
  readonly random: Random;
  readonly time: { readonly now: number };
  readonly kube: ApiServer;
  readonly leases: ObservedLeaseServer;
  readonly busy: number;
  /** Whether the server keeps what newer ones keep. */
  readonly keeps: boolean;
  readonly missing: 404 | 400;
  /** Whether a revocation fails now. */
  readonly isStubborn: () => boolean;
  readonly later: (delay: number, act: () => void) => void;
}

const server: Actor = { name: 'server', acts: true, isOperator: false, knowsFrom: 0 };
const stranger: Actor = { name: 'stranger', acts: true, isOperator: false, knowsFrom: 0 };

/** The part of a world in which dynamic secrets are declared: the server's half, and the people. */
export class DeclaredWorld {
  readonly profile: DeclaredProfile;
  readonly server: DeclaredServer;
  readonly random: Random;
  readonly #land: DeclaredLand;

  constructor({ random, time, kube, leases, busy, keeps, missing, isStubborn, later }: DeclaredParts) {
    const profile = drawDeclaredProfile(random.fork(), busy);
    this.profile = profile;
    this.random = random.fork();
    this.server = new DeclaredServer({
      time,
      provides: () => !profile.outages.some(({ from, until }) => time.now >= from && time.now < until),
      leasesOf: (id) => leases.leasesOf(id).map((lease) => lease.id),
      prune(lease) {
        if (!isStubborn()) leases.takeAway(lease, server);
        else leases.mark(lease, { status: 'Failed to delete', statusDetails: 'role is in use' });
        return !isStubborn();
      },
      forget: (lease) => leases.takeAway(lease, stranger),
      later,
    });
    Object.assign(this.server, { keeps, missing, hidden: profile.hidden, lag: profile.lag });
    leases.declarations = this.server;
    this.#land = {
      random: random.fork(),
      kube,
      leases,
      server: this.server,
      later,
      stranger: { actor: stranger, namespace: '' },
      blind: this.blind,
    };
  }

  /** Whether the marks of dynamic secrets cannot be seen: the server does not keep them, or the identity may not look. */
  get blind(): boolean {
    return this.server.hidden || !this.server.keeps;
  }

  begin(): void {
    settleDeclared(this.#land);
  }

  actOnce(): string | undefined {
    return declareOnce(this.#land, this.profile.mischief);
  }

  makeAmends(): void {
    amendDeclared(this.#land);
  }
}
