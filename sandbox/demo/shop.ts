import { Client, DatabaseError } from 'pg';

import { postgresInputs } from '../lease-api/postgres-inputs.ts';
import type { SqlInputs } from '../lease-api/providers/inputs.ts';
import type { Postgres } from '../postgres/start.ts';

/** A user of the database and the password, as a Secret holds them: as they are, and as parts of a URL. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly url: string;
}

/** What the database said to a login and the query after it. */
export type Answer =
  | { readonly admitted: true; readonly user: string; readonly orders: number }
  | { readonly admitted: false; readonly message: string };

/** The database of an orders service. */
export interface Shop extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** What the lease API is told about it: how a lease's user is made and removed. */
  readonly inputs: SqlInputs;
  /** Logs in with the URL, as it is, asks {@link question}, logs out. @throws Error for anything but a refused login */
  ask(credentials: Pick<Credentials, 'url'>): Promise<Answer>;
  /** The users that can log in, the administrator left out: the leased ones. */
  users(): Promise<readonly string[]>;
}

/** What a leased user asks the database. */
export const question = 'SELECT current_user, count(*) FROM orders';

/** How many rows the table `orders` has. */
export const orderCount = 3;

const database = 'shop';

/**
 * Rights come from one role that all leased users belong to. A grant on the table for each user would be one change of
 * the table's row for each, and two leases at once would trip over each other.
 */
const preparations = [
  'CREATE TABLE orders (id int PRIMARY KEY, article text NOT NULL, pieces int NOT NULL)',
  `INSERT INTO orders VALUES (1, 'chair', 4), (2, 'table', 1), (3, 'lamp', 2)`,
  'CREATE ROLE orders_reader',
  'GRANT SELECT ON orders TO orders_reader',
];

const creationStatement = `CREATE ROLE "{{username}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE orders_reader;`;

/** Makes the database with its table, for a dynamic secret of type sql-database to lease users of. */
export async function openShop(postgres: Postgres): Promise<Shop> {
  const { user, password } = postgres.superuser;
  await using first = await connected(postgres.connectionString(user, password));
  await first.client.query(`CREATE DATABASE ${database}`);
  const administrator = await connected(postgres.connectionString(user, password, database));
  for (const statement of preparations) await administrator.client.query(statement);
  return {
    host: postgres.host,
    port: postgres.port,
    database,
    inputs: postgresInputs(postgres, { database, creationStatement }),
    ask: ({ url }) => ask(url),
    async users() {
      const { rows } = await administrator.client.query<{ rolname: string }>(
        'SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper ORDER BY rolname',
      );
      return rows.map(({ rolname }) => rolname);
    },
    [Symbol.asyncDispose]: () => administrator[Symbol.asyncDispose](),
  };
}

async function ask(connectionString: string): Promise<Answer> {
  try {
    await using session = await connected(connectionString);
    const { rows } = await session.client.query<{ current_user: string; count: string }>(question);
    return { admitted: true, user: rows[0]?.current_user ?? '', orders: Number(rows[0]?.count) };
  } catch (error) {
    if (isRefusedLogin(error)) return { admitted: false, message: error.message };
    throw error;
  }
}

/** SQLSTATE class 28: invalid authorization. */
function isRefusedLogin(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code?.startsWith('28') === true;
}

async function connected(connectionString: string): Promise<AsyncDisposable & { readonly client: Client }> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  // A session that the server ends (when the demo stops) fails its next query; nothing else is to be done.
  client.on('error', () => undefined);
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
