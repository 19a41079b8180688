import { z } from 'zod';

import { leaseRecord } from '../../../src/reconcile/records.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { leaseName } from '../objects.ts';
import { readable } from '../operator-log.ts';
import type { Scene } from '../scene.ts';
import { type Credentials, orderCount, question } from '../shop.ts';

/** Shows what the operator logged since the last time, under a line that says so. */
export function tellOperator(scene: Pick<Scene, 'narrator' | 'heard'>): void {
  scene.narrator.say("The operator's log:");
  showLog(scene);
}

/** Shows what the operator logged since the last time. */
export function showLog({ narrator, heard }: Pick<Scene, 'narrator' | 'heard'>): void {
  for (const line of heard()) narrator.output(readable(line));
}

/** The lease object as the API server has it now. */
export async function readLease({ terminal }: Pick<Scene, 'terminal'>): Promise<LeaseRecord> {
  return leaseRecord(JSON.parse(await terminal.quietly('get', 'dsl', leaseName, '-o', 'json')));
}

const base64 = z.base64().min(1);
const secretObject = z.object({
  data: z.object({ DB_USERNAME: base64, DB_PASSWORD: base64, DATABASE_URL: base64 }),
});

/** Reads the credentials out of the Secret. The password is not printed from here on, wherever it comes up. */
export async function readSecret({
  terminal,
  narrator,
}: Pick<Scene, 'terminal' | 'narrator'>): Promise<Credentials> {
  const json = await terminal.quietly('get', 'secret', leaseName, '-o', 'json');
  const { data } = secretObject.parse(JSON.parse(json));
  const credentials = {
    username: decoded(data.DB_USERNAME),
    password: decoded(data.DB_PASSWORD),
    url: decoded(data.DATABASE_URL),
  };
  narrator.conceal(credentials.password);
  narrator.conceal(new URL(credentials.url).password);
  return credentials;
}

/** Reads the Secret and shows its keys. */
export async function showSecret(scene: Pick<Scene, 'terminal' | 'narrator'>): Promise<Credentials> {
  const credentials = await readSecret(scene);
  scene.narrator.say(`Secret ${leaseName} holds:`);
  const { username, password, url } = credentials;
  scene.narrator.output(`DB_USERNAME: ${username}\nDB_PASSWORD: ${password}\nDATABASE_URL: ${url}`);
  return credentials;
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

/** Compares the URL with the keys beside it. */
export function checkEncoded(
  { check }: Pick<Scene, 'check'>,
  { username, password, url }: Credentials,
): void {
  const parts = new URL(url);
  check('the user and the password in DATABASE_URL are those of the keys beside it', decodedParts(parts), {
    username,
    password,
  });
  const isEncoded = /^[-.~\w]+$/.test(parts.password.replaceAll(/%[\dA-F]{2}/g, ''));
  check('there every sign of the password that means something in a URL is percent-encoded', isEncoded, true);
}

function decodedParts({ username, password }: URL): Omit<Credentials, 'url'> {
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** Logs in to the database and runs the question. @param who says whose credentials these are */
export async function checkAdmitted(
  { shop, check }: Pick<Scene, 'shop' | 'check'>,
  who: string,
  credentials: Credentials,
): Promise<void> {
  check(
    `${who} logs in to PostgreSQL; ${question}: ${credentials.username} | ${String(orderCount)}`,
    await shop.ask(credentials),
    { admitted: true, user: credentials.username, orders: orderCount },
  );
}
