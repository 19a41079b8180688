import { expect, test } from 'vitest';

import { HOUR, MINUTE } from '../../../support/builders.ts';
import { leasedByReference, refer, renameTo } from '../support/declaring.ts';
import { World } from '../support/world.ts';

/** How often leases were listed, and the lists that failed. */
function lists(world: World): { readonly made: number; readonly failed: number } {
  const failed = world.lines.filter(({ message }) => message.includes('cannot be listed now'));
  return { made: world.calls().filter((call) => call === 'LIST leases').length, failed: failed.length };
}

test('leases are listed under the new name alone, once for all objects, from the rename on', async () => {
  const world = await leasedByReference(new World({ inventory: true }), { ttl: '4h' });
  refer(world, { ttl: '4h' }, 'shop/other');
  await world.pass(10 * MINUTE);
  renameTo(world, 'renamed');
  await world.settle(0);
  world.calls();
  await world.pass(HOUR);
  const { made, failed } = lists(world);
  expect(failed).toBe(0);
  expect(made).toBeGreaterThanOrEqual(11);
  expect(made).toBeLessThanOrEqual(13);
  expect(world.live).toEqual([1, 2]);
});

test('a lease that is gone is missed under the new name', async () => {
  const world = await leasedByReference(new World({ inventory: true }), { ttl: '4h' });
  renameTo(world, 'renamed');
  await world.pass(10 * MINUTE);
  world.revokeElsewhere(1);
  await world.pass(10 * MINUTE);
  expect([world.named, world.live]).toEqual([2, [2]]);
});

test('a lost lease from before the rename and a restart is found and revoked', async () => {
  const world = await leasedByReference(new World({ inventory: true }), { ttl: '4h' });
  const object = world.object?.uid ?? '';
  const [row] = world.leases.rows;
  if (row?.lease.tag === undefined) throw new Error('There is no lease.');
  world.leases.seed(row.target, { ...row.lease.tag, object, attempt: 'lost' });
  renameTo(world, 'renamed');
  world.restart();
  await world.pass(15 * MINUTE);
  expect([world.live, world.unnamed]).toEqual([[1], []]);
});
