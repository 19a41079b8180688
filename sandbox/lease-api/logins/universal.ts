import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Identities, Identity } from '../identities.ts';
import { Refusal } from '../refusal.ts';

export interface Lockout {
  /** Wrong secrets in a row until the login is locked. */
  readonly threshold: number;
  readonly durationMs: number;
}

interface Failures {
  count: number;
  lockedUntil: number;
}

interface UniversalParts {
  readonly identities: Identities;
  readonly clock: Clock;
  readonly lockout: Lockout | undefined;
}

/** Logins with a client id and a client secret. */
export class UniversalLogins {
  readonly #failures = new Map<string, Failures>();
  readonly #identities: Identities;
  readonly #clock: Clock;
  readonly #lockout: Lockout | undefined;

  constructor({ identities, clock, lockout }: UniversalParts) {
    this.#identities = identities;
    this.#clock = clock;
    this.#lockout = lockout;
  }

  /**
   * Checks a login. With a lockout, wrong secrets lock the login for a while, right ones included.
   *
   * @throws Refusal of kind `unauthorized`; it does not say whether the id or the secret is wrong.
   */
  check(clientId: string, clientSecret: string): Identity {
    const identity = this.#identities.ofClient(clientId);
    if (identity === undefined) throw wrongCredentials();
    const failures = this.#failures.get(clientId) ?? { count: 0, lockedUntil: 0 };
    this.#failures.set(clientId, failures);
    const lockout = this.#lockout;
    if (lockout !== undefined && failures.lockedUntil > this.#clock.now()) throw locked();
    if (equal(clientSecret, identity.clientSecret)) {
      failures.count = 0;
      return identity;
    }
    failures.count += 1;
    if (lockout !== undefined && failures.count >= lockout.threshold) {
      failures.count = 0;
      failures.lockedUntil = this.#clock.now() + lockout.durationMs;
    }
    throw wrongCredentials();
  }
}

export function wrongCredentials(): Refusal {
  return new Refusal('unauthorized', 'Invalid credentials');
}

function locked(): Refusal {
  return new Refusal(
    'unauthorized',
    'This identity auth method is temporarily locked, please try again later',
  );
}

function equal(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
