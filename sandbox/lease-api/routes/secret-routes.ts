import { enter, type Need } from '../access.ts';
import { addSecret, updateSecret } from '../dynamic-secrets.ts';
import { allows } from '../identities.ts';
import type { Revocation } from '../revocation.ts';
import type { Route } from '../route.ts';
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
  const { requests, profile } = world;
  const nameIn = (params: unknown): string => parsed(requests.name, params).name;
  return [
    {
      name: 'dynamic-secret-create',
      method: 'POST',
      url: BASE,
      rate: 'write',
      access: 'token',
      handle: async (call) => {
        const body = parsed(requests.createSecret, call.body);
        const entry = enter(world, call.identity, body, NEEDS.create);
        entry.permit();
        return { dynamicSecret: openSecretView(await addSecret(world, entry.folder, body), profile) };
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
        const body = parsed(requests.updateSecret, call.body);
        const entry = enter(world, call.identity, body, NEEDS.update);
        const secret = entry.secret(nameIn(call.params).toLowerCase(), 'secret');
        await updateSecret(world, secret, body.data);
        return { dynamicSecret: openSecretView(secret, profile) };
      },
    },
    {
      name: 'dynamic-secret-delete',
      method: 'DELETE',
      url: `${BASE}/:name`,
      rate: 'write',
      access: 'token',
      handle: (call) => {
        const body = parsed(requests.remove, call.body);
        const entry = enter(world, call.identity, body, NEEDS.delete);
        const secret = entry.secret(nameIn(call.params).toLowerCase(), 'secret');
        if (body.isForced || world.leases.count(secret.id) === 0) revocation.drop(secret, call.identity.id);
        else revocation.prune(secret);
        return { dynamicSecret: secretView(secret, profile) };
      },
    },
  ];
}
