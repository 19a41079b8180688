import { describe, expect, test } from 'vitest';

import { MINUTE } from '../../../support/builders.ts';
import type { CallName, Death } from '../support/wire.ts';
import { World } from '../support/world.ts';

/** A life with the inventory in it: it comes to be, is rotated after about 40 minutes, and is deleted. */
const life: readonly ((world: World) => Promise<void>)[] = [
  (world) => {
    world.connect();
    world.apply({ ttl: '1h' });
    return world.pass(12 * MINUTE);
  },
  (world) => world.pass(40 * MINUTE),
  (world) => {
    world.delete();
    return world.pass(12 * MINUTE);
  },
];

/** What each part leaves: leases that live and that nobody names, and whether the Secret names one that does not. */
async function live(world: World): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const part of life) {
    await part(world);
    wrong.push(...world.unnamed.map((id) => `nobody names ${id}`));
    const named = world.record?.lease.id;
    if (named !== undefined && !world.leases.live.includes(named))
      wrong.push('the Secret names a dead lease');
  }
  if (world.object !== undefined) wrong.push('the object stays');
  return [...wrong, ...world.leases.live.map((id) => `${id} outlives its object`)];
}

async function requestsOfALife(): Promise<readonly CallName[]> {
  const world = new World({ inventory: true });
  const wrong = await live(world);
  if (wrong.length > 0) throw new Error(wrong.join(', '));
  return world.calls();
}

const requests = await requestsOfALife();

const moments = requests.flatMap((name, index) =>
  (['before', 'after'] as const).map((when): readonly [string, Death] => [
    `${when} the server has done request ${String(index + 1)}, ${name}`,
    { at: index + 1, when },
  ]),
);

describe('with the sweep, nothing is lost to a process that ends', () => {
  test.each(moments)('%s', async (_moment, death) => {
    const world = new World({ inventory: true, deaths: [death] });
    expect(await live(world)).toEqual([]);
    expect(world.crashes).toHaveLength(1);
    expect(world.told.filter((one) => one.includes('LeaseLost'))).toEqual([]);
  });
});

test('a life with an inventory in it makes the same leases and writes as one without', () => {
  const reads: readonly CallName[] = ['LIST leases', 'GET lease'];
  const first = ['TIME', 'LOGIN', 'patch leases', 'CREATE lease', 'create secrets', 'patch leases/status'];
  const rotation = ['CREATE lease', 'patch secrets', 'patch leases/status'];
  const end = ['REVOKE lease', 'REVOKE lease', 'delete secrets', 'patch leases'];
  expect(requests.filter((name) => !reads.includes(name))).toEqual([...first, ...rotation, ...end]);
});
