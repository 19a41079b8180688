import { enter, type Need } from '../access.ts';
import { addSecret, updateSecret } from '../dynamic-secrets.ts';
import { allows } from '../identities.ts';
import { recordSecret, type Revocation } from '../revocation.ts';
import type { AuthenticatedCall, Route } from '../route.ts';
import { parsed } from '../validation.ts';
import { openSecretView, secretView } from '../views.ts';
import type { World } from '../world.ts';

const NEEDS = {
  create: {
    current: ['create-root-credential'],
    '2024': 'secrets-create',
    plan: 'create dynamic secret',
    folder: 'secret',
  },
  get: {
    current: ['read-root-credential', 'edit-root-credential'],
    '2024': 'secrets-edit',
    folder: 'secret',
  },
  list: { current: [], '2024': 'secrets-read', folder: 'secret' },
  update: {
    current: ['edit-root-credential'],
    '2024': 'secrets-edit',
    plan: 'update dynamic secret',
    folder: 'secret',
  },
  delete: { current: ['delete-root-credential'], '2024': 'secrets-edit', folder: 'secret' },
} as const satisfies Record<string, Need>;

const BASE = '/api/v1/dynamic-secrets';

/** The endpoints of dynamic secrets. */
export function secretRoutes(world: World, revocation: Revocation): readonly Route[] {
  const { requests, profile, declarations } = world;
  const nameIn = (params: unknown): string => parsed(requests.name, params).name;
  return [
    {
      name: 'dynamic-secret-create',
      method: 'POST',
      url: BASE,
      rate: 'write',
      access: 'token',
      handle: async (call) => {
        const request = received('POST', call, nameOf(call.body));
        return declarations.during(request, async () => {
          const body = parsed(requests.createSecret, call.body);
          const entry = enter(world, call.identity, body, NEEDS.create);
          entry.permit();
          const secret = await addSecret(world, entry.folder, body);
          recordSecret(world.ledger, { event: 'secret-made', by: call.identity.id }, secret);
          return { dynamicSecret: openSecretView(secret, profile) };
        });
      },
    },
    {
      name: 'dynamic-secret-get',
      method: 'GET',
      url: `${BASE}/:name`,
      rate: 'read',
      access: 'token',
      handle: (call) => {
        const entry = enter(world, call.identity, parsed(requests.place, call.query), NEEDS.get);
        return { dynamicSecret: openSecretView(entry.secret(nameIn(call.params), 'secret-get'), profile) };
      },
    },
    {
      name: 'dynamic-secret-list',
      method: 'GET',
      url: BASE,
      rate: 'read',
      access: 'token',
      handle: (call) => {
        const place = parsed(requests.place, call.query);
        const { folder } = enter(world, call.identity, place, NEEDS.list);
        // The current server leaves out, without a word, what the caller may not read.
        const visible = profile === '2024' || allows(call.identity, place, 'read-root-credential');
        const rows = visible ? world.secrets.inFolder(folder.id) : [];
        return { dynamicSecrets: rows.map((row) => secretView(row, profile)) };
      },
    },
    {
      name: 'dynamic-secret-update',
      method: 'PATCH',
      url: `${BASE}/:name`,
      rate: 'write',
      access: 'token',
      handle: async (call) => {
        const name = nameIn(call.params).toLowerCase();
        return declarations.during(received('PATCH', call, name), async () => {
          const body = parsed(requests.updateSecret, call.body);
          const entry = enter(world, call.identity, body, NEEDS.update);
          const secret = entry.secret(name, 'secret');
          await updateSecret(world, secret, body.data);
          const event = secret.name === name ? 'secret-changed' : 'secret-renamed';
          recordSecret(world.ledger, { event, by: call.identity.id }, secret);
          return { dynamicSecret: openSecretView(secret, profile) };
        });
      },
    },
    {
      name: 'dynamic-secret-delete',
      method: 'DELETE',
      url: `${BASE}/:name`,
      rate: 'write',
      access: 'token',
      handle: async (call) => {
        const name = nameIn(call.params).toLowerCase();
        return declarations.during(received('DELETE', call, name), () => {
          const body = parsed(requests.remove, call.body);
          const entry = enter(world, call.identity, body, NEEDS.delete);
          const secret = entry.secret(name, 'secret');
          if (body.isForced || world.leases.count(secret.id) === 0)
            revocation.remove(secret, call.identity.id);
          else revocation.prune(secret);
          return { dynamicSecret: secretView(secret, profile) };
        });
      },
    },
  ];
}

function received<M extends 'POST' | 'PATCH' | 'DELETE'>(
  method: M,
  call: AuthenticatedCall,
  name: string | null,
): { method: M; name: string | null; by: string; body: unknown } {
  return { method, name, by: call.identity.id, body: call.body ?? null };
}

/** What a body calls the dynamic secret that is to be made. */
function nameOf(body: unknown): string | null {
  const named = typeof body === 'object' && body !== null && 'name' in body ? body.name : undefined;
  return typeof named === 'string' ? named : null;
}
