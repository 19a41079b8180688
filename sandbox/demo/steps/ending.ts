import { historyTable, leaseHistories } from '../lease-history.ts';
import { leaseName } from '../objects.ts';
import type { Scene } from '../scene.ts';
import type { Credentials } from '../shop.ts';
import { checkAdmitted, readSecret, showSecret, tellOperator } from './common.ts';

/** Deletes the Secret by hand; it comes back. */
export async function loseSecret(scene: Scene): Promise<Credentials> {
  const { narrator, check, terminal } = scene;
  const before = await readSecret(scene);
  await terminal.kubectl('delete', 'secret', leaseName);
  narrator.say('Credentials are shown once, so the Secret comes back with a new lease:');
  await terminal.kubectl('wait', '--for=create', `secret/${leaseName}`, '--timeout=30s');
  await terminal.kubectl('wait', '--for=condition=Ready', `dsl/${leaseName}`, '--timeout=30s');
  await terminal.kubectl('get', 'dsl');
  tellOperator(scene);
  const after = await showSecret(scene);
  check('it names another user', after.username === before.username, false);
  await checkAdmitted(scene, 'it', after);
  return after;
}

/** Deletes the lease; everything that was made for it goes. */
export async function deleteLease(scene: Scene, last: Credentials): Promise<void> {
  const { narrator, check, terminal, shop, api } = scene;
  narrator.say(`Users in PostgreSQL now: ${(await shop.users()).join(', ')}`);
  await terminal.kubectl('delete', 'dsl', leaseName, '--timeout=30s');
  tellOperator(scene);
  const answer = await terminal.refused('get', 'secret', leaseName);
  check('the Secret is gone', answer.includes('NotFound'), true);
  check('no leased user is left in pg_roles', await shop.users(), []);
  check('PostgreSQL refuses the last user', (await shop.ask(last)).admitted, false);
  check('the lease API has no live lease', (await api.live()).leases, []);
}

/** Tells the whole story again from the other side: what the lease API wrote down. */
export async function readLedger({ narrator, check, api, operator }: Scene): Promise<void> {
  const { entries } = await api.readLedger();
  const histories = leaseHistories(entries);
  narrator.say('Every lease that was made, after the ledger of the lease API:');
  narrator.output(historyTable(histories));
  const open = histories.filter(({ ended }) => ended === undefined);
  check('each of them was revoked or has expired', open, []);
  check('the first one expired', histories[0]?.ended?.how, 'expired');
  check('at least three were made', histories.length >= 3, true);
  check(
    'no revocation failed',
    entries.filter(({ event }) => event === 'revoke-failed'),
    [],
  );
  check('one login was enough', entries.filter(({ event }) => event === 'login').length, 1);
  const complaints = operator.lines.filter(({ level }) => level !== 'info');
  check('the operator logged no warning and no error', complaints, []);
}

/** Asks the operator to end. @param passwords everything that it must not have logged */
export async function endOperator(scene: Scene, passwords: readonly string[]): Promise<void> {
  const { check, operator } = scene;
  const code = await operator.stop();
  tellOperator(scene);
  check('asked to end, it finished its work and ended with code 0', code, 0);
  const output = operator.output();
  const told = passwords.filter((password) => output.includes(password)).length;
  check('its log holds no password', told, 0);
}
