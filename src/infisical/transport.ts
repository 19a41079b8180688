import { X509Certificate } from 'node:crypto';

import { Agent } from 'undici';

import type { Clock } from '../clock.ts';
import { fault, FaultError } from '../errors.ts';
import type { ServerClock } from '../server-clock.ts';
import type { Log, Metrics } from '../telemetry.ts';
import { Exchange, type Outcome } from './exchange.ts';
import { outOfTime } from './failure.ts';

/** The largest answer, in bytes. */
export const MAX_BODY = 1024 * 1024;
/** The largest list: it names every lease of a dynamic secret, without pages. */
export const MAX_LIST = 32 * 1024 * 1024;

/** Connections to one server. */
const CONNECTIONS = 16;
/** An idle connection is kept for at most this long, whatever the server promises, in milliseconds. */
const LONGEST_KEEP_ALIVE = 30_000;

/** The requests that leaseholder makes: labels of logs and metrics. */
export type Route =
  'login' | 'status' | 'create-lease' | 'get-lease' | 'list-leases' | 'renew-lease' | 'revoke-lease';

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below /api, with a slash at its start. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as a bearer token, except to /v1/auth/*: the server checks one even there, and a stale one fails the login. */
  readonly token?: string;
  /** Elapsed time by which the whole answer must be there. */
  readonly deadline: number;
  /** @default MAX_BODY */
  readonly maxBytes?: number;
  readonly route: Route;
}

/** HTTP/1.1 and JSON to one server. Knows nothing of leases. */
export interface Transport {
  readonly host: string;
  /** Never rejects: what can go wrong is an outcome. Redirects are not followed. */
  request(request: TransportRequest): Promise<Outcome>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface TransportOptions {
  /** The server, as `serverOf()` of the connection's API gives it. */
  readonly host: string;
  /** Certificates in PEM, instead of the default roots. */
  readonly ca?: string | undefined;
  readonly clock: Clock;
  /** Learns from the `Date` of every answer in JSON. */
  readonly serverClock: ServerClock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'apiAnswered'>;
}

/** @throws FaultError ConnectionInvalid when `host` is no address or `ca` cannot be read. */
export function createTransport(options: TransportOptions): Transport {
  const { host, clock, serverClock, log, metrics } = options;
  const base = baseOf(host);
  const agent = new Agent({
    allowH2: false,
    connections: CONNECTIONS,
    keepAliveMaxTimeout: LONGEST_KEEP_ALIVE,
    // One deadline for the whole exchange, by the clock, instead.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: options.ca === undefined ? {} : { ca: readable(options.ca) },
  });

  async function request(wanted: TransportRequest): Promise<Outcome> {
    const startedAt = clock.elapsed();
    if (startedAt >= wanted.deadline) return { kind: 'failed', sent: false, cause: outOfTime };
    const exchange = new Exchange({
      clock,
      deadline: wanted.deadline,
      maxBytes: wanted.maxBytes ?? MAX_BODY,
      onDate: (date, sentAt) => serverClock.note(date, sentAt),
    });
    try {
      agent.dispatch(
        {
          origin: base.origin,
          path: pathOf(base, wanted),
          method: wanted.method,
          headers: headersOf(wanted),
          body: wanted.body === undefined ? null : JSON.stringify(wanted.body),
        },
        exchange,
      );
    } catch (error) {
      exchange.failed(error);
    }
    const outcome = await exchange.outcome;
    const elapsed = clock.elapsed() - startedAt;
    metrics.apiAnswered(wanted.route, outcomeLabel(outcome), elapsed / 1000);
    log.debug('A request to the lease API ended.', {
      host,
      route: wanted.route,
      outcome: outcomeLabel(outcome),
      milliseconds: Math.round(elapsed),
    });
    return outcome;
  }

  return { host, request, close: () => agent.close() };
}

function baseOf(host: string): URL {
  try {
    return new URL(`${host}/api`);
  } catch {
    throw new FaultError(fault('ConnectionInvalid', { field: 'spec.hostAPI', rule: 'is not an address' }));
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** TLS passes over a certificate that it cannot read, and then trusts nobody without saying why. */
function readable(ca: string): string {
  try {
    const certificates = (ca.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    if (certificates.length > 0) return ca;
  } catch {
    // Said below, without OpenSSL's words.
  }
  const rule = 'holds a certificate that cannot be read, or none';
  throw new FaultError(fault('ConnectionInvalid', { field: 'spec.caBundle', rule }));
}

function pathOf(base: URL, { path, query }: TransportRequest): string {
  const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
  return `${base.pathname}${path}${search}`;
}

function headersOf({ path, body, token }: TransportRequest): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'leaseholder',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(token === undefined || path.startsWith('/v1/auth/') ? {} : { authorization: `Bearer ${token}` }),
  };
}

const commonStatuses = new Set([200, 400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504]);

/** A closed set: a server that makes up statuses must not make up labels. */
function outcomeLabel(outcome: Outcome): string {
  if (outcome.kind === 'failed') return outcome.sent ? 'lost' : 'unreachable';
  if (outcome.kind === 'unreadable') return 'unreadable';
  return commonStatuses.has(outcome.status)
    ? String(outcome.status)
    : `${String(Math.min(Math.floor(outcome.status / 100), 9))}xx`;
}
