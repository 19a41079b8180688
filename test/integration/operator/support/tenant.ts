import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../../sandbox/operator/operator.ts';
import { CONNECTION_FINALIZER } from '../../../../src/api/names.ts';
import type { ConnectionRecord, LeaseRecord } from '../../../../src/reconcile/ports.ts';
import { connectionObjects, leaseManifest, type Stage } from '../../../support/stage.ts';
import { ownServer, type OwnServer } from './own-server.ts';

/** What a tenant has, as kubectl names it. */
export const LEASE = 'dsl/orders-db';
export const CONNECTION = 'infisicalconnection/infisical';
export const CREDENTIAL = 'secret/infisical-login';

/** A namespace of its own, in it a connection to a server of its own, and an object that is ready and has it held. */
export interface Tenant extends AsyncDisposable {
  readonly namespace: string;
  readonly server: OwnServer;
  /** kubectl in the namespace. */
  kubectl(...args: string[]): Promise<string>;
  /** Deletes objects, one after the other, and waits for none of them. */
  remove(...objects: readonly string[]): Promise<void>;
  /** Deletes the namespace with everything in it, and does not wait. */
  removeNamespace(): Promise<void>;
  /** Waits until an object is no more. */
  untilGone(object: string, seconds?: number): Promise<void>;
  untilNamespaceGone(seconds: number): Promise<void>;
  /** Waits until the connection is as the probe wants it. */
  untilConnection(probe: (connection: ConnectionRecord) => boolean): Promise<ConnectionRecord>;
  lease(): Promise<LeaseRecord | undefined>;
  /** How many leases live on the server. */
  live(): Promise<number>;
  /** Why an operator says that it left leases of this tenant. */
  left(operator: OperatorProcess): readonly unknown[];
  /** The messages of the events of a reason, as kubectl shows them. */
  events(reason: string): Promise<readonly string[]>;
}

/** @param spec is merged over the least that a lease needs; `seed` over what the server's dynamic secret is. */
export async function tenant(
  stage: Stage,
  namespace: string,
  {
    spec = {},
    seed = {},
  }: { spec?: Readonly<Record<string, unknown>>; seed?: Parameters<typeof ownServer>[1] } = {},
): Promise<Tenant> {
  const server = await ownServer({}, seed);
  const kubectl = (...args: string[]): Promise<string> => stage.kubectl('-n', namespace, ...args);
  await stage.kubectl('create', 'namespace', namespace);
  await stage.apply(
    ...connectionObjects(server, { namespace }),
    leaseManifest('orders-db', spec, { namespace }),
  );
  await kubectl('wait', LEASE, '--for=condition=Ready', '--timeout=60s');
  const untilConnection: Tenant['untilConnection'] = (probe) =>
    awaitCondition(
      async () => {
        const seen = await stage.connection('infisical', namespace);
        return seen !== undefined && probe(seen) ? seen : undefined;
      },
      { what: `the connection of ${namespace}`, intervalMs: 50 },
    );
  // A lease may be ready before its connection carries the finalizer; one that is deleted already takes none.
  await untilConnection(({ finalizers }) => finalizers.includes(CONNECTION_FINALIZER));
  return {
    namespace,
    server,
    kubectl,
    async remove(...objects) {
      for (const object of objects) await kubectl('delete', object, '--wait=false');
    },
    removeNamespace: async () => void (await stage.kubectl('delete', 'namespace', namespace, '--wait=false')),
    untilGone: async (object, seconds = 60) =>
      void (await kubectl('wait', object, '--for=delete', `--timeout=${String(seconds)}s`)),
    untilNamespaceGone: async (seconds) =>
      void (await stage.kubectl(
        'wait',
        `namespace/${namespace}`,
        '--for=delete',
        `--timeout=${String(seconds)}s`,
      )),
    untilConnection,
    lease: () => stage.lease('orders-db', namespace),
    live: async () => (await server.api.live()).leases.length,
    left: (operator) =>
      operator.lines
        .filter(
          ({ msg, object }) => msg === 'A lease is left to run out.' && object === `${namespace}/orders-db`,
        )
        .map(({ why }) => why),
    events: async (reason) => {
      const path = '{range .items[*]}{.message}{"\\n"}{end}';
      const selector = `--field-selector=reason=${reason}`;
      const text = await kubectl('get', 'events', selector, '-o', `jsonpath=${path}`);
      return text.split('\n').filter((line) => line !== '');
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
