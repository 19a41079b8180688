import type { Clock } from '../clock.ts';
import { type Fault, fault, FaultError } from '../errors.ts';
import type { Timing } from '../timing.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { AccessToken } from './auth/access-token.ts';

/** A new login comes at this share of a token's life. */
const REFRESH_AT = 0.8;

/** How a session stands. `at` is server time, milliseconds since 1970, undefined before the server's first answer. */
export type SessionState =
  | { readonly kind: 'none' }
  | { readonly kind: 'loggedIn'; readonly at: number | undefined }
  | { readonly kind: 'failed'; readonly at: number | undefined; readonly fault: Fault };

/** One identity's access token, shared by all who make requests with it. */
export interface Session {
  /**
   * A token that is good as far as anybody knows; logs in where there is none. However many ask at once, there is one
   * login. From 80 % of a token's life it is replaced; a login that fails then leaves the old one in use to its end.
   *
   * @throws FaultError when no login succeeds. After a failure there is no other before a hold-off: until then every
   * call fails at once with that fault, whose `retryAfter` tells when the next may be.
   */
  token(): Promise<string>;
  /** The server took this token, whatever it then said of the request. */
  accepted(token: string): void;
  /**
   * The server refused this token, not what was asked with it. The next call of `token` logs in; when the fresh one is
   * refused as well before it was ever accepted, or is the same one, that is a failure like a refused login.
   */
  refused(token: string, status: number): void;
  state(): SessionState;
  /** Forgets everything: the credential or the connection has changed. */
  reset(): void;
}

export interface SessionOptions {
  readonly host: string;
  readonly login: () => Promise<AccessToken>;
  readonly clock: Clock;
  /** Server time. */
  readonly now: () => number | undefined;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'loggedIn'>;
  /** Called after each login and each change of the fault. */
  readonly onChange?: ((state: SessionState) => void) | undefined;
}

interface Held {
  readonly value: string;
  readonly refreshAt: number;
  readonly endsAt: number;
}

export function createSession(options: SessionOptions): Session {
  return new TokenSession(options);
}

class TokenSession implements Session {
  readonly #options: SessionOptions;
  #held: Held | undefined;
  #holdOff: { readonly until: number; readonly fault: Fault } | undefined;
  #underway: Promise<string> | undefined;
  #state: SessionState = { kind: 'none' };
  /** Logins that failed one after another. */
  #failures = 0;
  /** Tokens refused since one was last accepted. */
  #strikes = 0;
  #lastRefused: { readonly token: string; readonly status: number } | undefined;
  /** Counts resets: the outcome of an older login is nobody's business any more. */
  #epoch = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  async token(): Promise<string> {
    const now = this.#options.clock.elapsed();
    if (this.#held !== undefined && now < this.#held.refreshAt) return this.#held.value;
    if (this.#holdOff !== undefined && now < this.#holdOff.until) {
      return this.#stillGood() ?? this.#reject(this.#holdOff.fault, this.#holdOff.until - now);
    }
    this.#underway ??= this.#logIn();
    return this.#underway;
  }

  accepted(token: string): void {
    if (token !== this.#held?.value) return;
    this.#strikes = 0;
    if (this.#state.kind !== 'loggedIn') this.#change({ kind: 'loggedIn', at: this.#options.now() });
  }

  refused(token: string, status: number): void {
    if (token !== this.#held?.value) return;
    this.#held = undefined;
    this.#strikes += 1;
    this.#lastRefused = { token, status };
    this.#options.log.info('An access token was refused.', { host: this.#options.host, status });
    if (this.#strikes > 1) this.#fail(this.#tokenRefused(status));
  }

  state(): SessionState {
    return this.#state;
  }

  reset(): void {
    this.#epoch += 1;
    this.#underway = undefined;
    this.#held = undefined;
    this.#holdOff = undefined;
    this.#failures = 0;
    this.#strikes = 0;
    this.#lastRefused = undefined;
    this.#change({ kind: 'none' });
  }

  async #logIn(): Promise<string> {
    const epoch = this.#epoch;
    const { clock, login } = this.#options;
    // A token's life counts from before its login: rather too early than too late.
    const startedAt = clock.elapsed();
    try {
      const fresh = await login();
      if (epoch !== this.#epoch) return fresh.value;
      this.#underway = undefined;
      return this.#admit(fresh, startedAt);
    } catch (error) {
      const raised = faultOf(error);
      if (epoch !== this.#epoch) throw new FaultError(raised);
      this.#underway = undefined;
      const wait = this.#fail(raised);
      return this.#stillGood() ?? this.#reject(raised, wait);
    }
  }

  #admit({ value, life }: AccessToken, startedAt: number): string {
    const last = this.#lastRefused;
    // Nothing new to try. After the hold-off the same token is tried again: what made the server refuse it may be mended.
    this.#lastRefused = undefined;
    if (last?.token === value) {
      this.#strikes += 1;
      throw new FaultError(this.#tokenRefused(last.status));
    }
    this.#failures = 0;
    this.#holdOff = undefined;
    this.#held = {
      value,
      refreshAt: startedAt + (life ?? Infinity) * REFRESH_AT,
      endsAt: startedAt + (life ?? Infinity),
    };
    this.#options.metrics.loggedIn('accepted');
    // After a refusal only the next request shows what this token is worth.
    if (this.#strikes < 2) this.#change({ kind: 'loggedIn', at: this.#options.now() });
    return value;
  }

  /** The token in hand, while it has any life left. */
  #stillGood(): string | undefined {
    return this.#held !== undefined && this.#options.clock.elapsed() < this.#held.endsAt
      ? this.#held.value
      : undefined;
  }

  /** Begins a hold-off. @returns its length in milliseconds. */
  #fail(raised: Fault): number {
    const { clock, log, metrics, now, host } = this.#options;
    this.#failures += 1;
    this.#lastRefused = undefined;
    const wait = Math.max(this.#backoff(), raised.retryAfter ?? 0);
    this.#holdOff = { until: clock.elapsed() + wait, fault: raised };
    if (raised.code === 'LoginRefused' || raised.code === 'TokenRefused') metrics.loggedIn('refused');
    log.warn('A login failed.', { host, code: raised.code, milliseconds: Math.round(wait) });
    if (this.#stillGood() === undefined) this.#change({ kind: 'failed', at: now(), fault: raised });
    return wait;
  }

  /** Full jitter above the base: a hold-off of nothing would be none. */
  #backoff(): number {
    const { clock, timing } = this.#options;
    const ceiling = Math.min(
      timing.loginBackoffCap,
      timing.backoffBase * 2 ** (this.#failures + this.#strikes),
    );
    return Math.max(timing.backoffBase, clock.random() * ceiling);
  }

  #tokenRefused(status: number): Fault {
    return fault('TokenRefused', { host: this.#options.host, status });
  }

  #reject(raised: Fault, retryAfter: number): Promise<never> {
    return Promise.reject(new FaultError({ ...raised, retryAfter }));
  }

  #change(next: SessionState): void {
    const before = this.#state;
    this.#state = next;
    if (next.kind !== 'loggedIn' && describe(before) === describe(next)) return;
    this.#options.onChange?.(next);
  }
}

function describe(state: SessionState): string {
  return state.kind === 'failed' ? state.fault.message : state.kind;
}

function faultOf(error: unknown): Fault {
  return error instanceof FaultError ? error.fault : fault('Internal', undefined);
}
