import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { mistakes } from '../../mutants/mistakes.ts';
import { mutate, StaleMutation, type Mutation } from '../../mutants/mutation.ts';

const mutation: Mutation = { name: 'It says no.', file: 'src/answer.ts', find: "'yes'", put: "'no'" };

describe('A mistake is put into the text of its file', () => {
  it('in the one place that it is made for, and nowhere else', () => {
    expect(mutate("say('yes');\nstop();", mutation)).toBe("say('no');\nstop();");
  });

  it('as it is written, whatever a replacement pattern would make of it', () => {
    expect(mutate("say('yes');", { ...mutation, put: "'$& $1 $$'" })).toBe("say('$& $1 $$');");
  });

  it('with nothing in place of what it takes away', () => {
    expect(mutate("say('yes');", { ...mutation, put: '' })).toBe('say();');
  });
});

const staleOnes: Readonly<Record<string, { text: string; change?: Partial<Mutation>; says: string }>> = {
  'the text is not there': { text: "say('no');", says: 'src/answer.ts has its text 0 times, not once' },
  'the text is there twice': {
    text: "say('yes', 'yes');",
    says: 'src/answer.ts has its text 2 times, not once',
  },
  'there is nothing to find': {
    text: 'say();',
    change: { find: '' },
    says: 'has its text 0 times, not once',
  },
  'nothing would change': {
    text: "say('yes');",
    change: { put: "'yes'" },
    says: 'it changes nothing in src/answer.ts',
  },
};

describe('A mutant is stale, and refused with a sentence that names it, where', () => {
  it.each(Object.entries(staleOnes))('%s', (_, { text, change, says }) => {
    const act = (): string => mutate(text, { ...mutation, ...change });
    expect(act).toThrow(StaleMutation);
    expect(act).toThrow(`The mutant "It says no." is stale: `);
    expect(act).toThrow(says);
  });
});

describe('The table of mistakes', () => {
  it('has at least 22, each with a name of its own', () => {
    const names = new Set(mistakes.map(({ name }) => name));
    expect(names.size).toBe(mistakes.length);
    expect(names.size).toBeGreaterThanOrEqual(22);
  });

  it.each(mistakes.map((one) => [one.name, one] as const))('fits the sources: %s', (_, one) => {
    const text = readFileSync(join(import.meta.dirname, '../../..', one.file), 'utf8');
    expect(mutate(text, one)).not.toBe(text);
  });
});
