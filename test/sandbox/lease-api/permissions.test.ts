import { describe, expect, test } from 'vitest';
import type { Action } from '../../../sandbox/lease-api/identities.ts';
import { type Answer, Fixture, LEASES, PLACE, QUERY, SECRETS, unknownId } from './fixture.ts';

interface Operation {
  readonly send: (server: Fixture, id: string) => Promise<Answer>;
  readonly current: readonly Action[];
  readonly '2024': Action;
}

const provider = { type: 'in-memory', inputs: {} };
const operations: Readonly<Record<string, Operation>> = {
  leasing: { send: async (server) => server.create(), current: ['lease'], '2024': 'secrets-read' },
  'reading a lease': {
    send: async (server, id) => server.get(id),
    current: ['lease'],
    '2024': 'secrets-read',
  },
  'listing leases': {
    send: async (server) => server.call('GET', `${SECRETS}/orders/leases${QUERY}`),
    current: ['lease'],
    '2024': 'secrets-read',
  },
  renewing: { send: async (server, id) => server.renew(id), current: ['lease'], '2024': 'secrets-edit' },
  revoking: { send: async (server, id) => server.remove(id), current: ['lease'], '2024': 'secrets-delete' },
  'making a dynamic secret': {
    send: async (server) =>
      server.call('POST', SECRETS, { ...PLACE, name: 'fresh', defaultTTL: '1h', provider }),
    current: ['create-root-credential'],
    '2024': 'secrets-create',
  },
  'reading a dynamic secret': {
    send: async (server) => server.call('GET', `${SECRETS}/orders${QUERY}`),
    current: ['read-root-credential', 'edit-root-credential'],
    '2024': 'secrets-edit',
  },
  'updating a dynamic secret': {
    send: async (server) => server.call('PATCH', `${SECRETS}/orders`, { ...PLACE, data: {} }),
    current: ['edit-root-credential'],
    '2024': 'secrets-edit',
  },
  'removing a dynamic secret': {
    send: async (server) => server.call('DELETE', `${SECRETS}/orders`, { ...PLACE, isForced: true }),
    current: ['delete-root-credential'],
    '2024': 'secrets-edit',
  },
};

const all: readonly Action[] = [
  'lease',
  'create-root-credential',
  'read-root-credential',
  'edit-root-credential',
  'delete-root-credential',
  'secrets-read',
  'secrets-create',
  'secrets-edit',
  'secrets-delete',
];

async function withActions(server: Fixture, actions: readonly Action[]): Promise<void> {
  const grants = [{ projectSlug: 'shop', actions: [...actions] }];
  await server.api.setGrants({ identityId: server.identity.identityId, grants });
}

describe.for(['current', '2024'] as const)('on %s', (profile) => {
  test.for(Object.entries(operations))('%s needs its actions and no other', async ([, operation]) => {
    await using server = await Fixture.start({ profile });
    const { id } = await server.lease();
    const needed = profile === 'current' ? operation.current : [operation['2024']];
    for (const missing of needed) {
      await withActions(
        server,
        all.filter((action) => action !== missing),
      );
      const refusal = server.refusal(await operation.send(server, id));
      const [action, subject] =
        profile === 'current' ? [missing, 'dynamic-secrets'] : [missing.slice(8), 'secrets'];
      expect(refusal).toEqual({
        status: profile === 'current' ? 403 : 401,
        error: 'PermissionDenied',
        message: `You are not allowed to ${action} on ${subject}`,
      });
    }
    await withActions(server, needed);
    expect((await operation.send(server, id)).status).toBe(200);
  });
});

describe('a grant', () => {
  test.for([
    [{ environmentSlug: 'prod', path: '/db' }, 200],
    [{ environmentSlug: 'prod' }, 200],
    [{ environmentSlug: 'prod', path: '/' }, 403],
    [{ environmentSlug: 'dev', path: '/db' }, 403],
  ] as const)('%j gives %i', async ([where, status]) => {
    await using server = await Fixture.start();
    const grants = [{ projectSlug: 'shop', ...where }];
    await server.api.setGrants({ identityId: server.identity.identityId, grants });
    expect((await server.create()).status).toBe(status);
  });
});

describe('who may not', () => {
  test('still learns on a current server what is not there', async () => {
    await using server = await Fixture.start({}, []);
    expect((await server.create()).status).toBe(403);
    expect((await server.create({ dynamicSecretName: 'nothing' })).status).toBe(404);
    expect((await server.get(unknownId)).status).toBe(404);
  });

  test('learns nothing in 2024', async () => {
    await using server = await Fixture.start({ profile: '2024' }, []);
    expect((await server.create({ dynamicSecretName: 'nothing' })).status).toBe(401);
    expect((await server.get(unknownId)).status).toBe(401);
  });

  test('is told details on a current server', async () => {
    await using server = await Fixture.start({}, []);
    const conditions = { environment: 'prod', secretPath: '/db' };
    expect((await server.create()).body).toMatchObject({
      details: [{ action: 'lease', inverted: false, subject: 'dynamic-secrets', conditions }],
    });
  });

  test('sees an empty list of dynamic secrets on a current server, and is refused in 2024', async () => {
    await using current = await Fixture.start({}, ['lease']);
    const answer = await current.call('GET', `${SECRETS}${QUERY}`);
    expect(answer).toMatchObject({ status: 200, body: { dynamicSecrets: [] } });
    await using old = await Fixture.start({ profile: '2024' }, ['secrets-edit']);
    expect((await old.call('GET', `${SECRETS}${QUERY}`)).status).toBe(401);
  });

  test('cannot reach the lease of another folder on a current server, but in 2024', async () => {
    for (const [profile, status] of [
      ['current', 404],
      ['2024', 200],
    ] as const) {
      await using server = await Fixture.start({ profile });
      const { id } = await server.lease();
      const path = `${LEASES}/${id}?projectSlug=shop&environmentSlug=prod&path=/other`;
      expect((await server.call('GET', path)).status).toBe(status);
    }
  });
});
