import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Account, canReach, unprivilegedAccount } from './account.ts';
import { type Binaries, locateBinaries } from './binaries.ts';
import type { Supervision } from './supervisor.ts';

export interface PostgresOptions {
  /** The folder in which a folder for the data is made. @default the system's folder for temporary files */
  readonly directory?: string;
  /** The loopback port. @default a free one */
  readonly port?: number;
  /** Receives each line of the server's log. */
  readonly log?: (line: string) => void;
}

/** A running PostgreSQL server, reachable on loopback with a password only. */
export interface Postgres extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly superuser: { readonly user: string; readonly password: string };
  /** The folder that holds everything this server writes; it is removed when the server stops. */
  readonly directory: string;
  /** A `postgres://` address. @param database default `postgres` */
  connectionString(user: string, password: string, database?: string): string;
  /** Stops the server and removes its files. Calling it again does nothing. */
  stop(): Promise<void>;
}

const SUPERUSER = 'postgres';
const SUPERVISOR = join(import.meta.dirname, 'supervisor.ts');
/** Another process can take the chosen port before PostgreSQL binds it. */
const PORT_ATTEMPTS = 3;

/** A sandbox loses its data with its power anyway, so nothing waits for a disk. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'shared_buffers=32MB',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'timezone=UTC',
  'log_timezone=UTC',
];

/**
 * Starts a PostgreSQL 18 server of its own. It does not outlive this process, however this process ends. Under root
 * it runs as `nobody`.
 *
 * @throws Error with the end of the server's log if the server does not start.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options.port ?? (await freePort()), options);
    } catch (error) {
      const taken = error instanceof Error && error.message.includes('Address already in use');
      if (!taken || options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(port: number, options: PostgresOptions): Promise<Postgres> {
  const account = unprivilegedAccount();
  const directory = mkdtempSync(join(options.directory ?? temporaryFolder(account), 'leaseholder-postgres-'));
  const password = randomBytes(24).toString('base64url');
  writeFileSync(join(directory, 'password'), password, { mode: 0o600 });
  const steps = commands(locateBinaries(account, directory), directory, port);
  if (account !== undefined) {
    chownSync(join(directory, 'password'), account.uid, account.gid);
    chownSync(directory, account.uid, account.gid);
  }
  const supervision: Supervision = { folder: directory, ...(account && { account }), steps };
  const supervisor = spawn(process.execPath, [SUPERVISOR, JSON.stringify(supervision)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Its own process group: a Ctrl-C in the terminal reaches the parent, and the parent decides.
    detached: true,
  });
  const stopped = once(supervisor, 'exit');
  // A supervisor that has already ended no longer reads.
  supervisor.stdin.on('error', () => {});
  const stop = async (): Promise<void> => {
    supervisor.stdin.end();
    await stopped;
  };
  await listening(supervisor, options.log);
  return {
    host: '127.0.0.1',
    port,
    superuser: { user: SUPERUSER, password },
    directory,
    connectionString: (user, secret, database = 'postgres') =>
      `postgres://${encodeURIComponent(user)}:${encodeURIComponent(secret)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function commands(binaries: Binaries, directory: string, port: number): Supervision['steps'] {
  const data = join(directory, 'data');
  const initialise = [
    `--pgdata=${data}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${join(directory, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-data-checksums',
    '--no-instructions',
  ];
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  return [
    { file: binaries.initdb, args: initialise },
    { file: binaries.postgres, args: ['-D', data, '-p', String(port), ...settings] },
  ];
}

/** Resolves when the server accepts connections; keeps draining its log for as long as it runs. */
async function listening(supervisor: ChildProcess, log: PostgresOptions['log']): Promise<void> {
  const last: string[] = [];
  const lines = [supervisor.stdout, supervisor.stderr].flatMap((stream) => stream ?? []);
  await new Promise<void>((resolve, reject) => {
    const onLine = (line: string): void => {
      log?.(line);
      if (last.push(line) > 20) last.shift();
      if (line.includes('database system is ready to accept connections')) resolve();
    };
    for (const input of lines) createInterface({ input }).on('line', onLine);
    supervisor.once('close', () => {
      reject(new Error(`PostgreSQL did not start:\n${last.join('\n')}`));
    });
    supervisor.once('error', reject);
  });
}

/** The first folder for temporary files that the account can enter: `TMPDIR` may be private to root. */
function temporaryFolder(account: Account | undefined): string {
  const candidates = [tmpdir(), '/tmp', '/var/tmp'];
  return (account && candidates.find((folder) => canReach(folder, account))) ?? tmpdir();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port on loopback');
  return address.port;
}
