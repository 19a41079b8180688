import type { JsonObject } from '../../src/api/crd.ts';
import { celHolds } from './cel.ts';

/** One node of a structural schema, and where it stands. */
export interface SchemaNode {
  readonly path: string;
  readonly schema: JsonObject;
}

/** A schema and everything below it. */
export function nodesOf(schema: JsonObject, path = ''): readonly SchemaNode[] {
  const children: [string, unknown][] = [
    ...Object.entries(asObject(schema['properties']) ?? {}).map(([name, child]): [string, unknown] => [
      `${path}.${name}`,
      child,
    ]),
    [`${path}[]`, schema['items']],
    [`${path}.*`, schema['additionalProperties']],
  ];
  const below = children.flatMap(([at, child]) => {
    const node = asObject(child);
    return node === undefined ? [] : nodesOf(node, at);
  });
  return [{ path, schema }, ...below];
}

/**
 * What the API server would say of a value: the path of each violation, and the keyword or the rule's sentence. As there, rules
 * are asked only about what has its shape.
 */
export function violations(schema: JsonObject, value: unknown): readonly string[] {
  const misshapen = brokenAt(schema, value, '', brokenKeywords);
  return misshapen.length > 0 ? misshapen : brokenAt(schema, value, '', brokenRules);
}

type Broken = (
  schema: JsonObject,
  value: unknown,
) => readonly { readonly at?: string; readonly what: string }[];

/** What is broken at a node and below it. */
function brokenAt(schema: JsonObject, value: unknown, path: string, broken: Broken): readonly string[] {
  const own = broken(schema, value).map(({ at = '', what }) => `${path}${at}: ${what}`);
  if (Array.isArray(value)) {
    const items = asObject(schema['items']) ?? {};
    return [
      ...own,
      ...value.flatMap((item, index) => brokenAt(items, item, `${path}[${String(index)}]`, broken)),
    ];
  }
  const properties = asObject(schema['properties']) ?? {};
  const others = asObject(schema['additionalProperties']);
  const children = Object.entries(asObject(value) ?? {}).flatMap(([key, child]) => {
    const node = asObject(Object.hasOwn(properties, key) ? properties[key] : undefined) ?? others;
    return node === undefined ? [] : brokenAt(node, child, `${path}.${key}`, broken);
  });
  return [...own, ...children];
}

interface Rule {
  readonly rule: string;
  readonly message: string;
  /** The field that it blames, below its node; empty: the node itself. */
  readonly fieldPath: string;
}

/** The CEL rules of a node. */
export function rulesOf(schema: JsonObject): readonly Rule[] {
  const rules = schema['x-kubernetes-validations'];
  if (!Array.isArray(rules)) return [];
  return rules.map((one: unknown) => {
    const { rule, message, fieldPath = '' } = asObject(one) ?? {};
    return { rule: String(rule), message: String(message), fieldPath: String(fieldPath) };
  });
}

const brokenRules: Broken = (schema, value) =>
  rulesOf(schema)
    .filter(({ rule }) => !rule.includes('oldSelf') && !celHolds(rule, { self: value }))
    .map(({ message, fieldPath }) => ({ at: fieldPath, what: message }));

const brokenKeywords: Broken = (schema, value) => {
  if (!hasType(schema, value)) return [{ what: 'type' }];
  return checks
    .filter(([keyword, holds]) => keyword in schema && !holds(schema[keyword], value))
    .map(([keyword]) => ({ what: keyword }));
};

type Check = readonly [keyword: string, holds: (rule: unknown, value: unknown) => boolean];

const checks: readonly Check[] = [
  ['enum', (rule, value) => Array.isArray(rule) && rule.includes(value)],
  ['pattern', (rule, value) => new RegExp(String(rule)).test(String(value))],
  ['minLength', (rule, value) => Array.from(String(value)).length >= Number(rule)],
  ['maxLength', (rule, value) => Array.from(String(value)).length <= Number(rule)],
  ['minItems', (rule, value) => Array.isArray(value) && value.length >= Number(rule)],
  ['maxItems', (rule, value) => Array.isArray(value) && value.length <= Number(rule)],
  [
    'x-kubernetes-list-type',
    (rule, value) => rule !== 'set' || (Array.isArray(value) && new Set(value).size === value.length),
  ],
  ['minProperties', (rule, value) => Object.keys(asObject(value) ?? {}).length >= Number(rule)],
  ['maxProperties', (rule, value) => Object.keys(asObject(value) ?? {}).length <= Number(rule)],
  [
    'required',
    (rule, value) =>
      Array.isArray(rule) && rule.every((key) => Object.hasOwn(asObject(value) ?? {}, String(key))),
  ],
];

function hasType(schema: JsonObject, value: unknown): boolean {
  switch (schema['type']) {
    case 'object':
      return asObject(value) !== undefined;
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === schema['type'];
    default:
      return schema['type'] === undefined;
  }
}

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}
