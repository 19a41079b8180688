import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startPostgres } from '../../../sandbox/postgres/start.ts';

const START = join(import.meta.dirname, '../../../sandbox/postgres/start.ts');

async function query(connectionString: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString });
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a server starts, takes its password and no other, and stops without a trace', async () => {
  const log = vi.fn<(line: string) => void>();
  const server = await startPostgres({ log });
  const { user, password } = server.superuser;
  const address = server.connectionString(user, password);
  const [row] = await query(address, 'SELECT version(), current_user');
  const version: unknown = expect.stringMatching(/^PostgreSQL 18\./);
  expect(row).toEqual({ version, current_user: user });
  await expect(query(server.connectionString(user, 'wrong'), 'SELECT 1')).rejects.toThrow(
    'password authentication',
  );
  expect(existsSync(server.directory)).toBe(true);
  await server.stop();
  await server.stop();
  expect(existsSync(server.directory)).toBe(false);
  await expect(query(address, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  expect(log).toHaveBeenCalledWith(expect.stringContaining('ready to accept connections'));
});

test('two servers run side by side, in folders of their own', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'leaseholder-test-'));
  // Under root the server runs as another user, who has to get in.
  chmodSync(directory, 0o755);
  {
    await using first = await startPostgres({ directory });
    await using second = await startPostgres({ directory });
    expect(first.port).not.toBe(second.port);
    expect(first.superuser.password).not.toBe(second.superuser.password);
    expect(readdirSync(directory)).toHaveLength(2);
  }
  expect(readdirSync(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

test('a port that is taken is an error when it was asked for', async () => {
  await using server = await startPostgres();
  await expect(startPostgres({ port: server.port })).rejects.toThrow('Address already in use');
});

test('a server does not outlive a parent that was killed', async () => {
  const program = `
    import { startPostgres } from ${JSON.stringify(START)};
    const { port, directory } = await startPostgres();
    console.log(JSON.stringify({ port, directory }));
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = z.tuple([z.string()]).parse(await once(createInterface({ input: parent.stdout }), 'line'));
  const { port, directory } = z.object({ port: z.number(), directory: z.string() }).parse(JSON.parse(line));
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(existsSync(directory)).toBe(false), { timeout: 10_000 });
  await expect(query(`postgres://x:x@127.0.0.1:${port}/postgres`, 'SELECT 1')).rejects.toThrow(
    'ECONNREFUSED',
  );
});
