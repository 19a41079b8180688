import type { JsonObject } from '../../../../src/api/crd.ts';
import { refusals, type RefusedRow } from './rows.ts';

export const KEY = "key must be a key that a Secret can have: letters, digits, '-', '_' and '.'";
export const NAME = 'name must be the name of a Kubernetes object';

export const CONFIG_MAP_KEY =
  "key must be a key that a ConfigMap can have: letters, digits, '-', '_' and '.'";

/** The rows of one reference to a key: where it stands, and a spec with something else in its place. */
export function referenceRows(
  reference: string,
  keySays: string,
  named: (part: JsonObject) => JsonObject,
): Record<string, RefusedRow> {
  return {
    ...refusals(`${reference}.name`, 'Required value', [undefined], () => named({ key: 'a' })),
    ...refusals(`${reference}.key`, 'Required value', [undefined], () => named({ name: 'a' })),
    ...refusals(`${reference}.name`, NAME, ['', 'Login', 'other/login'], (name) => named({ name, key: 'a' })),
    ...refusals(`${reference}.key`, keySays, ['', 'client id', 'a/b'], (key) => named({ name: 'a', key })),
    ...refusals(`${reference}.name`, 'Too long', ['a'.repeat(254)], (name) => named({ name, key: 'a' })),
    ...refusals(`${reference}.key`, 'Too long', ['a'.repeat(254)], (key) => named({ name: 'a', key })),
  };
}

/** The rows of one credential: where it stands, and a spec with something else in its place. */
export function credentialRows(
  field: string,
  specOf: (credential: JsonObject) => JsonObject,
): Record<string, RefusedRow> {
  const reference = `${field}.secretKeyRef`;
  return {
    ...refusals(reference, 'Required value', [undefined], () => specOf({})),
    ...referenceRows(reference, KEY, (part) => specOf({ secretKeyRef: part })),
  };
}

const ORGANIZATION =
  "organizationSlug must be the slug of an organisation: lower-case letters, digits, '-' and '_'";

export function organizationRows(method: string, auth: JsonObject): Record<string, RefusedRow> {
  const field = `spec.auth.${method}.organizationSlug`;
  const of = (organizationSlug: unknown): JsonObject => ({
    hostAPI: 'https://eu.infisical.com',
    auth: { [method]: { ...auth, organizationSlug } },
  });
  return {
    ...refusals(field, ORGANIZATION, ['', 'Acme', 'a b', '-a', 'a--b'], of),
    ...refusals(field, 'Too long', ['a'.repeat(33)], of),
  };
}
