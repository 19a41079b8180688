import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/dynamic-secret/decide.ts';
import type { DecisionInput, Removal } from '../../../src/dynamic-secret/input.ts';
import type { Plan } from '../../../src/dynamic-secret/plan.ts';
import { report } from '../../../src/dynamic-secret/report.ts';
import { fault } from '../../../src/errors.ts';
import { anIdentity, ELAPSED, HOUR, instant, MINUTE, NOW } from '../../support/builders.ts';
import {
  anApplied,
  anInput,
  anIntent,
  aPlace,
  aSource,
  failed,
  seen,
  hidden,
  listed,
  shown,
  target,
  unavailable,
} from './support/builders.ts';

const name = fc.constantFrom('orders', 'sales');
const maybe = <Value>(one: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(one, { nil: undefined });
const ago = fc.constantFrom(0, 1000, 6000, 11_000, 6 * MINUTE);
/** Which part of that the answer took. */
const share = fc.constantFrom(0, 0.5, 1);
const lease = fc.constantFrom('one', 'two');

const sighting = fc
  .record({
    existence: fc.constantFrom('absent' as const, 'present' as const),
    name,
    ago,
    share,
    steady: ago,
    leases: fc.uniqueArray(lease),
  })
  .map(({ existence, share: part, ...rest }) => seen(existence, { ...rest, took: part * rest.ago }));

const listing = fc.oneof(
  fc.tuple(ago, share).map(([ms, part]) => hidden(ms, part * ms)),
  fc
    .record({
      name,
      ago,
      share,
      id: fc.constantFrom('id-1', 'id-9'),
      status: fc.constantFrom(null, 'Failed to delete'),
      defaultTTL: fc.constantFrom('1h', '2h'),
      mark: fc.constantFrom(undefined, 'object-uid', 'another'),
    })
    .map(({ ago: ms, share: part, mark, ...rest }) => {
      const metadata = mark === undefined ? [] : [{ key: 'leaseholder-object', value: mark }];
      return listed(shown({ ...rest, metadata }), ms, part * ms);
    }),
);

const memory = fc.record({
  sighting: maybe(sighting),
  sightingOfNewName: maybe(sighting),
  listing: maybe(listing),
  failures: maybe(fc.constantFrom(-1000, 1000).map((wait) => failed(unavailable, wait))),
  doubtful: fc.boolean(),
  revocations: fc
    .array(fc.tuple(lease, fc.constantFrom(ELAPSED - 1, ELAPSED + 1000)))
    .map((all) => new Map(all)),
  surelyRefused: fc.boolean(),
  changedAt: maybe(ago.map((ms) => ELAPSED - ms)),
  tried: fc.boolean(),
  removal: maybe(
    fc.record({
      tries: fc.integer({ min: 1, max: 40 }),
      at: ago.map((ms) => ELAPSED - ms),
      answer: fc.constantFrom<Removal['answer']>('gone', 'absent', 'inProcess', 'failed', 'unknown'),
    }),
  ),
  unrevoked: maybe(fc.uniqueArray(lease).map((all) => new Set(all))),
});

const status = fc.record(
  {
    observedGeneration: fc.constant(1),
    place: name.map((one) => aPlace(one)),
    intent: fc
      .tuple(fc.constantFrom('Create' as const, 'Rename' as const), name)
      .map(([kind, one]) => anIntent(kind, one)),
    applied: fc.constantFrom('1h', '2h').map((defaultTTL) => anApplied({ defaultTTL })),
    attempts: fc.constant({ count: 1, reason: 'NoAnswer', nextAt: instant(1000) }),
    dynamicSecret: fc.constant({ id: 'id-1', name: 'orders', type: 'sql-database' }),
  },
  { requiredKeys: [] },
);

const notFound = fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: 'infisical' });

const connection: fc.Arbitrary<DecisionInput['connection']> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ state: 'usable' as const, identity: anIdentity(), revision: 'r1' }) },
  fc.constant({ state: 'usable' as const, identity: anIdentity({ host: 'https://x' }), revision: 'r1' }),
  fc.constant({
    state: 'refused' as const,
    fault: notFound,
    again: undefined,
    identity: undefined,
    revision: 'r1',
  }),
  fc.constant({
    state: 'refused' as const,
    fault: unavailable,
    again: 500,
    identity: anIdentity(),
    revision: 'r1',
  }),
);

const anyInput: fc.Arbitrary<DecisionInput> = fc
  .record({
    memory,
    status,
    connection,
    name,
    adopt: fc.boolean(),
    retain: fc.boolean(),
    valid: fc.boolean(),
    hasFinalizer: fc.boolean(),
    forced: fc.boolean(),
    users: fc.uniqueArray(lease),
    deletedAt: maybe(fc.constantFrom(NOW - 1000, NOW - HOUR)),
    held: fc.uniqueArray(name),
    namespaceEnding: fc.constantFrom(true, false, undefined),
    version: fc.constantFrom('1', '2'),
  })
  .map(({ adopt, retain, valid, version, ...parts }) => {
    const built = anInput({
      spec: {
        name: parts.name,
        ...(adopt ? { adoption: 'Adopt' } : {}),
        ...(retain ? { deletionPolicy: 'Retain' } : {}),
      },
      memory: parts.memory,
    });
    const wrong = { valid: false, fault: fault('InvalidSpec', { field: 'spec.name', rule: 'x' }) } as const;
    const { hasFinalizer, forced, deletedAt, users, held, namespaceEnding } = parts;
    const object = { ...built.object, hasFinalizer, forced, deletedAt, status: parts.status };
    return {
      ...built,
      users,
      held,
      namespaceEnding,
      connection: parts.connection,
      object: valid ? object : { ...object, spec: wrong },
      sources: { state: 'known', sources: [aSource({ resourceVersion: version })] },
    };
  });

/** Holds for whatever is decided about whatever is seen. */
function always(rule: (plan: Plan, input: DecisionInput) => void): void {
  fc.assert(
    fc.property(anyInput, (input) => {
      rule(decide(input), input);
    }),
    { numRuns: 1500 },
  );
}

describe('whatever is seen', () => {
  test('a decision is made, the same each time, and nothing of what was seen is changed', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const copy = structuredClone(input);
        const plan = decide(input);
        expect(decide(input)).toEqual(plan);
        expect(report(input, undefined)).toEqual(report(input, undefined));
        expect(input).toEqual(copy);
      }),
      { numRuns: 500 },
    );
  });

  test('a wait is for a moment that lies ahead', () => {
    always(({ step, again }) => {
      const idle = step.do === 'wait' || step.do === 'refuse';
      expect(again === undefined || (Number.isFinite(again) && again > 0)).toBe(true);
      expect(idle || again === undefined).toBe(true);
    });
  });

  test('nothing is asked of the server without the finalizer, or of another server', () => {
    always(({ step }, { object, connection: { state, identity } }) => {
      if (['wait', 'refuse', 'claim', 'dropFinalizer'].includes(step.do)) return;
      expect(object.hasFinalizer).toBe(true);
      expect(state).toBe('usable');
      expect((object.status.place ?? object.status.intent ?? { connection: identity }).connection?.host).toBe(
        identity?.host,
      );
    });
  });

  test('a creation, and a rename, is asked for only as the status has it', () => {
    always(
      (
        { step },
        {
          object: {
            status: { intent, place },
          },
        },
      ) => {
        const { name: announced } = intent ?? {};
        const creates =
          step.do === 'create' && (intent?.kind !== 'Create' || announced !== step.target.dynamicSecret);
        expect(creates).toBe(false);
        if (step.do !== 'update' || step.change.newName === undefined) return;
        expect(intent).toMatchObject({ kind: 'Rename', name: step.change.newName });
        expect(place?.name).toBe(step.target.dynamicSecret);
        expect(step.change).toEqual({ inputs: [], newName: step.change.newName });
      },
    );
  });

  test('no change is empty', () => {
    always(({ step }) => {
      if (step.do !== 'update') return;
      const { inputs, ...fields } = step.change;
      expect(inputs.length + Object.keys(fields).length).toBeGreaterThan(0);
    });
  });

  test("what a list shows to be another object's is neither changed nor removed", () => {
    always(({ step }, { memory: { listing: seenList } }) => {
      if (step.do !== 'update' && step.do !== 'remove' && step.do !== 'revoke') return;
      if (seenList?.state !== 'shown' || seenList.shown.name !== step.target.dynamicSecret) return;
      if (step.do === 'update' && step.why === 'renamed') return;
      expect(seenList.shown.metadata).not.toContainEqual({ key: 'leaseholder-object', value: 'another' });
    });
  });

  test('a removal happens only to what is being deleted, is there, and was found to be ours or is not told', () => {
    always(({ step }, { object, users, memory: { sighting: one, sightingOfNewName: other } }) => {
      if (step.do !== 'remove' && step.do !== 'revoke') return;
      expect(object.deletedAt).toBeDefined();
      expect(users).toEqual([]);
      expect(object.status.place?.name).toBe(step.target.dynamicSecret);
      const looks = [one, other].filter((look) => look?.target.dynamicSecret === step.target.dynamicSecret);
      expect(looks.some((look) => look?.existence === 'present')).toBe(true);
      expect(step.do === 'remove' && step.forced && !object.forced).toBe(false);
    });
  });

  test('the object is let go while something may be there only for a reason that is told', () => {
    always(
      (
        { step },
        {
          object: {
            status: { place, intent },
          },
          memory: { sighting: one, sightingOfNewName: other },
        },
      ) => {
        if (step.do !== 'dropFinalizer' || step.left !== undefined) return;
        expect(intent).toBeUndefined();
        if (place === undefined) return;
        const looks = [one, other].filter((look) => look?.target.dynamicSecret === place.name);
        expect(looks.some((look) => look?.existence === 'absent')).toBe(true);
      },
    );
  });

  test('a fresh target has the names that the spec or the status has', () => {
    always(
      (
        { step },
        {
          object: {
            status: { place, intent },
          },
          memory: { listing: seenList },
        },
      ) => {
        if (!('target' in step)) return;
        const shownName = seenList?.state === 'shown' ? seenList.shown.name : undefined;
        const names = ['orders', 'sales', place?.name, intent?.name, shownName];
        expect(step.target).toEqual(target(step.target.dynamicSecret));
        expect(names).toContain(step.target.dynamicSecret);
      },
    );
  });
});
