import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { writeKubeconfig } from '../../sandbox/control-plane/kubeconfig.ts';
import type { LeaseApi } from '../../sandbox/lease-api/lease-api.ts';
import { postgresInputs } from '../../sandbox/lease-api/postgres-inputs.ts';
import { connectionObjects, leaseManifest } from '../support/stage.ts';
import { startSurroundings, type Surroundings } from '../support/surroundings.ts';
import { startHistory, type History } from './history.ts';
import { LONG, SHORT } from './timing.ts';
import { startWatch } from './watch.ts';
import { startKubeWay, startLeaseApiWay, type KubeWay, type Way } from './way.ts';
import type { Weather } from './weather.ts';

/** What an object leases from; it is pointed from the one at the other of the same kind. */
export const DYNAMIC_SECRETS = ['short-a', 'short-b', 'long-a', 'long-b'] as const;
export type DynamicSecret = (typeof DYNAMIC_SECRETS)[number];

const NAMESPACES = ['team-1', 'team-2', 'team-3', 'team-4'] as const;

/** How many objects of each dynamic secret there are in a namespace. */
const OBJECTS_OF = { 'short-a': 10, 'short-b': 10, 'long-a': 6, 'long-b': 6 } as const satisfies Record<
  DynamicSecret,
  number
>;

/** Everything but the operators. */
export interface World extends AsyncDisposable {
  readonly surroundings: Surroundings;
  readonly api: LeaseApi;
  readonly history: History;
  /** The operators' ways to the Kubernetes API. */
  readonly kube: readonly [KubeWay, KubeWay];
  /** Their way to the lease API: an object names its address, so both take the same one. */
  readonly leaseApi: Way;
  readonly kubeconfigs: readonly [string, string];
  /** Where the operators' logs of this run go. */
  readonly logs: string;
  createAll(): Promise<void>;
  /** Makes the object of a life anew. */
  recreate(key: string): Promise<void>;
  retarget(key: string, dynamicSecret: DynamicSecret): Promise<void>;
  askForRotation(key: string): Promise<void>;
  editSecret(key: string): Promise<void>;
  deleteSecret(key: string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Somebody else revokes a lease. */
  revokeElsewhere(key: string, lease: string): Promise<void>;
}

export async function startWorld(weather: Weather, logs: string): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const surroundings = stack.use(await startSurroundings());
  const { stage, servers, postgres, certificates, token, kubeCA, ask } = surroundings;
  const { plane } = stage;
  const api = servers['tags-kept'];
  mkdirSync(logs, { recursive: true });

  const kubeWay = async (): Promise<KubeWay> =>
    stack.use(await startKubeWay({ target: plane.server, ca: kubeCA, certificates, weather }));
  const kube = [await kubeWay(), await kubeWay()] as const;
  const leaseApi = stack.use(await startLeaseApiWay(api.url, weather));
  const kubeconfigOf = async (slot: 0 | 1): Promise<string> => {
    const file = path.join(plane.directory, `kubeconfig-chaos-${String(slot)}`);
    const server = `https://127.0.0.1:${String(kube[slot].port)}`;
    await writeKubeconfig(file, { server, ca: certificates.ca, user: stage.user, token });
    return file;
  };

  const history = startHistory();
  const adminToken = surroundings.adminToken;
  const eyes = { server: plane.server, ca: kubeCA, token: adminToken };
  stack.use(
    startWatch({
      ...eyes,
      path: '/apis/leaseholder.dev/v1alpha1/dynamicsecretleases',
      onSighting: history.onLease,
    }),
  );
  stack.use(startWatch({ ...eyes, path: '/api/v1/secrets', onSighting: history.onSecret }));

  const provider = { type: 'sql-database', inputs: postgresInputs(postgres) } as const;
  const identity = await api.seedIdentity({ grants: NAMESPACES.map((projectSlug) => ({ projectSlug })) });
  const [leasePath, secretPath] = [
    (key: string) => pathOf(key, (namespace) => `${own(namespace)}/dynamicsecretleases`),
    (key: string) => pathOf(key, (namespace) => `/api/v1/namespaces/${namespace}/secrets`),
  ];
  const merge = async (at: string, body: object): Promise<void> =>
    void (await ask(at, { method: 'PATCH', body, contentType: 'application/merge-patch+json' }));
  const create = async (key: string): Promise<void> => {
    const { namespace, name } = partsOf(key);
    const dynamicSecret = firstOf(name);
    const spec = {
      dynamicSecret: { ...placeOf(namespace), name: dynamicSecret },
      ...policyOf(dynamicSecret),
    };
    const body = leaseManifest(name, spec, { namespace });
    await ask(`${own(namespace)}/dynamicsecretleases`, { method: 'POST', body });
  };
  let asked = 0;
  const kubeconfigs = [await kubeconfigOf(0), await kubeconfigOf(1)] as const;
  const all = stack.move();

  return {
    surroundings,
    api,
    history,
    kube,
    leaseApi,
    kubeconfigs,
    logs,
    async createAll() {
      const hostAPI = `http://127.0.0.1:${String(leaseApi.port)}`;
      for (const namespace of NAMESPACES) {
        for (const name of DYNAMIC_SECRETS) {
          const lifeOverride = classOf(name).life;
          await api.seedDynamicSecret({ ...placeOf(namespace), name, provider, lifeOverride });
        }
        await ask('/api/v1/namespaces', {
          method: 'POST',
          body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
        });
        const [login, connection] = connectionObjects({ api, identity }, { namespace, hostAPI });
        await ask(`/api/v1/namespaces/${namespace}/secrets`, { method: 'POST', body: login });
        await ask(`${own(namespace)}/infisicalconnections`, { method: 'POST', body: connection });
        for (const name of objectNames()) await create(`${namespace}/${name}`);
      }
    },
    recreate: create,
    retarget: (key, name) => merge(leasePath(key), { spec: { dynamicSecret: { name } } }),
    async askForRotation(key) {
      asked += 1;
      await merge(leasePath(key), {
        metadata: { annotations: { 'leaseholder.dev/rotate': String(asked) } },
      });
    },
    editSecret: (key) =>
      merge(secretPath(key), { data: { DB_PASSWORD: Buffer.from('edited').toString('base64') } }),
    deleteSecret: async (key) => void (await ask(secretPath(key), { method: 'DELETE' })),
    async remove(key) {
      // From now on: the server may revoke before the watch tells of the deletion.
      for (const life of history.present()) if (life.key === key) life.deletedAt ??= Date.now();
      await ask(leasePath(key), { method: 'DELETE' });
    },
    async revokeElsewhere(key, lease) {
      const { accessToken } = await api.mintToken({ identityId: identity.identityId });
      const answer = await fetch(`${api.url}/api/v1/dynamic-secrets/leases/${lease}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...placeOf(partsOf(key).namespace), path: '/' }),
      });
      // 404: the operator was faster.
      if (![200, 404].includes(answer.status))
        throw new Error(`A revocation was answered with ${String(answer.status)}.`);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function placeOf(namespace: string): { readonly projectSlug: string; readonly environmentSlug: string } {
  return { projectSlug: namespace, environmentSlug: 'prod' };
}

function own(namespace: string): string {
  return `/apis/leaseholder.dev/v1alpha1/namespaces/${namespace}`;
}

function objectNames(): readonly string[] {
  return DYNAMIC_SECRETS.flatMap((dynamicSecret) =>
    Array.from({ length: OBJECTS_OF[dynamicSecret] }, (_, index) => `${dynamicSecret}-${String(index)}`),
  );
}

/** What an object of this name leases from at first. */
function firstOf(name: string): DynamicSecret {
  return DYNAMIC_SECRETS.find((dynamicSecret) => name.startsWith(dynamicSecret)) ?? 'short-a';
}

/** Whether it lives long, and is revoked when it is replaced. */
export function isLong(dynamicSecret: string): boolean {
  return dynamicSecret.startsWith('long');
}

function classOf(dynamicSecret: DynamicSecret): typeof SHORT | typeof LONG {
  return isLong(dynamicSecret) ? LONG : SHORT;
}

/** Replaced long leases are revoked; short ones run out. */
function policyOf(dynamicSecret: DynamicSecret): Readonly<Record<string, unknown>> {
  const { before } = classOf(dynamicSecret);
  const revocation = isLong(dynamicSecret) ? { onRotation: 'Revoke', gracePeriod: '1s' } : {};
  return { rotation: { before }, revocation };
}

export function partsOf(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

function pathOf(key: string, collection: (namespace: string) => string): string {
  const { namespace, name } = partsOf(key);
  return `${collection(namespace)}/${name}`;
}
