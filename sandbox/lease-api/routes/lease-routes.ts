import { type Entry, enter, type Need } from '../access.ts';
import type { Leases } from '../leases.ts';
import type { LeaseRow } from '../lease-store.ts';
import type { Revocation } from '../revocation.ts';
import type { AuthenticatedCall, Route } from '../route.ts';
import type { SecretRow } from '../secret-store.ts';
import { parsed } from '../validation.ts';
import { leaseView, secretInLease } from '../views.ts';
import type { Place } from '../wording.ts';
import type { World } from '../world.ts';

const NEEDS = {
  create: { current: ['lease'], '2024': 'secrets-read', plan: 'create lease', folder: 'lease' },
  get: { current: ['lease'], '2024': 'secrets-read', folder: 'lease-get' },
  list: { current: ['lease'], '2024': 'secrets-read', folder: 'lease' },
  renew: { current: ['lease'], '2024': 'secrets-edit', plan: 'renew lease', folder: 'lease' },
  delete: { current: ['lease'], '2024': 'secrets-delete', folder: 'lease' },
} as const satisfies Record<string, Need>;

interface CreateBody extends Place {
  readonly dynamicSecretName: string;
  readonly ttl?: string | undefined;
  readonly config?: unknown;
}

const BASE = '/api/v1/dynamic-secrets/leases';

/** The endpoints of leases. */
export function leaseRoutes(world: World, leases: Leases, revocation: Revocation): readonly Route[] {
  const { requests, profile } = world;

  const create = async (call: AuthenticatedCall, body: CreateBody): Promise<unknown> => {
    const secret = enter(world, call.identity, body, NEEDS.create).secret(body.dynamicSecretName, 'lease');
    const request = { ttl: body.ttl, config: body.config, identity: call.identity, tag: call.tag };
    const { row, data } = await leases.create(secret, request);
    return { lease: leaseView(row, profile), dynamicSecret: secretInLease(secret, profile), data };
  };

  const found = (
    call: AuthenticatedCall,
    place: Place,
    need: Need,
    view: Parameters<Leases['find']>[1] = world.leases,
  ): { row: LeaseRow; secret: SecretRow } => {
    const entry = enter(world, call.identity, place, need);
    const lease = leases.find(parsed(requests.leaseId, call.params).leaseId, view);
    refuseForeign(world, entry, lease.secret);
    entry.permit();
    return lease;
  };

  const routes: readonly Route[] = [
    {
      name: 'lease-create',
      method: 'POST',
      url: BASE,
      rate: 'write',
      access: 'token',
      handle: async (call) => create(call, parsed(requests.createLease, call.body)),
    },
    {
      name: 'lease-create-kubernetes',
      method: 'POST',
      url: `${BASE}/kubernetes`,
      rate: 'write',
      access: 'token',
      handle: async (call) => create(call, parsed(requests.createKubernetesLease, call.body)),
    },
    {
      name: 'lease-get',
      method: 'GET',
      url: `${BASE}/:leaseId`,
      rate: 'read',
      access: 'token',
      handle: (call) => {
        const { row, secret } = found(call, parsed(requests.place, call.query), NEEDS.get, past(world, call));
        return { lease: { ...leaseView(row, profile), dynamicSecret: secretInLease(secret, profile) } };
      },
    },
    {
      name: 'lease-renew',
      method: 'POST',
      url: `${BASE}/:leaseId/renew`,
      rate: 'write',
      access: 'token',
      handle: async (call) => {
        const body = parsed(requests.renewLease, call.body);
        const { row, secret } = found(call, body, NEEDS.renew);
        const renewed = await leases.renew(row, secret, { ttl: body.ttl, by: call.identity.id });
        return { lease: leaseView(renewed, profile) };
      },
    },
    {
      name: 'lease-delete',
      method: 'DELETE',
      url: `${BASE}/:leaseId`,
      rate: 'write',
      access: 'token',
      handle: async (call) => {
        const body = parsed(requests.remove, call.body);
        const { row, secret } = found(call, body, NEEDS.delete);
        const request = { forced: body.isForced, by: call.identity.id };
        return { lease: leaseView(await revocation.revoke(row, secret, request), profile) };
      },
    },
    {
      name: 'lease-list',
      method: 'GET',
      url: '/api/v1/dynamic-secrets/:name/leases',
      rate: 'read',
      access: 'token',
      handle: (call) => {
        const place = parsed(requests.place, call.query);
        const entry = enter(world, call.identity, place, NEEDS.list);
        // This route does not lower-case the name.
        const secret = entry.secret(parsed(requests.name, call.params).name, 'lease');
        return {
          leases: past(world, call)
            .list(secret.id)
            .map((row) => leaseView(row, profile)),
        };
      },
    },
  ];
  // A server of 2024 has no route of its own for Kubernetes.
  return routes.filter(({ name }) => profile === 'current' || name !== 'lease-create-kubernetes');
}

/** The current server compares the lease with the folder; in 2024 any folder that exists will do. */
function refuseForeign(world: World, entry: Entry, secret: SecretRow): void {
  if (world.profile === 'current' && secret.folder.id !== entry.folder.id)
    throw world.wording.secretOfLease(secret.id);
}

function past(world: World, { lagMs }: AuthenticatedCall): Pick<World['leases'], 'get' | 'list'> {
  return lagMs === 0 ? world.leases : world.leases.asOf(world.clock.now() - lagMs);
}
