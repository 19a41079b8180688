import { Client } from 'pg';

import type { Postgres } from '../../../sandbox/postgres/start.ts';

/** A role of PostgreSQL that makes other roles, and is used by one dynamic secret alone. */
export interface AdminRole {
  readonly username: string;
  setPassword(password: string): Promise<void>;
  /** Which of these roles there are. */
  existing(roles: readonly string[]): Promise<readonly string[]>;
}

/** Makes the role. What it makes may read everything. */
export async function makeAdminRole(
  postgres: Postgres,
  username: string,
  password: string,
): Promise<AdminRole> {
  const connectionString = postgres.connectionString(postgres.superuser.user, postgres.superuser.password);
  const query = async (text: string, values: unknown[] = []): Promise<readonly unknown[]> => {
    const client = new Client({ connectionString });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, values)).rows;
    } finally {
      await client.end();
    }
  };
  await query(
    `CREATE ROLE "${username}" LOGIN CREATEROLE PASSWORD '${password}'; GRANT pg_read_all_data TO "${username}" WITH ADMIN OPTION;`,
  );
  return {
    username,
    setPassword: async (next) => void (await query(`ALTER ROLE "${username}" PASSWORD '${next}'`)),
    async existing(roles) {
      const rows = await query('SELECT rolname FROM pg_roles WHERE rolname = ANY($1)', [[...roles]]);
      return rows.map((row) => String((row as { readonly rolname: unknown }).rolname));
    },
  };
}
