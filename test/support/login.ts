import { Client } from 'pg';

import type { Postgres } from '../../sandbox/postgres/start.ts';

/** Logs into a database and asks it who came. @returns why that did not work; undefined when it did. */
export async function logIn(
  postgres: Postgres,
  username: string,
  password: string,
): Promise<string | undefined> {
  const connectionString = postgres.connectionString(username, password);
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ current_user: string }>('SELECT current_user');
    return rows[0]?.current_user === username ? undefined : 'another user';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await client.end();
  }
}
