import { createHash } from 'node:crypto';

import { demandOf, hasDemanded, type SecretType } from '../api/secret-shape.ts';
import { fault, type Fault } from '../errors.ts';
import type { Shape } from './shape.ts';
import { fill, UNUSABLE, type Filled } from './template.ts';

/** What a Secret may hold, in bytes of its values together (`MaxSecretSize` of Kubernetes). */
const MOST_BYTES = 1024 * 1024;

/** What Kubernetes takes as a key: a file name, but for `.` and whatever begins with `..`. */
const keyPattern = /^(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}$/;

/** The rendered data of a Secret: text by key, or the fault that makes it impossible. */
export type Rendered =
  | { readonly ok: true; readonly data: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly fault: Fault };

/**
 * Turns what a lease carries into the text of a Secret's keys: templates filled, included keys copied, or every key. A
 * text stays as it is; a number, boolean, list or object becomes its JSON; a null or missing value makes no key
 * (docs/lease-api.md, "Data"). The result is checked against what Kubernetes allows before anything is written, and no
 * message shows a value.
 *
 * @param secret the Secret's name, for the message.
 */
export function render(secret: string, shape: Shape, values: Readonly<Record<string, unknown>>): Rendered {
  const made = contentOrProblem(shape, values);
  if (typeof made === 'string') return refused(secret, made);
  const wrongKey = [...made.keys()].some((key) => !keyPattern.test(key));
  if (wrongKey) return refused(secret, WRONG_KEY);
  const bytes = [...made.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > MOST_BYTES)
    return refused(secret, 'the values are larger than the 1 MiB that a Secret can hold');
  if (made.size === 0) return refused(secret, 'the lease carries no values');
  const problem = typeProblem(shape.type, made);
  return problem === undefined ? { ok: true, data: made } : refused(secret, problem);
}

const WRONG_KEY =
  'the lease carries a key that a Secret cannot have: letters, digits, "-", "_" and "." make one, two dots do not begin it';

type Texts = ReadonlyMap<string, string>;

const TOO_DEEP = 'the lease carries a value that is too deep to be written as JSON';

/** The texts by key, in the order of the keys, or what is wrong. */
function contentOrProblem(shape: Shape, values: Readonly<Record<string, unknown>>): Texts | string {
  try {
    return content(shape, values);
  } catch (error) {
    // JSON is read to any depth, and written to that of the stack.
    if (error instanceof RangeError) return TOO_DEEP;
    throw error;
  }
}

function content({ data, include }: Shape, values: Readonly<Record<string, unknown>>): Texts | string {
  const carried = textsOf(values);
  if (data === undefined && include === undefined) return carried;
  const missing = (include ?? []).filter((key) => !carried.has(key));
  if (missing.length > 0) return `spec.secret.include ${lacks(missing)}, which ${carries(carried)}`;
  const made = new Map((include ?? []).map((key) => [key, carried.get(key) ?? '']));
  for (const [key, template] of Object.entries(data ?? {})) {
    const filled = fill(template, values);
    if (!filled.ok) return `spec.secret.data.${key} ${problemOf(filled, carried)}`;
    made.set(key, filled.text);
  }
  return new Map([...made].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** What the lease carries, as texts in the order of their keys. */
function textsOf(values: Readonly<Record<string, unknown>>): Texts {
  const carried = new Map<string, string>();
  for (const key of Object.keys(values).toSorted()) {
    const text = asText(values[key]);
    if (text !== undefined) carried.set(key, text);
  }
  return carried;
}

function problemOf(filled: Filled & { readonly ok: false }, carried: Texts): string {
  switch (filled.problem) {
    case 'missing':
      return `${lacks(filled.names)}, which ${carries(carried)}`;
    case 'tooMuch':
      return 'makes, or looks at, more than the 1 MiB that a Secret can hold';
    case 'fails':
      return 'cannot be filled with what the lease carries';
    case 'unusable':
      return UNUSABLE;
  }
}

/** The most names of keys that a sentence lists. */
const MOST_NAMES = 10;

/** Names as a sentence has them, where they could be those of keys: any other text of a template stays in it. */
function lacks(names: readonly string[]): string {
  const shown = names.filter((name) => keyPattern.test(name)).slice(0, MOST_NAMES);
  return shown.length === 0 ? 'uses a value' : `names ${shown.join(', ')}`;
}

function carries(carried: Texts): string {
  const names = [...carried.keys()].filter((key) => keyPattern.test(key));
  const shown = names.slice(0, MOST_NAMES).join(', ');
  const more = names.length > MOST_NAMES ? ` and ${String(names.length - MOST_NAMES)} more` : '';
  return names.length === 0
    ? 'the lease does not carry: it has no values'
    : `the lease does not carry: it has ${shown}${more}`;
}

/** What Kubernetes would refuse of a Secret of that type. */
function typeProblem(type: SecretType, data: Texts): string | undefined {
  if (!hasDemanded(type, data.keys())) return `type ${type} demands ${demandOf(type)}`;
  const config = data.get('.dockerconfigjson');
  if (type === 'kubernetes.io/dockerconfigjson' && config !== undefined && !isJsonObject(config))
    return `type ${type} demands that .dockerconfigjson is a JSON object`;
  return undefined;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** SHA-256 of data as canonical JSON (keys in order), in hex: tells an edited Secret from an untouched one. */
export function digestOf(data: ReadonlyMap<string, string>): string {
  const inOrder = [...data].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(inOrder)))
    .digest('hex');
}

function asText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  // A Secret holds bytes: half a surrogate pair would come back as another character, and look like an edit.
  return typeof value === 'string' ? value.toWellFormed() : JSON.stringify(value);
}

function refused(secret: string, problem: string): Rendered {
  return { ok: false, fault: fault('SecretInvalid', { secret, problem }) };
}
