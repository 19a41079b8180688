import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { postgresInputs } from '../../../sandbox/lease-api/postgres-inputs.ts';
import { renderStatements } from '../../../sandbox/lease-api/providers/statement.ts';
import type { LeaseApiOptions } from '../../../sandbox/lease-api/options.ts';
import { type Postgres, startPostgres } from '../../../sandbox/postgres/start.ts';
import { Fixture, MINUTE, PLACE, SECRETS, PATIENCE } from './fixture.ts';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
});

type Inputs = Readonly<Record<string, unknown>>;

function inputs(change: Inputs = {}): Inputs {
  return { ...postgresInputs(postgres), ...change };
}

/** A server whose dynamic secret `db` is the database. */
async function start(options: LeaseApiOptions = {}, change: Inputs = {}): Promise<Fixture> {
  const server = await Fixture.start(options);
  const provider = { type: 'sql-database', inputs: inputs(change) };
  const body = { ...PLACE, name: 'db', defaultTTL: '1h', maxTTL: '24h', provider };
  server.verify(await server.call('POST', SECRETS, body), 'createSecret');
  return server;
}

const made = z.object({
  lease: z.object({ id: z.string(), externalEntityId: z.string(), expireAt: z.string() }),
  data: z.object({ DB_USERNAME: z.string(), DB_PASSWORD: z.string() }),
});

async function lease(server: Fixture, body: Inputs = {}): Promise<z.infer<typeof made>> {
  return made.parse((await server.create({ dynamicSecretName: 'db', ...body })).body);
}

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

async function validUntil(role: string): Promise<unknown> {
  const [row] = await asRoot(`SELECT rolvaliduntil FROM pg_roles WHERE rolname = '${role}'`);
  return z.object({ rolvaliduntil: z.date() }).parse(row).rolvaliduntil.toISOString();
}

describe('a lease is a role', () => {
  test('that logs in with its password until it is revoked', async () => {
    await using server = await start();
    const { lease: row, data } = await lease(server);
    expect(data.DB_USERNAME).toBe(row.externalEntityId);
    const [user] = await run(data.DB_USERNAME, data.DB_PASSWORD, 'SELECT current_user');
    expect(user).toEqual({ current_user: data.DB_USERNAME });
    await expect(run(data.DB_USERNAME, 'wrong', 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    );
    expect(await server.api.principals()).toEqual({
      leased: [row.externalEntityId],
      unleased: [],
      missing: [],
    });
    expect((await server.remove(row.id)).status).toBe(200);
    await expect(run(data.DB_USERNAME, data.DB_PASSWORD, 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    );
    expect(await server.api.principals()).toEqual({ leased: [], unleased: [], missing: [] });
  });

  test('that ends with the lease, and is dropped then', async () => {
    await using server = await start({ switches: { lifeOverride: 6000 } });
    const { lease: row, data } = await lease(server);
    expect(await validUntil(row.externalEntityId)).toBe(row.expireAt);
    await run(data.DB_USERNAME, data.DB_PASSWORD, 'SELECT 1');
    await vi.waitFor(async () => expect((await server.get(row.id)).status).toBe(404), PATIENCE);
    await expect(run(data.DB_USERNAME, data.DB_PASSWORD, 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    );
    expect((await server.api.principals()).unleased).toEqual([]);
  });

  test('that PostgreSQL refuses after its end even while the server is down', async () => {
    await using server = await start({ switches: { lifeOverride: 2500 } });
    const { lease: row, data } = await lease(server);
    await server.api.pause();
    await vi.waitFor(async () => {
      await expect(run(data.DB_USERNAME, data.DB_PASSWORD, 'SELECT 1')).rejects.toThrow(
        'password authentication failed',
      );
    }, PATIENCE);
    expect((await server.api.principals()).leased).toEqual([row.externalEntityId]);
    await server.api.resume();
    await vi.waitFor(async () => expect((await server.api.principals()).leased).toEqual([]), PATIENCE);
  });

  test('that lives as long as the server’s clock says, in real time', async () => {
    await using server = await start({ clock: { offsetMs: 100 * 24 * 60 * MINUTE, scale: 60 } });
    const asked = Date.now();
    const { lease: row } = await lease(server);
    const answered = Date.now();
    // An hour of that clock; both read whole milliseconds.
    const real = Date.parse(z.string().parse(await validUntil(row.externalEntityId)));
    expect(real).toBeGreaterThanOrEqual(asked + MINUTE - 2);
    expect(real).toBeLessThanOrEqual(answered + MINUTE + 2);
  });

  test('in numbers: parallel creates and revocations', async () => {
    await using server = await start();
    const leases = await Promise.all(Array.from({ length: 20 }, async () => lease(server)));
    expect((await server.api.principals()).leased).toHaveLength(20);
    await Promise.all(leases.map(async ({ lease: { id } }) => server.remove(id)));
    expect(await server.api.principals()).toEqual({ leased: [], unleased: [], missing: [] });
  });

  test('that somebody else can drop; the comparison shows it', async () => {
    await using server = await start();
    const { lease: row } = await lease(server);
    await asRoot(`DROP ROLE "${row.externalEntityId}"`);
    expect((await server.api.principals()).missing).toEqual([row.externalEntityId]);
  });
});

describe('renewing', () => {
  test('moves the role’s end along with the lease’s', async () => {
    await using server = await start();
    const { lease: row } = await lease(server);
    const renewed = server.shown(await server.renew(row.id), 'renewLease');
    expect(Date.parse(renewed.expireAt) - Date.parse(row.expireAt)).toBe(60 * MINUTE);
    expect(await validUntil(row.externalEntityId)).toBe(renewed.expireAt);
  });

  test.for([
    ['current', undefined, 200],
    ['current', '', 200],
    ['2024', '', 200],
    ['2024', undefined, 500],
  ] as const)(
    'on %s with the statement %j answers %i and leaves the role’s end',
    async ([profile, statement, status]) => {
      await using server = await start({ profile }, { renewStatement: statement });
      const { lease: row } = await lease(server);
      expect((await server.renew(row.id)).status).toBe(status);
      expect(await validUntil(row.externalEntityId)).toBe(row.expireAt);
      const { expireAt } = server.shown(await server.get(row.id), 'getLease');
      expect(Date.parse(expireAt) - Date.parse(row.expireAt)).toBe(status === 200 ? 60 * MINUTE : 0);
    },
  );
});

describe('a statement that fails', () => {
  test('when making: nothing is left, and the message stays inside a current server', async () => {
    const broken = `${postgresInputs(postgres).creationStatement} SELECT broken;`;
    await using server = await start({}, { creationStatement: broken });
    const before = await asRoot('SELECT rolname FROM pg_roles');
    const refusal = server.refusal(await server.create({ dynamicSecretName: 'db' }));
    expect(refusal).toEqual({ status: 500, error: 'InternalServerError', message: 'Something went wrong' });
    expect(await asRoot('SELECT rolname FROM pg_roles')).toEqual(before);
    expect((await server.api.live()).leases).toEqual([]);
  });

  test('when making in 2024: the statement is in the answer, with its password', async () => {
    const broken = `CREATE ROLE "{{username}}" LOGIN PASSWORD '{{password}}' NONSENSE`;
    await using server = await start({ profile: '2024' }, { creationStatement: broken });
    const { body } = await server.create({ dynamicSecretName: 'db' });
    const message: unknown = expect.stringMatching(
      /^CREATE ROLE ".{32}" LOGIN PASSWORD '.{48}' NONSENSE - unrecognized role option/,
    );
    expect(body).toMatchObject({ statusCode: 500, code: '42601', message });
  });

  test('when revoking: the lease stays, with the beginning of the message', async () => {
    await using server = await start();
    const { lease: row } = await lease(server);
    await asRoot(`ALTER DATABASE postgres OWNER TO "${row.externalEntityId}"`);
    const failed = server.shown(await server.remove(row.id), 'deleteLease');
    expect(failed.status).toBe('Failed to delete');
    expect(failed.statusDetails).toMatch(/^DROP ROLE .* cannot be dropped because some objects depend on it/);
    await asRoot(`ALTER DATABASE postgres OWNER TO ${postgres.superuser.user}`);
    expect(server.shown(await server.remove(row.id), 'deleteLease').status).toBeNull();
    expect((await server.api.principals()).leased).toEqual([]);
  });

  test('a semicolon splits even inside a literal', () => {
    const variables = { username: 'u$&' };
    expect(renderStatements(`A '{{username}}'; B 'x;y';; `, variables)).toEqual(["A 'u$&'", "B 'x", "y'"]);
  });
});

describe('a TTL that is no TTL', () => {
  test.for([
    ['current', { status: 500, error: 'InternalServerError', message: 'Something went wrong' }],
    ['2024', { status: 500, error: 'Internal Server Error', message: 'Invalid time value' }],
  ] as const)('makes no role (%s)', async ([profile, expected]) => {
    await using server = await start({ profile });
    for (const ttl of ['abc', '1h30m', '2m0s'])
      expect(server.refusal(await server.create({ dynamicSecretName: 'db', ttl }))).toEqual(expected);
    expect(await server.api.principals()).toEqual({ leased: [], unleased: [], missing: [] });
  });
});

describe('the database is looked at', () => {
  test.for([
    ['a wrong password', { password: 'wrong' }],
    ['a closed port', { port: 1 }],
    ['an unknown database', { database: 'nowhere' }],
  ] as const)('before a dynamic secret is made or changed: %s', async ([, change]) => {
    await using server = await start();
    const provider = { type: 'sql-database', inputs: inputs(change) };
    const body = { ...PLACE, name: 'second', defaultTTL: '1h', provider };
    const message = 'Provider connection failed';
    const expected = { status: 400, error: 'BadRequest', message };
    expect(server.refusal(await server.call('POST', SECRETS, body))).toEqual(expected);
    const update = await server.call('PATCH', `${SECRETS}/db`, { ...PLACE, data: { inputs: change } });
    expect(server.refusal(update)).toEqual(expected);
    await lease(server);
  });

  test('by a connection of its own, also when others are open: a password that was changed is noticed', async () => {
    await asRoot(`CREATE ROLE lessor SUPERUSER LOGIN PASSWORD 'first'`);
    await using server = await start({}, { username: 'lessor', password: 'first' });
    await lease(server);
    await asRoot(`ALTER ROLE lessor PASSWORD 'second'`);
    const update = async (data: object): Promise<number> =>
      (await server.call('PATCH', `${SECRETS}/db`, { ...PLACE, data })).status;
    expect(await update({ defaultTTL: '2h' })).toBe(400);
    expect(await update({ inputs: { password: 'second' } })).toBe(200);
    await lease(server);
  });

  test.for(['localhost', '127.0.0.1', ' LocalHost '])(
    'but not on the server’s own machine, where it is told so: %s',
    async (host) => {
      await using server = await start();
      await server.api.setSwitches({ refuseLocalHosts: true });
      const expected = { status: 400, error: 'BadRequest', message: 'Invalid db host' };
      const provider = { type: 'sql-database', inputs: inputs({ host }) };
      const body = { ...PLACE, name: 'second', defaultTTL: '1h', provider };
      expect(server.refusal(await server.call('POST', SECRETS, body))).toEqual(expected);
      const update = await server.call('PATCH', `${SECRETS}/db`, { ...PLACE, data: { inputs: { host } } });
      expect(server.refusal(update)).toEqual(expected);
    },
  );

  test('and the inputs of an update are merged with those that are there', async () => {
    await using server = await start();
    const before = await lease(server);
    const data = { inputs: { renewStatement: '' } };
    expect((await server.call('PATCH', `${SECRETS}/db`, { ...PLACE, data })).body).toMatchObject({
      dynamicSecret: { inputs: inputs({ renewStatement: '' }) },
    });
    await server.remove(before.lease.id);
    const after = await lease(server);
    expect((await server.api.principals()).leased).toEqual([after.lease.externalEntityId]);
  });

  test.for([
    ['current', { error: 'InternalServerError', message: 'Something went wrong' }],
    ['2024', { error: 'Internal Server Error', code: 'ECONNREFUSED' }],
  ] as const)('and one that is down makes a lease fail (%s)', async ([profile, expected]) => {
    await using own = await startPostgres();
    await using server = await start({ profile }, postgresInputs(own));
    await own.stop();
    expect(await server.create({ dynamicSecretName: 'db' })).toMatchObject({ status: 500, body: expected });
  });
});

test('removing a dynamic secret drops its roles, by force it leaves them', async () => {
  await using server = await start();
  await lease(server);
  await server.call('DELETE', `${SECRETS}/db`, PLACE);
  await vi.waitFor(async () => expect((await server.api.live()).leases).toEqual([]), PATIENCE);
  expect((await server.api.principals()).unleased).toEqual([]);
  await using second = await start();
  const { lease: row } = await lease(second);
  await second.call('DELETE', `${SECRETS}/db`, { ...PLACE, isForced: true });
  expect((await second.api.principals()).unleased).toEqual([row.externalEntityId]);
});
