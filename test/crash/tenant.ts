import type { LeaseApi } from '../../sandbox/lease-api/lease-api.ts';
import { postgresInputs } from '../../sandbox/lease-api/postgres-inputs.ts';
import type { LeaseRecord } from '../../src/reconcile/ports.ts';
import { leaseRecord } from '../../src/reconcile/records.ts';
import { secretView, type SecretView } from '../support/secret-view.ts';
import { connectionObjects, leaseManifest } from '../support/stage.ts';
import type { ServerKind } from '../support/server-kind.ts';
import type { Surroundings } from '../support/surroundings.ts';
import { makeNamespace, namespaced } from './namespaced.ts';
import { isHeld, onlooker } from './onlooker.ts';
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
  const { postgres } = surroundings;
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

  const objects = namespaced(surroundings, namespace);
  const spec = (dynamicSecret: DynamicSecret): Readonly<Record<string, unknown>> => ({
    dynamicSecret: { ...place, name: dynamicSecret },
    // Each object's own jitter may make it a rotation at once: `orders` alone, and only until it was rotated.
    rotation: { before: dynamicSecret === 'orders' ? '90%' : '10%' },
    revocation: { onRotation: 'Revoke', gracePeriod: '1s' },
  });

  const raw: Tenant['raw'] = async (name) => {
    const [lease, secret] = await Promise.all([
      objects.read('dynamicsecretleases', name),
      objects.read('secrets', name),
    ]);
    return { lease, secret };
  };
  const rawConnection = (): Promise<unknown> => objects.read('infisicalconnections', 'infisical');

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
      await makeNamespace(surroundings, namespace);
      const [login = {}, connection = {}] = connectionObjects({ api, identity }, { namespace, hostAPI });
      await objects.create('secrets', login);
      await objects.create('infisicalconnections', connection);
      for (const name of OBJECTS) {
        await objects.create('dynamicsecretleases', leaseManifest(name, spec(name), { namespace }));
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
      const changed = await objects.merge('dynamicsecretleases', name, {
        spec: { dynamicSecret: { name: dynamicSecret }, rotation: { before: '10%' } },
      });
      return leaseRecord(changed).generation;
    },
    async editSecret(name) {
      const DB_PASSWORD = Buffer.from('edited').toString('base64');
      await objects.merge('secrets', name, { data: { DB_PASSWORD } });
    },
    deleteSecret: (name) => objects.remove('secrets', name),
    remove: (name) => objects.remove('dynamicsecretleases', name),
    connectionHeld: async () => isHeld(await rawConnection()),
    liveLong: async (name) =>
      void (await api.overrideDynamicSecret({ dynamicSecretId: secretIds[name], lifeOverride: null })),
    async revokeElsewhere(id) {
      const ask = await onlooker(api, identity.identityId);
      await ask('DELETE', `leases/${id}`, { ...place, path: '/' });
    },
    live: async () => (await liveLeases()).map(({ leaseId }) => leaseId),
    liveLeases,
  };
}
