import { Client, type ClientConfig, Pool, type PoolClient } from 'pg';
import type { Profile } from '../refusal.ts';
import { randomPassword } from './credentials.ts';
import type { SqlInputs } from './inputs.ts';
import type { Credential, CredentialRequest, Provider } from './provider.ts';
import { renderStatements } from './statement.ts';

/** The failure of a statement. Like the server's query builder it repeats the statement, password included. */
class StatementError extends Error {
  override readonly name = 'StatementError';
  readonly code: string | undefined;

  constructor(statement: string, cause: Error) {
    super(`${statement} - ${cause.message}`, { cause });
    this.code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  }
}

export interface PostgresProviderOptions {
  readonly profile: Profile;
  /** How long a connection may take, in real milliseconds. */
  readonly connectTimeoutMs: number;
}

/** Leases as roles of a PostgreSQL server, made and dropped by the statements of the dynamic secret. */
export class PostgresProvider implements Provider {
  readonly #inputs: SqlInputs;
  readonly #profile: Profile;
  readonly #connection: ClientConfig;
  readonly #pool: Pool;
  /** Every role made here and not dropped since. */
  readonly #roles = new Set<string>();

  constructor(inputs: SqlInputs, { profile, connectTimeoutMs }: PostgresProviderOptions) {
    this.#inputs = inputs;
    this.#profile = profile;
    this.#connection = {
      host: inputs.host,
      port: inputs.port,
      database: inputs.database,
      user: inputs.username,
      password: inputs.password,
      connectionTimeoutMillis: connectTimeoutMs,
    };
    this.#pool = new Pool({ ...this.#connection, max: 4, allowExitOnIdle: true });
    // A connection that breaks while it is idle is replaced by the pool; without a listener it would end the process.
    this.#pool.on('error', () => {});
  }

  async check(): Promise<void> {
    // By a connection of its own: one that is open already says nothing of the password.
    const client = new Client(this.#connection);
    // One that breaks tells the query, too; without a listener it would end the process.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
    } finally {
      await client.end().catch(() => {});
    }
  }

  async create({ username, expireAt }: CredentialRequest): Promise<Credential> {
    const password = randomPassword();
    const { creationStatement, database } = this.#inputs;
    const expiration = new Date(expireAt).toISOString();
    await this.#run(creationStatement, { username, password, expiration, database });
    this.#roles.add(username);
    return { externalEntityId: username, data: { DB_USERNAME: username, DB_PASSWORD: password } };
  }

  /** Without a statement the current server leaves the role as it is; the 2024 one fails. */
  async renew(externalEntityId: string, expireAt: number): Promise<void> {
    const { renewStatement, database } = this.#inputs;
    if (renewStatement === undefined && this.#profile === '2024')
      throw new TypeError("Cannot read properties of undefined (reading 'toString')");
    const expiration = new Date(expireAt).toISOString();
    await this.#run(renewStatement ?? '', { username: externalEntityId, expiration, database });
  }

  async revoke(externalEntityId: string): Promise<void> {
    const { revocationStatement, database } = this.#inputs;
    await this.#run(revocationStatement, { username: externalEntityId, database });
    this.#roles.delete(externalEntityId);
  }

  async principals(): Promise<readonly string[]> {
    const { rows } = await this.#pool.query<{ rolname: string }>(
      'SELECT rolname FROM pg_roles WHERE rolname = ANY($1)',
      [[...this.#roles]],
    );
    return rows.map(({ rolname }) => rolname);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** Runs the statements of a template one by one in one transaction. */
  async #run(template: string, variables: Readonly<Record<string, string>>): Promise<void> {
    const statements = renderStatements(template, variables);
    if (statements.length === 0) return;
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      for (const statement of statements) await query(client, statement);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    } finally {
      // The pool drops a session that is no longer usable by itself.
      client.release();
    }
  }
}

async function query(client: PoolClient, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    throw error instanceof Error ? new StatementError(statement, error) : error;
  }
}
