import type { ClockSetting } from './clock.ts';
import type { Lockout } from './logins/universal.ts';
import type { RateLimits } from './rate-limit.ts';
import type { Profile } from './refusal.ts';
import type { Validation } from './schemas.ts';

/** What can be switched while the server runs. */
export interface Switches {
  /** Whether the plan has dynamic secrets; without, creating and renewing is refused with 400. @default true */
  licensed: boolean;
  /** Refuses everything but GET, universal-auth logins and token renewals. @default false */
  maintenance: boolean;
  /** What a TTL that `ms` cannot read meets: the real server's hole, or a refusal. @default 'accepted' */
  garbageTtl: 'accepted' | 'refused';
  /** Leases per dynamic secret; the real server's limit counts wrongly and never bites. @default null, no limit */
  leaseLimit: number | null;
  /** Replaces what every TTL says, in milliseconds; that of a dynamic secret goes first. @default null */
  lifeOverride: number | null;
  /** Where there are rate limits: replaces that of the writes, also in windows that run. @default null */
  writeLimit: number | null;
  /** Whether a database on `localhost` or `127.0.0.1` is refused, as real servers do. @default false: the sandbox's is there */
  refuseLocalHosts: boolean;
}

/** When the current server tries a failed revocation again, in milliseconds of its clock after each failure. */
export interface RetryDelays {
  /** After a failure of the revocation at `expireAt`. @default 1 min, 2 min */
  readonly soon: readonly number[];
  /** After those, and after a failed revocation on request. @default 4 h, doubled nine times */
  readonly later: readonly number[];
}

export interface TlsOptions {
  /** PEM. */
  readonly key: string;
  /** PEM; the server's certificate first. */
  readonly cert: string;
}

export interface LeaseApiOptions {
  /** @default a free port */
  readonly port?: number;
  /** The port of the admin interface. @default a free port */
  readonly adminPort?: number;
  /** @default 'current' */
  readonly profile?: Profile;
  /** @default 'strict' */
  readonly validation?: Validation;
  /** @default none, no limits */
  readonly rateLimits?: RateLimits;
  /** Locks universal-auth logins; the current server's default is 3 failures and 5 minutes. @default none */
  readonly lockout?: Lockout;
  readonly switches?: Partial<Switches>;
  readonly clock?: ClockSetting;
  /** Only the current server retries. */
  readonly retryDelays?: RetryDelays;
  /** How long connecting to a database may take, in real milliseconds. @default 10000 */
  readonly providerTimeoutMs?: number;
  readonly tls?: TlsOptions;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const DEFAULT_RETRY_DELAYS: RetryDelays = {
  soon: [MINUTE, 2 * MINUTE],
  later: Array.from({ length: 10 }, (_, attempt) => 4 * HOUR * 2 ** attempt),
};

export const DEFAULT_SWITCHES: Switches = {
  licensed: true,
  maintenance: false,
  garbageTtl: 'accepted',
  leaseLimit: null,
  lifeOverride: null,
  writeLimit: null,
  refuseLocalHosts: false,
};
