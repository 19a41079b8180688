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

/** What the API server would say of a value: the path of each violation, and the keyword or the rule's sentence. */
export function violations(schema: JsonObject, value: unknown, path = ''): readonly string[] {
  if (!hasType(schema, value)) return [`${path}: type`];
  const own = checks.filter(([keyword, holds]) => keyword in schema && !holds(schema[keyword], value));
  const said = [...own.map(([keyword]) => keyword), ...brokenRules(schema, value)];
  return [...said.map((what) => `${path}: ${what}`), ...violationsBelow(schema, value, path)];
}

/** The CEL rules of a node. */
export function rulesOf(schema: JsonObject): readonly { readonly rule: string; readonly message: string }[] {
  const rules = schema['x-kubernetes-validations'];
  if (!Array.isArray(rules)) return [];
  return rules.map((one: unknown) => {
    const { rule, message } = asObject(one) ?? {};
    return { rule: String(rule), message: String(message) };
  });
}

function brokenRules(schema: JsonObject, value: unknown): readonly string[] {
  return rulesOf(schema)
    .filter(({ rule }) => !rule.includes('oldSelf') && !celHolds(rule, { self: value }))
    .map(({ message }) => message);
}

function violationsBelow(schema: JsonObject, value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) {
    const items = asObject(schema['items']) ?? {};
    return value.flatMap((item, index) => violations(items, item, `${path}[${String(index)}]`));
  }
  const object = asObject(value);
  if (object === undefined) return [];
  const properties = asObject(schema['properties']) ?? {};
  const others = asObject(schema['additionalProperties']);
  return Object.entries(object).flatMap(([key, child]) => {
    const below = asObject(properties[key]) ?? others;
    return below === undefined ? [] : violations(below, child, `${path}.${key}`);
  });
}

type Check = readonly [keyword: string, holds: (rule: unknown, value: unknown) => boolean];

const checks: readonly Check[] = [
  ['enum', (rule, value) => Array.isArray(rule) && rule.includes(value)],
  ['pattern', (rule, value) => new RegExp(String(rule)).test(String(value))],
  ['minLength', (rule, value) => Array.from(String(value)).length >= Number(rule)],
  ['maxLength', (rule, value) => Array.from(String(value)).length <= Number(rule)],
  ['maxItems', (rule, value) => Array.isArray(value) && value.length <= Number(rule)],
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
