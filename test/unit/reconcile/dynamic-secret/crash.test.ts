import { describe, expect, test } from 'vitest';

import { KubeError } from '../../../../src/kube/kube-error.ts';
import { MINUTE } from '../../../support/builders.ts';
import { unanswered } from '../support/lease-client.ts';
import { DeclaredWorld, named } from '../support/declared-world.ts';
import { type CallName, type Death, type Fate, lost, refused } from '../support/wire.ts';

/** Long enough for everything that ends by itself: settling, second looks, backoff. */
const A_WHILE = 15 * MINUTE;

/** A life in parts: it comes to be, is changed, is renamed with a live lease, gets another password, and is deleted. */
const life: readonly (readonly [keyof typeof ends | 'deleted', (world: DeclaredWorld) => void])[] = [
  [
    'created',
    (world) => {
      world.connect();
      world.namespace(false);
      world.keep('hunter2');
      world.apply({ maxTTL: '4h' });
    },
  ],
  ['changed', (world) => world.edit({ defaultTTL: '2h', maxTTL: null })],
  [
    'renamed',
    (world) => {
      world.server.seed(named('orders-postgres'));
      world.edit({ name: 'orders-db' });
    },
  ],
  ['given another password', (world) => world.keep('correct horse')],
  ['deleted', (world) => world.delete()],
];

/** Lives a life. @returns what was wrong at the end of each part, in words. */
async function live(world: DeclaredWorld): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [part, begin] of life) {
    begin(world);
    await world.pass(A_WHILE);
    const found = world.object === undefined ? withoutObject(world, part) : await withObject(world, part);
    wrong.push(...found.map((words) => `${part}: ${words}`));
  }
  if (world.object !== undefined) wrong.push('the object does not go');
  const leaked = JSON.stringify([world.kube.list('dynamicSecrets'), world.lines, world.told]);
  if (/hunter2|correct horse/.test(leaked)) wrong.push('a password is told');
  return wrong;
}

const changed = { name: 'orders-postgres', password: 'hunter2', defaultTTL: '2h' };
const renamed = { ...changed, name: 'orders-db' };

/** How the dynamic secret is to be at the end of a part. */
const ends = {
  created: { ...changed, defaultTTL: '1h' },
  changed,
  renamed,
  'given another password': { ...renamed, password: 'correct horse' },
};

/** What is wrong, in words: of each pair that differs its name and what there is. */
function differences(pairs: readonly (readonly [string, unknown, unknown])[]): readonly string[] {
  return pairs
    .filter(([, found, wanted]) => found !== wanted)
    .map(([what, found]) => `${what} is ${String(found)}`);
}

async function withObject(
  world: DeclaredWorld,
  part: keyof typeof ends | 'deleted',
): Promise<readonly string[]> {
  if (part === 'deleted') return ['the object stays'];
  const { name, password, defaultTTL } = ends[part];
  const [row] = world.rows;
  const { status } = world;
  world.calls();
  await world.reconcile();
  const more = world.calls().filter((call) => /^[A-Z]+ dynamic secret$|^patch/.test(call));
  return differences([
    ['Ready', world.condition('Ready'), 'True Declared'],
    ['what the server has', world.names.join(), name],
    ['the name in the status', status.place?.name, name],
    ['the intent', status.intent?.kind, undefined],
    ['the password', row?.inputs['password'], password],
    ['the TTL', row?.shown.defaultTTL, defaultTTL],
    ['the mark', row?.shown.metadata?.at(-1)?.value, world.object?.uid],
    ['what it asks at rest', more.join(), ''],
  ]);
}

function withoutObject(world: DeclaredWorld, part: string): readonly string[] {
  return [
    ...(part === 'deleted' ? [] : ['the object is gone']),
    ...(world.names.length === 0 ? [] : [`${world.names.join()} is left`]),
    ...(world.server.live.length === 0 ? [] : ['a lease lives on']),
  ];
}

/** What an undisturbed life asks for. */
async function requestsOfALife(): Promise<readonly CallName[]> {
  const world = new DeclaredWorld();
  for (const [, begin] of life) {
    begin(world);
    await world.pass(A_WHILE);
  }
  return world.calls();
}

const requests = await requestsOfALife();

test('an undisturbed life is one of these requests, and ends well', async () => {
  expect(await live(new DeclaredWorld())).toEqual([]);
  const changes = requests.filter((call) => /^(CREATE|UPDATE|DELETE|REVOKE)/.test(call));
  expect(changes).toEqual([
    'CREATE dynamic secret',
    'UPDATE dynamic secret',
    'UPDATE dynamic secret',
    'UPDATE dynamic secret',
    'REVOKE lease',
    'DELETE dynamic secret',
  ]);
});

const moments = requests.flatMap((name, index) =>
  (['before', 'after'] as const).map((when): readonly [string, Death] => [
    `${when} the server has done request ${String(index + 1)}, ${name}`,
    { at: index + 1, when },
  ]),
);

describe('a process that ends', () => {
  test.each(moments)('%s', async (_moment, death) => {
    const world = new DeclaredWorld([death]);
    expect(await live(world)).toEqual([]);
    expect(world.crashes).toHaveLength(1);
  });

  const writes = moments.filter(([moment]) => /CREATE|UPDATE|DELETE|patch/.test(moment));

  test.each(writes)('%s, and whose successor ends at one of its first requests', async (_moment, death) => {
    const wrong: string[] = [];
    for (let at = 1; at <= 12; at += 1) {
      for (const when of ['before', 'after'] as const) {
        const found = await live(new DeclaredWorld([death, { at, when }]));
        wrong.push(...found.map((words) => `${when} ${String(at)}: ${words}`));
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

  test.each(faults)('%s, is found out about', async (_request, at, fate) => {
    const world = new DeclaredWorld();
    world.at(at, fate);
    expect(await live(world)).toEqual([]);
  });
});
