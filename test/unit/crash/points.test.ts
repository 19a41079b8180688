import { describe, expect, it } from 'vitest';

import { MOMENTS } from '../../crash/options.ts';
import { isSentAlways, momentsOf, pointsOf, type Recorded } from '../../crash/points.ts';

const [claim, look, list, intend, make] = [
  'PATCH dynamicsecrets db #1',
  'GET leases db #1',
  'GET dynamic-secrets all #1',
  'PATCH dynamicsecrets/status db #1',
  'POST dynamic-secret db #1',
];

/** A life whose requests come at once, but for those that are told. */
function lifeOf(
  points: readonly string[],
  {
    stepsAfter = [],
    late = [],
  }: { readonly stepsAfter?: readonly number[]; readonly late?: readonly string[] } = {},
): Recorded {
  let now = 0;
  const times = points.map((point) => (now += late.includes(point) ? 5000 : 10));
  return { points, times, stepsAfter };
}

const namesOf = (...lives: readonly Recorded[]): readonly string[] => pointsOf(lives).map(({ name }) => name);

describe('the points of a life', () => {
  it('are what every recorded life has sent', () => {
    expect(namesOf(lifeOf([claim, intend]), lifeOf([intend, make]))).toEqual([intend]);
  });

  it('are the first reads of a kind, and every write', () => {
    const points = ['GET a b #1', 'GET a b #2', 'GET a b #3', 'PATCH a b #3'];
    expect(namesOf(lifeOf(points, { late: points }))).toEqual(['GET a b #1', 'GET a b #2', 'PATCH a b #3']);
  });

  it('are no reads that come right after another point', () => {
    expect(namesOf(lifeOf([claim, look, list, intend]))).toEqual([claim, intend]);
    expect(namesOf(lifeOf([look, list, intend]))).toEqual([look, intend]);
  });

  it.each([
    ['later', lifeOf([claim, look], { late: [look] })],
    ['after a step', lifeOf([claim, look], { stepsAfter: [1] })],
    ['after what is no point', lifeOf(['GET a b #3', look, claim])],
  ])('are reads that come %s', (_, life) => {
    expect(namesOf(life)).toContain(look);
  });

  it('are reads that come after another point in one recorded life alone', () => {
    expect(namesOf(lifeOf([claim, look, intend]), lifeOf([look, claim, intend]))).toContain(look);
  });

  it('tell which of them come right after a write, reads in between aside', () => {
    const points = pointsOf([lifeOf([look, claim, list, intend, make], { late: [make] })]);
    expect(points.filter(({ followsWrite }) => followsWrite).map(({ name }) => name)).toEqual([intend]);
  });
});

it.each([
  ['a claim', claim, true],
  ['a creation', make, true],
  ['a read', look, false],
  ['a status', intend, false],
])('tells of %s whether each life sends it', (_, point, expected) => {
  expect(isSentAlways(point)).toBe(expected);
});

describe('the moments of a point', () => {
  const place = { life: 'declared', server: 'tags-kept', followsWrite: false } as const;

  it.each([
    ['a write', { ...place, name: make }, MOMENTS],
    [
      'a write right after another',
      { ...place, name: make, followsWrite: true },
      ['after-commit', 'after-answer'],
    ],
    ['a read', { ...place, name: look }, ['after-answer']],
    ['an event', { ...place, name: 'POST events #1' }, ['after-answer']],
    [
      'a write, declared where tags are dropped',
      { ...place, server: 'tags-dropped', name: make },
      ['after-commit'],
    ],
    ['a read, declared where tags are dropped', { ...place, server: 'tags-dropped', name: look }, []],
    [
      'a write, leased where tags are dropped',
      { ...place, life: 'leases', server: 'tags-dropped', name: make },
      MOMENTS,
    ],
  ] as const)('of %s', (_, point, moments) => {
    expect(momentsOf(point, MOMENTS)).toEqual(moments);
  });

  it('are what is asked for alone', () => {
    expect(momentsOf({ ...place, name: look, followsWrite: true }, ['before-sending'])).toEqual([
      'before-sending',
    ]);
  });
});
