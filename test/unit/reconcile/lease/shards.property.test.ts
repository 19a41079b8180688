import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { ROTATE_ANNOTATION } from '../../../../src/api/names.ts';
import { MINUTE, SECOND } from '../../../support/builders.ts';
import { broken, busy, conflict, timeout } from '../support/kube-errors.ts';
import { unanswered } from '../support/lease-client.ts';
import { Shards } from '../support/shards.ts';
import { KEY } from '../support/surroundings.ts';
import { type CallName, type Fate, lost, refused } from '../support/wire.ts';

const who = fc.constantFrom('none' as const, 'b' as const);

/** What becomes of the next request of a name. */
const fates: Readonly<Record<string, Fate>> = {
  broken: refused(broken),
  busy: refused(busy()),
  conflict: refused(conflict),
  'written, without an answer': lost(timeout),
};
const faults: fc.Arbitrary<readonly [CallName, Fate]> = fc.oneof(
  fc.constant(['CREATE lease', lost(unanswered('create a lease'))] as const),
  fc.constant(['CREATE lease', refused(unanswered('create a lease'))] as const),
  fc.tuple(
    fc.constantFrom<CallName>('patch secrets', 'patch leases/status', 'get leases', 'get secrets'),
    fc.constantFrom(...Object.values(fates)),
  ),
);

type Act = (world: Shards) => unknown;

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('b', null).map(
      (to): Act =>
        (world) =>
          world.move(to),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 9 }).map((value): Act => (world) => {
      const annotations = { [ROTATE_ANNOTATION]: String(value) };
      return world.kube.mergePatch('leases', KEY, { metadata: { annotations } });
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(who, fc.constantFrom('leases' as const, 'secrets' as const), fc.boolean())
      .map(([one, kind, deaf]): Act => (world) => {
        if (deaf) world[one].deafTo.add(kind);
        else world[one].deafTo.delete(kind);
      }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(who, faults).map(
      ([one, [name, fate]]): Act =>
        (world) =>
          world[one].next(name, fate),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.nat({ max: 120 }).map(
      (s): Act =>
        (world) =>
          world.settle(s * SECOND),
    ),
  },
  {
    weight: 3,
    arbitrary: who.map((one): Act => async (world) => {
      world[one].hear();
      await world[one].reconcile();
    }),
  },
  {
    weight: 1,
    arbitrary: who.map(
      (one): Act =>
        (world) =>
          world[one].restart(),
    ),
  },
);

/** All watches tell everything, and each release has its lists until nothing is left to find. */
async function comeToRest(world: Shards): Promise<void> {
  for (const one of [world.none, world.b]) one.deafTo.clear();
  for (let times = 0; times < 3; times += 1) {
    await world.settle(5 * MINUTE);
    world.clock.advance(4 * MINUTE);
    for (const one of [world.none, world.b]) await one.inventory();
  }
  await world.settle(5 * MINUTE);
}

test('whatever happens while an object moves to and fro: every lease that lives is named, by the release of the object alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 14 }), async (acts) => {
      const world = new Shards();
      world.connect();
      world.apply({ ttl: '1d' });
      await world.settle();
      for (const one of acts) await one(world);
      await comeToRest(world);
      expect(world.unnamed).toEqual([]);
      expect(world.condition('Ready')).toBe('True LeaseActive');
      expect(world.status.lease?.id).toBe(world.record?.lease.id);
      expect(world.live).toContain(world.named);
      expect(world.secretShard).toBe(world.object?.shard);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('a move alone never costs a lease, whichever watch tells first', async () => {
  const step = fc.oneof(
    fc.constantFrom('b', null).map(
      (to): Act =>
        (world) =>
          world.move(to),
    ),
    fc
      .tuple(who, fc.constantFrom('leases' as const, 'secrets' as const), fc.boolean())
      .map(([one, kind, deaf]): Act => (world) => {
        if (deaf) world[one].deafTo.add(kind);
        else world[one].deafTo.delete(kind);
      }),
    who.map((one): Act => async (world) => {
      world[one].hear();
      await world[one].reconcile();
    }),
    who.map(
      (one): Act =>
        (world) =>
          world[one].restart(),
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 20 }), async (acts) => {
      const world = new Shards();
      world.connect();
      world.apply({ ttl: '1d' });
      await world.settle();
      for (const one of acts) await one(world);
      await comeToRest(world);
      expect(world.leases.rows).toHaveLength(1);
      expect([world.live, world.secretShard]).toEqual([[1], world.object?.shard]);
    }),
    { numRuns: 60 },
  );
}, 60_000);
