import { z } from 'zod';

import type { LeaseApi } from '../../sandbox/lease-api/lease-api.ts';
import { postgresInputs } from '../../sandbox/lease-api/postgres-inputs.ts';
import type { LeaseRecord } from '../../src/reconcile/ports.ts';
import { leaseRecord } from '../../src/reconcile/records.ts';
import { secretView, type SecretView } from '../support/secret-view.ts';
import { connectionObjects, leaseManifest } from '../support/stage.ts';
import type { ServerKind } from '../support/server-kind.ts';
import type { Surroundings } from '../support/surroundings.ts';
import { SHORT_LIFE } from './timing.ts';

/** The dynamic secrets of a life: `returns` is what `orders` is pointed at later. */
export const DYNAMIC_SECRETS = ['orders', 'returns', 'stock'] as const;
type DynamicSecret = (typeof DYNAMIC_SECRETS)[number];

/** The lease objects of a life, and their Secrets. */
export const OBJECTS = ['orders', 'stock'] as const;
export type ObjectName = (typeof OBJECTS)[number];

/** For which object a dynamic secret is leased; also what an object's own name says. Undefined for any other name. */
export function ownerOf(name: string): ObjectName | undefined {
  return name === 'returns' ? 'orders' : OBJECTS.find((object) => object === name);
}

/** Of a step that begins with an object's name that object; undefined: the step is one of both. */
export function ownerOfStep(step: string): ObjectName | undefined {
  return OBJECTS.find((object) => step.startsWith(object));
}

/** How an object and its Secret stand. */
export interface View {
  readonly lease: LeaseRecord | undefined;
  readonly secret: SecretView | undefined;
}

export type LiveLease = Awaited<ReturnType<LeaseApi['live']>>['leases'][number];

/** A namespace of its own with a project of its own at the lease API. */
export interface Tenant {
  readonly namespace: string;
  readonly api: LeaseApi;
  readonly server: ServerKind;
  /** The lease API's address for the operator. */
  readonly hostAPI: string;
  readonly secretIds: Readonly<Record<DynamicSecret, string>>;
  /** Makes the objects. */
  begin(): Promise<void>;
  view(name: ObjectName): Promise<View>;
  /** An object and its Secret, in the API server's own JSON. */
  raw(name: ObjectName): Promise<{ readonly lease: unknown; readonly secret: unknown }>;
  rawConnection(): Promise<unknown>;
  /** Changes the spec. @returns the object's new generation. */
  retarget(name: ObjectName, dynamicSecret: DynamicSecret): Promise<number>;
  editSecret(name: ObjectName): Promise<void>;
  deleteSecret(name: ObjectName): Promise<void>;
  remove(name: ObjectName): Promise<void>;
  /** The finalizers of the connection. */
  connectionHeld(): Promise<boolean>;
  /** From now on leases of a dynamic secret live as long as their ttl says. */
  liveLong(name: DynamicSecret): Promise<void>;
  /** Somebody else revokes a lease. */
  revokeElsewhere(id: string): Promise<void>;
  /** The ids of the leases that live on the server. */
  live(): Promise<readonly string[]>;
  liveLeases(): Promise<readonly LiveLease[]>;
}

export type TenantOptions = Pick<Tenant, 'namespace' | 'server' | 'hostAPI'>;

export async function makeTenant(surroundings: Surroundings, options: TenantOptions): Promise<Tenant> {
  const { namespace, server, hostAPI } = options;
  const { ask, postgres } = surroundings;
  const api = surroundings.servers[server];
  const place = { projectSlug: namespace, environmentSlug: 'prod' };
  const provider = { type: 'sql-database', inputs: postgresInputs(postgres) } as const;
  const seed = async (name: DynamicSecret): Promise<string> => {
    const lifeOverride = name === 'orders' ? SHORT_LIFE : null;
    return (await api.seedDynamicSecret({ ...place, name, provider, lifeOverride })).dynamicSecretId;
  };
  const secretIds = {
    orders: await seed('orders'),
    returns: await seed('returns'),
    stock: await seed('stock'),
  };
  const identity = await api.seedIdentity({ grants: [{ projectSlug: namespace }] });

  const core = `/api/v1/namespaces/${namespace}`;
  const own = `/apis/leaseholder.dev/v1alpha1/namespaces/${namespace}`;
  const leasePath = (name: string): string => `${own}/dynamicsecretleases/${name}`;
  const secretPath = (name: string): string => `${core}/secrets/${name}`;
  const read = async (path: string): Promise<unknown> => {
    const { status, body } = await ask(path);
    return status === 404 ? undefined : body;
  };
  const merge = async (path: string, body: object): Promise<unknown> =>
    (await ask(path, { method: 'PATCH', body, contentType: 'application/merge-patch+json' })).body;
  const spec = (dynamicSecret: DynamicSecret): Readonly<Record<string, unknown>> => ({
    dynamicSecret: { ...place, name: dynamicSecret },
    // Each object's own jitter may make it a rotation at once: `orders` alone, and only until it was rotated.
    rotation: { before: dynamicSecret === 'orders' ? '90%' : '10%' },
    revocation: { onRotation: 'Revoke', gracePeriod: '1s' },
  });

  const raw: Tenant['raw'] = async (name) => {
    const [lease, secret] = await Promise.all([read(leasePath(name)), read(secretPath(name))]);
    return { lease, secret };
  };
  const rawConnection = (): Promise<unknown> => read(`${own}/infisicalconnections/infisical`);

  const liveLeases = async (): Promise<readonly LiveLease[]> => {
    const mine = new Set<string>(Object.values(secretIds));
    return (await api.live()).leases.filter(({ dynamicSecretId }) => mine.has(dynamicSecretId));
  };

  return {
    namespace,
    api,
    server,
    hostAPI,
    secretIds,
    async begin() {
      await ask('/api/v1/namespaces', {
        method: 'POST',
        body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      });
      const [login, connection] = connectionObjects({ api, identity }, { namespace, hostAPI });
      await ask(`${core}/secrets`, { method: 'POST', body: login });
      await ask(`${own}/infisicalconnections`, { method: 'POST', body: connection });
      for (const name of OBJECTS) {
        const body = leaseManifest(name, spec(name), { namespace });
        await ask(`${own}/dynamicsecretleases`, { method: 'POST', body });
      }
    },
    async view(name) {
      const { lease, secret } = await raw(name);
      return {
        lease: lease === undefined ? undefined : leaseRecord(lease),
        secret: secret === undefined ? undefined : secretView(secret),
      };
    },
    raw,
    rawConnection,
    async retarget(name, dynamicSecret) {
      const changed = await merge(leasePath(name), {
        spec: { dynamicSecret: { name: dynamicSecret }, rotation: { before: '10%' } },
      });
      return leaseRecord(changed).generation;
    },
    async editSecret(name) {
      const DB_PASSWORD = Buffer.from('edited').toString('base64');
      await merge(secretPath(name), { data: { DB_PASSWORD } });
    },
    deleteSecret: async (name) => void (await ask(secretPath(name), { method: 'DELETE' })),
    remove: async (name) => void (await ask(leasePath(name), { method: 'DELETE' })),
    async connectionHeld() {
      const { metadata } = z
        .object({ metadata: z.object({ finalizers: z.array(z.string()).default([]) }) })
        .parse(await rawConnection());
      return metadata.finalizers.length > 0;
    },
    liveLong: async (name) =>
      void (await api.overrideDynamicSecret({ dynamicSecretId: secretIds[name], lifeOverride: null })),
    async revokeElsewhere(id) {
      const { accessToken } = await api.mintToken({ identityId: identity.identityId });
      const answer = await fetch(`${api.url}/api/v1/dynamic-secrets/leases/${id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...place, path: '/' }),
      });
      if (answer.status !== 200) throw new Error(`A revocation was answered with ${String(answer.status)}.`);
    },
    live: async () => (await liveLeases()).map(({ leaseId }) => leaseId),
    liveLeases,
  };
}
