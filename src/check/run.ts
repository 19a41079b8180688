import manifest from '../../package.json' with { type: 'json' };
import { answer, isRun } from '../answer.ts';
import { systemClock } from '../clock.ts';
import type { Streams } from '../commands.ts';
import { HOME, inClusterOf, networkOf, type Environment } from '../environment.ts';
import { StartError } from '../installation.ts';
import { KubeAccessError } from '../kube/access.ts';
import { connect, isPod } from '../kube/connect.ts';
import { knownLabels } from '../known-labels.ts';
import { resource } from '../kube/resource.ts';
import { openTransport } from '../kube/transport.ts';
import { createLog } from '../observability/log.ts';
import { createMetrics } from '../observability/metrics.ts';
import { identityOf } from '../reconcile/connection/links.ts';
import { clientOverNetwork } from '../reconcile/open-client.ts';
import { referents } from '../reconcile/referents.ts';
import { secretType } from '../reconcile/secrets/watched.ts';
import type { Log } from '../telemetry.ts';
import { standardTiming, type Timing } from '../timing.ts';
import { check } from './check.ts';
import { parseCheck, type CheckCommand, type Subject } from './command.ts';
import { exitCodeOf, type Finding } from './finding.ts';
import type { Surroundings } from './kubernetes.ts';
import { render } from './render.ts';

type Asked = Extract<CheckCommand, { readonly ok: true }>;

export interface CheckStreams extends Pick<Streams, 'print' | 'complain'> {
  /** Where the log goes, apart from the result. */
  readonly log: NodeJS.WritableStream;
  readonly environment: Environment;
}

/** `leaseholder check`. @returns the exit code: 0 all is well, 1 something would fail, 2 a wrong command line. */
export async function checkCommand(argv: readonly string[], streams: CheckStreams): Promise<number> {
  const asked = parseCheck(argv, streams.environment);
  if (!isRun(asked)) return answer(asked, streams);
  const { config, subject, output } = asked;
  const log = createLog(config.logLevel, streams.log);
  const findings = await runCheck({ asked, environment: streams.environment, timing: standardTiming, log });
  streams.print(render(output, subject, findings));
  return exitCodeOf(findings);
}

interface CheckOptions {
  readonly asked: Pick<Asked, 'config' | 'subject'>;
  readonly environment: Environment;
  readonly timing: Timing;
  readonly log: Log;
}

/** Opens the ways to both sides as the operator does, checks, and closes them. */
async function runCheck(options: CheckOptions): Promise<readonly Finding[]> {
  try {
    return await perform(options);
  } catch (error) {
    if (!(error instanceof StartError) && !(error instanceof KubeAccessError)) throw error;
    return [
      { check: 'kubernetes', about: aboutOf(options.asked.subject), result: 'fails', message: error.message },
    ];
  }
}

async function perform({ asked, environment, timing, log }: CheckOptions): Promise<readonly Finding[]> {
  const { config, subject } = asked;
  const network = networkOf(config, environment);
  const clock = systemClock();
  const metrics = createMetrics(knownLabels);
  const way = { ...config, clock, inCluster: inClusterOf(environment, config.serviceAccountFolder) };
  const access = await connect(way);
  const userAgent = `leaseholder/${manifest.version}`;
  const own = isPod(way) ? access.namespace : HOME;
  const connections = config.kubeConnections;
  const transport = openTransport({ access, clock, timing, metrics, userAgent, connections });
  const cluster = referents(transport, resource(transport, secretType));
  const home = config.clusterConnectionNamespace ?? own;
  const open = clientOverNetwork({ cluster, clock, timing, log, metrics, home, network }, undefined);
  try {
    return await check({
      transport,
      subject,
      surroundings: surroundingsOf(config, subject.namespace === '' ? home : subject.namespace, own),
      open: (connection) => open(connection, identityOf(connection), ignore, ignore),
      isPod: isPod(way),
      wall: () => clock.wall(),
    });
  } finally {
    await transport.close();
  }
}

function ignore(): void {
  // Nobody waits for news of a session that is used once.
}

function surroundingsOf(config: Asked['config'], policed: string, own: string): Surroundings {
  const { namespaces, installationId, leaderElection, leaderElectionName, nudgePods, shard, strict } = config;
  const usual = shard === undefined ? 'leaseholder' : `leaseholder-${shard}`;
  const election = {
    namespace: config.leaderElectionNamespace ?? own,
    name: leaderElectionName ?? usual,
  };
  return {
    namespaces,
    installationId,
    election: leaderElection === 'on' ? election : undefined,
    nudgePods: nudgePods === 'on',
    strict: strict === 'on',
    policed,
  };
}

function aboutOf({ kind, namespace, name }: Subject): string {
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}
