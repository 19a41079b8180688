import { inspect } from 'node:util';

import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { LeaseApiOptions } from '../../../sandbox/lease-api/options.ts';
import { postgresInputs } from '../../../sandbox/lease-api/postgres-inputs.ts';
import { PROFILES } from '../../../sandbox/lease-api/refusal.ts';
import { type Postgres, startPostgres } from '../../../sandbox/postgres/start.ts';
import type { FaultCode } from '../../../src/errors.ts';
import type { LeaseClient } from '../../../src/infisical/client.ts';
import type { Declaration } from '../../../src/infisical/dynamic-secrets.ts';
import { RequestError } from '../../../src/infisical/request-error.ts';
import { type ClientWorld, clientWorld, freshTag, TARGET as ORDERS } from './client-world.ts';

/** What the provider is reached with. */
const CANARY = 'C4n4ry-Of-The-Provider';
const FOLDER = { projectSlug: 'shop', environmentSlug: 'prod', path: '/db' };
const TARGET = { ...FOLDER, dynamicSecret: 'orders-postgres' };
const RENAMED = { ...FOLDER, dynamicSecret: 'sales-postgres' };
const metadata = [{ key: 'leaseholder-object', value: 'uid' }];
const usernameTemplate = 'app-{{randomUsername}}';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
  await asRoot(`CREATE ROLE lessor SUPERUSER LOGIN PASSWORD '${CANARY}'`);
});
afterAll(async () => {
  await postgres.stop();
});

async function run(user: string, password: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: postgres.connectionString(user, password) });
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function asRoot(sql: string): Promise<readonly unknown[]> {
  return run(postgres.superuser.user, postgres.superuser.password, sql);
}

function declaration(change: Readonly<Record<string, unknown>> = {}): Declaration {
  const inputs = { ...postgresInputs(postgres, { username: 'lessor', password: CANARY }), ...change };
  return { defaultTTL: '1h', provider: { type: 'sql-database', inputs } };
}

/** Without the short deadlines that other tests have: a provider is connected to. */
function world(options: LeaseApiOptions = {}): Promise<ClientWorld> {
  return clientWorld(options, { scale: 1 });
}

async function failure(call: Promise<unknown>): Promise<RequestError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof RequestError) return outcome;
  throw new Error(`Expected a RequestError, got ${String(outcome)}.`);
}

async function bodies({ api }: ClientWorld): Promise<readonly unknown[]> {
  const { requests } = await api.dynamicSecrets();
  await api.clearDynamicSecretRequests();
  return requests.map(({ method, body, done }) => ({ method, body, done }));
}

describe.each(PROFILES)('against the %s server', (profile) => {
  test('one is made, leased from, changed, renamed and removed, by exactly these requests', async () => {
    await using own = await world({ profile });
    const { client } = own;
    const declared = { ...declaration(), maxTTL: '24h', usernameTemplate, metadata };
    const made = await client.createDynamicSecret(TARGET, declared);
    expect(made).toMatchObject({
      name: 'orders-postgres',
      type: 'sql-database',
      maxTTL: '24h',
      status: null,
    });
    expect(await bodies(own)).toEqual([
      { method: 'POST', body: { ...FOLDER, name: 'orders-postgres', ...declared }, done: true },
    ]);

    const kept = profile === 'current' ? { usernameTemplate, metadata } : {};
    const listed = await client.listDynamicSecrets(TARGET);
    expect(listed).toEqual([
      expect.objectContaining({ name: 'orders' }),
      { ...made, usernameTemplate: undefined, metadata: undefined, ...kept },
    ]);

    const issued = await client.createLease({ target: TARGET, tag: freshTag() });
    const { DB_USERNAME: user, DB_PASSWORD: password } = issued.data;
    expect(await run(String(user), String(password), 'SELECT current_user')).toEqual([
      { current_user: user },
    ]);
    expect(issued.dynamicSecret).toEqual(made);

    const data = { maxTTL: null, usernameTemplate: null, metadata: [], inputs: { renewStatement: '' } };
    const changed = await client.updateDynamicSecret(TARGET, data);
    expect(changed).toEqual({ ...made, maxTTL: null });
    const renamed = await client.updateDynamicSecret(TARGET, { newName: 'sales-postgres' });
    expect(renamed).toEqual({ ...changed, name: 'sales-postgres' });
    expect(await bodies(own)).toEqual([
      { method: 'PATCH', body: { ...FOLDER, data }, done: true },
      { method: 'PATCH', body: { ...FOLDER, data: { newName: 'sales-postgres' } }, done: true },
    ]);
    expect(await failure(client.listLeases(TARGET))).toMatchObject({ notFound: 'target' });
    expect(await client.listLeases(RENAMED)).toEqual([issued.lease]);

    const removed = await client.deleteDynamicSecret(RENAMED, { forced: false });
    expect(removed).toEqual({ ...renamed, status: 'Revocation in process' });
    await expect.poll(() => isAbsent(client)).toBe(true);
    expect(await bodies(own)).toEqual([
      { method: 'DELETE', body: { ...FOLDER, isForced: false }, done: true },
    ]);
    expect(await own.api.principals()).toEqual({ leased: [], unleased: [], missing: [] });
    expect(await failure(client.deleteDynamicSecret(RENAMED, { forced: false }))).toMatchObject({
      fate: 'refused',
      notFound: 'target',
    });
    const { counts } = await own.api.counts();
    expect(counts).not.toHaveProperty('dynamic-secret-get');
    expect(own.log.join('\n')).not.toContain(CANARY);
  });

  test('by force it goes at once, and leaves its roles', async () => {
    await using own = await world({ profile });
    const { client } = own;
    await client.createDynamicSecret(TARGET, declaration());
    const { lease } = await client.createLease({ target: TARGET, tag: freshTag() });
    expect(await client.deleteDynamicSecret(TARGET, { forced: true })).toMatchObject({ status: null });
    expect(await failure(client.listLeases(TARGET))).toMatchObject({ notFound: 'target' });
    expect((await own.api.principals()).unleased).toEqual([lease.externalEntityId]);
    await asRoot(`DROP ROLE "${lease.externalEntityId}"`);
  });

  test('a revocation that fails is told without the password that the server’s words have', async () => {
    await using own = await world({ profile });
    const { client } = own;
    await client.createDynamicSecret(TARGET, declaration());
    const { lease } = await client.createLease({ target: TARGET, tag: freshTag() });
    await own.api.armFault({ action: { type: 'provider-down' } });
    await client.deleteDynamicSecret(TARGET, { forced: false });
    const shown = async (): Promise<unknown> =>
      (await client.listDynamicSecrets(TARGET)).find(({ name }) => name === 'orders-postgres')?.status;
    await expect.poll(shown).toBe('Failed to delete');
    await client.revokeLease(lease.id, TARGET);
    const told = inspect([await client.listDynamicSecrets(TARGET), await client.listLeases(TARGET)]);
    expect(told).toContain('the database system is shutting down');
    expect(told).not.toContain(CANARY);

    await own.api.disarmFaults();
    expect(await client.revokeLease(lease.id, TARGET)).toMatchObject({ id: lease.id });
    expect((await client.deleteDynamicSecret(TARGET, { forced: false })).id).toBe(lease.dynamicSecretId);
    expect(await isAbsent(client, TARGET)).toBe(true);
  });

  type Refusing = (own: ClientWorld) => Promise<unknown>;
  const refusals: Record<string, [prepare: Refusing, call: Refusing, code: FaultCode, says: string]> = {
    'of a login that the provider does not take': [
      nothing,
      ({ client }) => client.createDynamicSecret(TARGET, declaration({ password: `not-${CANARY}` })),
      'ProviderUnreachable',
      'spec.inputsFrom',
    ],
    'of a provider that is down': [
      ({ api }) => api.armFault({ action: { type: 'provider-down' } }),
      ({ client }) => client.createDynamicSecret(TARGET, declaration()),
      'ProviderUnreachable',
      'spec.provider.inputs',
    ],
    'of an update while the provider is down': [
      ({ api }) => api.armFault({ action: { type: 'provider-down' } }),
      ({ client }) => client.updateDynamicSecret(ORDERS, { defaultTTL: '2h' }),
      'ProviderUnreachable',
      'spec.provider.inputs',
    ],
    'of a local host': [
      ({ api }) => api.setSwitches({ refuseLocalHosts: true }),
      ({ client }) => client.createDynamicSecret(TARGET, declaration()),
      'ProviderHostRefused',
      'spec.provider.inputs.host',
    ],
    'of an input of another kind': [
      nothing,
      ({ client }) => client.createDynamicSecret(TARGET, declaration({ port: CANARY })),
      'DynamicSecretInvalid',
      'spec.provider.inputs.port',
    ],
    'of an input of another kind in an update': [
      ({ client }) => client.createDynamicSecret(TARGET, declaration()),
      ({ client }) => client.updateDynamicSecret(TARGET, { inputs: { port: CANARY } }),
      'DynamicSecretInvalid',
      'spec.provider.inputs.port',
    ],
    'of a TTL': [
      nothing,
      ({ client }) => client.createDynamicSecret(TARGET, { ...declaration(), defaultTTL: '1s' }),
      'DynamicSecretInvalid',
      'spec.defaultTTL',
    ],
    'of a name that is taken': [
      nothing,
      ({ client }) => client.createDynamicSecret(ORDERS, declaration()),
      'DynamicSecretExists',
      'spec.adoption',
    ],
    'of a new name that is taken': [
      ({ client }) => client.createDynamicSecret(TARGET, declaration()),
      ({ client }) => client.updateDynamicSecret(TARGET, { newName: 'orders' }),
      'DynamicSecretExists',
      'Another dynamic secret orders in',
    ],
    'of a folder': [
      nothing,
      ({ client }) => client.createDynamicSecret({ ...TARGET, path: '/nowhere' }, declaration()),
      'FolderNotFound',
      '/nowhere',
    ],
    'of a project': [
      nothing,
      ({ client }) => client.listDynamicSecrets({ ...FOLDER, projectSlug: 'nowhere' }),
      'FolderNotFound',
      'spec.projectSlug',
    ],
    'of a removal of what is not there': [
      nothing,
      ({ client }) => client.deleteDynamicSecret(TARGET, { forced: false }),
      'TargetNotFound',
      'orders-postgres',
    ],
    'of a licence': [
      ({ api }) => api.setSwitches({ licensed: false }),
      ({ client }) => client.createDynamicSecret(TARGET, declaration()),
      'PlanRestricted',
      'licence',
    ],
    'of the identity': [
      ({ api, identity }) =>
        api.setGrants({
          identityId: identity.identityId,
          grants: [{ projectSlug: 'shop', actions: ['lease', 'secrets-read'] }],
        }),
      ({ client }) => client.deleteDynamicSecret(ORDERS, { forced: false }),
      'ManagePermissionDenied',
      '"delete-root-credential"',
    ],
  };

  test.each(Object.entries(refusals))(
    'a refusal %s says so',
    async (_sentence, [prepare, call, code, says]) => {
      await using own = await world({ profile });
      await prepare(own);
      const before = (await own.api.dynamicSecrets()).dynamicSecrets;
      const error = await failure(call(own));
      expect(error).toMatchObject({ fate: 'refused', fault: { code } });
      expect(error.fault.message).toContain(says);
      expect((await own.api.dynamicSecrets()).dynamicSecrets).toEqual(before);
      expect(inspect([error, error.stack, own.log], { depth: Infinity, showHidden: true })).not.toContain(
        CANARY,
      );
    },
  );

  test('a request whose answer is lost is not made again, and a look tells what became of it', async () => {
    await using own = await world({ profile });
    const { client, api } = own;
    for (const when of ['before', 'after'] as const) {
      await api.armFault({
        match: { route: 'dynamic-secret-create' },
        action: { type: 'answer-lost', when },
      });
      const error = await failure(client.createDynamicSecret(TARGET, declaration()));
      expect(error).toMatchObject({ fate: 'unknown', fault: { code: 'NoAnswer' } });
      expect(await isAbsent(client, TARGET)).toBe(when === 'before');
    }
    expect(await own.calls('dynamic-secret-create')).toBe(2);
  });
});

test('what the identity may not see is not in the list, which is no absence', async () => {
  await using own = await world();
  const grants = [{ projectSlug: 'shop', actions: ['lease' as const] }];
  await own.api.setGrants({ identityId: own.identity.identityId, grants });
  expect(await own.client.listDynamicSecrets(FOLDER)).toEqual([]);
  expect(await own.client.listLeases(ORDERS)).toEqual([]);
});

function nothing(): Promise<void> {
  return Promise.resolve();
}

/** By the list of its leases, which every identity that leases may ask for. */
async function isAbsent(client: LeaseClient, target = RENAMED): Promise<boolean> {
  try {
    await client.listLeases(target);
    return false;
  } catch (error) {
    if (error instanceof RequestError && error.notFound === 'target') return true;
    throw error;
  }
}
