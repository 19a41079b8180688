import { expect, it } from 'vitest';

import { inLanes, type Lanes } from '../../crash/lanes.ts';

/** Does ten tasks, each as long as it takes to begin those that may begin. @returns the most that went on at a time. */
async function mostAtATime(lanes: Lanes): Promise<number> {
  let running = 0;
  let most = 0;
  const take = async (task: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => void setTimeout(resolve, 20));
    running -= 1;
    return task * 2;
  };
  const tasks = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(await inLanes(lanes, tasks, take, 1)).toEqual(tasks.map((task) => task * 2));
  return most;
}

it('takes the most where the machine is idle', async () => {
  expect(await mostAtATime({ least: 1, most: 4, isIdle: () => true })).toBe(4);
});

it('takes the least where it is busy', async () => {
  expect(await mostAtATime({ least: 2, most: 4, isIdle: () => false })).toBe(2);
});

function refuse(): Promise<never> {
  return Promise.reject(new Error('no'));
}

it('fails when a task does', async () => {
  await expect(inLanes({ least: 1, most: 1, isIdle: () => true }, [1], refuse, 1)).rejects.toThrow('no');
});
