import type { FastifyInstance } from 'fastify';
import { createAdmin } from './admin.ts';
import type { Clock } from './clock.ts';
import { type Control, createControl } from './control.ts';
import type { Faults } from './faults.ts';
import { Leases } from './leases.ts';
import type { Ledger } from './ledger.ts';
import type { LeaseApiOptions } from './options.ts';
import { RateLimiter } from './rate-limit.ts';
import { Revocation } from './revocation.ts';
import { authRoutes } from './routes/auth-routes.ts';
import { leaseRoutes } from './routes/lease-routes.ts';
import { loginRoutes } from './routes/login-routes.ts';
import { secretRoutes } from './routes/secret-routes.ts';
import { createServer } from './server.ts';
import { createWorld } from './world.ts';

/** A running lease API with everything a test needs to set it up, disturb it and look behind it. */
export interface LeaseApi extends Control, AsyncDisposable {
  /** The API's base address, without `/api`. It stays the same over `pause` and `resume`. */
  readonly url: string;
  /** The address of the admin interface, which is there also while the API is paused. */
  readonly adminUrl: string;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly clock: Clock;
  /** Ends both servers, every timer and every connection. Leases are not revoked. Calling it again does nothing. */
  stop(): Promise<void>;
}

/** Starts a lease API on loopback. */
export async function startLeaseApi(options: LeaseApiOptions = {}): Promise<LeaseApi> {
  const world = createWorld(options);
  const revocation = new Revocation(world);
  const leases = new Leases(world, revocation);
  const routes = [
    ...loginRoutes(world),
    ...authRoutes(world),
    ...leaseRoutes(world, leases, revocation),
    ...secretRoutes(world, revocation),
  ];
  const { clock, profile, switches } = world;
  const limiter =
    options.rateLimits && new RateLimiter(clock, profile, options.rateLimits, () => switches.writeLimit);

  let server: FastifyInstance | undefined;
  let port = options.port ?? 0;
  const open = async (): Promise<void> => {
    if (server !== undefined) return;
    server = createServer({ world, routes, limiter, tls: options.tls });
    port = await listen(server, port);
  };
  const close = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    await closing?.close();
  };
  const control = createControl(world, revocation, {
    pause: async () => {
      revocation.pause();
      await close();
    },
    resume: async () => {
      await open();
      revocation.resume();
    },
  });

  await open();
  const admin = createAdmin(control);
  const adminPort = await listen(admin, options.adminPort ?? 0);
  const stop = async (): Promise<void> => {
    clock.stop();
    await Promise.all([close(), admin.close()]);
    await Promise.all(world.secrets.takeProviders().map(async (provider) => provider.close()));
  };
  return {
    ...control,
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    ledger: world.ledger,
    faults: world.faults,
    clock,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function listen(server: FastifyInstance, port: number): Promise<number> {
  await server.listen({ host: '127.0.0.1', port });
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no address');
  return address.port;
}
