import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

import { ApiClient, type ApiAnswer } from '../../sandbox/control-plane/api-client.ts';
import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import {
  startControlPlane,
  type ControlPlane,
  type ControlPlaneOptions,
} from '../../sandbox/control-plane/control-plane.ts';
import { tokenIn } from '../../sandbox/control-plane/kubeconfig.ts';
import { serviceAccountUser } from '../../sandbox/control-plane/service-account.ts';
import { startLeaseApi, type LeaseApi } from '../../sandbox/lease-api/lease-api.ts';
import type { Control } from '../../sandbox/lease-api/control.ts';
import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import type { LeaseApiOptions } from '../../sandbox/lease-api/options.ts';
import { installOperator, operatorAccount } from '../../sandbox/operator/install.ts';
import { startOperatorProcess, type OperatorProcess } from '../../sandbox/operator/operator.ts';
import { keyed } from '../../src/api/keyed.ts';
import { connectionRecord, leaseRecord } from '../../src/reconcile/records.ts';
import type { ConnectionRecord, LeaseRecord } from '../../src/reconcile/ports.ts';
import { applier } from './apply.ts';

export interface StageOptions {
  readonly leaseApi?: LeaseApiOptions;
  readonly controlPlane?: ControlPlaneOptions;
  /** Brings the kinds, the operator's account and its rights. Default: crds/ and deploy/rbac.yaml. */
  readonly install?: (
    plane: ControlPlane,
    kubectl: (...args: readonly string[]) => Promise<string>,
  ) => Promise<unknown>;
}

export interface OperatorChoice {
  /** Every wait of the product times this; 1: as shipped. */
  readonly scale?: number;
  readonly flags?: readonly string[];
  /** Variables of its environment, beside PATH. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether it stands for election; the hold of one that was killed lasts. Default: no. */
  readonly election?: boolean;
  /** Default: straight to the API server. */
  readonly kubeconfig?: string;
}

/** A dynamic secret beside `orders`, in the same place. */
export type SecretSeed = Partial<Parameters<Control['seedDynamicSecret']>[0]>;

/** A whole Secret, its data decoded. */
export type SecretObject = z.infer<typeof secretObject>;

/**
 * Milliseconds that a condition is waited for. It is no bound that anything is held to: a machine with much else to do
 * takes long, and a test that wants a time measures it.
 */
const PATIENCE = 60_000;

/** The operator's surroundings, all real but the lease API's provider: what an integration test plays on. */
export interface Stage extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly api: LeaseApi;
  /** How the audit log calls the operator. */
  readonly user: string;
  /** The identity that connections log in with. */
  readonly identity: {
    readonly identityId: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
  readonly dynamicSecretId: string;
  /** The operator's kubeconfig. */
  readonly kubeconfig: string;
  /** Starts one, and waits until it works. */
  startOperator(choice?: OperatorChoice): Promise<OperatorProcess>;
  /** As `startOperator`, without waiting: another may lead. */
  launchOperator(choice?: OperatorChoice): OperatorProcess;
  /** Runs kubectl as the admin. @throws Error with its stderr when it fails. */
  kubectl(...args: string[]): Promise<string>;
  /** Applies objects, one after the other. @throws Error with the API server's words when one is refused. */
  apply(...objects: readonly object[]): Promise<void>;
  /** Applies objects; resolves with the words of a refusal, or undefined when none is refused. */
  refusal(...objects: readonly object[]): Promise<string | undefined>;
  lease(name: string, namespace?: string): Promise<LeaseRecord | undefined>;
  connection(name: string, namespace?: string): Promise<ConnectionRecord | undefined>;
  /** The decoded data of a Secret; undefined where there is none. */
  secret(name: string, namespace?: string): Promise<Readonly<Record<string, string>> | undefined>;
  secretObject(name: string, namespace?: string): Promise<SecretObject | undefined>;
  /** What the API server has at a path, as the admin; undefined where there is nothing. */
  read(path: string): Promise<unknown>;
  /** Makes a dynamic secret in the stage's project. @returns its id. */
  seed(name: string, options?: SecretSeed): Promise<string>;
  /** What happened to the leases of a dynamic secret: `made`, `revoked`, `expired`…, in order. */
  ledger(dynamicSecret: string): Promise<readonly LedgerEntry[]>;
  /** Waits until a lease is as the probe wants it. */
  untilLease(name: string, probe: (lease: LeaseRecord) => boolean, timeoutMs?: number): Promise<LeaseRecord>;
  untilReady(name: string, timeoutMs?: number): Promise<LeaseRecord>;
  untilGone(name: string, timeoutMs?: number): Promise<void>;
}

const secretObject = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    ownerReferences: z.array(z.record(z.string(), z.unknown())).default([]),
  }),
  type: z.string(),
  data: keyed(z.string())
    .default({})
    .transform((data): Readonly<Record<string, string>> =>
      Object.fromEntries(Object.entries(data).map(decoded)),
    ),
});

function decoded([key, value]: [string, string]): [string, string] {
  return [key, Buffer.from(value, 'base64').toString('utf8')];
}

/** Starts a control plane with the CRDs and the operator's rights, and a lease API with one dynamic secret. */
export async function startStage({
  leaseApi = {},
  controlPlane = {},
  install = (_plane, kubectl) => installOperator(kubectl),
}: StageOptions = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane(controlPlane));
  const api = stack.use(await startLeaseApi(leaseApi));

  const run = async (args: readonly string[], input = ''): Promise<string> => {
    const result = await plane.kubectlRun(args, { input });
    if (result.exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  };
  const client = stack.adopt(await adminClient(plane), (one) => one.close());
  const read = async (at: string): Promise<unknown> => {
    // 429: for want of capacity, or of a kind whose storage has just been set up. Every client asks again then.
    const admitted = async (): Promise<ApiAnswer | false> => {
      const answer = await client.send(at);
      return answer.status !== 429 && answer;
    };
    const { status, body } = await awaitCondition(admitted, { what: `GET ${at}`, intervalMs: 100 });
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${at} was answered with ${String(status)}.`);
    return body;
  };
  const apply = applier(client);
  const custom = (plural: string, namespace: string, name: string): Promise<unknown> =>
    read(`/apis/leaseholder.dev/v1alpha1/namespaces/${namespace}/${plural}/${name}`);

  await install(plane, (...args) => run(args));
  await api.seedProject({ slug: 'shop', environments: [{ slug: 'prod', folders: [] }] });
  const place = { projectSlug: 'shop', environmentSlug: 'prod' };
  const { dynamicSecretId } = await api.seedDynamicSecret({ ...place, name: 'orders' });
  const identity = await api.seedIdentity({ grants: [{ projectSlug: 'shop', actions: ['lease'] }] });
  const kubeconfig = await plane.serviceAccountKubeconfig(operatorAccount);

  const stage: Omit<Stage, typeof Symbol.asyncDispose> = {
    plane,
    api,
    user: serviceAccountUser(operatorAccount),
    identity,
    dynamicSecretId,
    kubeconfig,
    async startOperator(choice) {
      const operator = stage.launchOperator(choice);
      await operator.ready();
      return operator;
    },
    launchOperator({ scale = 1, flags = [], environment = {}, election = false, kubeconfig: other } = {}) {
      const entry = [path.join(import.meta.dirname, 'quick-operator.ts'), String(scale)] as const;
      const alone = election ? [] : ['--leader-election', 'off'];
      const way = { kubeconfig: other ?? kubeconfig, environment, flags: [...alone, ...flags] };
      return stack2.use(startOperatorProcess({ ...way, ...(scale === 1 ? {} : { entry }) }));
    },
    kubectl: (...args) => run(args),
    apply: (...objects) => apply(objects),
    refusal: (...objects) =>
      apply(objects).then(
        () => undefined,
        (error: unknown) => String(error),
      ),
    async lease(name, namespace = 'default') {
      const raw = await custom('dynamicsecretleases', namespace, name);
      return raw === undefined ? undefined : leaseRecord(raw);
    },
    async connection(name, namespace = 'default') {
      const raw = await custom('infisicalconnections', namespace, name);
      return raw === undefined ? undefined : connectionRecord(raw);
    },
    secret: async (name, namespace) => (await stage.secretObject(name, namespace))?.data,
    async secretObject(name, namespace = 'default') {
      const raw = await read(`/api/v1/namespaces/${namespace}/secrets/${name}`);
      return raw === undefined ? undefined : secretObject.parse(raw);
    },
    read,
    seed: async (name, options = {}) =>
      (await api.seedDynamicSecret({ ...place, name, ...options })).dynamicSecretId,
    ledger: async (dynamicSecret) =>
      (await api.readLedger()).entries.filter(
        (entry) => entry.dynamicSecret === dynamicSecret && entry.event !== 'requested',
      ),
    async untilLease(name, probe, timeoutMs = PATIENCE) {
      let seen: LeaseRecord | undefined;
      try {
        return await awaitCondition(
          async () => {
            seen = await stage.lease(name);
            return seen !== undefined && probe(seen) ? seen : undefined;
          },
          { what: `lease ${name}`, timeoutMs, intervalMs: 100 },
        );
      } catch {
        throw new Error(`Waited for lease ${name}; it is ${JSON.stringify(seen?.status, null, 1)}`);
      }
    },
    untilReady: (name, timeoutMs) => stage.untilLease(name, (lease) => isReady(lease), timeoutMs),
    async untilGone(name, timeoutMs = PATIENCE) {
      const probe = async (): Promise<boolean> => (await stage.lease(name)) === undefined;
      await awaitCondition(probe, { what: `lease ${name} to be gone`, timeoutMs, intervalMs: 100 });
    },
  };
  const stack2 = stack.move();
  return { ...stage, [Symbol.asyncDispose]: () => stack2.disposeAsync() };
}

/** For reads, which are many: kubectl takes a process for each. */
async function adminClient({ server, caFile, kubeconfig }: ControlPlane): Promise<ApiClient> {
  return new ApiClient(server, await readFile(caFile, 'utf8'), await tokenIn(kubeconfig));
}

export function isReady(lease: LeaseRecord): boolean {
  return (
    conditionOf(lease, 'Ready')?.status === 'True' && lease.status.observedGeneration === lease.generation
  );
}

type Conditions = NonNullable<LeaseRecord['status']['conditions']>;

export function conditionOf(
  object: { readonly status: { readonly conditions?: Conditions | undefined } },
  type: 'Ready' | 'Reconciling' | 'Stalled',
): Conditions[number] | undefined {
  return object.status.conditions?.find((condition) => condition.type === type);
}

/** The login of the stage's identity as a Secret, and a connection that names it. */
export function connectionObjects(
  stage: Pick<Stage, 'api' | 'identity'>,
  {
    name = 'infisical',
    namespace = 'default',
    hostAPI = stage.api.url,
    clientSecret = stage.identity.clientSecret,
  } = {},
): readonly object[] {
  const login = `${name}-login`;
  const { clientId } = stage.identity;
  const key = (one: string): object => ({ secretKeyRef: { name: login, key: one } });
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: login, namespace },
      stringData: { clientId, clientSecret },
    },
    {
      apiVersion: 'leaseholder.dev/v1alpha1',
      kind: 'InfisicalConnection',
      metadata: { name, namespace },
      spec: {
        hostAPI,
        auth: { universal: { clientId: key('clientId'), clientSecret: key('clientSecret') } },
      },
    },
  ];
}

/** A lease of the stage's dynamic secret. `spec` is merged over the least that is needed. */
export function leaseManifest(
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  metadata: Readonly<Record<string, unknown>> = {},
): object {
  return {
    apiVersion: 'leaseholder.dev/v1alpha1',
    kind: 'DynamicSecretLease',
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      connectionRef: { name: 'infisical' },
      dynamicSecret: { name: 'orders', projectSlug: 'shop', environmentSlug: 'prod' },
      ...spec,
    },
  };
}
