import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { render } from '../../../src/secret/render.ts';
import { shapeOf, shapeView } from '../../../src/secret/shape.ts';
import { fill } from '../../../src/secret/template.ts';
import { outcomeOf } from './support/cost.ts';

/** What no template may come upon: it is of every object, of the process and of everything global. */
const CANARY = 'canary-2c9f';

const homes: readonly object[] = [
  Object.prototype,
  Function.prototype,
  Array.prototype,
  String.prototype,
  Number.prototype,
  Boolean.prototype,
  globalThis,
  process,
];

const values = {
  DB_USERNAME: 'role',
  DB_PASSWORD: 'VALUE-7f3a',
  PORT: 5432,
  NESTED: { host: 'db', list: ['a', { deep: 'b' }] },
};

beforeAll(() => {
  for (const home of homes) {
    Object.defineProperty(home, 'canary', { configurable: true, value: CANARY });
    Object.defineProperty(home, 'called', { configurable: true, value: () => CANARY });
  }
});
afterAll(() => {
  for (const home of homes) {
    Reflect.deleteProperty(home, 'canary');
    Reflect.deleteProperty(home, 'called');
  }
});

test('the canary is where a template must not get', () => {
  expect(Reflect.get(values.NESTED, 'canary')).toBe(CANARY);
  expect(Reflect.get(String.prototype, 'canary')).toBe(CANARY);
  expect(Reflect.get(process.env, 'canary')).toBe(CANARY);
});

describe('a name in a template', () => {
  test.each<[string, string]>([
    ['{{ canary }}', 'missing canary'],
    ['{{ NESTED.canary }}', 'missing'],
    ['{{ NESTED.called }}', 'missing'],
    ['{{ NESTED.list.canary }}', 'missing'],
    ['{{ NESTED.list[0].canary }}', 'missing'],
    ['{{ DB_USERNAME.canary }}', 'missing'],
    ['{{ PORT.canary }}', 'missing'],
    ['{{ "text".canary }}', 'missing canary'],
    ['{{ true.canary }}', 'missing canary'],
    // These are objects of the engine itself.
    ['{{ nil.canary }}', 'missing canary'],
    ['{{ empty.canary }}', 'missing canary'],
    ['{{ blank.called }}', 'missing called'],
    ['{{ null.canary }}', 'missing canary'],
    ['{{ nil.constructor }}', 'missing constructor'],
    ['{{ nil.__proto__.__proto__.__proto__.canary }}', 'missing __proto__'],
    ['{% assign n = empty %}{{ n.valueOf }}', 'missing'],
    ['{% if nil.canary %}y{% else %}n{% endif %}', 'n'],
    ['{{ __proto__ }}', 'missing __proto__'],
    ['{{ __proto__.canary }}', 'missing __proto__'],
    ['{{ ["__proto__"]["canary"] }}', 'missing __proto__'],
    ['{{ NESTED["__proto__"]["canary"] }}', 'missing'],
    ['{% assign p = "__proto__" %}{{ NESTED[p].canary }}', 'missing'],
    ['{{ constructor }}', 'missing constructor'],
    ['{{ NESTED.constructor.prototype }}', 'missing'],
    ['{{ NESTED.constructor.constructor }}', 'missing'],
    ['{{ DB_USERNAME.constructor.prototype.canary }}', 'missing'],
    ['{{ NESTED.list.map }}', 'missing'],
    ['{{ NESTED.toString }}', 'missing'],
    ['{{ NESTED.__defineGetter__ }}', 'missing'],
    ['{{ hasOwnProperty }}', 'missing hasOwnProperty'],
    ['{{ this.canary }}', 'missing this'],
    ['{{ globalThis.canary }}', 'missing globalThis'],
    ['{{ process.env.HOME }}', 'missing process'],
    ['{{ require }}', 'missing require'],
    ['{{ "" | default: NESTED.canary }}', 'missing'],
    ['{{ "a" | replace: "a", NESTED.canary }}', 'missing'],
    ['{{ NESTED.canary | default: "none" }}', 'none'],
    ['{% if NESTED.canary %}y{% else %}n{% endif %}', 'n'],
    ['{% if NESTED.constructor == NESTED.canary %}y{% endif %}', 'y'],
    ['{% assign __proto__ = NESTED %}{{ host }}', 'missing host'],
    ['{% assign __proto__ = NESTED %}{{ __proto__.host }}', 'db'],
    ['{% capture __proto__ %}x{% endcapture %}{{ __proto__ }}{{ NESTED.host }}', 'xdb'],
    ['{% assign constructor = "x" %}{{ constructor }}', 'x'],
    ['{% assign NESTED.__proto__ = "x" %}{{ NESTED.host }}', 'unusable'],
    ['{{ NESTED.list.length }}', '2'],
    ['{{ NESTED.list.size }} {{ DB_USERNAME.size }}', '2 4'],
    ['{{ NESTED.size }}', 'missing'],
    ['{{ NESTED[NESTED] }}', 'missing'],
    ['{{ [NESTED] }}', 'missing'],
  ])('%s: %s', (template, outcome) => {
    expect(outcomeOf(fill(template, values))).toBe(outcome);
  });
});

/** As the parser of an answer gives them: each is a key of its own, and no prototype. */
const odd = JSON.parse(
  `{"__proto__": {"polluted": "own"}, "constructor": {"prototype": {"polluted": "own"}}, "prototype": "p",
    "toString": "t", "valueOf": {"a": 1}, "toLiquid": "l", "then": "n", "equals": "e", "hasOwnProperty": "h",
    "O": {"size": "s", "first": "f", "length": 9, "toJSON": "j", "__proto__": "q"}}`,
) as Readonly<Record<string, unknown>>;

describe('a value of a name that JavaScript gives a meaning', () => {
  test.each<[string, string]>([
    ['{{ __proto__.polluted }}', 'own'],
    ['{{ __proto__.canary }}', 'missing'],
    ['{{ constructor.prototype.polluted }}', 'own'],
    ['{{ constructor.prototype.canary }}', 'missing'],
    ['{{ prototype }}{{ toString }}{{ toLiquid }}{{ then }}{{ equals }}{{ hasOwnProperty }}', 'ptlneh'],
    ['{{ valueOf | json }}', '{"a":1}'],
    ['{{ O.size }}{{ O.first }}{{ O.length }}{{ O.toJSON }}{{ O["__proto__"] }}', 'sf9jq'],
    ['{% if O == O %}{{ O.size }}{% endif %}', 's'],
    ['{% assign x = __proto__ %}{{ x.polluted }}', 'own'],
  ])('%s: %s', (template, outcome) => {
    expect(outcomeOf(fill(template, odd))).toBe(outcome);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  test('is a key of the Secret like any other, copied or made', () => {
    const data = JSON.parse('{"__proto__": "{{ toString }}", "constructor": "c"}') as Record<string, string>;
    const rendered = render('s', shapeOf({ data, include: ['then', 'toString'] }), odd);
    expect(rendered.ok && [...rendered.data]).toEqual([
      ['__proto__', 't'],
      ['constructor', 'c'],
      ['then', 'n'],
      ['toString', 't'],
    ]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(shapeView({ data }).mark).not.toBe(shapeView({ data: { constructor: 'c' } }).mark);
  });
});

/** Milliseconds: a busy machine takes its time for so many. */
const SLOW = 120_000;

const SECRET_TEXT = 'TEXT 91bc';
const names = `canary called __proto__ constructor prototype toString valueOf hasOwnProperty __defineGetter__ this
  globalThis process env require size first last length map 0 -1 DB_USERNAME DB_PASSWORD PORT NESTED host list deep a`;
const name = fc.constantFrom(...names.split(/\s+/));
const literal = fc.constantFrom(
  `"${SECRET_TEXT}"`,
  '"__proto__"',
  '"canary"',
  '"constructor"',
  '7',
  'true',
  'nil',
);

/** `NESTED.a["b"][c].d`: a walk from a name, or from a text. */
const walk = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: name }, { weight: 1, arbitrary: literal }),
    fc.array(
      fc.oneof(
        name.map((one) => `.${one}`),
        name.map((one) => `["${one}"]`),
        name.map((one) => `[${one}]`),
      ),
      { maxLength: 5 },
    ),
  )
  .map(([from, steps]) => from + steps.join(''));
const value = fc.oneof({ weight: 5, arbitrary: walk }, { weight: 1, arbitrary: literal });
const filter = fc.oneof(
  fc.constantFrom('json', 'upcase', 'base64_encode', 'url_encode', 'downcase'),
  value.map((one) => `default: ${one}`),
  fc.tuple(value, value).map(([from, to]) => `replace: ${from}, ${to}`),
);
const filtered = fc
  .tuple(value, fc.array(filter, { maxLength: 2 }))
  .map(([from, filters]) => [from, ...filters].join(' | '));
const operator = fc.constantFrom('==', '!=', '<', '>=', 'contains', 'and', 'or');
const statement = fc.oneof(
  filtered.map((one) => `{{ ${one} }}`),
  fc.tuple(name, filtered).map(([to, from]) => `{% assign ${to} = ${from} %}`),
  fc.tuple(name, filtered).map(([to, from]) => `{% capture ${to} %}{{ ${from} }}{% endcapture %}`),
  fc
    .tuple(value, operator, value, filtered)
    .map(([left, sign, right, then]) => `{% if ${left} ${sign} ${right} %}{{ ${then} }}{% endif %}`),
  fc.constant(SECRET_TEXT),
);
const program = fc.array(statement, { minLength: 1, maxLength: 5 }).map((all) => all.join(''));

describe('whatever a template walks through', () => {
  test('it comes upon own properties alone, and changes none', { timeout: SLOW }, () => {
    const escaped = new RegExp(`${CANARY}|function|native code|\\[object`, 'i');
    const kept = structuredClone(values);
    let filledOnes = 0;
    fc.assert(
      fc.property(program, (template) => {
        const filled = fill(template, values);
        if (!filled.ok) return;
        filledOnes += 1;
        const told = [filled.text, Buffer.from(filled.text, 'base64').toString()];
        if (told.some((text) => escaped.test(text))) throw new Error(`${template} gives ${filled.text}`);
      }),
      { numRuns: 20_000 },
    );
    // Else nothing was looked at.
    expect(filledOnes).toBeGreaterThan(2000);
    expect(values).toEqual(kept);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test(
    'what is refused is told without a value, and without a text of the template',
    { timeout: SLOW },
    () => {
      const leak = new RegExp(`${values.DB_PASSWORD}|${SECRET_TEXT}|${CANARY}|undefined|line:?\\d|Error`);
      const problems = new Map<string, number>();
      fc.assert(
        fc.property(program, (template) => {
          const shape = { data: { URL: template, OTHER: '{{ DB_PASSWORD }}' } };
          const rendered = render('orders-db', shapeOf(shape), values);
          const messages = [
            ...(rendered.ok ? [] : [rendered.fault.message]),
            shapeView(shape).fault?.message ?? '',
          ];
          const said = messages.find((message) => leak.test(message));
          if (said !== undefined) throw new Error(`${template} is refused with: ${said}`);
          const kind = rendered.ok ? 'filled' : rendered.fault.code;
          problems.set(kind, (problems.get(kind) ?? 0) + 1);
        }),
        { numRuns: 5000 },
      );
      expect([...problems.keys()].toSorted()).toEqual(['SecretInvalid', 'filled']);
      expect(Math.min(...problems.values())).toBeGreaterThan(500);
    },
  );

  test('also where the text stands for a name', () => {
    const shape = shapeOf({
      data: { URL: `{{ ["${SECRET_TEXT}"] }}{{ DB_USRE }}{{ ["${'x'.repeat(300)}"] }}` },
    });
    const rendered = render('orders-db', shape, values);
    expect(rendered.ok ? '' : rendered.fault.message).toContain('spec.secret.data.URL names DB_USRE, which');
    const alone = render('orders-db', shapeOf({ data: { URL: `{{ ["${SECRET_TEXT}"] }}` } }), values);
    expect(alone.ok ? '' : alone.fault.message).toContain('spec.secret.data.URL uses a value, which');
    for (const one of [rendered, alone]) expect(JSON.stringify(one)).not.toMatch(/TEXT 91bc|xxx/);
  });
});
