import { describe, expect, test } from 'vitest';

import { KubeError } from '../../../../src/kube/kube-error.ts';
import { HOUR, MINUTE } from '../../../support/builders.ts';
import { unanswered } from '../support/lease-client.ts';
import { type CallName, type Death, type Fate, lost, refused } from '../support/wire.ts';
import { type Crash, World } from '../support/world.ts';

/** Long enough for everything that ends by itself: settling, second looks, backoff. */
const A_WHILE = 10 * MINUTE;

/** A life in three parts: it comes to be, is rotated, and is deleted. No lease ends by itself meanwhile. */
const life: readonly ((world: World) => Promise<void>)[] = [
  (world) => {
    world.connect();
    world.apply({ ttl: '2h' });
    return world.pass(A_WHILE);
  },
  (world) => world.pass(HOUR + 20 * MINUTE),
  (world) => {
    world.delete();
    return world.pass(A_WHILE);
  },
];

/** Lives a life. @returns what was wrong at the end of each part, in words. */
async function live(world: World): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const part of life) {
    await part(world);
    world.calls();
    await world.reconcile();
    const more = world.calls().filter((call) => call !== 'TIME' && call !== 'LOGIN');
    if (more.length > 0) wrong.push(`at rest it asks: ${more.join(', ')}`);
    wrong.push(...(world.object === undefined ? withoutObject(world) : withObject(world)));
  }
  if (world.object !== undefined) wrong.push('the object does not go');
  if (world.status.rotations !== undefined) wrong.push('status of an object that is gone');
  return wrong;
}

function withObject(world: World): readonly string[] {
  const { record, status } = world;
  const named = record?.lease.id ?? 'none';
  return [
    ...(world.condition('Ready') === 'True LeaseActive'
      ? []
      : [`Ready is ${String(world.condition('Ready'))}`]),
    ...(named === status.lease?.id ? [] : ['Secret and status disagree']),
    ...(world.leases.live.includes(named) ? [] : ['the Secret names a lease that does not live']),
    ...(world.leases.rows.some((row) => row.lease.id === named && row.password === world.password)
      ? []
      : ['the Secret holds credentials of another lease']),
    ...unaccounted(world),
  ];
}

function withoutObject(world: World): readonly string[] {
  return [...(world.secret === undefined ? [] : ['the Secret stays']), ...unaccounted(world)];
}

/** The leases that live and that nobody names, but for those of which the architecture says so. */
function unaccounted(world: World): readonly string[] {
  const allowed = [...lostLeases(world), ...unattestedLeases(world)];
  return world.unnamed.filter((id) => !allowed.includes(id)).map((id) => `nobody names ${id}`);
}

/**
 * A crash between the answer of the lease API and the Secret's write, or in the middle of the request itself, loses a
 * lease until the sweep finds it or the object is deleted. There is no sweep here.
 */
function lostLeases({ crashes, leases }: World): readonly string[] {
  return crashes.filter(losesLease).map((crash) => newestAt(leases, crash));
}

function losesLease({ calls, when }: Crash): boolean {
  const [previous, last] = [calls.at(-2), calls.at(-1)];
  if (last === 'CREATE lease') return when === 'after';
  return previous === 'CREATE lease' && when === 'before';
}

/** Where the server keeps no tags, a lease of which only the Secret's record speaks is never revoked. */
function unattestedLeases({ crashes, leases }: World): readonly string[] {
  return leases.tags === 'kept' ? [] : crashes.filter(losesStatus).map((crash) => newestAt(leases, crash));
}

/** A crash between the Secret's write and the status'. */
function losesStatus({ calls, when }: Crash): boolean {
  const [previous, last] = [calls.at(-2), calls.at(-1)];
  return when === 'after' ? writesSecret(last) : writesSecret(previous) && last === 'patch leases/status';
}

function writesSecret(call: CallName | undefined): boolean {
  return call === 'create secrets' || call === 'patch secrets';
}

function newestAt({ rows }: World['leases'], crash: Crash): string {
  return rows[crash.leases - 1]?.lease.id ?? 'none';
}

/** What each part of an undisturbed life asks for. */
async function requestsOfALife(): Promise<readonly (readonly CallName[])[]> {
  const world = new World();
  const calls: (readonly CallName[])[] = [];
  for (const part of life) {
    await part(world);
    calls.push(world.calls());
  }
  return calls;
}

const requestsByPart = await requestsOfALife();
const requests = requestsByPart.flat();

const moments = requests.flatMap((name, index) =>
  (['before', 'after'] as const).map((when): readonly [string, Death] => [
    `${when} the server has done request ${String(index + 1)}, ${name}`,
    { at: index + 1, when },
  ]),
);

test('a life costs these requests and no others', () => {
  expect(requestsByPart).toEqual([
    ['TIME', 'LOGIN', 'patch leases', 'CREATE lease', 'create secrets', 'patch leases/status'],
    ['CREATE lease', 'patch secrets', 'patch leases/status'],
    ['REVOKE lease', 'REVOKE lease', 'delete secrets', 'patch leases'],
  ]);
});

describe('a process that ends', () => {
  test.each(moments)('%s', async (_moment, death) => {
    const world = new World({ deaths: [death] });
    expect(await live(world)).toEqual([]);
    expect(world.crashes).toHaveLength(1);
    // Also what was lost is gone with the object.
    expect(world.leases.live).toEqual([]);
  });

  test.each(moments)('%s, where the server keeps no tags', async (_moment, death) => {
    const world = new World({ deaths: [death] });
    world.leases.tags = 'dropped';
    expect(await live(world)).toEqual([]);
  });

  test.each(moments)('%s, and whose successor ends at any of its own requests', async (_moment, death) => {
    const wrong: string[] = [];
    for (let at = 1; at <= requests.length; at += 1) {
      for (const when of ['before', 'after'] as const) {
        const world = new World({ deaths: [death, { at, when }] });
        const found = await live(world);
        const left = world.leases.live.length === 0 ? [] : ['leases live on'];
        wrong.push(...[...found, ...left].map((words) => `${when} ${String(at)}: ${words}`));
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('a request without an answer', () => {
  const faults: readonly (readonly [string, number, Fate])[] = requests.flatMap((name, index) => {
    const error = /^[A-Z]/.test(name) ? unanswered(name) : new KubeError(name, { reason: 'Timeout' });
    const label = `request ${String(index + 1)}, ${name}`;
    return [
      [`${label}, that the server never had`, index + 1, refused(error)],
      [`${label}, that the server has done`, index + 1, lost(error)],
    ] as const;
  });

  test.each(faults)('%s, loses no lease', async (_request, at, fate) => {
    const world = new World();
    world.at(at, fate);
    expect(await live(world)).toEqual([]);
    expect(world.leases.live).toEqual([]);
  });
});
