import type { Dispatcher } from 'undici';

import { sleep, type Clock } from '../clock.ts';
import { serverClock } from '../server-clock.ts';
import type { Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import type { KubeAccess, KubeTLS } from './access.ts';
import { closeAgents, destroyAgents, openAgents, type Agents } from './agents.ts';
import { parseJson, requireSuccess, successBody, type OpenAnswer } from './answer.ts';
import { deadline, type Deadline } from './deadline.ts';
import { wholeAnswer, type WholeAnswer } from './whole-answer.ts';
import { KubeError, NOT_LEADING } from './kube-error.ts';
import { lines } from './lines.ts';
import { requestFailure } from './request-failure.ts';
import { retryWait } from './retry-wait.ts';

/** Query parameters; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface StreamRequest {
  /** Path from the server's root, its names percent-encoded. */
  readonly path: string;
  readonly query?: Query;
  /** Default: `application/json`. */
  readonly accept?: string;
  /** Gives the request up. */
  readonly signal?: AbortSignal;
  /** What is done, for errors and metrics: the Kubernetes verb. Default: the method in small letters. */
  readonly verb?: string;
  /** What it is done to, for errors and metrics: the plural name. Default: "other". */
  readonly resource?: string;
}

export interface KubeRequest extends StreamRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default: `application/json`. */
  readonly contentType?: string;
  /** Asked right before the request is sent, each time that it is; no: KubeError with the reason `NotLeading`. */
  readonly permit?: (() => boolean) | undefined;
  /** Sent over a connection that other requests do not use. Default: no. */
  readonly reserved?: boolean;
}

export interface StreamOptions {
  /** A stream without a byte for this many milliseconds is dead. Default: `timing.watchWatchdog`. */
  readonly silence?: number;
  /** Called whenever bytes arrive, and once when the stream is open. */
  readonly onBytes?: () => void;
}

/**
 * Requests to the API server, over few connections that are kept.
 *
 * Tried again, within the deadline and a few times at most: a refusal for want of credentials (401), once, with
 * credentials read anew; one for want of capacity (429), as `Retry-After` asks; reads also after a 503 and when no
 * answer came. A write that may have been done is never sent twice.
 */
export interface Transport {
  /**
   * Sends a request.
   *
   * @returns the parsed answer.
   * @throws KubeError on everything but a 2xx with JSON.
   */
  request(request: KubeRequest): Promise<unknown>;
  /**
   * Opens a watch and yields its lines, parsed. Ends when the server ends it; leaving the loop closes it.
   *
   * @throws KubeError when it cannot be opened, breaks off, falls silent (reason `Silent`), or holds no JSON.
   */
  stream(request: StreamRequest, options?: StreamOptions): AsyncGenerator<unknown, void, undefined>;
  /** What time it is on the API server, in milliseconds since 1970; undefined before the first answer. */
  now(): number | undefined;
  /** Breaks watches off, lets requests finish, and closes the connections. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly access: KubeAccess;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'kubeRequestDeadline' | 'watchWatchdog'>;
  readonly metrics: Pick<Metrics, 'kubeAnswered'>;
  /** Such as "leaseholder/0.1.0". */
  readonly userAgent: string;
  /** How many connections requests may use at once; watches have their own. Default: 8. */
  readonly connections?: number;
}

/** Opens a {@link Transport}. Nothing is sent yet. */
export function openTransport(options: TransportOptions): Transport {
  const { access, clock, timing, metrics, userAgent, connections = 8 } = options;
  const { origin, pathname } = new URL(access.server);
  const prefix = pathname.replace(/\/+$/, '');
  const time = serverClock(clock);
  const agentOptions = { connections, timeout: timing.kubeRequestDeadline };
  let open: { readonly tls: KubeTLS; readonly agents: Agents } | undefined;

  /** The connections for the present TLS material; those of an earlier one end with their last request. */
  function agentsFor(tls: KubeTLS): Agents {
    if (open?.tls === tls) return open.agents;
    if (open !== undefined) void closeAgents(Object.values(open.agents));
    open = { tls, agents: openAgents(tls, agentOptions) };
    return open.agents;
  }

  async function send<A extends Head>(request: KubeRequest, limit: Deadline, by: Sending<A>): Promise<A> {
    const { headers, tls } = await access.credentials();
    const { method, path, query, body, contentType = 'application/json', accept } = request;
    if (request.permit?.() === false) throw new KubeError(describe(request), { reason: NOT_LEADING });
    const sentAt = clock.elapsed();
    const wanted = {
      origin,
      path: `${prefix}${path}${search(query)}`,
      method,
      headers: {
        ...headers,
        accept: accept ?? 'application/json',
        'user-agent': userAgent,
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      // undici closes the connection after a DELETE that has a body unless it is told not to.
      reset: false,
    };
    const answer = await by(agentsFor(tls), wanted, limit.signal);
    const date = answer.headers['date'];
    time.note(typeof date === 'string' ? date : undefined, sentAt);
    count(request, answer.statusCode);
    return answer;
  }

  /** One exchange; credentials that are refused are read again once. */
  async function exchange<A extends Head>(request: KubeRequest, limit: Deadline, by: Sending<A>): Promise<A> {
    const answer = await send(request, limit, by);
    if (answer.statusCode !== 401) return answer;
    await answer.body?.dump();
    await access.refresh();
    return send(request, limit, by);
  }

  function count(request: KubeRequest, code: number): void {
    const { verb, resource } = subject(request);
    metrics.kubeAnswered(verb, resource, code);
  }

  /** Runs an attempt, and again where {@link retryWait} allows it and the time is enough. */
  async function persist<T>(request: KubeRequest, limit: Deadline, attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        const failure = requestFailure(describe(request), error, limit);
        if (failure.status === undefined && failure.reason !== NOT_LEADING) count(request, 0);
        const wait = retryWait(failure, request.method, tries, clock.random());
        if (wait === undefined || wait >= limit.left) throw failure;
        await sleep(clock, wait, limit.signal).catch((reason: unknown) => {
          throw requestFailure(describe(request), reason, limit);
        });
      }
    }
  }

  async function* stream(
    watch: StreamRequest,
    { silence = timing.watchWatchdog, onBytes }: StreamOptions = {},
  ): AsyncGenerator<unknown, void, undefined> {
    const request: KubeRequest = { verb: 'watch', ...watch, method: 'GET' };
    const limit = deadline(clock, timing.kubeRequestDeadline, watch.signal);
    try {
      const answer = await persist(request, limit, async () => {
        const opened = await exchange(request, limit, openWatch);
        return requireSuccess(describe(request), opened);
      });
      const alive = (): void => {
        limit.reset(silence);
        onBytes?.();
      };
      alive();
      for await (const line of lines(answer.body, alive))
        yield parseJson(describe(request), answer.statusCode, line);
    } catch (error) {
      throw requestFailure(describe(request), error, limit, 'Silent');
    } finally {
      limit.end();
    }
  }

  return {
    async request(request) {
      const limit = deadline(clock, timing.kubeRequestDeadline, request.signal);
      try {
        return await persist(request, limit, async () => {
          const answer = await exchange(request, limit, request.reserved === true ? askReserved : ask);
          return successBody(describe(request), answer);
        });
      } finally {
        limit.end();
      }
    },
    stream,
    now: () => time.now(),
    async close() {
      if (open === undefined) return;
      const { api, reserved, watch } = open.agents;
      await Promise.all([destroyAgents([watch]), closeAgents([api, reserved])]);
    },
  };
}

/** What every answer tells at once. `body`: where it is still to be read. */
interface Head extends Pick<WholeAnswer, 'statusCode' | 'headers'> {
  readonly body?: OpenAnswer['body'];
}

/** Over which connections a request is sent, and how much of the answer is waited for. */
type Sending<A extends Head> = (
  agents: Agents,
  wanted: Dispatcher.DispatchOptions,
  signal: AbortSignal,
) => Promise<A>;

const ask: Sending<WholeAnswer> = ({ api }, wanted, signal) => wholeAnswer(api, wanted, signal);
const askReserved: Sending<WholeAnswer> = ({ reserved }, wanted, signal) =>
  wholeAnswer(reserved, wanted, signal);
const openWatch: Sending<OpenAnswer> = ({ watch }, wanted, signal) => watch.request({ ...wanted, signal });

/** The same transport, for requests that must not wait until one of the connections that all share is free. */
export function reserving(transport: Transport): Transport {
  return { ...transport, request: (request) => transport.request({ ...request, reserved: true }) };
}

function subject({ method, verb, resource }: KubeRequest): { verb: string; resource: string } {
  return { verb: verb ?? method.toLowerCase(), resource: resource ?? 'other' };
}

function describe(request: KubeRequest): string {
  const { verb, resource } = subject(request);
  return `${verb} ${resource}`;
}

function search(query: Query = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? '' : `?${given.toString()}`;
}
