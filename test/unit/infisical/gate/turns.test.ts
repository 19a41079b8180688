import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { turns } from '../../../../src/infisical/gate/turns.ts';

function drained(waiting: { next(): string | undefined }): string[] {
  const all: string[] = [];
  for (let one = waiting.next(); one !== undefined; one = waiting.next()) all.push(one);
  return all;
}

describe('turns', () => {
  test('go round the parties, however many requests one has', () => {
    const waiting = turns<string, string>();
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) waiting.add(name.charAt(0), name, 0);
    expect(drained(waiting)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  test('go within a party to the earliest deadline, then to the first come', () => {
    const waiting = turns<string, string>();
    waiting.add('a', 'without', Infinity);
    waiting.add('a', 'late', 30);
    waiting.add('a', 'early', 10);
    waiting.add('a', 'early too', 10);
    expect(drained(waiting)).toEqual(['early', 'early too', 'late', 'without']);
  });

  test('are not given to whoever waits no longer', () => {
    const waiting = turns<string, string>();
    for (const name of ['a1', 'b1', 'b2']) waiting.add(name.charAt(0), name, 0);
    waiting.remove('b', 'b1');
    waiting.remove('c', 'unknown');
    expect(waiting.clear('a')).toEqual(['a1']);
    expect(waiting.size).toBe(1);
    expect(drained(waiting)).toEqual(['b2']);
  });

  test('lose nobody, and let no party wait for more than one request of each other', () => {
    const request = fc.record({
      party: fc.constantFrom('a', 'b', 'c'),
      deadline: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), (requests) => {
        const waiting = turns<string, string>();
        for (const { party, deadline } of requests) waiting.add(party, party, deadline);
        const order = drained(waiting);
        expect(order.toSorted()).toEqual(requests.map(({ party }) => party).toSorted());
        expect(order.filter((_party, index) => isUnfair(order, index))).toEqual([]);
      }),
    );
  });
});

/** Whether a party is served for the second time while another that waits has not been served in between. */
function isUnfair(order: readonly string[], index: number): boolean {
  const before = order.lastIndexOf(order[index] ?? '', index - 1);
  if (index === 0 || before < 0) return false;
  const between = new Set(order.slice(before + 1, index));
  return order.slice(index).some((party) => party !== order[index] && !between.has(party));
}
