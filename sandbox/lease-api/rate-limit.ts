import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from './clock.ts';
import { type Profile, Refusal } from './refusal.ts';
import type { Route } from './route.ts';

export interface RateLimits {
  /** Requests per window, source address and route. @default 60 */
  readonly read?: number;
  /** The same for everything that writes, logins included. @default 200 */
  readonly write?: number;
  /** Milliseconds on the server's clock. @default 60000 */
  readonly windowMs?: number;
}

interface Window {
  count: number;
  readonly endsAt: number;
}

export interface RateVerdict {
  readonly headers: Readonly<Record<string, number>>;
  readonly refusal: Refusal | undefined;
}

/** Headers in which a proxy names the caller, in the order in which the server believes them. */
const ADDRESS_HEADERS = ['cf-connecting-ip', 'x-client-ip', 'x-forwarded-for'];

/** Fixed windows per route and source address. The window counts by the server's clock, so scaled clocks scale it. */
export class RateLimiter {
  readonly #windows = new Map<string, Window>();
  readonly #clock: Clock;
  readonly #profile: Profile;
  readonly #limits: Required<RateLimits>;
  readonly #writeLimit: () => number | null;

  /** @param writeLimit goes before the limit of the writes while it is not null. */
  constructor(
    clock: Clock,
    profile: Profile,
    { read = 60, write = 200, windowMs = 60_000 }: RateLimits,
    writeLimit: () => number | null = () => null,
  ) {
    this.#clock = clock;
    this.#profile = profile;
    this.#limits = { read, write, windowMs };
    this.#writeLimit = writeLimit;
  }

  /** Counts a request. */
  take(route: Route, address: string): RateVerdict {
    const limit = (route.rate === 'write' ? this.#writeLimit() : null) ?? this.#limits[route.rate];
    const window = this.#window(`${route.name} ${address}`);
    window.count += 1;
    const seconds = Math.max(1, Math.ceil((window.endsAt - this.#clock.now()) / 1000));
    return {
      headers: {
        'x-ratelimit-limit': limit,
        'x-ratelimit-remaining': Math.max(0, limit - window.count),
        'x-ratelimit-reset': seconds,
      },
      refusal: window.count > limit ? rateLimited(this.#profile, seconds) : undefined,
    };
  }

  #window(key: string): Window {
    const now = this.#clock.now();
    const current = this.#windows.get(key);
    if (current !== undefined && current.endsAt > now) return current;
    const window = { count: 0, endsAt: now + this.#limits.windowMs };
    this.#windows.set(key, window);
    return window;
  }
}

/** The refusal of a rate limit, in the profile's words. */
export function rateLimited(profile: Profile, seconds: number): Refusal {
  const message =
    profile === '2024'
      ? `Rate limit exceeded, retry in ${inWords(seconds)}`
      : `Rate limit exceeded. Please try again in ${seconds} seconds`;
  return new Refusal('rate-limit', message, { retryAfterSeconds: seconds });
}

/** Whom a request comes from: behind a proxy, whoever the proxy says. */
export function sourceAddress(headers: IncomingHttpHeaders, socketAddress: string): string {
  const named = ADDRESS_HEADERS.map((name) => headers[name]).find((value) => typeof value === 'string');
  return typeof named === 'string' ? (named.split(',')[0] ?? named).trim() : socketAddress;
}

function inWords(seconds: number): string {
  if (seconds % 60 !== 0) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  return seconds === 60 ? '1 minute' : `${seconds / 60} minutes`;
}
