import { expect, it } from 'vitest';

import { LIVES, MOMENTS, parseOptions } from '../../crash/options.ts';

it('takes single faults in every moment unless it is told otherwise', () => {
  expect(parseOptions([])).toMatchObject({ pairs: false, point: undefined, moments: MOMENTS });
});

it('lives both lives unless one is named; of pairs that of leases', () => {
  expect(parseOptions([]).lives).toEqual(LIVES);
  expect(parseOptions(['--life', 'declared']).lives).toEqual(['declared']);
  expect(parseOptions(['--pairs']).lives).toEqual(['leases']);
});

it('takes as many lives side by side as the machine has time for, or as it is told', () => {
  expect(parseOptions([])).toMatchObject({ lanes: undefined, first: undefined });
  expect(parseOptions(['--lanes', '3', '--first', '40'])).toMatchObject({ lanes: 3, first: 40 });
});

it('takes the second fault of a pair after its commit, or when it is told', () => {
  expect(parseOptions(['--pairs'])).toMatchObject({ pairs: true, secondMoments: ['after-commit'] });
  const args = ['--pairs', '--point', 'a', '--when', 'after-answer', '--then', 'b'];
  expect(parseOptions([...args, '--then-when', 'before-sending'])).toMatchObject({
    point: 'a',
    moments: ['after-answer'],
    second: 'b',
    secondMoments: ['before-sending'],
  });
});

it.each([
  ['a second fault without --pairs', ['--point', 'a', '--then', 'b'], 'needs --pairs'],
  ['a second fault without a first', ['--pairs', '--then', 'b'], 'needs --point'],
  ['a moment that is none', ['--pairs', '--then-when', 'later'], '"later" is none of'],
  ['a life that is none', ['--life', 'other'], '"other" is none of'],
  ['pairs of the life that declares', ['--pairs', '--life', 'declared'], 'of the life of leases alone'],
  ['no number of lanes', ['--lanes', '0'], '"0" is no number'],
])('refuses %s', (_, args, words) => {
  expect(() => parseOptions(args)).toThrow(words);
});

it('refuses an option that it does not know', () => {
  expect(() => parseOptions(['--pair'])).toThrow(TypeError);
});
