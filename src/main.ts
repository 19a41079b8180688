import { hostname } from 'node:os';

import manifest from '../package.json' with { type: 'json' };
import { systemClock, type Clock } from './clock.ts';
import { answer, isRun } from './answer.ts';
import { runOffline, type Streams } from './commands.ts';
import { parseDrain } from './drain/command.ts';
import { drain } from './drain/drain.ts';
import { checkCommand } from './check/run.ts';
import { parseConfig, type Config } from './config.ts';
import { HOME, inClusterOf, networkOf, type Environment } from './environment.ts';
import { installationId, StartError } from './installation.ts';
import { KubeAccessError } from './kube/access.ts';
import { knownLabels } from './known-labels.ts';
import { connect, isPod } from './kube/connect.ts';
import { eventType } from './kube/event-manifest.ts';
import { recordEvents, type EventRecorder } from './kube/events.ts';
import { electionType, startElection, unopposed, type Election } from './kube/leader.ts';
import { resource } from './kube/resource.ts';
import { openTransport, reserving, type Transport } from './kube/transport.ts';
import type { NetworkRules } from './reconcile/open-client.ts';
import { createLog } from './observability/log.ts';
import { standardOutput } from './observability/standard-output.ts';
import { createMetrics } from './observability/metrics.ts';
import { startServer, type ObservabilityServer } from './observability/server.ts';
import { objectStreams, watchReferences } from './reconcile/references/reference-watches.ts';
import { referrersIn } from './reconcile/references/referrers.ts';
import { watchCluster, type WatchedCluster } from './reconcile/cluster.ts';
import { startOperator } from './reconcile/operator.ts';
import type { Log } from './telemetry.ts';
import { giveBackAtRest } from './rest.ts';
import { standardTiming, type Timing } from './timing.ts';

/** What the composition is made with; only `timing` differs in tests. */
export interface RunOptions {
  readonly config: Config;
  readonly timing: Timing;
  readonly environment: Environment;
  /** Asks the operator to finish what is under way and end. */
  readonly stop: AbortSignal;
  /** Where the log goes. Default: standard output. */
  readonly log?: Log;
  /** What this process is for, beside the operator's work. When it is done, the process ends with its exit code. */
  readonly duty?: Duty;
}

/** A task that goes on while the operator, here or elsewhere, works; `stop` gives it up. @returns an exit code. */
export type Duty = (
  parts: Parts & { readonly cluster: WatchedCluster; readonly stop: AbortSignal },
) => Promise<number>;

/**
 * Runs the operator until it is asked to stop: config → parts → election → run → drain.
 *
 * @returns the exit code: 0 after a clean end, 1 when it could not start or has lost the lead.
 */
export async function run(options: RunOptions): Promise<number> {
  const log = options.log ?? standardLog(options.config.logLevel);
  try {
    return await perform(options, await compose(options, log));
  } catch (error) {
    if (options.stop.aborted) return 0;
    log.error(sentenceOf(error), { error: error instanceof Error ? error.name : typeof error });
    return 1;
  }
}

function standardLog(level: Config['logLevel']): Log {
  const output = standardOutput(systemClock());
  process.once('exit', () => output.flush());
  return createLog(level, output);
}

interface Parts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly events: EventRecorder;
}

interface Composition extends Parts {
  readonly cluster: WatchedCluster;
  readonly election: Election;
  readonly mayWrite: () => boolean;
  /** Namespace of the Secrets that cluster connections name. */
  readonly home: string;
  /** How servers of connections are reached. */
  readonly network: NetworkRules;
  /** The URL of the API server. */
  readonly url: string;
  /** Ends the watches. */
  readonly watching: AbortController;
}

/** Makes the parts; from here on the stores fill, and this process stands for election when they are full. */
async function compose({ config, timing, environment }: RunOptions, log: Log): Promise<Composition> {
  const network = networkOf(config, environment);
  const clock = systemClock();
  const metrics = createMetrics(knownLabels);
  const watching = new AbortController();
  const way = { ...config, clock, inCluster: inClusterOf(environment, config.serviceAccountFolder) };
  const access = await connect(way);
  const userAgent = `leaseholder/${manifest.version}`;
  const { kubeConnections: connections, namespaces } = config;
  const transport = openTransport({ access, clock, timing, metrics, userAgent, connections });
  const now = (): number => transport.now() ?? clock.wall();
  const mayWrite = (): boolean => election.leads;
  const common = { clock, timing, log, metrics };
  const eventsOf = resource(transport, eventType, mayWrite);
  const events = recordEvents({ ...common, resource: eventsOf, now, instance: hostname() });
  const parts = { ...common, transport, events };
  const nudgePods = config.nudgePods === 'on';
  const { shard } = config;
  const strict = config.strict === 'on';
  const seen = { namespaces, shard, strict, nudgePods, mayWrite, signal: watching.signal };
  const cluster = watchCluster({ ...parts, ...seen });
  const own = isPod(way) ? access.namespace : HOME;
  const namespace = config.leaderElectionNamespace ?? own;
  const home = config.clusterConnectionNamespace ?? own;
  const election = stand({ ...parts, config, namespace, begin: cluster.synced() });
  return { ...parts, cluster, election, mayWrite, home, network, url: access.server, watching };
}

async function perform(options: RunOptions, composition: Composition): Promise<number> {
  const { config } = options;
  const { clock, cluster, election, events, log, metrics, transport, url, watching } = composition;
  const over = new AbortController();
  const stop = AbortSignal.any([options.stop, over.signal]);
  const waitingFor = (): readonly string[] => cluster.waitingFor();
  let server: ObservabilityServer | undefined;
  let ending: Ending = 'finished';
  let code: Promise<number> | undefined;
  giveBackAtRest(clock, watching.signal);
  try {
    server = await serve(config, log, { waitingFor, expose: () => metrics.expose() });
    log.info('The operator is starting.', { version: manifest.version, server: url });
    code = options.duty?.({ ...composition, stop }).finally(() => over.abort());
    // It is asked for its outcome below, when all has ended.
    code?.catch(() => undefined);
    ending = await work({ ...composition, config, stop });
  } finally {
    over.abort();
    // Events are writes: the last ones need the lead.
    await events.close();
    if (ending === 'finished') await election.release();
    watching.abort();
    await Promise.all([cluster.ended, server?.close()]);
    // Whatever is still open without the lead is broken off by the end of the process.
    if (ending !== 'lost') await transport.close();
  }
  log.info('The operator has ended.');
  const duty = (await code) ?? 0;
  return ending === 'lost' ? 1 : duty;
}

/** The name of the election where none is given. */
const ELECTION = 'leaseholder';

function stand(
  options: Parts & { readonly config: Config; readonly namespace: string; readonly begin: Promise<void> },
): Election {
  const { config, transport, clock, metrics } = options;
  if (config.leaderElection === 'off') return unopposed(metrics);
  // A lead is not lost because many leases are due at once, or because answers about them are slow.
  const leases = resource(reserving(transport), electionType);
  const identity = `${hostname()}_${clock.uuid()}`;
  // Each shard has an election of its own.
  const ownName = config.shard === undefined ? ELECTION : `${ELECTION}-${config.shard}`;
  return startElection({ ...options, leases, name: config.leaderElectionName ?? ownName, identity });
}

/** How work ended; unfinished: something is still under way, so nobody else may be let in before it has died. */
type Ending = 'finished' | 'unfinished' | 'lost';

interface WorkOptions extends Composition {
  readonly config: Config;
  readonly stop: AbortSignal;
}

/**
 * Waits for the lead and works until asked to stop, then lets what is under way finish, for as long as the
 * configuration allows. Once the lead is lost nothing is written any more; leases in hand are given back.
 */
async function work(options: WorkOptions): Promise<Ending> {
  const { config, cluster, election, clock, timing, log, stop } = options;
  const hurry = new AbortController();
  const stopped = aborted(stop);
  const install = config.installationId ?? (await installationId(options));
  await Promise.race([cluster.synced(), stopped]);
  await Promise.race([election.acquired(), stopped]);
  if (stop.aborted) return 'finished';
  const { workers } = config;
  const operator = startOperator({ ...options, install, workers, signal: hurry.signal });
  const references = watchReferences({
    ...options,
    referrers: referrersIn(options, operator),
    open: objectStreams(options),
  });
  log.info('The operator is ready.', { installation: install });
  const drained = async (patience: number): Promise<boolean> => {
    const timer = clock.after(patience, () => hurry.abort());
    await Promise.race([Promise.all([references.close(), operator.drain()]), aborted(hurry.signal)]);
    timer.cancel();
    return !hurry.signal.aborted;
  };
  const lost = election.lost.then(() => 'lost' as const);
  if ((await Promise.race([stopped, lost])) === 'lost') {
    log.error('Without the lead nothing may be written; the process ends, to be started anew.');
    await drained(timing.leaderRequestDeadline);
    return 'lost';
  }
  log.info('The operator was asked to end; what is under way is finished.');
  if (await drained(config.drainTimeout)) return 'finished';
  log.warn('Not everything was finished in time; the next start goes on with it.');
  return 'unfinished';
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
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

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const standardStreams: Streams = {
  input: process.stdin,
  print: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
};

/** Reads the command line, and runs: the program. `run` is what is done where no command is named. */
async function main(): Promise<number> {
  const given = process.argv.slice(2);
  const argv = given[0] === 'run' ? given.slice(1) : given;
  if (given[0] === 'check')
    return checkCommand(given.slice(1), {
      ...standardStreams,
      log: process.stderr,
      environment: process.env,
    });
  return (await runOffline(given, standardStreams)) ?? operate(argv);
}

/** Works as the operator, or drains. */
async function operate(argv: readonly string[]): Promise<number> {
  const drainage = argv[0] === 'drain' ? parseDrain(argv.slice(1), process.env) : undefined;
  const parsed = drainage ?? parseConfig(argv, process.env);
  if (!isRun(parsed)) return answer(parsed, standardStreams);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const { config } = parsed;
  const common = { config, timing: standardTiming, environment: process.env, stop: stop.signal };
  if (drainage === undefined || !('timeout' in drainage)) return run(common);
  const { timeout } = drainage;
  const { namespaces, shard } = config;
  const scope = { namespaces, shard, strict: config.strict === 'on' };
  return run({
    ...common,
    log: createLog(config.logLevel, process.stderr),
    duty: (parts) => drain({ ...parts, ...scope, timeout, print }),
  });
}

// What is still open when the lead was lost must not keep the process.
if (import.meta.main) process.exit(await main());
