import { describe, expect, test } from 'vitest';

import { RECORD_ANNOTATION } from '../../../../src/api/names.ts';
import { digestOf } from '../../../../src/secret/render.ts';
import { formatRecord } from '../../../../src/api/record.ts';
import { KubeError } from '../../../../src/kube/kube-error.ts';
import { aRef, HOUR, MINUTE, SECOND } from '../../../support/builders.ts';
import { broken, busy, conflict, forbidden, timeout } from '../support/kube-errors.ts';
import { after, type CallName, type Fate, lost, refused, works } from '../support/wire.ts';
import { INSTALL, KEY, TARGET, World } from '../support/world.ts';

/** What becomes of a delivery: the first one of an object, or one that replaces lease 1. */
interface Delivery {
  /** What stands in its way. */
  readonly against: (world: World) => void;
  /** The requests from the lease's on, but for the status. */
  readonly asks: readonly CallName[];
  readonly counts: readonly string[];
  /** The numbers of the leases that live, and of the one that the Secret names. Without one: the Secret is not ours. */
  readonly live: readonly number[];
  readonly named?: number;
  readonly ready?: string;
  /** How long it is watched. Default: a minute. */
  readonly within?: number;
}

function anEmptyWorld(): World {
  const world = new World();
  world.connect();
  return world;
}

/** A Secret of the same name that is somebody else's. */
function foreignSecret(world: World, more: object = {}): void {
  const metadata = { name: 'orders-db', namespace: 'shop', ...more };
  world.kube.create('secrets', { metadata, data: { THEIRS: 'dGhlaXJz' } });
}

/** Another process of the same object writes a lease of its own. */
function anotherWriter(world: World): void {
  const object = world.object?.uid ?? '';
  const lease = world.leases.seed(TARGET, { install: INSTALL, object, attempt: 'another' });
  const ref = aRef({ id: lease.id, expireAt: lease.expireAt, attempt: 'another' });
  const password = world.leases.rows.at(-1)?.password ?? '';
  const data = new Map([
    ['DB_PASSWORD', password],
    ['DB_USERNAME', world.leases.rows.at(-1)?.lease.externalEntityId ?? ''],
  ]);
  const record = formatRecord({ lease: ref, previous: [], digest: digestOf(data) });
  world.kube.mergePatch('secrets', KEY, {
    metadata: { annotations: { [RECORD_ANNOTATION]: record } },
    data: Object.fromEntries([...data].map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  });
}

const first: Record<string, Delivery> = {
  'written at once': {
    against: () => undefined,
    asks: ['CREATE lease', 'create secrets'],
    counts: ['delivered: written'],
    live: [1],
    named: 1,
  },
  'an answer that was lost: the next try finds what the first has written': {
    against: (world) => {
      world.watching = false;
      world.next('create secrets', lost(timeout));
    },
    asks: ['CREATE lease', 'create secrets', 'create secrets', 'get secrets'],
    counts: ['delivered: found'],
    live: [1],
    named: 1,
  },
  'an answer that was lost, and a watch that tells of the write: it is found, and not made again': {
    against: (world) => world.next('create secrets', lost(timeout)),
    asks: ['CREATE lease', 'create secrets'],
    counts: ['delivered: found'],
    live: [1],
    named: 1,
  },
  'no answer, a failing server and one that asks for patience: the same lease again, never a second one': {
    against: (world) =>
      world.next('create secrets', refused(timeout), refused(broken), refused(busy(7 * SECOND))),
    asks: ['CREATE lease', 'create secrets', 'create secrets', 'create secrets', 'create secrets'],
    counts: ['delivered: written'],
    live: [1],
    named: 1,
  },
  'a Secret of somebody else: it is left as it is, and the lease is revoked': {
    against: foreignSecret,
    asks: ['CREATE lease', 'create secrets', 'get secrets', 'REVOKE lease'],
    counts: ['delivered: conflict', 'revoked: confirmed'],
    live: [],
    ready: 'False SecretConflict',
    within: 0,
  },
  'a look that fails after a conflict: the same lease again': {
    against: (world) => {
      world.watching = false;
      world.next('create secrets', lost(timeout));
      world.next('get secrets', refused(broken));
    },
    asks: [
      'CREATE lease',
      'create secrets',
      'create secrets',
      'get secrets',
      'create secrets',
      'get secrets',
    ],
    counts: ['delivered: found'],
    live: [1],
    named: 1,
  },
  'a refusal: the lease is revoked': {
    against: (world) => {
      world.always('create secrets', refused(forbidden));
      world.always('create secrets, dry', refused(forbidden));
    },
    asks: ['CREATE lease', 'create secrets', 'REVOKE lease'],
    counts: ['delivered: refused', 'revoked: confirmed'],
    live: [],
    ready: 'False SecretRefused',
    within: 0,
  },
  'a namespace that is gone: the lease is revoked': {
    against: (world) => {
      const gone = refused(new KubeError('create secrets', { status: 404, reason: 'NotFound' }));
      world.always('create secrets', gone);
      world.always('create secrets, dry', gone);
    },
    asks: ['CREATE lease', 'create secrets', 'REVOKE lease'],
    counts: ['delivered: refused', 'revoked: confirmed'],
    live: [],
    ready: 'False SecretRefused',
    within: 0,
  },
  'a refusal after a try in doubt that had arrived: it is found': {
    against: (world) => {
      world.watching = false;
      world.next('create secrets', lost(timeout), refused(forbidden));
    },
    asks: ['CREATE lease', 'create secrets', 'create secrets', 'get secrets'],
    counts: ['delivered: found'],
    live: [1],
    named: 1,
  },
  'a refusal after a try in doubt that had not arrived: the same lease again': {
    against: (world) => world.next('create secrets', refused(timeout), refused(forbidden)),
    asks: ['CREATE lease', 'create secrets', 'create secrets', 'get secrets', 'create secrets'],
    counts: ['delivered: written'],
    live: [1],
    named: 1,
  },
};

const replacing: Record<string, Delivery> = {
  'written at once': {
    against: () => undefined,
    asks: ['CREATE lease', 'patch secrets'],
    counts: ['delivered: written', 'rotated'],
    live: [1, 2],
    named: 2,
  },
  'a label that somebody else has added: written again on the version that has it': {
    against: (world) =>
      world.next(
        'patch secrets',
        after(() => world.touchSecret({ labels: { team: 'theirs' } })),
      ),
    asks: ['CREATE lease', 'patch secrets', 'get secrets', 'patch secrets'],
    counts: ['delivered: written', 'rotated'],
    live: [1, 2],
    named: 2,
  },
  'two conflicts one after another: the second waits its turn': {
    against: (world) => world.next('patch secrets', refused(conflict), refused(conflict)),
    asks: ['CREATE lease', 'patch secrets', 'get secrets', 'patch secrets', 'patch secrets'],
    counts: ['delivered: written', 'rotated'],
    live: [1, 2],
    named: 2,
  },
  'a lost answer: the next try finds what the first has written': {
    against: (world) => {
      world.watching = false;
      world.next('patch secrets', lost(timeout));
    },
    asks: ['CREATE lease', 'patch secrets', 'patch secrets', 'get secrets'],
    counts: ['delivered: found', 'rotated'],
    live: [1, 2],
    named: 2,
  },
  'another writer of the same object was faster: ours is revoked, the other is asked about and kept': {
    against: (world) =>
      world.next(
        'patch secrets',
        after(() => anotherWriter(world)),
      ),
    asks: ['CREATE lease', 'patch secrets', 'get secrets', 'GET lease', 'REVOKE lease', 'read secrets'],
    counts: ['delivered: conflict', 'revoked: confirmed'],
    live: [1, 3],
    named: 3,
  },
  'the Secret is deleted between look and write: the same lease into a new one': {
    against: (world) =>
      world.next(
        'patch secrets',
        after(() => world.kube.delete('secrets', KEY)),
      ),
    asks: ['CREATE lease', 'patch secrets', 'get secrets', 'create secrets'],
    counts: ['delivered: written', 'rotated'],
    live: [1, 2],
    named: 2,
  },
  'the Secret is deleted between the look at a conflict and the second write: the same lease into a new one':
    {
      against: (world) =>
        world.next(
          'patch secrets',
          refused(conflict),
          after(() => world.kube.delete('secrets', KEY)),
        ),
      asks: ['CREATE lease', 'patch secrets', 'get secrets', 'patch secrets', 'create secrets'],
      counts: ['delivered: written', 'rotated'],
      live: [1, 2],
      named: 2,
    },
  'the Secret makes way for one of somebody else: ours is revoked': {
    against: (world) =>
      world.next(
        'patch secrets',
        after(() => {
          world.kube.delete('secrets', KEY);
          foreignSecret(world);
        }),
      ),
    asks: ['CREATE lease', 'patch secrets', 'REVOKE lease'],
    counts: ['delivered: refused', 'revoked: confirmed'],
    live: [1],
    ready: 'False SecretRefused',
    within: 0,
  },
  'the Secret makes way for one of somebody else that looks like ours: ours is revoked': {
    against: (world) =>
      world.next(
        'patch secrets',
        after(() => {
          world.kube.delete('secrets', KEY);
          foreignSecret(world, { labels: { theirs: '' }, annotations: { theirs: '' } });
        }),
      ),
    asks: ['CREATE lease', 'patch secrets', 'get secrets', 'REVOKE lease'],
    counts: ['delivered: conflict', 'revoked: confirmed'],
    live: [1],
    ready: 'False SecretConflict',
    within: 0,
  },
  'a refusal after a conflict: the lease is revoked, and the one in the Secret stays': {
    against: (world) => {
      world.next('patch secrets', refused(conflict), refused(forbidden));
      world.always('patch secrets, dry', refused(forbidden));
    },
    asks: ['CREATE lease', 'patch secrets', 'get secrets', 'patch secrets', 'REVOKE lease'],
    counts: ['delivered: refused', 'revoked: confirmed'],
    live: [1],
    named: 1,
    within: 0,
  },
  'no answer after a conflict: the same lease again': {
    against: (world) => world.next('patch secrets', refused(conflict), refused(timeout)),
    asks: ['CREATE lease', 'patch secrets', 'get secrets', 'patch secrets', 'patch secrets'],
    counts: ['delivered: written', 'rotated'],
    live: [1, 2],
    named: 2,
  },
};

function asked(world: World): readonly CallName[] {
  const calls = world.calls();
  return calls.slice(calls.indexOf('CREATE lease')).filter((call) => call !== 'patch leases/status');
}

/** What has become of a delivery, in the words of a {@link Delivery}. */
async function outcomeOf(world: World, { within = MINUTE }: Delivery): Promise<unknown> {
  const before = world.counts.length;
  await world.settle(within);
  world.watching = true;
  await world.settle(within);
  const { live, named, unnamed } = world;
  const leased = named === undefined ? undefined : world.leases.rows[named - 1]?.password;
  return {
    asks: asked(world),
    counts: world.counts.slice(before),
    live,
    named,
    ready: world.condition('Ready'),
    unnamed,
    credentials: named === undefined || world.password === leased ? "the lease's own" : 'of another lease',
  };
}

function expected({ asks, counts, live, named, ready = 'True LeaseActive' }: Delivery): unknown {
  return { asks, counts, live, named, ready, unnamed: [], credentials: "the lease's own" };
}

describe('the first delivery', () => {
  test.each(Object.entries(first))('%s', async (_sentence, delivery) => {
    const world = anEmptyWorld();
    world.apply();
    world.tell();
    delivery.against(world);
    expect(await outcomeOf(world, delivery)).toEqual(expected(delivery));
  });
});

describe('a delivery that replaces a lease', () => {
  test.each(Object.entries(replacing))('%s', async (_sentence, delivery) => {
    const world = anEmptyWorld();
    world.apply();
    await world.pass(30 * MINUTE);
    world.calls();
    delivery.against(world);
    // To the moment of the rotation, and not beyond it.
    const { again = 0 } = (await world.reconcile()) ?? {};
    world.clock.advance(again);
    expect(await outcomeOf(world, delivery)).toEqual(expected(delivery));
  });
});

test('a delivery waits as long as the Kubernetes API wishes', async () => {
  const world = anEmptyWorld();
  world.apply();
  world.next('create secrets', refused(busy(7 * SECOND)));
  await world.pass(7 * SECOND - 1);
  expect(world.named).toBeUndefined();
  await world.pass(1);
  expect(world.named).toBe(1);
});

describe('after a refusal', () => {
  const obstacles: readonly (readonly [string, (world: World) => void])[] = [
    ['a quota', (world) => world.always('create secrets', refused(forbidden))],
    ['a Secret of somebody else', foreignSecret],
  ];

  test.each(obstacles)('%s costs one lease, however long it stands in the way', async (_what, against) => {
    const world = anEmptyWorld();
    world.apply();
    against(world);
    world.always('create secrets, dry', refused(forbidden));
    await world.pass(2 * HOUR);
    expect(world.leases.rows).toHaveLength(1);
    expect(world.live).toEqual([]);
    const dry = world.calls().filter((call) => call === 'get secrets').length;
    expect(dry).toBeGreaterThan(12);
  });

  test('a write that always passes dry and is always refused in earnest costs ever fewer leases', async () => {
    const world = anEmptyWorld();
    world.apply();
    world.always('create secrets', refused(forbidden));
    world.always('create secrets, dry', works);
    await world.pass(2 * MINUTE);
    expect(world.leases.rows.length).toBeLessThan(8);
    const soon = world.leases.rows.length;
    await world.pass(2 * HOUR);
    expect(world.leases.rows.length - soon).toBeLessThan(60);
    expect(world.live).toEqual([]);
  });

  test.each(obstacles)('%s costs one lease, however many processes meet it', async (_what, against) => {
    const world = anEmptyWorld();
    world.apply();
    const obstruct = (): void => {
      world.always('create secrets', refused(forbidden));
      world.always('create secrets, dry', refused(forbidden));
    };
    against(world);
    obstruct();
    await world.pass(10 * MINUTE);
    for (let times = 0; times < 10; times += 1) {
      world.restart();
      obstruct();
      await world.pass(10 * MINUTE);
    }
    expect([world.leases.rows.length, world.live]).toEqual([1, []]);
    expect(world.status.attempts?.count).toBeGreaterThan(10);
  });

  test('a dry run without an answer after a restart leaves the next one to be tried dry, too', async () => {
    const world = anEmptyWorld();
    world.apply();
    world.next('create secrets', refused(forbidden));
    world.always('create secrets, dry', refused(forbidden));
    await world.pass(10 * MINUTE);
    world.restart();
    world.always('create secrets', refused(forbidden));
    world.next('create secrets, dry', refused(timeout), refused(broken));
    world.always('create secrets, dry', refused(forbidden));
    await world.pass(30 * MINUTE);
    expect(world.leases.rows).toHaveLength(1);
  });

  test('that a process before has met, a dry run that works is followed by a new lease, and nothing is left', async () => {
    const world = anEmptyWorld();
    world.apply();
    world.always('create secrets', refused(forbidden));
    world.always('create secrets, dry', refused(forbidden));
    await world.pass(10 * MINUTE);
    world.restart();
    world.calls();
    await world.pass(10 * MINUTE);
    expect(world.calls()).toEqual([
      'TIME',
      'LOGIN',
      'get secrets',
      'create secrets, dry',
      'get leases',
      'CREATE lease',
      'create secrets',
      'patch leases/status',
    ]);
    expect([world.named, world.status.attempts]).toEqual([2, undefined]);
  });

  test('a dry run that works is followed by a new lease, and nothing is left of the fault', async () => {
    const world = anEmptyWorld();
    world.apply();
    world.next('create secrets', refused(forbidden));
    await world.pass(MINUTE);
    expect(world.calls().slice(2)).toEqual(
      [
        ['patch leases', 'CREATE lease', 'create secrets', 'REVOKE lease', 'patch leases/status'],
        ['get secrets', 'create secrets, dry'],
        ['get leases', 'CREATE lease', 'create secrets', 'patch leases/status'],
      ].flat(),
    );
    expect(world.named).toBe(2);
    expect([world.condition('Ready'), world.condition('Reconciling')]).toEqual([
      'True LeaseActive',
      'False Settled',
    ]);
    expect(world.status.attempts).toBeUndefined();
  });

  test('the dry run stores nothing and carries no credential', async () => {
    const world = anEmptyWorld();
    world.apply();
    world.next('create secrets', refused(forbidden));
    world.always(
      'CREATE lease',
      after(() => expect(world.secret).toBeUndefined()),
    );
    await world.pass(MINUTE);
    expect(world.named).toBe(2);
  });

  test("somebody else's Secret that goes makes room at once", async () => {
    const world = anEmptyWorld();
    world.apply();
    foreignSecret(world);
    await world.pass(20 * MINUTE);
    expect(world.rawSecret?.data).toEqual({ THEIRS: 'dGhlaXJz' });
    expect(world.secret?.labels).toEqual({});
    world.kube.delete('secrets', KEY);
    await world.pass(6 * MINUTE);
    expect(world.named).toBe(2);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });
});

/** Half a minute later there is a refusal, or still no answer. */
function takes(world: World, error: KubeError): Fate {
  return after(() => world.clock.advance(30 * SECOND), refused(error));
}

describe('past the deadline', () => {
  test('a lease is not written any more, though no try of it has failed since', async () => {
    const world = anEmptyWorld();
    world.apply();
    // The server asks for a minute and a half, which is more than a lease in hand may wait.
    world.next('create secrets', refused(busy(90 * SECOND)));
    await world.settle(0);
    await world.pass(2 * MINUTE);
    expect(world.counts).toEqual(['delivered: refused', 'revoked: confirmed', 'delivered: written']);
    expect(world.named).toBe(2);
  });

  test('a lease that surely was not written is revoked', async () => {
    const world = anEmptyWorld();
    world.apply();
    world.always('create secrets', takes(world, busy()));
    world.always('create secrets, dry', refused(busy()));
    await world.pass(HOUR);
    expect(world.counts).toEqual(['delivered: refused', 'revoked: confirmed']);
    expect(world.leases.rows).toHaveLength(1);
    expect(world.condition('Ready')).toBe('False KubernetesUnavailable');
  });

  test('a lease that may have been written is let go, said so, and costs no other while no write works', async () => {
    const world = anEmptyWorld();
    world.apply({ ttl: '1d' });
    world.always('create secrets', takes(world, timeout));
    world.always('create secrets, dry', refused(timeout));
    await world.pass(3 * HOUR);
    expect(world.counts).toEqual(['delivered: abandoned']);
    expect(world.live).toEqual([1]);
    expect(world.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'A lease could not be written into its Secret in time; the sweep decides about it.' },
    ]);
    world.always('create secrets', works);
    world.always('create secrets, dry', works);
    await world.pass(5 * MINUTE);
    expect(world.named).toBe(2);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });

  test('the message names the Secret', async () => {
    const world = anEmptyWorld();
    world.apply({ secret: { name: 'credentials' } });
    world.always('create secrets', takes(world, timeout));
    await world.settle(0);
    await world.settle(31 * SECOND);
    const [ready] = world.status.conditions ?? [];
    expect(ready).toMatchObject({
      reason: 'SecretNotWritten',
      message:
        'Secret credentials could not be written in time because the Kubernetes API did not answer. It is tried again.',
    });
  });

  test('a lease that was written after all is taken up from the Secret, without a second one', async () => {
    const world = anEmptyWorld();
    world.apply();
    world.tell();
    world.watching = false;
    world.next('create secrets', lost(timeout));
    world.always(
      'get secrets',
      after(() => world.clock.advance(30 * SECOND), refused(timeout)),
    );
    await world.settle(90 * SECOND);
    expect(world.counts).toEqual(['delivered: abandoned']);
    world.watching = true;
    world.always('get secrets', works);
    await world.pass(5 * MINUTE);
    expect(world.leases.rows).toHaveLength(1);
    expect(world.named).toBe(1);
    expect(world.status.lease?.id).toBe(world.record?.lease.id);
    expect(world.condition('Ready')).toBe('True LeaseActive');
  });
});
