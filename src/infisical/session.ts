import type { Clock } from '../clock.ts';
import { type Fault, fault, FaultError } from '../errors.ts';
import type { Timing } from '../timing.ts';
import type { Log, LoginWay, Metrics } from '../telemetry.ts';
import type { AccessToken } from './auth/access-token.ts';

/** A new login comes at this share of a token's life. */
const REFRESH_AT = 0.8;

/**
 * How a session stands. `at`, when that began, and `until`, when its token ends, are server time, milliseconds since
 * 1970, undefined before the server's first answer; `until` also where a token has no end.
 */
export type SessionState =
  | { readonly kind: 'none' }
  | { readonly kind: 'loggedIn'; readonly at: number | undefined; readonly until?: number | undefined }
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
  /** A request with this token did what was asked: the end of any run of failures. */
  worked(token: string): void;
  /**
   * A request with this token was answered and did not do what was asked, which says nothing of the token. After a long
   * run of these and nothing else the next call of `token` logs in: a server can be mistaken about a token without saying
   * so. The token stays in use where that login fails; the next run has to be twice as long, up to an hour.
   */
  failing(token: string): void;
  state(): SessionState;
  /**
   * What the login is made with has changed. The next call of `token` logs in, whatever hold-off there is; the token in
   * hand stays in use until the server has answered that login, with another one or with a refusal.
   */
  supersede(): void;
  /** Forgets everything: the credential or the connection has changed. */
  reset(): void;
  /** Nobody asks with it any more; nobody is told. */
  end(): void;
}

export interface SessionOptions {
  readonly host: string;
  /** How it logs in, for the metrics. */
  readonly way: LoginWay;
  readonly login: () => Promise<AccessToken>;
  readonly clock: Clock;
  /** Server time. */
  readonly now: () => number | undefined;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'loggedIn' | 'sessionsChanged' | 'failed'>;
  /** Called after each login and each change of the fault. */
  readonly onChange?: ((state: SessionState) => void) | undefined;
}

interface Held {
  readonly value: string;
  readonly refreshAt: number;
  readonly endsAt: number;
  /** Made with a credential that is another one now. */
  readonly superseded: boolean;
}

/** A run of fewer failures is not long, however much time it takes. */
const LEAST_FAILURES = 5;

/** What a server answers to a login that it does not take. */
const refusals: ReadonlySet<Fault['code']> = new Set(['LoginRefused', 'TokenRefused']);

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
  /** Failures since a request last worked. */
  #run: { readonly since: number; readonly failures: number } | undefined;
  /** Runs of failures that have led to a login since a request last worked. */
  #longRuns = 0;
  /** Counts new beginnings: the outcome of an older login is nobody's business any more. */
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
    if (this.#state.kind !== 'loggedIn') this.#change(this.#loggedIn());
  }

  refused(token: string, status: number): void {
    if (token !== this.#held?.value) return;
    this.#held = undefined;
    this.#strikes += 1;
    this.#lastRefused = { token, status };
    this.#options.log.info('An access token was refused.', { host: this.#options.host, status });
    if (this.#strikes > 1) this.#fail(this.#tokenRefused(status));
  }

  worked(token: string): void {
    if (token !== this.#held?.value) return;
    this.#run = undefined;
    this.#longRuns = 0;
  }

  failing(token: string): void {
    if (token !== this.#held?.value) return;
    const { clock, timing, log, host } = this.#options;
    const now = clock.elapsed();
    const { since = now, failures = 0 } = this.#run ?? {};
    this.#run = { since, failures: failures + 1 };
    const long = Math.min(timing.failureRun * 2 ** this.#longRuns, timing.failureRunCap);
    if (failures + 1 < LEAST_FAILURES || now - since < long) return;
    this.#run = undefined;
    this.#longRuns += 1;
    this.#held = { ...this.#held, refreshAt: now };
    log.info('Requests have failed for long; a fresh login comes with the next one.', { host });
  }

  state(): SessionState {
    return this.#state;
  }

  supersede(): void {
    this.#begin();
    if (this.#held !== undefined) this.#held = { ...this.#held, refreshAt: -Infinity, superseded: true };
  }

  reset(): void {
    this.#begin();
    this.#held = undefined;
    this.#change({ kind: 'none' });
  }

  end(): void {
    if (this.#state.kind === 'loggedIn') this.#count(-1);
    this.#state = { kind: 'none' };
  }

  /** As if no login had been tried: what one that is under way brings is nobody's business any more. */
  #begin(): void {
    this.#epoch += 1;
    this.#underway = undefined;
    this.#holdOff = undefined;
    this.#failures = 0;
    this.#strikes = 0;
    this.#lastRefused = undefined;
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
      superseded: false,
    };
    this.#options.metrics.loggedIn(this.#options.way, 'accepted');
    // After a refusal only the next request shows what this token is worth.
    if (this.#strikes < 2) this.#change(this.#loggedIn());
    return value;
  }

  #loggedIn(): SessionState {
    const at = this.#options.now();
    const left = (this.#held?.endsAt ?? Infinity) - this.#options.clock.elapsed();
    return { kind: 'loggedIn', at, until: at === undefined || left === Infinity ? undefined : at + left };
  }

  /** The token in hand, while it has any life left. */
  #stillGood(): string | undefined {
    return this.#held !== undefined && this.#options.clock.elapsed() < this.#held.endsAt
      ? this.#held.value
      : undefined;
  }

  /** Begins a hold-off. @returns its length in milliseconds. */
  #fail(raised: Fault): number {
    const { clock, log, metrics, now, host, way } = this.#options;
    this.#failures += 1;
    this.#lastRefused = undefined;
    const wait = Math.max(this.#backoff(), raised.retryAfter ?? 0);
    this.#holdOff = { until: clock.elapsed() + wait, fault: raised };
    metrics.failed('login', raised.code);
    if (refusals.has(raised.code)) {
      metrics.loggedIn(way, 'refused');
      // Whoever has changed the credential wants to know that it does not work, not that the one before still does.
      if (this.#held?.superseded === true) this.#held = undefined;
    }
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

  #count(change: number): void {
    const { metrics, way } = this.#options;
    if (change !== 0) metrics.sessionsChanged(way, change > 0 ? 1 : -1);
  }

  #change(next: SessionState): void {
    const before = this.#state;
    this.#state = next;
    this.#count(Number(next.kind === 'loggedIn') - Number(before.kind === 'loggedIn'));
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
