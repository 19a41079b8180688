import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/lease/decide.ts';
import type { DecisionInput } from '../../../src/lease/input.ts';
import { earliest, unique } from '../../../src/lease/revocations.ts';
import {
  aFormerSecret,
  anInput,
  aRef,
  aSpec,
  aStatus,
  ELAPSED,
  HOUR,
  instant,
  MINUTE,
  NOW,
  SECOND,
  type InputParts,
  valid,
} from '../../support/builders.ts';
import { decisionRows } from '../../support/rows.ts';

const ripe = { ...aRef({ id: 'ripe' }), revokeAfter: instant(0) };
const later = { ...aRef({ id: 'later' }), revokeAfter: instant(3 * MINUTE) };
const runsOut = aRef({ id: 'runs-out' });
const three = aStatus({ retiring: [ripe, later, runsOut] });
const one = aStatus({ retiring: [ripe] });
const nextTry = new Map([
  ['ripe', { attempts: 2, nextAt: ELAPSED + 9 * SECOND, reason: 'RevocationFailed' as const }],
]);

const restarting = (complete: boolean): InputParts => ({
  object: { status: { ...one, restart: { lease: aRef().id, since: instant(0), complete } } },
});

function due(input: DecisionInput): readonly string[] {
  return decide(input).revocations.map(({ id }) => id);
}

describe('revocations beside the step', () => {
  test('are none while suspended', () => {
    const spec = valid(aSpec({ suspend: true }));
    expect(due(anInput({ object: { spec, status: three }, memory: { discarded: [ripe] } }))).toEqual([]);
  });

  const others = decisionRows.filter(({ policy }) => policy !== 'nothing while suspended');
  test.each(others)('go on beside: $policy', ({ over }) => {
    const parts = over({});
    const input = anInput({
      ...parts,
      object: { ...parts.object, status: three },
      memory: { ...parts.memory, discarded: [aRef({ id: 'discarded' })] },
      now: {},
    });
    expect(due(input)).toEqual(['discarded', 'ripe']);
  });

  test('of a lease whose time has not come are looked at when it does', () => {
    expect(decide(anInput({ object: { status: three } })).again).toBe(3 * MINUTE);
  });

  test("have their time by the server's clock", () => {
    const input = anInput({ object: { status: three }, now: { lease: NOW + 3 * MINUTE, kube: NOW - HOUR } });
    expect(due(input)).toEqual(['ripe', 'later']);
  });

  test("have their time by the Kubernetes API's clock while the server's is not known", () => {
    const input = anInput({
      object: { status: three },
      now: { lease: undefined, kube: NOW + 3 * MINUTE },
    });
    expect(due(input)).toEqual(['ripe', 'later']);
  });

  const none: Record<string, InputParts> = {
    'was revoked': { memory: { settled: new Set(['ripe']) } },
    'has ended': { now: { lease: NOW + 50 * MINUTE + SECOND } },
    'cannot be asked about any more': { unreachable: ['ripe'] },
    'waits for its next try': { memory: { revocations: nextTry } },
  };

  test('wait for the restarts of those that may still use a replaced lease', () => {
    const input = anInput(restarting(false));
    expect(due(input)).toEqual([]);
    expect(due(anInput({ ...restarting(false), memory: { discarded: [aRef({ id: 'unused' })] } }))).toEqual([
      'unused',
    ]);
    expect(due(anInput(restarting(true)))).toEqual(['ripe']);
  });

  test('leave a Secret by a former name its lease while the new one holds none', () => {
    const formers = [aFormerSecret({ lease: ripe })];
    const absent = { state: 'absent' } as const;
    expect(due(anInput({ object: { status: one }, formers, secret: absent }))).toEqual([]);
    expect(due(anInput({ object: { status: one }, formers }))).toEqual(['ripe']);
    expect(due(anInput({ object: { status: one }, secret: absent }))).toEqual(['ripe']);
  });

  test.each(Object.entries(none))('leave out a lease that %s', (_which, parts) => {
    expect(due(anInput({ object: { status: one }, ...parts }))).toEqual([]);
  });

  test('that failed are tried again when it is time', () => {
    const input = anInput({ object: { status: one }, memory: { revocations: nextTry } });
    expect(decide(input).again).toBe(9 * SECOND);
    expect(due({ ...input, now: { ...input.now, elapsed: ELAPSED + 9 * SECOND } })).toEqual(['ripe']);
  });

  test('are waited for until the first of those that failed', () => {
    const reason = 'RevocationFailed' as const;
    const revocations = new Map([
      ['ripe', { attempts: 2, nextAt: ELAPSED + 9 * SECOND, reason }],
      ['discarded', { attempts: 1, nextAt: ELAPSED + 4 * SECOND, reason }],
    ]);
    const discarded = [aRef({ id: 'discarded' })];
    const input = anInput({ object: { status: one }, memory: { discarded, revocations } });
    expect(decide(input)).toMatchObject({ revocations: [], again: 4 * SECOND });
  });

  test('name a lease once that is both discarded and retiring', () => {
    const discarded = [aRef({ id: 'ripe' })];
    expect(due(anInput({ object: { status: one }, memory: { discarded } }))).toEqual(['ripe']);
  });
});

describe('unique', () => {
  test('keeps the first mention of a lease, and the order of the mentions', () => {
    const first = aRef({ id: 'a', path: '/first' });
    const second = aRef({ id: 'a', path: '/second' });
    expect(unique([aRef({ id: 'b' }), first, aRef({ id: 'c' }), second])).toEqual([
      aRef({ id: 'b' }),
      first,
      aRef({ id: 'c' }),
    ]);
  });
});

describe('earliest', () => {
  test.each([
    [[], undefined],
    [[undefined, undefined], undefined],
    [[undefined, 5, 3], 3],
    [[0, 7], 0],
  ])('of %j is %j', (waits, least) => {
    expect(earliest(waits)).toBe(least);
  });
});
