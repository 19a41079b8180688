import { setTimeout as delay } from 'node:timers/promises';

import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import type { Life } from './history.ts';
import type { Act, Scheduled } from './schedule.ts';
import { ACT_INTERVAL, HEALED_WITHIN, NOTICED_WITHIN } from './timing.ts';
import { DYNAMIC_SECRETS, type World } from './world.ts';

/** Acts until told to stop. @returns how many acts of each kind there were. */
export async function actUntil(
  stop: AbortSignal,
  world: World,
  acts: Iterator<Scheduled<Act>, never>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  while (!stop.aborted) {
    const { value: act } = acts.next();
    await delay(act.pause, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) break;
    await recreateGone(world);
    const life = choose(world.history.present(), act.choice);
    if (life === undefined) continue;
    life.lastActAt = Date.now();
    counts.set(act.kind, (counts.get(act.kind) ?? 0) + 1);
    await perform(world, life, act.kind);
  }
  return counts;
}

/** Whoever was deleted, and is gone, is made anew under the same name. Resolves when that is seen. */
export async function recreateGone(world: World): Promise<void> {
  const { history } = world;
  const isPresent = (key: string): boolean => history.present().some((life) => life.key === key);
  const gone = new Set(history.lives.map(({ key }) => key).filter((key) => !isPresent(key)));
  for (const key of gone) {
    await world.recreate(key);
    await awaitCondition(() => Promise.resolve(isPresent(key)), { what: `${key} to be seen` });
  }
}

function choose(lives: readonly Life[], choice: number): Life | undefined {
  const able = lives
    .filter(({ readyFrom, deletedAt }) => readyFrom !== undefined && deletedAt === undefined)
    .filter(({ lastActAt }) => lastActAt < Date.now() - ACT_INTERVAL)
    .toSorted((one, other) => one.key.localeCompare(other.key));
  return able[Math.floor(choice * able.length)];
}

async function perform(world: World, life: Life, kind: Act['kind']): Promise<void> {
  const { key } = life;
  const excuse = (allowed: number): void => {
    life.excused.push({ from: Date.now(), to: Date.now() + allowed });
  };
  switch (kind) {
    case 'secret-deleted':
      excuse(HEALED_WITHIN);
      return world.deleteSecret(key);
    case 'secret-edited':
      // A Secret that its operator is just writing anew may take the edit with it: there may be nothing to heal.
      excuse(HEALED_WITHIN);
      return world.editSecret(key);
    case 'retargeted':
      return world.retarget(key, siblingOf(life));
    case 'deleted':
      return world.remove(key);
    case 'rotation-asked':
      return world.askForRotation(key);
    case 'revoked-elsewhere': {
      const lease = life.secret?.lease;
      if (lease === undefined) return undefined;
      excuse(NOTICED_WITHIN);
      return world.revokeElsewhere(key, lease);
    }
  }
}

/** The other dynamic secret of the same kind. */
function siblingOf({ lease: { spec } }: Life): (typeof DYNAMIC_SECRETS)[number] {
  const now = (spec.valid && spec.value.dynamicSecret?.name) || '';
  const [kind = 'short'] = now.split('-');
  const others = DYNAMIC_SECRETS.filter((name) => name.startsWith(kind) && name !== now);
  return others[0] ?? 'short-a';
}
