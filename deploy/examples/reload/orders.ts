/**
 * An application that needs no restart when its credentials change: it reads them anew for each connection. It answers
 * every request with the user that the database knows it by.
 *
 * Usage: DATABASE_URL_FILE=/var/run/orders-db/DATABASE_URL PORT=8080 node orders.ts
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { Client } from 'pg';

const { DATABASE_URL_FILE: file = '/var/run/orders-db/DATABASE_URL', PORT: port = '8080' } = process.env;

/** How often the file is looked for. */
const TRIES = 3;

/** Reads the file by its path, never from a handle that is kept open: the kubelet turns a link on that path to new files. */
async function readCredentials(tries = TRIES): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // The link was followed to the old files just before they were removed; it leads to the new ones by now.
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isGone || tries === 1) throw error;
    return readCredentials(tries - 1);
  }
}

/** Logs in, asks, logs out. */
async function askWhoIAm(): Promise<string> {
  const connectionString = await readCredentials();
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ current_user: string }>('SELECT current_user');
    return rows[0]?.current_user ?? '';
  } finally {
    await client.end();
  }
}

const server = createServer((_request, response) => {
  askWhoIAm().then(
    (user) => response.end(user),
    (error: unknown) => {
      response.statusCode = 503;
      response.end(error instanceof Error ? error.message : 'No answer.');
    },
  );
});
server.listen(Number(port), () => {
  process.stdout.write(`${JSON.stringify(server.address())}\n`);
});
