import { z } from 'zod';

import manifest from '../package.json' with { type: 'json' };
import { sleep, systemClock, type Clock } from './clock.ts';
import { parseConfig, type Config } from './config.ts';
import { KubeAccessError } from './kube/access.ts';
import { connect } from './kube/connect.ts';
import { eventType, recordEvents } from './kube/events.ts';
import { isDefinite, KubeError } from './kube/kube-error.ts';
import { resource } from './kube/resource.ts';
import { openTransport, type Transport } from './kube/transport.ts';
import { createLog } from './observability/log.ts';
import { createMetrics } from './observability/metrics.ts';
import { startServer, type ObservabilityServer } from './observability/server.ts';
import { watchCluster, watchedResources } from './reconcile/cluster.ts';
import { controllerNames, startOperator } from './reconcile/operator.ts';
import type { Events, Log } from './telemetry.ts';
import { standardTiming, type Timing } from './timing.ts';

/** What the composition is made with; only `timing` differs in tests. */
export interface RunOptions {
  readonly config: Config;
  readonly timing: Timing;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asks the operator to finish what is under way and end. */
  readonly stop: AbortSignal;
}

/**
 * Runs the operator until it is asked to stop: config → parts → run → drain.
 *
 * @returns the exit code: 0 after a clean end, 1 when it could not start.
 */
export async function run(options: RunOptions): Promise<number> {
  const { config, timing, environment, stop } = options;
  const clock = systemClock();
  const log = createLog(config.logLevel);
  const metrics = createMetrics({ controllers: controllerNames, watched: watchedResources });
  const watching = new AbortController();
  try {
    const access = await connect({ ...config, clock, inCluster: inClusterOf(environment) });
    const userAgent = `leaseholder/${manifest.version}`;
    const { kubeConnections: connections } = config;
    const transport = openTransport({ access, clock, timing, metrics, userAgent, connections });
    const now = (): number => transport.now() ?? clock.wall();
    const events = recordEvents({ resource: resource(transport, eventType), clock, timing, log, now });
    const parts = { transport, clock, timing, log, metrics, events };
    const cluster = watchCluster({ ...parts, namespaces: config.namespaces, signal: watching.signal });
    const waitingFor = (): readonly string[] => cluster.waitingFor();
    let server: ObservabilityServer | undefined;
    try {
      server = await serve(config, log, { waitingFor, expose: () => metrics.expose() });
      log.info('The operator is starting.', { version: manifest.version, server: access.server });
      await work({ ...options, ...parts, cluster });
    } finally {
      watching.abort();
      await Promise.all([cluster.ended, server?.close(), events.close()]);
      await transport.close();
    }
    log.info('The operator has ended.');
    return 0;
  } catch (error) {
    if (stop.aborted) return 0;
    log.error(sentenceOf(error), { error: error instanceof Error ? error.name : typeof error });
    return 1;
  }
}

interface WorkOptions extends RunOptions {
  readonly transport: Transport;
  readonly cluster: ReturnType<typeof watchCluster>;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Events;
  readonly metrics: ReturnType<typeof createMetrics>;
}

/** Works until asked to stop, then lets what is under way finish, for as long as the configuration allows. */
async function work(options: WorkOptions): Promise<void> {
  const { config, cluster, clock, log, stop } = options;
  const hurry = new AbortController();
  const stopped = aborted(stop);
  const install = config.installationId ?? (await installationId(options));
  await Promise.race([cluster.synced(), stopped]);
  if (stop.aborted) return;
  const operator = startOperator({ ...options, install, workers: config.workers, signal: hurry.signal });
  log.info('The operator is ready.', { installation: install });
  await stopped;
  log.info('The operator was asked to end; what is under way is finished.');
  const patience = clock.after(config.drainTimeout, () => hurry.abort());
  await Promise.race([operator.drain(), aborted(hurry.signal)]);
  patience.cancel();
  if (hurry.signal.aborted) log.warn('Not everything was finished in time; the next start goes on with it.');
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

const namespaceMeta = z.object({ metadata: z.object({ uid: z.string() }) });

/** The uid of kube-system: the same for as long as the cluster is, and no other's. Waits for the API server. */
async function installationId({ transport, clock, timing, log, stop }: WorkOptions): Promise<string> {
  const namespaces = resource(transport, {
    group: '',
    version: 'v1',
    plural: 'namespaces',
    namespaced: false,
  });
  // An API server that was just started knows no roles yet: a refusal counts when it lasts.
  const patience = clock.elapsed() + timing.kubeRequestDeadline;
  for (;;) {
    try {
      return namespaceMeta.parse(await namespaces.get({ name: 'kube-system' }, { signal: stop })).metadata
        .uid;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (stop.aborted) return '';
      if (isDefinite(error) && clock.elapsed() >= patience) throw new StartError(unknownInstallation);
      log.warn('The Kubernetes API does not tell this installation; it is asked again.', {
        reason: error.reason,
      });
      await sleep(clock, timing.watchBackoffBase, stop).catch(() => undefined);
    }
  }
}

const unknownInstallation =
  'The operator may not read the namespace kube-system, whose uid tells installations apart. Grant its service account "get" on it, or give --installation-id.';

/** The operator cannot start; the message is a sentence for the person who starts it. */
class StartError extends Error {
  override readonly name = 'StartError';
}

function sentenceOf(error: unknown): string {
  if (error instanceof StartError || error instanceof KubeAccessError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === 'EADDRINUSE') return 'The address of --listen is in use by another process.';
  return 'The operator met a fault of its own and ends.';
}

/** What the probes and Prometheus are told. */
interface Telling {
  readonly waitingFor: () => readonly string[];
  readonly expose: ReturnType<typeof createMetrics>['expose'];
}

function serve(
  config: Config,
  log: Log,
  { waitingFor, expose }: Telling,
): Promise<ObservabilityServer> | undefined {
  if (config.listen === 'off') return undefined;
  const ready = (): { ready: boolean; waitingFor: readonly string[] } => {
    const kinds = waitingFor();
    return { ready: kinds.length === 0, waitingFor: kinds };
  };
  return startServer(config.listen, { alive: () => true, ready, metrics: expose }, log);
}

function inClusterOf(environment: RunOptions['environment']): { host: string; port: string } | undefined {
  const [host, port] = [environment['KUBERNETES_SERVICE_HOST'], environment['KUBERNETES_SERVICE_PORT']];
  return host === undefined || port === undefined ? undefined : { host, port };
}

/** Reads the command line, and runs: the program. */
async function main(): Promise<number> {
  const parsed = parseConfig(process.argv.slice(2), process.env);
  if ('help' in parsed) {
    process.stdout.write(`${parsed.help}\n`);
    return 0;
  }
  if ('version' in parsed) {
    process.stdout.write(`${manifest.version}\n`);
    return 0;
  }
  if (!parsed.ok) {
    process.stderr.write(`${parsed.faults.join('\n')}\n`);
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  return run({ config: parsed.config, timing: standardTiming, environment: process.env, stop: stop.signal });
}

if (import.meta.main) process.exitCode = await main();
