import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { render } from '../../../src/secret/render.ts';
import { shapeOf } from '../../../src/secret/shape.ts';
import { fill, isTemplate } from '../../../src/secret/template.ts';
import { measured, MOST_TIME, outcomeOf } from './support/cost.ts';

/** The longest template, in characters. */
const LONGEST = 4096;

const MEBIBYTE = 1024 * 1024;
const many = Array.from({ length: 140_000 }, (_, index) => index);

/** As large as an answer may be, each. */
const values = {
  TEXT: 'a'.repeat(MEBIBYTE - 100),
  OTHER: `${'a'.repeat(MEBIBYTE - 101)}b`,
  SIGNS: '\u0001"'.repeat(MEBIBYTE / 8),
  WIDE: '€'.repeat(MEBIBYTE / 3),
  LIST: many,
  LISTS: many.slice(0, 70_000).map(() => []),
  KEYS: Object.fromEntries(many.slice(0, 30_000).map((index) => [`k${String(index)}`, 1])),
  DEEP: JSON.parse('['.repeat(400_000) + ']'.repeat(400_000)) as unknown,
  SMALL: 'role',
};

/** As often as it fits into a template. */
function often(part: string, { before = '', after = '' } = {}): string {
  return before + part.repeat(Math.floor((LONGEST - before.length - after.length) / part.length)) + after;
}

/** `open` as often as it fits together with as many of `close`. */
function nested(open: string, close: string, within = ''): string {
  const times = Math.floor((LONGEST - within.length) / (open.length + close.length));
  return open.repeat(times) + within + close.repeat(times);
}

const doubled = '{% assign a = "aaaaaaaaaaaaaaaa" %}';
const needle = `{% assign n = "b${'a'.repeat(1000)}" %}`;

describe('a long or greedy template takes no time', () => {
  test.each<[what: string, template: string, outcome: string]>([
    ['quotes', `{{ ${'"'.repeat(4080)} }}`, ''],
    ['quotes that stay open', `{{ "${'a'.repeat(4080)}`, 'unusable'],
    ['brackets that stay open', `{{ a${'['.repeat(4080)} }}`, 'unusable'],
    [
      'brackets in brackets, of a name that nobody gives',
      `{{ ${nested('a[', ']', '1').slice(6)} }}`,
      'unusable',
    ],
    ['parentheses', `{{ ${'('.repeat(4080)} }}`, 'unusable'],
    ['dots', `{{ ${'a.'.repeat(2000)}b }}`, 'missing a'],
    ['parts of a text', `{{ SMALL${'.size'.repeat(800)} }}`, 'missing'],
    ['blanks in an output', `{{ SMALL ${' '.repeat(4070)} }}`, 'role'],
    ['blanks before a filter', `{{ SMALL ${' '.repeat(4050)} | upcase }}`, 'ROLE'],
    ['blanks in a tag', `{% if ${' '.repeat(4060)} SMALL %}y{% endif %}`, 'y'],
    ['blanks that are taken away', `{{- SMALL -}}${' '.repeat(4070)}{{- SMALL -}}`, 'rolerole'],
    ['line ends', '\n'.repeat(LONGEST), '\n'.repeat(LONGEST)],
    ['line ends before a fault', `${'\n'.repeat(4080)}{{ nobody }}`, 'missing nobody'],
    ['backslashes', `{{ "${'\\'.repeat(4080)} }}`, 'unusable'],
    ['pipes', `{{ SMALL ${'|'.repeat(4080)} }}`, 'unusable'],
    ['commas', `{{ SMALL | default: ${','.repeat(4060)} }}`, 'role'],
    ['openings', '{{'.repeat(2048), 'unusable'],
    ['openings of tags', '{%'.repeat(2048), 'unusable'],
    ['closings', '}}'.repeat(2048), '}}'.repeat(2048)],
    ['braces', '{'.repeat(LONGEST), 'unusable'],
    ['filters behind each other', often(' | upcase', { before: '{{ SMALL', after: ' }}' }), 'ROLE'],
    ['digits', `{{ ${'9'.repeat(4080)} }}`, 'Infinity'],
    ['ifs in ifs', nested('{% if true %}', '{% endif %}', 'x'), 'x'],
    ['ifs that stay open', often('{% if true %}'), 'unusable'],
    ['elses', often('{% elsif false %}', { before: '{% if false %}', after: '{% endif %}' }), ''],
    ['captures in captures', nested('{% capture a %}', '{% endcapture %}', 'x'), ''],
    ['many captures', often('{% capture a %}x{% endcapture %}', { after: '{{ a }}' }), 'x'],
    ['many assigns', often('{% assign a = SMALL %}', { after: '{{ a }}' }), 'role'],
    ['operators', often(' and true', { before: '{% if true', after: ' %}y{% endif %}' }), 'y'],
    ['signs that turn over', often(' not', { before: '{% if', after: ' nil %}y{% endif %}' }), ''],
    ['a name that nobody gives, deep in ifs', nested('{% if true %}', '{% endif %}', '{{ x }}'), 'missing x'],
    [
      'doubling by capture',
      often('{% capture a %}{{ a }}{{ a }}{% endcapture %}', { before: doubled }),
      'tooMuch',
    ],
    ['doubling by assign', often('{% assign a = a | replace: "a", a %}', { before: doubled }), 'tooMuch'],
    ['growth by signs', often(' | url_encode', { before: '{{ WIDE', after: ' }}' }), 'tooMuch'],
    ['growth by JSON', often(' | json', { before: '{{ SMALL', after: ' }}' }), 'tooMuch'],
    ['growth by base64', often(' | base64_encode', { before: '{{ SMALL', after: ' }}' }), 'tooMuch'],
    ['a long text, printed twice', '{{ TEXT }}{{ TEXT }}', 'tooMuch'],
    ['a long text in JSON', '{{ SIGNS | json }}', 'tooMuch'],
    ['a long text, searched', often('{% if TEXT contains n %}{% endif %}', { before: needle }), 'tooMuch'],
    ['a long text, searched for itself', often('{% if TEXT contains OTHER %}{% endif %}'), 'tooMuch'],
    ['long texts, compared', often('{% if TEXT == OTHER %}{% endif %}'), 'tooMuch'],
    ['long texts, ordered', often('{% if TEXT < OTHER %}{% endif %}'), 'tooMuch'],
    ['a long text, replaced', often(' | replace: "b", "c"', { before: '{{ TEXT', after: ' }}' }), 'tooMuch'],
    ['a long text for a name', often('{% if SMALL[TEXT] %}{% endif %}'), ''],
    ['a long text for the first name', often('{% if [TEXT] %}{% endif %}'), ''],
    ['a long list, compared', often('{% if LIST == LIST %}{% endif %}'), 'tooMuch'],
    ['a list of lists, compared', often('{% if LISTS != LISTS %}{% endif %}'), 'tooMuch'],
    ['a long list, searched', often('{% if LIST contains 0.5 %}{% endif %}'), 'tooMuch'],
    ['a long list for a name', often('{% if SMALL[LIST] %}{% endif %}'), ''],
    ['a long list for the first name', often('{% if [LIST] %}{% endif %}'), ''],
    ['a long list for a part of a text', often('{% if "a"[LIST] %}{% endif %}'), ''],
    ['a long list as text', often(' | replace: "b", LIST', { before: '{{ "a"', after: ' }}' }), 'tooMuch'],
    ['a long list, measured', often('{% if LIST.size == 1 %}{% endif %}'), ''],
    ['many keys, printed once', '{{ KEYS }}', 'tooMuch'],
    ['many keys, counted', often('{% if KEYS.size %}y{% endif %}'), ''],
    ['many keys as text', often(' | replace: "b", KEYS', { before: '{{ "a"', after: ' }}' }), 'tooMuch'],
    ['a deep value', '{{ DEEP }}', 'fails'],
    ['a deep value, compared', '{% if DEEP == DEEP %}{% endif %}', 'fails'],
    ['a range', '{% if (1..99999999) contains 0 %}{% endif %}', 'fails'],
    ['a range as text', '{{ (1..1000000) | json }}', 'fails'],
    ['many ranges', often('{% if (1..100) contains 0 %}{% endif %}'), 'fails'],
    ['ends that are given of a range', '{{ (SMALL..TEXT) }}', '[]'],
  ])('%s', (_what, template, outcome) => {
    expect(template.length).toBeLessThanOrEqual(LONGEST);
    const { filled, time } = measured(template, values);
    expect(outcomeOf(filled)).toBe(outcome);
    expect(time).toBeLessThan(MOST_TIME);
  });
});

describe('the size of a template', () => {
  test.each([
    ['letters', 'x'],
    // Two units of UTF-16 each, as Kubernetes counts them one character.
    ['emoji', '😀'],
  ])('is bounded in characters: %s', (_what, character) => {
    expect(isTemplate(character.repeat(LONGEST))).toBe(true);
    expect(isTemplate(character.repeat(LONGEST + 1))).toBe(false);
  });
});

describe('small ranges, and sizes of what has one', () => {
  test.each<[string, string]>([
    ['{% if (1..5) contains 3 %}y{% endif %}', 'y'],
    ['{{ (1..3) | json }}', '[1,2,3]'],
    ['{% if SMALL contains "ol" %}y{% endif %}', 'y'],
    ['{{ SMALL.size }}', '4'],
  ])('%s', (template, text) => {
    expect(outcomeOf(fill(template, { SMALL: 'role' }))).toBe(text);
  });
});

test('a value too deep for JSON is refused, not thrown', () => {
  const rendered = render('orders-db', shapeOf(undefined), { DEEP: values.DEEP });
  expect(rendered.ok ? '' : rendered.fault.message).toContain('too deep');
});

describe('whatever a template repeats', () => {
  const name = fc.constantFrom(...Object.keys(values), 'a', 'b', 'nobody');
  const value = fc.oneof(
    { weight: 6, arbitrary: name },
    { weight: 1, arbitrary: fc.tuple(name, name).map(([of, by]) => `${of}[${by}]`) },
    { weight: 1, arbitrary: name.map((of) => `${of}.size`) },
    { weight: 1, arbitrary: fc.constantFrom('"a"', '"aaaaaaaa"', '1', '(1..9)') },
  );
  const filter = fc.oneof(
    fc.constantFrom('json', 'upcase', 'downcase', 'base64_encode', 'url_encode'),
    value.map((one) => `default: ${one}`),
    fc.tuple(value, value).map(([from, to]) => `replace: ${from}, ${to}`),
  );
  const filtered = fc
    .tuple(value, fc.array(filter, { maxLength: 3 }))
    .map(([from, filters]) => [from, ...filters].join(' | '));
  const operator = fc.constantFrom('==', '!=', '<', '<=', '>', '>=', 'contains', 'and', 'or');
  const statement = fc.oneof(
    filtered.map((one) => `{{ ${one} | default: "" }}`),
    fc.tuple(fc.constantFrom('a', 'b'), filtered).map(([to, from]) => `{% assign ${to} = ${from} %}`),
    fc.constant('{% capture a %}{{ a }}{{ a }}{{ b }}{% endcapture %}'),
    fc
      .tuple(value, operator, value)
      .map(([one, sign, other]) => `{% if ${one} ${sign} ${other} %}{% endif %}`),
  );
  const repeated = fc
    .array(statement, { minLength: 1, maxLength: 3 })
    .map((statements) =>
      often(statements.join(''), { before: '{% assign a = "aaaa" %}{% assign b = SMALL %}' }),
    );

  test('it is filled or refused in no time', { timeout: 120_000 }, () => {
    const slow: string[] = [];
    fc.assert(
      fc.property(repeated, (template) => {
        const { time } = measured(template, values);
        if (time >= MOST_TIME) slow.push(`${String(time)} ms: ${template}`);
      }),
      { numRuns: 300 },
    );
    expect(slow).toEqual([]);
  });
});
