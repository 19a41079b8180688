import type { IssuedLease, Lease, Target } from '../api/lease.ts';
import type { Clock } from '../clock.ts';
import { type Fault, fault } from '../errors.ts';
import { serverClock } from '../server-clock.ts';
import type { Log, LoginWay, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import type { LoginMethod } from './auth/access-token.ts';
import { logOut } from './auth/log-out.ts';
import { authorisedCall } from './authorised-call.ts';
import { dynamicSecretCalls } from './dynamic-secret-calls.ts';
import type { DynamicSecretClient } from './dynamic-secrets.ts';
import { type LeaseRequest, requestLease } from './lease-request.ts';
import { RequestError } from './request-error.ts';
import { mendableRead, retrying } from './retry.ts';
import { type FoundLease, changedLease, foundLease, isLeaseId, leaseList, statusAnswer } from './schemas.ts';
import { createSession, type Session, type SessionState } from './session.ts';
import { synchronisation } from './synchronisation.ts';
import { type TagSupport, tagSupportTable } from './tag-support.ts';
import type { Gates } from './gate/gates.ts';
import { createTransport, MAX_LIST, type TransportOptions } from './transport.ts';

/**
 * The lease API of one server, as one identity. Every method throws {@link RequestError} and nothing else.
 *
 * A token that the server refuses is replaced and the request made once more, once. Beyond that only reads are tried
 * again by themselves.
 */
export interface LeaseClient extends DynamicSecretClient {
  /** The server, without /api. */
  readonly host: string;
  /**
   * Asks for a lease. The answer is the only time that its credentials are shown, and the API knows no idempotency
   * key: a request of unknown fate is never repeated here. The error's `fate` says whether there is something to
   * settle, its `tagged` whether the lease could be found by its tag.
   *
   * The tag goes along as `config.leaseholder`. Where it is not known whether the dynamic secret takes it, a refusal
   * as a bad request is followed by one request without; when that one succeeds, later requests of that dynamic secret
   * go without it too. A 429 with a wait of at most two seconds is waited out.
   */
  createLease(request: LeaseRequest): Promise<IssuedLease>;
  getLease(id: string, target: Target): Promise<FoundLease>;
  /** All leases of a dynamic secret, whoever asked for them. */
  listLeases(target: Target): Promise<readonly Lease[]>;
  /**
   * Asks for a revocation. An answer alone confirms none: `status` is null when it worked, `Failed to delete` when
   * the credentials are still good.
   */
  revokeLease(id: string, target: Target): Promise<Lease>;
  /**
   * Lengthens a lease: its end moves by `ttl` from where it was, or by the dynamic secret's default. Each success adds,
   * so a request of unknown fate is never repeated here; a look at the lease tells.
   *
   * @param neededBy as in {@link LeaseRequest}.
   */
  renewLease(id: string, target: Target, ttl: string | undefined, neededBy?: number): Promise<Lease>;
  /** What is known of this dynamic secret and tags. */
  tagSupport(target: Target): TagSupport;
  /** Server time in milliseconds since 1970; undefined before the first answer. */
  now(): number | undefined;
  /** Asks the server for its time, if it is not known yet. */
  synchronise(): Promise<void>;
  /** Waits for what is under way. Nothing can be asked afterwards. */
  close(): Promise<void>;
}

/** A client and the session behind it, for who keeps the connection. */
export interface ConnectedLeaseClient extends LeaseClient {
  readonly session: Pick<Session, 'token' | 'state' | 'reset'>;
  /**
   * What the login or TLS is made with may have changed where it is kept. TLS is made anew with the next request, and
   * where a credential has changed, the next call of `token` logs in with it.
   *
   * @returns whether a credential has.
   */
  recheck(): Promise<boolean>;
  /**
   * Shows the session's token to the server, where a refusal has put it in doubt: the server looks at a token with
   * every request, also with one for its state.
   */
  verify(): Promise<void>;
  /** The fault of every request while the server does not answer, and none is sent to it; undefined while it does. */
  outage(): Fault | undefined;
}

/** A client whose session nobody else uses: it can be ended. */
export interface OwnLeaseClient extends ConnectedLeaseClient {
  /**
   * Ends the session on the server, where a login made it. A token that somebody else made would end for all: for Token
   * Auth this must not be called.
   *
   * @returns whether the server says so; where it does not, the token lives to its own end. Never rejects.
   */
  logOut(): Promise<boolean>;
}

export interface LeaseClientOptions {
  /** The server, as `serverOf()` of the connection's API gives it. */
  readonly host: string;
  /** Where it may lead, by which proxies, and what TLS is made with. */
  readonly network: Pick<TransportOptions, 'rule' | 'proxies' | 'tls'>;
  readonly login: LoginMethod;
  /** Which method that is, for the metrics. */
  readonly way: LoginWay;
  /** Whether what the last login was made with is another one now. Default: never. */
  readonly credentialChanged?: (() => Promise<boolean>) | undefined;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Pick<
    Metrics,
    'apiAnswered' | 'loggedIn' | 'sessionsChanged' | 'failed' | 'leaseRequested'
  >;
  /** The gates that all connections to one server share. Default: none, nothing waits or is held back. */
  readonly gates?: Gates | undefined;
  /** Called whenever the server has ceased to answer, or answers again. */
  readonly onOutage?: (() => void) | undefined;
  /** Called after each login and each change of the session's fault. */
  readonly onSessionChange?: ((state: SessionState) => void) | undefined;
}

/** @throws FaultError as {@link createTransport} does. */
export function createLeaseClient(options: LeaseClientOptions): OwnLeaseClient {
  const { host, network, clock, timing, log, metrics } = options;
  const time = serverClock(clock);
  const now = (): number | undefined => time.now();
  const direct = createTransport({ ...network, host, clock, serverClock: time, log, metrics });
  const transport = options.gates?.behind(direct, options.onOutage) ?? { ...direct, outage: () => undefined };
  const session = createSession({
    host,
    clock,
    now,
    timing,
    log,
    metrics,
    way: options.way,
    login: () => options.login({ transport, clock, timing, now }),
    onChange: options.onSessionChange,
  });
  const call = authorisedCall(transport, session);
  const tags = tagSupportTable();
  const deadline = (): number => clock.elapsed() + timing.apiRequestDeadline;

  async function createLease(request: LeaseRequest): Promise<IssuedLease> {
    const context = { host, call, clock, tags, deadline: clock.elapsed() + timing.leaseRequestDeadline };
    try {
      const issued = await requestLease(context, request);
      metrics.leaseRequested('made');
      return issued;
    } catch (error) {
      if (error instanceof RequestError) metrics.leaseRequested(error.fate);
      throw error;
    }
  }

  async function getLease(id: string, target: Target): Promise<FoundLease> {
    const until = deadline();
    const wanted = {
      asked: { kind: 'get', host, target },
      request: {
        method: 'GET',
        path: leasePath(id),
        query: folderOf(target),
        deadline: until,
        route: 'get-lease',
      },
      answer: foundLease,
    } as const;
    return retrying({ clock, timing, deadline: until, mendable: mendableRead }, () => call(wanted));
  }

  async function listLeases(target: Target): Promise<readonly Lease[]> {
    const until = deadline();
    const path = `/v1/dynamic-secrets/${encodeURIComponent(target.dynamicSecret)}/leases`;
    const limits = { deadline: until, maxBytes: MAX_LIST };
    const wanted = {
      asked: { kind: 'list', host, target },
      request: { method: 'GET', path, query: folderOf(target), ...limits, route: 'list-leases' },
      answer: leaseList,
    } as const;
    return retrying({ clock, timing, deadline: until, mendable: mendableRead }, () => call(wanted));
  }

  async function revokeLease(id: string, target: Target): Promise<Lease> {
    const path = leasePath(id);
    return call({
      asked: { kind: 'revoke', host, target },
      request: {
        method: 'DELETE',
        path,
        body: folderOf(target),
        deadline: deadline(),
        route: 'revoke-lease',
      },
      answer: changedLease,
    });
  }

  async function renewLease(
    id: string,
    target: Target,
    ttl: string | undefined,
    neededBy?: number,
  ): Promise<Lease> {
    const path = `${leasePath(id)}/renew`;
    const body = { ...folderOf(target), ...(ttl === undefined ? {} : { ttl }) };
    return call({
      asked: { kind: 'renew', host, target },
      request: { method: 'POST', path, body, deadline: deadline(), neededBy, route: 'renew-lease' },
      answer: changedLease,
    });
  }

  async function verify(): Promise<void> {
    await call({
      asked: { kind: 'verify', host },
      request: { method: 'GET', path: '/status', deadline: deadline(), route: 'status' },
      answer: statusAnswer,
    });
  }

  async function recheck(): Promise<boolean> {
    direct.doubtTrust();
    const changed = (await options.credentialChanged?.()) ?? false;
    if (changed) session.supersede();
    return changed;
  }

  async function logOutOnce(): Promise<boolean> {
    if (session.state().kind !== 'loggedIn') return false;
    const token = await session.token();
    session.reset();
    return logOut({ transport, clock, timing }, token);
  }

  return {
    host,
    session,
    logOut: logOutOnce,
    verify,
    recheck,
    outage: () => transport.outage(),
    createLease,
    getLease,
    listLeases,
    renewLease,
    revokeLease,
    ...dynamicSecretCalls({ host, call, clock, timing }),
    tagSupport: (target) => tags.of(target),
    now,
    synchronise: synchronisation({ transport, time, clock, timing }),
    close: () => transport.close().finally(() => session.end()),
  };
}

/** Where the server looks for a lease. */
function folderOf({ projectSlug, environmentSlug, path }: Target): Readonly<Record<string, string>> {
  return { projectSlug, environmentSlug, path };
}

/** An id that is no UUID must not reach a URL: the server fails on it with a 500, for ever. */
function leasePath(id: string): string {
  if (!isLeaseId(id)) throw new RequestError({ fault: fault('Internal', undefined), fate: 'refused' });
  return `/v1/dynamic-secrets/leases/${id}`;
}
