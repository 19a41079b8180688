import { startControlPlane, type ControlPlane } from '../../sandbox/control-plane/control-plane.ts';
import { tokenIn } from '../../sandbox/control-plane/kubeconfig.ts';
import { freePorts } from '../../sandbox/control-plane/ports.ts';
import { serviceAccountUser } from '../../sandbox/control-plane/service-account.ts';
import { installOperator, operatorAccount } from '../../sandbox/operator/install.ts';
import { startOperatorProcess } from '../../sandbox/operator/operator.ts';
import { podIdentity } from './identity.ts';
import { leanClient, type LeanClient } from './lean-client.ts';
import { PROGRAM, PROGRAM_ENVIRONMENT } from './program.ts';
import { startLeaseApiProcess, type LeaseApiProcess } from './lease-api.ts';
import { withMetrics, type BenchOperator } from './operator.ts';
import type { Login } from './objects.ts';

/** What a run plays on: everything real but the provider behind the lease API. */
export interface World extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly api: LeaseApiProcess;
  readonly login: Login;
  /** The dynamic secret of all leases. */
  readonly dynamicSecretId: string;
  /** The bench's own requests. */
  readonly admin: LeanClient;
  /** Requests with the operator's token and rights: what it costs to be known and allowed is the same. */
  readonly asOperator: LeanClient;
  /** How the audit log calls the operator. */
  readonly user: string;
  /** Starts the operator as in a pod, as it is shipped. There may be one at a time. */
  launch(choice?: LaunchOptions): BenchOperator;
  /** Has something end with this world. */
  use<T extends AsyncDisposable>(thing: T): T;
}

export interface LaunchOptions {
  /** Variables beside those of a pod. Default: none. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface WorldOptions {
  /** Writes a minute that the lease API takes of each route. Default: as many as come. */
  readonly writeLimit?: number | undefined;
}

/** Starts a world in which nothing is leased yet. */
export async function startWorld({ writeLimit }: WorldOptions = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane());
  const api = stack.use(await startLeaseApiProcess(writeLimit));
  await installOperator(async (...args) => {
    const { exitCode, stderr } = await plane.kubectlRun(args);
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  });
  await api.control.seedProject({ slug: 'shop', environments: [{ slug: 'prod', folders: [] }] });
  const place = { projectSlug: 'shop', environmentSlug: 'prod' };
  const { dynamicSecretId } = await api.control.seedDynamicSecret({
    ...place,
    name: 'orders',
    defaultTTL: '24h',
  });
  const login = await api.control.seedIdentity({ grants: [{ projectSlug: 'shop', actions: ['lease'] }] });
  const token = await plane.serviceAccountToken(operatorAccount);
  const identity = await podIdentity(plane, token, operatorAccount.namespace);
  const { server, caFile } = plane;
  const admin = stack.use(await leanClient({ server, caFile, token: await tokenIn(plane.kubeconfig) }));
  const asOperator = stack.use(await leanClient({ server, caFile, token }));
  const [port = 0] = await freePorts(1);
  const listen = ['--listen', `127.0.0.1:${String(port)}`];
  const all = stack.move();
  return {
    plane,
    api,
    login,
    dynamicSecretId,
    admin,
    asOperator,
    user: serviceAccountUser(operatorAccount),
    launch({ environment = {} } = {}) {
      const launchedAt = performance.now();
      const operator = startOperatorProcess({
        entry: PROGRAM,
        environment: { ...identity.environment, ...PROGRAM_ENVIRONMENT, ...environment },
        flags: [...identity.flags, ...listen],
      });
      return all.use(withMetrics(operator, port, launchedAt));
    },
    use: (thing) => all.use(thing),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
