import { awaitCondition } from '../../control-plane/condition.ts';
import { leaseName } from '../objects.ts';
import { timeOfDay } from '../narrator.ts';
import type { Scene } from '../scene.ts';
import type { Credentials } from '../shop.ts';
import { checkAdmitted, readLease, showSecret, tellOperator } from './common.ts';
import type { FirstLease } from './lease.ts';

/** Waits for the lease to be replaced; both users work then. */
export async function rotate(scene: Scene, first: FirstLease): Promise<Credentials> {
  const { narrator, check, terminal, shop } = scene;
  const { status } = await readLease(scene);
  narrator.say(
    `The first lease ends at ${timeOfDay(first.expireAt)}. status.rotateAt is ${status.rotateAt ?? 'missing'}: until then nothing happens.`,
  );
  const rotated = '--for=jsonpath={.status.rotations}=1';
  await terminal.kubectl('wait', rotated, `dsl/${leaseName}`, '--timeout=50s');
  const at = Date.now();
  await terminal.kubectl('get', 'dsl');
  tellOperator(scene);
  check('the lease was replaced before its end', at < first.expireAt, true);
  const second = await showSecret(scene);
  check('this is another user', second.username === first.credentials.username, false);
  check('and another password', second.password === first.credentials.password, false);
  await checkAdmitted(scene, 'the new user', second);
  narrator.say('Pods that still hold the first credentials are not cut off:');
  await checkAdmitted(scene, 'the first user', first.credentials);
  const both = [first.credentials.username, second.username].toSorted();
  check('PostgreSQL has both users', (await shop.users()).toSorted(), both);
  return second;
}

/** How long before its end the first lease is used once more, in milliseconds. */
const shortlyBefore = 2_000;

/** How long after its end a lease may still be there: the lease API removes it by a timer. */
const tolerance = 10_000;

/** Waits for the end of the first lease. */
export async function outlive(scene: Scene, first: FirstLease): Promise<void> {
  const { narrator, check, shop } = scene;
  const { credentials, expireAt } = first;
  narrator.say(`It ends at ${timeOfDay(expireAt)}. Two seconds before:`);
  const early = expireAt - shortlyBefore;
  await awaitCondition(async () => Date.now() >= early, { what: timeOfDay(early), timeoutMs: 90_000 });
  await checkAdmitted(scene, 'the first user', credentials);
  const refusal = await awaitCondition(
    async () => {
      const answer = await shop.ask(credentials);
      return answer.admitted ? undefined : { at: Date.now(), message: answer.message };
    },
    {
      what: 'PostgreSQL to refuse the first user',
      timeoutMs: shortlyBefore + tolerance,
      intervalMs: 100,
    },
  );
  narrator.say(`At ${timeOfDay(refusal.at)} PostgreSQL answers the first user:`);
  narrator.output(refusal.message);
  check('it was not refused before its end', refusal.at >= expireAt, true);
  const gone = async (): Promise<boolean> => !(await shop.users()).includes(credentials.username);
  const isGone = await awaitCondition(gone, { what: 'the first user to be removed', timeoutMs: tolerance });
  check('the first user is gone from pg_roles', isGone, true);
  tellOperator(scene);
  await checkAdmitted(scene, 'the user in the Secret', await showSecret(scene));
}
