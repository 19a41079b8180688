import type { Clock } from '../clock.ts';
import { fault, FaultError } from '../errors.ts';
import type { ServerClock } from '../server-clock.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { DialRule } from '../network/allowed-hosts.ts';
import { noProxies, type Proxies } from '../network/proxies.ts';
import { requireHost, type Resolve } from './dial.ts';
import { Exchange, type Outcome } from './exchange.ts';
import { type FailureCause, outOfTime } from './failure.ts';
import { isReadable } from './pem.ts';
import { type TLSSource, way } from './way.ts';

/** The largest answer, in bytes. */
export const MAX_BODY = 1024 * 1024;
/** The largest list: it names every lease of a dynamic secret, without pages. */
export const MAX_LIST = 32 * 1024 * 1024;

/** The requests that leaseholder makes: labels of logs and metrics, and what servers count apart when they limit rates. */
export const routes = [
  'login',
  'status',
  'create-lease',
  'get-lease',
  'list-leases',
  'renew-lease',
  'revoke-lease',
  'create-dynamic-secret',
  'update-dynamic-secret',
  'delete-dynamic-secret',
  'list-dynamic-secrets',
] as const;

export type Route = (typeof routes)[number];

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
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
  /**
   * Elapsed time by which its answer is needed: the order in which one connection's requests wait for their turn where the
   * server limits their rate. Default: after all that say when, in the order in which they came.
   */
  readonly neededBy?: number | undefined;
  /** Called right before it is sent, after any wait; what it throws ends the request, and is thrown. */
  readonly onSending?: (() => void) | undefined;
}

/** HTTP/1.1 and JSON to one server. Knows nothing of leases. */
export interface Transport {
  readonly host: string;
  /** Rejects only with what `onSending` throws: all else that can go wrong is an outcome. Redirects are not followed. */
  request(request: TransportRequest): Promise<Outcome>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

/** A transport that sends by itself. */
export interface DirectTransport extends Transport {
  /** What TLS is made with may have changed where it is kept: it is read anew before the next request. */
  doubtTrust(): void;
}

export interface TransportOptions {
  /** The server, as `serverOf()` of the connection's API gives it. */
  readonly host: string;
  /** Where it may lead: checked when the transport is made, and with each connection. */
  readonly rule: DialRule;
  /** @default none */
  readonly proxies?: Proxies | undefined;
  /** @default the usual roots, and no certificate of our own */
  readonly tls?: TLSSource | undefined;
  /** Default: the name service of the system. */
  readonly resolve?: Resolve | undefined;
  readonly clock: Clock;
  /** Learns from the `Date` of every answer in JSON. */
  readonly serverClock: ServerClock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'apiAnswered'>;
}

/**
 * @throws FaultError ConnectionInvalid when `host` is no address or a CA that is given cannot be read; HostNotAllowed when
 *   the rule does not let the host be asked.
 */
export function createTransport(options: TransportOptions): DirectTransport {
  const { host, clock, serverClock, log, metrics, rule, proxies = noProxies, tls = {}, resolve } = options;
  const base = baseOf(host);
  requireHost(rule, base);
  requireReadable(tls);
  const route = way({ url: base, rule, proxies, resolve, tls, clock, log });

  async function request(wanted: TransportRequest): Promise<Outcome> {
    const startedAt = clock.elapsed();
    if (startedAt >= wanted.deadline) return { kind: 'failed', sent: false, cause: outOfTime };
    wanted.onSending?.();
    const exchange = new Exchange({
      clock,
      deadline: wanted.deadline,
      maxBytes: wanted.maxBytes ?? MAX_BODY,
      onDate: (date, sentAt) => serverClock.note(date, sentAt),
    });
    try {
      await route.ready();
      route.dispatch(
        {
          origin: base.origin,
          path: pathOf(base, wanted),
          method: wanted.method,
          headers: headersOf(wanted),
          body: wanted.body === undefined ? null : JSON.stringify(wanted.body),
          // undici closes the connection after a DELETE that has a body unless it is told not to.
          reset: false,
        },
        exchange,
      );
    } catch (error) {
      exchange.failed(error);
    }
    const outcome = await exchange.outcome;
    if (outcome.kind === 'failed' && distrust.has(outcome.cause.kind)) route.doubt();
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

  return { host, request, doubtTrust: () => route.doubt(), close: () => route.close() };
}

function baseOf(host: string): URL {
  try {
    return new URL(`${host}/api`);
  } catch {
    throw new FaultError(fault('ConnectionInvalid', { field: 'spec.hostAPI', rule: 'is not an address' }));
  }
}

const distrust: ReadonlySet<FailureCause['kind']> = new Set(['untrusted', 'clientUntrusted']);

function requireReadable(tls: TLSSource): void {
  if ('read' in tls || tls.ca === undefined || isReadable(tls.ca)) return;
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

/**
 * What can become of a request, as metrics name it: the status of an answer, or its class where it is a rare one; `unreadable`
 * for a body that is not the API's, `lost` where nobody knows what the server did, `unreachable` where nothing reached it.
 */
export const apiOutcomes: readonly string[] =
  '200 400 401 403 404 408 422 429 500 502 503 504 2xx 3xx 4xx 5xx other unreadable lost unreachable'.split(
    ' ',
  );

const knownOutcomes: ReadonlySet<string> = new Set(apiOutcomes);

/** A closed set: a server that makes up statuses must not make up labels. */
function outcomeLabel(outcome: Outcome): string {
  if (outcome.kind === 'failed') return outcome.sent ? 'lost' : 'unreachable';
  if (outcome.kind === 'unreadable' || outcome.kind === 'heldBack') return outcome.kind;
  const status = String(outcome.status);
  const names = [status, `${status.charAt(0)}xx`];
  return names.find((name) => knownOutcomes.has(name)) ?? 'other';
}
