import { describe, expect, it } from 'vitest';

import { countStates, pairsOf, type First } from '../../crash/pairs.ts';
import { changesSomething } from '../../crash/points.ts';

interface Seen {
  readonly state: string;
  readonly window: readonly string[];
}

const nothing: Seen = { state: 'nothing', window: [] };

const first = (number: number, orders: Seen, stock = nothing): First => ({
  point: {
    number,
    life: 'leases',
    server: 'tags-kept',
    followsWrite: false,
    name: `POST lease orders #${String(number)}`,
  },
  when: 'after-commit',
  state: { parts: { orders: orders.state, stock: stock.state } },
  windows: { orders: orders.window, stock: stock.window },
});

/** Such as "1: PATCH secrets orders #1". */
const told = (...firsts: readonly First[]): readonly string[] =>
  pairsOf(firsts, ['after-commit']).map(
    ({ point, second }) => `${String(point.number)}: ${String(second?.point)}`,
  );

const [lease, secret] = ['POST lease orders #1', 'POST secrets orders #1'] as const;

describe('the pairs', () => {
  it('are every state with every write of its recovery', () => {
    const one = first(1, { state: 'a', window: [secret, lease] });
    expect(told(one, first(2, { state: 'b', window: [secret] }))).toEqual([
      `1: ${secret}`,
      `1: ${lease}`,
      `2: ${secret}`,
    ]);
  });

  it('have no second kill at what changes nothing', () => {
    expect(told(first(1, { state: 'a', window: ['GET leases orders #1', 'POST events #1'] }))).toEqual([]);
  });

  it('have one for all that came through the same state: the first that sent the write', () => {
    const one = first(1, { state: 'a', window: [secret] });
    const two = first(2, { state: 'a', window: [secret, lease] });
    expect(told(one, two, first(3, { state: 'a', window: [lease] }))).toEqual([
      `1: ${secret}`,
      `2: ${lease}`,
    ]);
  });

  it('are of each object by itself, whatever the other one’s state is', () => {
    const one = first(1, { state: 'a', window: [lease] }, { state: 'b', window: ['POST lease stock #1'] });
    const two = first(2, { state: 'c', window: [] }, { state: 'b', window: ['POST lease stock #1'] });
    expect(told(one, two)).toEqual([`1: ${lease}`, '1: POST lease stock #1']);
    expect(countStates([one, two])).toBe(3);
  });

  it('come once where a write concerns both objects', () => {
    const seen = { state: 'a', window: ['PATCH infisicalconnections infisical #1'] };
    expect(told(first(1, seen, seen))).toEqual(['1: PATCH infisicalconnections infisical #1']);
  });

  it('have the second fault in each of its moments', () => {
    const moments = ['before-sending', 'after-commit'] as const;
    const pairs = pairsOf([first(1, { state: 'a', window: [lease] })], moments);
    expect(pairs.map(({ second }) => second?.when)).toEqual(moments);
  });
});

describe('what another process finds is changed by', () => {
  it.each([
    'POST lease orders #1',
    'DELETE lease unknown #1',
    'POST secrets orders #1',
    'PATCH dynamicsecretleases/status orders #2',
    'PATCH infisicalconnections infisical #1',
  ])('%s', (point) => {
    expect(changesSomething(point)).toBe(true);
  });
});

describe('nothing is changed by', () => {
  it.each([
    'GET lease orders #1',
    'PATCH secrets orders dry #1',
    'POST events #3',
    'POST /api/v1/auth/universal-auth/login #1',
    'PATCH infisicalconnections/status infisical #1',
  ])('%s', (point) => {
    expect(changesSomething(point)).toBe(false);
  });
});
