import { z } from 'zod';

import { postgresInputs } from '../../../sandbox/lease-api/postgres-inputs.ts';
import { ROTATE_ANNOTATION } from '../../../src/api/names.ts';
import type { DynamicSecretRecord, LeaseRecord } from '../../../src/reconcile/ports.ts';
import { dynamicSecretRecord, leaseRecord } from '../../../src/reconcile/records.ts';
import { secretView, type SecretView } from '../../support/secret-view.ts';
import { connectionObjects } from '../../support/stage.ts';
import { makeNamespace, namespaced } from '../namespaced.ts';
import { isHeld, onlooker } from '../onlooker.ts';
import type { LifeContext } from '../story.ts';
import { makeAdminRole, type AdminRole } from './admin-role.ts';
import { WORKLOAD, workloadOf, type Workload } from './workload.ts';

/** The DynamicSecret of a life, its lease, and the Secrets: that of the lease and that of the admin's password. */
export const DECLARED = 'db';
export const LEASE = 'shop';
const ADMIN = 'db-admin';

/** What somebody else has in the same folder. */
export const STRANGER = 'stranger';

/** The names that the dynamic secret gets, one after the other. */
export const NAMES = ['db', 'db-renamed'] as const;

/** A dynamic secret as the lease API shows it to its administrators. */
const openSecret = z.looseObject({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  defaultTTL: z.string(),
  maxTTL: z.string().nullable(),
  status: z.string().nullable(),
  metadata: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
  inputs: z.record(z.string(), z.unknown()),
});
export type OpenSecret = z.infer<typeof openSecret>;

/** How the objects stand. */
export interface View {
  readonly declared: DynamicSecretRecord | undefined;
  readonly lease: LeaseRecord | undefined;
  readonly secret: SecretView | undefined;
}

/** What the operator may know of, and must keep to itself. */
export interface Canaries {
  /** The admin's password, first and last. */
  readonly admin: readonly [string, string];
}

/** A namespace with a project of its own, where a stranger has a dynamic secret, and a role of its own in PostgreSQL. */
export interface DeclaredTenant {
  readonly identityId: string;
  readonly canaries: Canaries;
  readonly role: AdminRole;
  readonly workload: Workload;
  /** What the spec declares for the lease API, but for the password. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
  readonly maxTTL: string;
  /** Makes the objects. */
  begin(): Promise<void>;
  view(): Promise<View>;
  /** Changes the DynamicSecret's spec. @returns its new generation. */
  change(spec: Readonly<Record<string, unknown>>): Promise<number>;
  /** Gives the admin another password, in PostgreSQL and in the Secret. */
  rotateAdmin(): Promise<void>;
  /** Asks for a new lease. */
  rotateLease(): Promise<void>;
  removeLease(): Promise<void>;
  removeDeclared(): Promise<void>;
  connectionHeld(): Promise<boolean>;
  /** The dynamic secrets of the folder, with their inputs. */
  folder(): Promise<readonly OpenSecret[]>;
  /** The ids of the operator's leases that live on the server. */
  live(): Promise<readonly string[]>;
  /** Whether the stranger's lease lives. */
  strangerLives(): Promise<boolean>;
}

const listed = z.object({ dynamicSecrets: z.array(z.object({ name: z.string() })) });
const opened = z.object({ dynamicSecret: openSecret });
const leased = z.object({ lease: z.object({ id: z.string() }) });

function encoded(password: string): object {
  return { password: Buffer.from(password).toString('base64') };
}

export async function makeDeclaredTenant(context: LifeContext): Promise<DeclaredTenant> {
  const { surroundings, namespace, server, hostAPI } = context;
  const { postgres } = surroundings;
  const api = surroundings.servers[server];
  const folder = { projectSlug: namespace, environmentSlug: 'prod', path: '/' };
  const canaries: Canaries = { admin: [`first-canary-of-${namespace}`, `last-canary-of-${namespace}`] };
  const role = await makeAdminRole(postgres, `admin-${namespace}`, canaries.admin[0]);

  await api.seedDynamicSecret({ ...folder, name: STRANGER });
  const identity = await api.seedIdentity({ grants: [{ projectSlug: namespace }] });
  const somebody = await api.seedIdentity({ grants: [{ projectSlug: namespace }] });
  const ask = await onlooker(api, somebody.identityId);
  const stranger = leased.parse(await ask('POST', 'leases', { ...folder, dynamicSecretName: STRANGER }));

  const objects = namespaced(surroundings, namespace);
  const workload = workloadOf(objects, namespace, LEASE);
  const { password: _, ...inputs } = postgresInputs(postgres, { username: role.username });
  const metadata = [{ key: 'team', value: 'shop' }];
  const maxTTL = '1d';
  const object = (kind: string, name: string, spec: object): object => ({
    apiVersion: 'leaseholder.dev/v1alpha1',
    kind,
    metadata: { name, namespace },
    spec,
  });
  const declared = object('DynamicSecret', DECLARED, {
    connectionRef: { name: 'infisical' },
    ...folder,
    name: NAMES[0],
    defaultTTL: '1h',
    maxTTL,
    metadata,
    provider: { type: 'sql-database', inputs },
    inputsFrom: [{ input: 'password', secretKeyRef: { name: ADMIN, key: 'password' } }],
  });
  const lease = object('DynamicSecretLease', LEASE, {
    dynamicSecretRef: { name: DECLARED },
    secret: {
      name: LEASE,
      data: { URL: 'postgres://{{ DB_USERNAME | url_encode }}:{{ DB_PASSWORD | url_encode }}@db/shop' },
      include: ['DB_USERNAME', 'DB_PASSWORD'],
    },
    restart: [{ kind: 'Deployment', name: WORKLOAD }],
    rotation: { before: '10%' },
    revocation: { onRotation: 'Revoke', gracePeriod: '1s' },
  });

  return {
    identityId: identity.identityId,
    canaries,
    role,
    workload,
    inputs,
    metadata,
    maxTTL,
    async begin() {
      await makeNamespace(surroundings, namespace);
      const [login = {}, connection = {}] = connectionObjects({ api, identity }, { namespace, hostAPI });
      const kept = { metadata: { name: ADMIN, namespace }, data: encoded(canaries.admin[0]) };
      await objects.create('secrets', login);
      await objects.create('secrets', { apiVersion: 'v1', kind: 'Secret', ...kept });
      await objects.create('infisicalconnections', connection);
      await workload.make();
      await objects.create('dynamicsecrets', declared);
      await objects.create('dynamicsecretleases', lease);
    },
    async view() {
      const [one, other, secret] = await Promise.all([
        objects.read('dynamicsecrets', DECLARED),
        objects.read('dynamicsecretleases', LEASE),
        objects.read('secrets', LEASE),
      ]);
      return {
        declared: one === undefined ? undefined : dynamicSecretRecord(one),
        lease: other === undefined ? undefined : leaseRecord(other),
        secret: secret === undefined ? undefined : secretView(secret),
      };
    },
    async change(spec) {
      return dynamicSecretRecord(await objects.merge('dynamicsecrets', DECLARED, { spec })).generation;
    },
    async rotateAdmin() {
      await role.setPassword(canaries.admin[1]);
      await objects.merge('secrets', ADMIN, { data: encoded(canaries.admin[1]) });
    },
    async rotateLease() {
      const annotations = { [ROTATE_ANNOTATION]: 'once' };
      await objects.merge('dynamicsecretleases', LEASE, { metadata: { annotations } });
    },
    removeLease: () => objects.remove('dynamicsecretleases', LEASE),
    removeDeclared: () => objects.remove('dynamicsecrets', DECLARED),
    connectionHeld: async () => isHeld(await objects.read('infisicalconnections', 'infisical')),
    async folder() {
      const { dynamicSecrets } = listed.parse(await ask('GET', '', folder));
      const each = dynamicSecrets.map(async ({ name }) => opened.parse(await ask('GET', name, folder)));
      return (await Promise.all(each)).map(({ dynamicSecret }) => dynamicSecret);
    },
    async live() {
      const { leases } = await api.live();
      return leases.filter(({ by }) => by === identity.identityId).map(({ leaseId }) => leaseId);
    },
    async strangerLives() {
      return (await api.live()).leases.some(({ leaseId }) => leaseId === stranger.lease.id);
    },
  };
}
