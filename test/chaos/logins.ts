import { setTimeout as delay } from 'node:timers/promises';

import type { Postgres } from '../../sandbox/postgres/start.ts';
import { logIn } from '../support/login.ts';
import type { History, Life } from './history.ts';

/** How often the credentials of one object are used, in milliseconds; more often while they do not work. */
const INTERVAL = 5000;
const INTERVAL_WHILE_DEAD = 250;

/** How many log in at the same time. */
const CLIENTS = 3;

/** Logs in with what the Secrets hold until told to stop. @returns how many logins there were. */
export async function logInUntil(stop: AbortSignal, postgres: Postgres, history: History): Promise<number> {
  const next = new Map<Life, number>();
  let count = 0;

  const take = (): Life | undefined => {
    const now = Date.now();
    const due = history
      .present()
      .filter(({ readyFrom, deletedAt }) => readyFrom !== undefined && deletedAt === undefined)
      .filter((life) => (next.get(life) ?? 0) <= now);
    const life = due.toSorted((one, other) => (next.get(one) ?? 0) - (next.get(other) ?? 0))[0];
    if (life !== undefined) next.set(life, Infinity);
    return life;
  };

  const client = async (): Promise<void> => {
    while (!stop.aborted) {
      const life = take();
      if (life === undefined) {
        await delay(50);
        continue;
      }
      const works = await tryOut(postgres, life);
      count += 1;
      next.set(life, Date.now() + (works ? INTERVAL : INTERVAL_WHILE_DEAD));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return count;
}

/** Notes what came of one login, unless the Secret or its object was changed meanwhile. */
async function tryOut(postgres: Postgres, life: Life): Promise<boolean> {
  const { secret } = life;
  const refused =
    secret === undefined ? 'no Secret' : await logIn(postgres, secret.username, secret.password);
  // What an answer shows is true when it comes: the lease may have been revoked since the login began.
  const at = Date.now();
  if (refused === undefined) {
    life.logins.push({ at, works: true });
    return true;
  }
  // A change may be on its way from the API server.
  await delay(100);
  const changed = life.secret !== secret || life.deletedAt !== undefined;
  if (!changed) life.logins.push({ at, works: false });
  return false;
}
