import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseDuration } from '../../../src/api/duration.ts';
import type { Plan } from '../../../src/dynamic-secret/plan.ts';
import { ALL_IS_WELL } from '../../../src/dynamic-secret/policies.ts';
import { ModelServer, type ServerKind } from './support/model-server.ts';
import { ModelWorld, type Chance } from './support/model-world.ts';

const RUNS = 160;

const chance = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Chance>('well') },
  fc.constantFrom<Chance>('lost', 'unanswered', 'late', 'crashBefore', 'crashAfter', 'crashLate'),
);

type Event =
  | { readonly at: 'turn'; readonly chance: Chance }
  | { readonly at: 'pass'; readonly ms: number }
  | { readonly at: 'spec'; readonly name: string; readonly defaultTTL: string }
  /** Others take a name, let one go, change a setting, or delete or rename ours. */
  | { readonly at: 'take' | 'release'; readonly name: string }
  | { readonly at: 'edit'; readonly defaultTTL: string }
  | { readonly at: 'wipe' };

const name = fc.constantFrom('a', 'b', 'c');
const anyTTL = fc.constantFrom('1h', '2h', '60m');

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ at: fc.constant('turn' as const), chance }) },
  fc.record({ at: fc.constant('pass' as const), ms: fc.constantFrom(1000, 30_000, 400_000) }),
  { weight: 2, arbitrary: fc.record({ at: fc.constant('spec' as const), name, defaultTTL: anyTTL }) },
  fc.record({ at: fc.constantFrom('take' as const, 'release' as const), name }),
  fc.record({ at: fc.constant('edit' as const), defaultTTL: anyTTL }),
  fc.record({ at: fc.constant('wipe' as const) }),
);

const servers = fc.record({
  keepsMetadata: fc.boolean(),
  shows: fc.boolean(),
  // Up to what a request may take.
  latency: fc.constantFrom(0, 300, 6000, 55_000),
});

/** Others mark theirs, so that where it can be told whose one is, it can. */
function others(server: ModelServer, wanted: string): void {
  const metadata = [{ key: 'leaseholder-object', value: 'another' }];
  server.make(wanted, { defaultTTL: '1h', maxTTL: null, metadata }, 'others');
}

function happen(world: ModelWorld, one: Event): void {
  switch (one.at) {
    case 'turn':
      if (!world.gone) world.turn(one.chance);
      return;
    case 'pass':
      world.pass(one.ms);
      return;
    case 'spec':
      if (world.deletedAt === undefined) world.change({ name: one.name, defaultTTL: one.defaultTTL });
      return;
    case 'take':
    case 'release':
    case 'edit':
    case 'wipe':
      interfere(world, one);
  }
}

function interfere({ server }: ModelWorld, one: Exclude<Event, { at: 'turn' | 'pass' | 'spec' }>): void {
  // Where nothing tells whose one is, nobody else may make one while we do: existence is all that can be gone by.
  const tells = server.shows && server.keepsMetadata;
  switch (one.at) {
    case 'take':
      if (tells) others(server, one.name);
      return;
    case 'release':
      server.drop(({ by, name: its }) => by === 'others' && its === one.name);
      return;
    case 'edit':
      for (const kept of server.kept.filter(({ by }) => by === 'us')) kept.defaultTTL = one.defaultTTL;
      return;
    case 'wipe':
      if (tells) server.drop(({ by }) => by === 'us');
  }
}

/** Goes on without any more mishap, for some hours at most. */
function settle(world: ModelWorld, isSettled: (last: Plan) => boolean): void {
  for (let turns = 0; turns < 300 && !world.gone; turns += 1) if (isSettled(world.turn('well'))) return;
}

function start(kind: ServerKind, taken: readonly string[]): ModelWorld {
  const world = new ModelWorld(new ModelServer(kind));
  for (const one of taken) others(world.server, one);
  return world;
}

function play(world: ModelWorld, events: readonly Event[]): void {
  for (const one of events) happen(world, one);
  world.pass(120_000);
}

interface Outcome {
  readonly wrongs: readonly string[];
  readonly ours: readonly string[];
  readonly ready: boolean | undefined;
  readonly place: string | undefined;
  readonly intent: unknown;
  readonly ttl: number | undefined;
}

function outcomeOf({ server, status }: ModelWorld): Outcome {
  const ours = server.kept.filter(({ by }) => by === 'us');
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.status;
  return {
    wrongs: server.wrongs,
    ours: ours.map((one) => one.name),
    ready: ready === undefined ? undefined : ready === 'True',
    place: status.place?.name,
    intent: status.intent,
    // What is hidden cannot be set right.
    ttl: server.shows ? parseDuration(ours[0]?.defaultTTL ?? '') : undefined,
  };
}

/** One of ours, as declared; where others have the name, none by that name, and it is said. */
function wantedOf(world: ModelWorld): Outcome {
  const { server, spec } = world;
  const now = outcomeOf(world);
  if (server.find(spec.name)?.by === 'others')
    return { ...now, wrongs: [], ours: now.ours.slice(0, 1), ready: false };
  const ttl = server.shows ? parseDuration(spec.defaultTTL) : undefined;
  return { wrongs: [], ours: [spec.name], ready: true, place: spec.name, intent: undefined, ttl };
}

function isIdle({ step, policy }: Plan): boolean {
  return policy === ALL_IS_WELL || step.do === 'refuse';
}

describe('whatever is lost, and wherever the process ends', () => {
  test('there comes to be one, as declared, and nothing of others is touched', () => {
    const taken = fc.uniqueArray(name, { maxLength: 2 });
    fc.assert(
      fc.property(servers, taken, fc.array(event, { maxLength: 60 }), (kind, names, events) => {
        const world = start(kind, names);
        play(world, events);
        let calm = 0;
        settle(world, (plan) => {
          if (isIdle(plan)) calm += 1;
          // More than the hour for which the same correction is not made again.
          return calm > 30;
        });
        expect(outcomeOf(world)).toEqual(wantedOf(world));
      }),
      { numRuns: RUNS },
    );
  });

  test('what is settled is only looked at: nothing is written, created, changed or removed', () => {
    fc.assert(
      fc.property(servers, fc.array(event, { maxLength: 30 }), (kind, events) => {
        const world = start(kind, []);
        play(world, events);
        settle(world, () => false);
        const [status, patches] = [structuredClone(world.status), world.server.patches];
        const steps = Array.from({ length: 30 }, () => world.turn('well').step.do);
        const harmless = new Set(['wait', 'refuse', 'look', 'list']);
        expect(steps.filter((step) => !harmless.has(step))).toEqual([]);
        expect(world.status).toEqual(status);
        expect(world.server.patches).toBe(patches);
      }),
      { numRuns: RUNS / 8 },
    );
  });

  test('a deletion at any moment leaves nothing of ours, and nothing of others is touched', () => {
    const [taken, before, after] = [
      fc.uniqueArray(name, { maxLength: 2 }),
      fc.array(event, { maxLength: 40 }),
      fc.array(event, { maxLength: 30 }),
    ];
    const scenes = fc.record({ kind: servers, taken, before, after, leases: fc.nat(3) });
    fc.assert(
      fc.property(scenes, (scene) => {
        const world = start(scene.kind, scene.taken);
        for (const one of scene.before) happen(world, one);
        world.server.lease(scene.leases);
        world.delete();
        play(world, scene.after);
        settle(world, () => world.gone);
        expect(world.gone).toBe(true);
        world.pass(600_000);
        expect(outcomeOf(world)).toMatchObject({ wrongs: [], ours: [] });
      }),
      { numRuns: RUNS },
    );
  });
});
