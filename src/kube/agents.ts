import { Agent, ProxyAgent, type Dispatcher } from 'undici';

import type { KubeTLS } from './access.ts';

/** The connections to the API server: few that are reused for requests, one kept free, and one for each watch. */
export interface Agents {
  readonly api: Dispatcher;
  /** For what must not wait for all the others. */
  readonly reserved: Dispatcher;
  readonly watch: Dispatcher;
}

export interface AgentOptions {
  /** How many connections requests may use at once. */
  readonly connections: number;
  /** How long an answer may stand still, in milliseconds. */
  readonly timeout: number;
}

/** Below the API server's own 90 s, so that no request meets a connection that is just being closed. */
const KEEP_ALIVE = 60_000;
/** A load balancer may drop a silent connection after a minute. */
const TCP_KEEP_ALIVE = 30_000;
const MOST_CONNECT_TIME = 10_000;

/**
 * Opens the two agents for one state of the TLS material. HTTP/1.1 alone: HTTP/2 gains nothing here and is young in
 * the library.
 */
export function openAgents(tls: KubeTLS, { connections, timeout }: AgentOptions): Agents {
  const common = {
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE,
    keepAliveMaxTimeout: KEEP_ALIVE,
  };
  const open = (own: Agent.Options): Dispatcher => openAgent(tls, timeout, { ...common, ...own });
  return {
    api: open({ connections, headersTimeout: timeout, bodyTimeout: timeout }),
    reserved: open({ connections: 1, headersTimeout: timeout, bodyTimeout: timeout }),
    // A watch may be silent for minutes; the reflector has an eye on that.
    watch: open({ headersTimeout: timeout, bodyTimeout: 0 }),
  };
}

/** Lets what runs finish, then closes the connections. */
export async function closeAgents(agents: readonly Dispatcher[]): Promise<void> {
  await Promise.allSettled(agents.map((agent) => agent.close()));
}

/** Breaks off what runs, and closes the connections. */
export async function destroyAgents(agents: readonly Dispatcher[]): Promise<void> {
  await Promise.allSettled(agents.map((agent) => agent.destroy()));
}

function openAgent(tls: KubeTLS, timeout: number, options: Agent.Options): Dispatcher {
  const { proxy, ...material } = tls;
  const connect = {
    ...material,
    timeout: Math.min(timeout, MOST_CONNECT_TIME),
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE,
  };
  if (proxy === undefined) return new Agent({ ...options, connect });
  return new ProxyAgent({ ...options, uri: proxy, requestTls: { ...connect, allowH2: false } });
}
