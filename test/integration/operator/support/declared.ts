import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import type { LeaseApi } from '../../../../sandbox/lease-api/lease-api.ts';
import type { LeaseApiOptions } from '../../../../sandbox/lease-api/options.ts';
import type { DynamicSecretRecord } from '../../../../src/reconcile/ports.ts';
import { dynamicSecretRecord } from '../../../../src/reconcile/records.ts';
import { conditionOf, connectionObjects, leaseManifest, type Stage } from '../../../support/stage.ts';
import { ownServer } from './own-server.ts';

export const NAME = 'orders';

/** A DynamicSecret of type redis, which takes a password: the least of one that has a secret. */
export function declaration(
  spec: Readonly<Record<string, unknown>> = {},
  metadata: Readonly<Record<string, unknown>> = {},
): object {
  return {
    apiVersion: 'leaseholder.dev/v1alpha1',
    kind: 'DynamicSecret',
    metadata: { name: NAME, ...metadata },
    spec: {
      connectionRef: { name: 'infisical' },
      name: 'orders-redis',
      projectSlug: 'shop',
      environmentSlug: 'prod',
      defaultTTL: '1h',
      provider: {
        type: 'redis',
        inputs: {
          host: 'redis.example.com',
          port: 6379,
          username: 'default',
          creationStatement: 'ACL SETUSER {{username}} on >{{password}} ~* &* +@all',
          revocationStatement: 'ACL DELUSER {{username}}',
        },
      },
      inputsFrom: [{ input: 'password', secretKeyRef: { name: 'redis-admin', key: 'password' } }],
      ...spec,
    },
  };
}

/** The inputs of {@link declaration}, as a request has them. */
export const inputs = {
  host: 'redis.example.com',
  port: 6379,
  username: 'default',
  creationStatement: 'ACL SETUSER {{username}} on >{{password}} ~* &* +@all',
  revocationStatement: 'ACL DELUSER {{username}}',
};

/** Where it is, as a request says it. */
export const place = { projectSlug: 'shop', environmentSlug: 'prod', path: '/' };

export interface SentRequest {
  readonly method: string;
  readonly body: unknown;
}

/** A namespace of its own, in it a connection to a server of its own, and the admin's password. */
export interface Declared extends AsyncDisposable {
  readonly namespace: string;
  readonly api: LeaseApi;
  apply(
    spec?: Readonly<Record<string, unknown>>,
    metadata?: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  /** Merges into the spec of the object. */
  edit(spec: Readonly<Record<string, unknown>>): Promise<void>;
  keep(password: string): Promise<void>;
  /** A lease that refers to the object. */
  lease(name: string): Promise<void>;
  kubectl(...args: string[]): Promise<string>;
  /** Deletes an object, and does not wait. */
  remove(object?: string): Promise<void>;
  look(): Promise<DynamicSecretRecord | undefined>;
  until(probe: (object: DynamicSecretRecord) => boolean, seconds?: number): Promise<DynamicSecretRecord>;
  untilReady(seconds?: number): Promise<DynamicSecretRecord>;
  untilGone(object?: string, seconds?: number): Promise<void>;
  untilLeased(name: string): Promise<void>;
  /** What the server has, by name. */
  names(): Promise<readonly string[]>;
  /** The requests about dynamic secrets since this was last asked that were answered with 200. */
  sent(): Promise<readonly SentRequest[]>;
  events(): Promise<readonly string[]>;
}

export async function declared(
  stage: Stage,
  namespace: string,
  options: LeaseApiOptions = {},
): Promise<Declared> {
  const server = await ownServer(options);
  const { api } = server;
  const kubectl = (...args: string[]): Promise<string> => stage.kubectl('-n', namespace, ...args);
  const object = `dynamicsecret/${NAME}`;
  await stage.kubectl('create', 'namespace', namespace);
  await stage.apply(...connectionObjects(server, { namespace }));
  const at = `/apis/leaseholder.dev/v1alpha1/namespaces/${namespace}/dynamicsecrets/${NAME}`;

  const own: Declared = {
    namespace,
    api,
    apply: (spec, metadata) => stage.apply(declaration(spec, { ...metadata, namespace })),
    edit: async (spec) =>
      void (await kubectl('patch', object, '--type=merge', '-p', JSON.stringify({ spec }))),
    keep: (password) =>
      stage.apply({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'redis-admin', namespace },
        stringData: { password },
      }),
    lease: (name) =>
      stage.apply(
        leaseManifest(
          name,
          { connectionRef: undefined, dynamicSecret: undefined, dynamicSecretRef: { name: NAME } },
          { namespace },
        ),
      ),
    kubectl,
    remove: async (other = object) => void (await kubectl('delete', other, '--wait=false')),
    async look() {
      const raw = await stage.read(at);
      return raw === undefined ? undefined : dynamicSecretRecord(raw);
    },
    async until(probe, seconds = 30) {
      let seen: DynamicSecretRecord | undefined;
      try {
        return await awaitCondition(
          async () => {
            seen = await own.look();
            return seen !== undefined && probe(seen) ? seen : undefined;
          },
          { what: `the DynamicSecret of ${namespace}`, timeoutMs: seconds * 1000, intervalMs: 50 },
        );
      } catch {
        throw new Error(`Waited for a DynamicSecret; it is ${JSON.stringify(seen?.status, null, 1)}`);
      }
    },
    untilReady: (seconds) =>
      own.until(
        (seen) =>
          conditionOf(seen, 'Ready')?.status === 'True' && seen.status.observedGeneration === seen.generation,
        seconds,
      ),
    untilGone: async (other = object, seconds = 30) =>
      void (await kubectl('wait', other, '--for=delete', `--timeout=${String(seconds)}s`)),
    untilLeased: async (name) =>
      void (await kubectl('wait', `dsl/${name}`, '--for=condition=Ready', '--timeout=30s')),
    // `orders` is the server's own.
    names: async () =>
      (await api.dynamicSecrets()).dynamicSecrets.map(({ name }) => name).filter((name) => name !== 'orders'),
    async sent() {
      const { requests } = await api.dynamicSecrets();
      await api.clearDynamicSecretRequests();
      return requests.filter(({ done }) => done).map(({ method, body }) => ({ method, body }));
    },
    async events() {
      const path = '{range .items[*]}{.reason}{"\\n"}{end}';
      const text = await kubectl('get', 'events', '-o', `jsonpath=${path}`);
      return text.split('\n').filter((line) => line !== '');
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  await own.keep('hunter2');
  return own;
}

/** A condition's reason, where the condition is as `status` says. */
export function says(
  object: DynamicSecretRecord,
  type: 'Ready' | 'Reconciling' | 'Stalled',
  status: 'True' | 'False',
): string | undefined {
  const condition = conditionOf(object, type);
  return condition?.status === status ? condition.reason : undefined;
}
