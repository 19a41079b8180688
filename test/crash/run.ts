import path from 'node:path';

import { writeKubeconfig } from '../../sandbox/control-plane/kubeconfig.ts';
import { logIn } from '../support/login.ts';
import { startProxy } from '../support/proxy.ts';
import { live, type Course } from './life.ts';
import { operatorsOf } from './operators.ts';
import type { ServerKind } from '../support/server-kind.ts';
import { judge, type Violation } from './oracles.ts';
import { pardonedLeases } from './pardon.ts';
import { startRecorder, type Fault, type PointName } from './recorder.ts';
import type { Surroundings } from '../support/surroundings.ts';
import { makeTenant, OBJECTS, type Tenant } from './tenant.ts';

export interface RunResult {
  readonly violations: readonly Violation[];
  /** The requests before the crash, in order. */
  readonly points: readonly PointName[];
  /** Whether the request of the fault was met. */
  readonly fired: boolean;
  /** From the kill to the next step of the life that was reached, in milliseconds. */
  readonly recovery: number | undefined;
  /** What happened, for people. */
  readonly trace: readonly string[];
}

let runs = 0;

/** One life, with a fault or without, in a namespace of its own. */
export async function run(
  surroundings: Surroundings,
  server: ServerKind,
  fault: Fault | undefined,
): Promise<RunResult> {
  runs += 1;
  const namespace = `life-${String(runs)}`;
  const { stage, servers, certificates, kubeCA, token } = surroundings;
  await using stack = new AsyncDisposableStack();
  const recorder = startRecorder(fault, () => operators.crash());
  const kube = stack.use(
    await startProxy({ target: stage.plane.server, ca: kubeCA, certificates, handle: recorder.kube }),
  );
  const leaseApi = stack.use(await startProxy({ target: servers[server].url, handle: recorder.leaseApi }));
  const kubeconfig = path.join(stage.plane.directory, `kubeconfig-${namespace}`);
  const address = `https://127.0.0.1:${String(kube.port)}`;
  await writeKubeconfig(kubeconfig, { server: address, ca: certificates.ca, user: stage.user, token });
  const operators = stack.use(operatorsOf({ kubeconfig, namespace }));
  const hostAPI = `http://127.0.0.1:${String(leaseApi.port)}`;
  const tenant = await makeTenant(surroundings, { namespace, server, hostAPI });

  const started = Date.now();
  const trace: string[] = [];
  const logins: string[] = [];
  let recovery: number | undefined;
  const reached = (step: string): void => {
    trace.push(`${((Date.now() - started) / 1000).toFixed(1)} s: ${step}`);
    const { killedAt } = operators;
    if (killedAt !== undefined) recovery ??= Date.now() - killedAt;
  };
  const pardoned = (): ReadonlySet<string> => pardonedLeases(server, recorder);
  const inspect = async (settled: Course['settled']): Promise<void> => {
    for (const name of OBJECTS) logins.push(...(await refusedLogin(surroundings, name, settled)));
  };

  const violations: Violation[] = [];
  operators.start();
  try {
    const course = await live({ tenant, recorder, pardoned, inspect, reached });
    const code = await operators.stop();
    if (code !== 0) violations.push({ oracle: 'an operator that is asked to end does', seen: String(code) });
    violations.push(...logins.map((seen) => ({ oracle: 'the credentials log in', seen })));
    const { killedAt, readyAt } = operators;
    const ledger = await ledgerOf(tenant);
    const audit = await surroundings.audit(namespace);
    const seen = { course, recorder, audit, ledger, user: stage.user, output: operators.output() };
    violations.push(...judge({ ...seen, pardoned: pardoned(), killedAt, readyAt }));
  } catch (error) {
    violations.push({ oracle: 'the life goes on', seen: `${String(error)} ${await standing(tenant)}` });
  }
  if (violations.length > 0) trace.push(...recorder.points, ...(await history(tenant)), operators.output());
  return { violations, points: recorder.points, fired: recorder.fired(), recovery, trace };
}

async function ledgerOf(tenant: Tenant): ReturnType<typeof entriesOf> {
  return entriesOf(tenant);
}

async function entriesOf({
  api,
  secretIds,
}: Tenant): Promise<Awaited<ReturnType<Tenant['api']['readLedger']>>['entries']> {
  const mine = new Set<string | null>(Object.values(secretIds));
  return (await api.readLedger()).entries.filter(({ dynamicSecretId }) => mine.has(dynamicSecretId));
}

async function history(tenant: Tenant): Promise<readonly string[]> {
  const entries = await ledgerOf(tenant);
  return entries.map(
    ({ at, event, leaseId, dynamicSecret }) =>
      `${new Date(at).toISOString()} ledger: ${event} ${String(dynamicSecret)} ${String(leaseId)}`,
  );
}

/** How everything stands, for the message of a life that stopped. */
async function standing(tenant: Tenant): Promise<string> {
  const views = await Promise.all(OBJECTS.map((name) => tenant.view(name)));
  const states = views.map(({ lease, secret }) => ({ status: lease?.status, secret: secret?.lease }));
  return JSON.stringify({ states, live: await tenant.live() });
}

/** Logs into PostgreSQL as the Secret says. @returns what went wrong. */
async function refusedLogin(
  { postgres }: Surroundings,
  name: (typeof OBJECTS)[number],
  settled: Course['settled'],
): Promise<readonly string[]> {
  const { username = '', password = '' } = settled[name].secret ?? {};
  const refused = await logIn(postgres, username, password);
  return refused === undefined ? [] : [`${name}: ${refused}`];
}
