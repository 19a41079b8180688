import type { Postgres } from '../postgres/start.ts';
import type { SqlInputs } from './providers/inputs.ts';

/**
 * The inputs of a `sql-database` dynamic secret whose leases are roles of a PostgreSQL server, with read access to all
 * tables. Grants on each table would make parallel leases fail now and then (`tuple concurrently updated`).
 */
export function postgresInputs(postgres: Postgres, change: Partial<SqlInputs> = {}): SqlInputs {
  return {
    client: 'postgres',
    host: postgres.host,
    port: postgres.port,
    database: 'postgres',
    username: postgres.superuser.user,
    password: postgres.superuser.password,
    creationStatement: `CREATE ROLE "{{username}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT pg_read_all_data TO "{{username}}";`,
    revocationStatement: 'DROP ROLE IF EXISTS "{{username}}";',
    renewStatement: `ALTER ROLE "{{username}}" VALID UNTIL '{{expiration}}';`,
    ...change,
  };
}
