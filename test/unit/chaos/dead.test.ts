import { describe, expect, it } from 'vitest';

import { deadSpans, secondsOf, type Evidence } from '../../chaos/dead.ts';

const evidence = (change: Partial<Evidence>): Evidence => ({
  ready: { from: 0, to: 100 },
  held: [],
  logins: [],
  excused: [],
  ...change,
});

/** Lease `a` ends at 50, `b` lives on. */
const endOf = (lease: string): number => (lease === 'a' ? 50 : Infinity);

describe('a Secret holds a dead credential', () => {
  it.each<
    readonly [sentence: string, change: Partial<Evidence>, spans: readonly (readonly [number, number])[]]
  >([
    ['never, while its lease lives', { held: [{ lease: 'b', from: 0, to: 100 }] }, []],
    [
      'not when its lease ends after the next was written',
      {
        held: [
          { lease: 'a', from: 0, to: 40 },
          { lease: 'b', from: 40, to: 100 },
        ],
      },
      [],
    ],
    [
      'from the end of its lease to the next one’s write',
      {
        held: [
          { lease: 'a', from: 0, to: 70 },
          { lease: 'b', from: 70, to: 100 },
        ],
      },
      [[50, 70]],
    ],
    [
      'from its write on, when its lease had ended before',
      { held: [{ lease: 'a', from: 60, to: 100 }] },
      [[60, 100]],
    ],
    ['while there is no Secret', { held: [{ lease: undefined, from: 20, to: 30 }] }, [[20, 30]]],
    [
      'before it was ready: that does not count',
      { ready: { from: 60, to: 100 }, held: [{ lease: 'a', from: 0, to: 70 }] },
      [[60, 70]],
    ],
    [
      'after the deletion: that does not count',
      { ready: { from: 0, to: 55 }, held: [{ lease: 'a', from: 0, to: 100 }] },
      [[50, 55]],
    ],
    [
      'from the first login that failed to the next that worked',
      {
        logins: [
          { at: 10, works: true },
          { at: 20, works: false },
          { at: 25, works: false },
          { at: 30, works: true },
        ],
      },
      [[20, 30]],
    ],
    ['to the end, when no login works any more', { logins: [{ at: 20, works: false }] }, [[20, 100]]],
    [
      'once, though ledger and logins both tell',
      {
        held: [{ lease: 'a', from: 0, to: 70 }],
        logins: [
          { at: 55, works: false },
          { at: 80, works: true },
        ],
      },
      [[50, 80]],
    ],
    [
      'but for what is excused',
      {
        held: [{ lease: 'a', from: 0, to: 100 }],
        excused: [
          { from: 40, to: 60 },
          { from: 70, to: 80 },
        ],
      },
      [
        [60, 70],
        [80, 100],
      ],
    ],
  ])('%s', (_sentence, change, spans) => {
    expect(deadSpans(evidence(change), endOf)).toEqual(spans.map(([from, to]) => ({ from, to })));
  });

  it('for whole seconds: whatever is left counts as one', () => {
    expect(secondsOf([])).toBe(0);
    expect(secondsOf([{ from: 0, to: 1 }])).toBe(1);
    expect(
      secondsOf([
        { from: 0, to: 600 },
        { from: 1000, to: 1600 },
      ]),
    ).toBe(2);
  });
});
