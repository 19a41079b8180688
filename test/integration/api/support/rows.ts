import type { JsonObject } from '../../../../src/api/crd.ts';

/** A spec that is refused: the field that the refusal names, and what it says about it. */
export interface RefusedRow {
  readonly spec: unknown;
  readonly field: string;
  /** A part of the API server's sentence. */
  readonly says: string;
}

/** Rows for one field: each value with the sentence about it. */
export function refusals(
  field: string,
  says: string,
  values: readonly unknown[],
  specOf: (value: unknown) => JsonObject,
): Record<string, RefusedRow> {
  return Object.fromEntries(
    values.map((value) => [`${field}: ${brief(value)}`, { spec: specOf(value), field, says }]),
  );
}

/** Rows for one field: each value is accepted. */
export function acceptances(
  field: string,
  values: readonly unknown[],
  specOf: (value: unknown) => JsonObject,
): Record<string, JsonObject> {
  return Object.fromEntries(values.map((value) => [`${field}: ${brief(value)}`, specOf(value)]));
}

function brief(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 40)}… (${String(text.length)} characters)`;
}

/** An object with one key that may be absent: undefined takes the key away. */
export function without(object: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
