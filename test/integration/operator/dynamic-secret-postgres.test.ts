import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { type Postgres, startPostgres } from '../../../sandbox/postgres/start.ts';
import { conditionOf, startStage, type Stage } from '../../support/stage.ts';
import { declared, place, says, type Declared } from './support/declared.ts';

const FIRST = 'C4n4ry-Of-The-Admin';
const SECOND = 'An0ther-Of-The-Admin';

let postgres: Postgres;
let stage: Stage;
let operator: OperatorProcess;
let own: Declared;

beforeAll(async () => {
  postgres = await startPostgres();
  await asRoot(`CREATE ROLE infisical_admin SUPERUSER LOGIN PASSWORD '${FIRST}'`);
  await asRoot('CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)');
  stage = await startStage();
  operator = await stage.startOperator({ flags: ['--log-level', 'debug'] });
  own = await declared(stage, 'postgres');
  await own.keep(FIRST);
});
afterAll(async () => {
  await own[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
  await postgres.stop();
});

type Row = Readonly<Record<string, unknown>>;

async function run(user: string, password: string, sql: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: postgres.connectionString(user, password) });
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function asRoot(sql: string): Promise<readonly Row[]> {
  return run(postgres.superuser.user, postgres.superuser.password, sql);
}

/** The example of deploy/examples, at the sandbox's database. */
function provider(): object {
  return {
    type: 'sql-database',
    inputs: {
      client: 'postgres',
      host: postgres.host,
      port: postgres.port,
      database: 'postgres',
      username: 'infisical_admin',
      creationStatement: `CREATE ROLE "{{username}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{username}}";`,
      revocationStatement: `REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA public FROM "{{username}}";
DROP ROLE IF EXISTS "{{username}}";`,
      renewStatement: `ALTER ROLE "{{username}}" VALID UNTIL '{{expiration}}';`,
    },
  };
}

/** What the Secret of a lease lets log in with. */
async function credentials(name: string): Promise<readonly [user: string, password: string]> {
  const data = (await stage.secret(name, own.namespace)) ?? {};
  return [data['DB_USERNAME'] ?? '', data['DB_PASSWORD'] ?? ''];
}

it('the example makes roles that log in, with the end and the rights that its statements give', async () => {
  await own.apply({ name: 'orders-postgres', maxTTL: '24h', provider: provider() });
  await own.untilReady();
  await own.lease('reader');
  await own.untilLeased('reader');

  const [user, password] = await credentials('reader');
  expect(await run(user, password, 'SELECT id FROM orders')).toEqual([{ id: 7 }]);
  await expect(run(user, password, 'DELETE FROM orders')).rejects.toThrow('permission denied');
  const [role] = await asRoot(
    `SELECT rolcanlogin, rolsuper, rolvaliduntil FROM pg_roles WHERE rolname = '${user}'`,
  );
  expect(role).toMatchObject({ rolcanlogin: true, rolsuper: false });
  const lease = await stage.lease('reader', own.namespace);
  const end = new Date(String(role?.['rolvaliduntil'])).getTime();
  expect(Math.abs(end - new Date(lease?.status.lease?.expireAt ?? 0).getTime())).toBeLessThan(1000);
});

it('a password that is changed in PostgreSQL and in the Secret is sent on, and leases are made with it', async () => {
  await own.sent();
  await asRoot(`ALTER ROLE infisical_admin PASSWORD '${SECOND}'`);
  await own.keep(SECOND);
  const sent = async (): Promise<boolean> =>
    (await own.api.dynamicSecrets()).requests.some(({ done }) => done);
  await awaitCondition(sent, { what: 'the password to be sent', timeoutMs: 30_000, intervalMs: 100 });
  expect(await own.sent()).toEqual([
    { method: 'PATCH', body: { ...place, data: { inputs: { password: SECOND } } } },
  ]);
  await own.lease('later');
  await own.untilLeased('later');
  const [user, password] = await credentials('later');
  expect(await run(user, password, 'SELECT current_user')).toEqual([{ current_user: user }]);
});

it('a password that PostgreSQL does not take is a condition that names the inputs, and heals with the Secret', async () => {
  await own.keep(FIRST);
  const seen = await own.until((one) => says(one, 'Reconciling', 'True') === 'ProviderUnreachable', 60);
  expect(conditionOf(seen, 'Reconciling')?.message).toMatch(/spec\.provider\.inputs.*spec\.inputsFrom/);
  await own.keep(SECOND);
  await own.until((one) => says(one, 'Reconciling', 'False') === 'Settled', 60);
  expect(says(await own.untilReady(60), 'Ready', 'True')).toBe('Declared');
});

it('with the object everything is gone: leases, roles and the dynamic secret', async () => {
  await own.remove();
  await own.remove('dsl/reader');
  await own.remove('dsl/later');
  await own.untilGone(undefined, 60);
  expect(await own.names()).toEqual([]);
  expect((await own.api.live()).leases).toEqual([]);
  expect(await asRoot("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolcanlogin")).toHaveLength(
    2,
  );
});

it('no password of the admin is told anywhere', async () => {
  const told = await own.kubectl('get', 'dynamicsecrets,dynamicsecretleases,events', '-o', 'yaml');
  for (const password of [FIRST, SECOND]) {
    expect(told).not.toContain(password);
    expect(operator.output()).not.toContain(password);
  }
});
