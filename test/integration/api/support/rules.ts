import type { z } from 'zod';

import { structural, type JsonObject } from '../../../../src/api/crd.ts';
import type { CelRule } from '../../../../src/api/rule.ts';

/** One thing that a schema asks of a field. */
export interface Rule {
  readonly field: string;
  /** What the API server says where it is broken: the whole of a message of ours, the heart of one of its own. */
  readonly says: string;
}

/** Everything that the schema of a spec asks for, but for the types of its fields. Keys of maps and places in lists are `*`. */
export function rulesOf(spec: z.ZodType): readonly Rule[] {
  return rulesAt('spec', structural(spec));
}

function rulesAt(field: string, schema: JsonObject): readonly Rule[] {
  const required = (schema['required'] ?? []) as readonly string[];
  const validations = (schema['x-kubernetes-validations'] ?? []) as readonly CelRule[];
  return [
    ...required.map((key) => ({ field: `${field}.${key}`, says: 'Required value' })),
    ...validations.map(({ message, fieldPath = '' }) => ({ field: `${field}${fieldPath}`, says: message })),
    ...limits(field, schema),
    ...childrenOf(schema).flatMap(([key, child]) => rulesAt(`${field}.${key}`, child)),
  ];
}

function limits(field: string, schema: JsonObject): readonly Rule[] {
  const { minLength, maxLength, minProperties, maxProperties, minItems, maxItems, enum: values } = schema;
  return [
    ...(minLength === undefined ? [] : [{ field, says: 'should be at least' }]),
    ...(minItems === undefined ? [] : [{ field, says: 'should have at least' }]),
    ...(minProperties === undefined ? [] : [{ field, says: 'should have at least' }]),
    ...(schema['x-kubernetes-list-type'] === 'set' ? [{ field: `${field}.*`, says: 'Duplicate value' }] : []),
    ...(maxLength === undefined ? [] : [{ field, says: 'Too long' }]),
    ...(maxItems === undefined ? [] : [{ field, says: 'Too many' }]),
    ...(maxProperties === undefined ? [] : [{ field, says: 'Too many' }]),
    ...(values === undefined ? [] : [{ field, says: supported(values as readonly string[]) }]),
  ];
}

function supported(values: readonly string[]): string {
  return `supported values: ${values.map((value) => JSON.stringify(value)).join(', ')}`;
}

function childrenOf(schema: JsonObject): readonly (readonly [string, JsonObject])[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonObject>>;
  const values = (schema['additionalProperties'] ?? schema['items']) as JsonObject | undefined;
  return [...Object.entries(properties), ...(values === undefined ? [] : [['*', values] as const])];
}

/** Whether a refusal's field is the one that a rule is about: `*` is any key, which stands behind a dot or in brackets. */
export function isAbout(rule: Rule, field: string): boolean {
  const pattern = rule.field.replaceAll('.', '[.]').replaceAll('*', '.+');
  return new RegExp(`^${pattern}$`).test(dottedField(field));
}

/** A field with the keys of maps behind dots, as zod's paths have them. */
export function dottedField(field: string): string {
  return field.replaceAll(/\[([^\]]+)\]/g, '.$1');
}
