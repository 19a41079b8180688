import { randomUUID } from 'node:crypto';

import { type LeaseApi, startLeaseApi } from '../../../sandbox/lease-api/lease-api.ts';
import type { LeaseApiOptions } from '../../../sandbox/lease-api/options.ts';
import type { LeaseTag, Target } from '../../../src/api/lease.ts';
import { systemClock } from '../../../src/clock.ts';
import type { LoginMethod } from '../../../src/infisical/auth/access-token.ts';
import { universalLogin } from '../../../src/infisical/auth/universal.ts';
import { type ConnectedLeaseClient, createLeaseClient } from '../../../src/infisical/client.ts';
import type { Log } from '../../../src/telemetry.ts';
import { scaledTiming } from '../../../src/timing.ts';

export const TARGET: Target = {
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/db',
  dynamicSecret: 'orders',
};

export interface ClientOptions {
  readonly login?: LoginMethod;
  readonly ca?: string;
  /** Behind the server's address, as in a `hostAPI` that is wrong. */
  readonly path?: string;
  /** Of all waits. @default 0.05: deadlines of three seconds, waits of fifty milliseconds */
  readonly scale?: number;
}

/** A lease API with the dynamic secret {@link TARGET}, and clients for an identity that may lease from it. */
export interface ClientWorld extends AsyncDisposable {
  readonly api: LeaseApi;
  readonly identity: {
    readonly identityId: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
  readonly client: ConnectedLeaseClient;
  /** Everything that was logged, as text. */
  readonly log: readonly string[];
  /** Another client of the same server. */
  connect(options?: ClientOptions): ConnectedLeaseClient;
  /** How often a route was called. */
  calls(route: string): Promise<number>;
}

export async function clientWorld(
  options: LeaseApiOptions = {},
  connection: ClientOptions = {},
): Promise<ClientWorld> {
  const api = await startLeaseApi(options);
  await api.seedProject({ slug: 'shop', environments: [{ slug: 'prod', folders: ['/db'] }] });
  await api.seedDynamicSecret({
    projectSlug: 'shop',
    environmentSlug: 'prod',
    path: '/db',
    name: 'orders',
    maxTTL: '24h',
  });
  const identity = await api.seedIdentity({ name: 'robot', grants: [{ projectSlug: 'shop' }] });
  const lines: string[] = [];
  const log = recordingLog(lines);
  const clients: ConnectedLeaseClient[] = [];

  function connect({ login, ca, path = '', scale = 0.05 }: ClientOptions = {}): ConnectedLeaseClient {
    const client = createLeaseClient({
      host: `${api.url}${path}`,
      network: { rule: { rule: 'administrator' }, tls: { ca } },
      login: login ?? universalLogin({ credential: (name) => Promise.resolve(identity[name]) }),
      way: 'universal',
      clock: systemClock(),
      timing: scaledTiming(scale),
      log,
      metrics: {
        apiAnswered: (...count) => void lines.push(JSON.stringify(count)),
        failed: (...count) => void lines.push(JSON.stringify(count)),
        sessionsChanged: () => undefined,
        loggedIn: () => undefined,
        leaseRequested: () => undefined,
      },
    });
    clients.push(client);
    return client;
  }

  return {
    api,
    identity,
    client: connect(connection),
    log: lines,
    connect,
    async calls(route) {
      const { counts } = await api.counts();
      return Object.values(counts[route] ?? {}).reduce((sum, calls) => sum + calls, 0);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      await api.stop();
    },
  };
}

/** A tag of a request of its own. */
export function freshTag(): LeaseTag {
  return { install: 'install', object: 'object', attempt: randomUUID() };
}

function recordingLog(lines: string[]): Log {
  const line = (...parts: readonly unknown[]): void => void lines.push(JSON.stringify(parts));
  const log: Log = { debug: line, info: line, warn: line, error: line, with: () => log };
  return log;
}
