import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { fill, isTemplate } from '../../../src/secret/template.ts';
import { measured, MOST_TIME } from './support/cost.ts';

const values = {
  DB_USERNAME: 'v-role 1',
  DB_PASSWORD: 'p@ss/w:rd?&%+ä"\\\'',
  PORT: 5432,
  TLS: false,
  EMPTY: '',
  'tls.crt': 'certificate',
  NESTED: { host: 'db', list: [1, 2] },
};

function filled(template: string): string {
  const result = fill(template, values);
  if (result.ok) return result.text;
  return result.problem === 'missing' ? `missing ${result.names.join(' ')}` : result.problem;
}

describe('a template', () => {
  test.each<[string, string, string]>([
    ['text alone', 'postgres://db/orders', 'postgres://db/orders'],
    ['a value', 'user={{ DB_USERNAME }}', 'user=v-role 1'],
    [
      'percent-encoding by RFC 3986, a space too',
      '{{ DB_USERNAME | url_encode }}:{{ DB_PASSWORD | url_encode }}',
      'v-role%201:p%40ss%2Fw%3Ard%3F%26%25%2B%C3%A4%22%5C%27',
    ],
    ['all that RFC 3986 does not reserve', '{{ "aZ09-._~" | url_encode }}', 'aZ09-._~'],
    ["what JavaScript's own function leaves", `{{ "!'()*" | url_encode }}`, '%21%27%28%29%2A'],
    ['base64', '{{ DB_USERNAME | base64_encode }}', 'di1yb2xlIDE='],
    ['JSON of a text', '{{ DB_PASSWORD | json }}', JSON.stringify(values.DB_PASSWORD)],
    ['JSON of an object', '{{ NESTED | json }}', '{"host":"db","list":[1,2]}'],
    ['upper and lower case', '{{ "aB" | upcase }}{{ "aB" | downcase }}', 'ABab'],
    ['numbers and booleans', '{{ PORT }} {{ TLS }}', '5432 false'],
    ['an object as its JSON', '{{ NESTED }}', '{"host":"db","list":[1,2]}'],
    ['a part of an object', '{{ NESTED.host }} {{ NESTED["list"][1] }}', 'db 2'],
    ['a default for nothing', '{{ OTHER | default: "x" }}{{ EMPTY | default: "y" }}', 'xy'],
    [
      'replacements',
      String.raw`{{ DB_PASSWORD | replace: "\\", "\\\\" | replace: ":", "\\:" }}`,
      String.raw`p@ss/w\:rd?&%+ä"\\'`,
    ],
    ['assign', '{% assign u = DB_USERNAME | upcase %}{{ u }}', 'V-ROLE 1'],
    ['capture', '{% capture a %}{{ PORT }}!{% endcapture %}{{ a }}{{ a }}', '5432!5432!'],
    ['if', '{% if TLS %}s{% elsif PORT == 5432 %}p{% else %}n{% endif %}{% if OTHER %}o{% endif %}', 'p'],
    ['control of space', 'a {{- PORT -}} b', 'a5432b'],
  ])('takes %s', (_what, template, text) => {
    expect(filled(template)).toBe(text);
  });

  test.each<[string, string, string]>([
    ['a name that nobody gives', '{{ DB_USRE }}', 'missing DB_USRE'],
    ['several of them', '{{ B }}{{ A | upcase }}', 'missing A B'],
    ['an inherited property', '{{ DB_USERNAME.constructor }}', 'missing '],
    ['a method', '{{ NESTED.toString }}', 'missing '],
    ['the prototype', '{{ NESTED.__proto__.polluted }}', 'missing '],
    ['a name of every object', '{{ constructor }}', 'missing constructor'],
    [
      'more than may be made',
      '{% assign a = "aaaaaaaaaa" %}' + '{% capture a %}{{ a }}{{ a }}{{ a }}{% endcapture %}'.repeat(40),
      'tooMuch',
    ],
    [
      'growth by replacing',
      `{{ "a" ${'| replace: "a", "aaaaaaaaaaaaaaaaaaaaaaaa" '.repeat(20)}}}`,
      'tooMuch',
    ],
    ['a range of numbers', '{{ (1..999999999) | json }}', 'fails'],
  ])('is not filled with %s', (_what, template, problem) => {
    expect(filled(template)).toBe(problem);
  });

  test.each([
    '{% for a in b %}{% endfor %}',
    '{% tablerow a in b %}{% endtablerow %}',
    '{% include "/etc/passwd" %}',
    "{% render '/etc/passwd' %}",
    '{% layout "x" %}',
    '{% increment a %}',
    '{% cycle "a", "b" %}',
    '{% raw %}{% endraw %}',
    '{% liquid assign a = 1 %}',
    '{% case a %}{% when 1 %}{% endcase %}',
    '{% unless a %}{% endunless %}',
    '{{ a | append: "b" }}',
    '{{ a | raw }}',
    '{{ a | where_exp: "x", "y" }}',
    '{{ a | date: "%Y" }}',
    '{{ unclosed',
    '{% if a %}',
    '{% endif %}',
    '{{ | upcase }}}}{{',
    'x'.repeat(4097),
  ])('is not taken: %s', (template) => {
    expect(isTemplate(template)).toBe(false);
    expect(filled(template)).toBe('unusable');
  });
});

describe('whatever a template is', () => {
  const signs = String.raw`{{ }} {% %} {{- -%} | : , . [ ] ( ) .. " ' \ # = == !=`;
  const names = `assign capture endcapture if elsif else endif for include raw liquid
    url_encode base64_encode json upcase default replace append size first map
    DB_USERNAME DB_PASSWORD NESTED a constructor __proto__ prototype toString valueOf
    contains and or not true nil empty`;
  const pieces = fc.constantFrom(' ', '\n', ...signs.split(' '), ...names.split(/\s+/));
  const statement = fc
    .array(pieces, { maxLength: 12 })
    .chain((words) =>
      fc.constantFrom(`{{ ${words.join(' ')} }}`, `{% ${words.join(' ')} %}`, words.join('')),
    );
  const template = fc.oneof(
    { weight: 6, arbitrary: fc.array(statement, { maxLength: 6 }).map((all) => all.join('')) },
    { weight: 2, arbitrary: fc.array(pieces, { maxLength: 40 }).map((all) => all.join('')) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  );

  test('it is filled or refused in no time, and changes nothing beyond', { timeout: 120_000 }, () => {
    const before = Object.getOwnPropertyNames(Object.prototype).join();
    let slowest = 0;
    let longest = 0;
    fc.assert(
      fc.property(template, (text) => {
        const { filled: result, time } = measured(text, values);
        slowest = Math.max(slowest, time);
        longest = Math.max(longest, result.ok ? result.text.length : 0);
      }),
      { numRuns: 100_000 },
    );
    expect(slowest).toBeLessThan(MOST_TIME);
    expect(longest).toBeLessThanOrEqual(1024 * 1024);
    expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
    expect(values.NESTED).toEqual({ host: 'db', list: [1, 2] });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each<[string, string]>([
    ['quotes', `{{ ${'"'.repeat(4000)} }}`],
    ['brackets', `{{ ${'['.repeat(4000)} }}`],
    ['parentheses', `{{ ${'('.repeat(4000)} }}`],
    ['spaces', `{{ a ${' '.repeat(4000)} b }}`],
    ['backslashes', `{{ "${'\\'.repeat(4000)} }}`],
    ['openings', '{{'.repeat(2000)],
    ['nested ifs', `${'{% if true %}'.repeat(150)}${'{% endif %}'.repeat(150)}`],
    ['operators', `{% if ${'true and '.repeat(400)}true %}{% endif %}`],
    ['digits', `{{ ${'9'.repeat(4000)} }}`],
    ['dots', `{{ ${'a.'.repeat(2000)}b }}`],
  ])('long runs of %s take no time', (_what, text) => {
    expect(measured(text, values).time).toBeLessThan(MOST_TIME);
  });
});
