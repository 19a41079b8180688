import { createHash } from 'node:crypto';

import { fault, type Fault } from '../errors.ts';

/** What a Secret may hold, in bytes of its values together (`MaxSecretSize` of Kubernetes). */
const MOST_BYTES = 1024 * 1024;

/** What Kubernetes takes as a key: a file name, but for `.` and whatever begins with `..`. */
const keyPattern = /^(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}$/;

/** The rendered data of a Secret: text by key, or the fault that makes it impossible. */
export type Rendered =
  | { readonly ok: true; readonly data: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly fault: Fault };

/**
 * Turns what a lease carries into the text of a Secret's keys. A text stays as it is; a number, boolean, list or
 * object becomes its JSON; a null or missing value makes no key (docs/lease-api.md, "Data"). The result is checked
 * against what Kubernetes allows before anything is written, and no message shows a value.
 *
 * @param secret the Secret's name, for the message.
 */
export function render(secret: string, values: Readonly<Record<string, unknown>>): Rendered {
  const data = new Map<string, string>();
  let bytes = 0;
  for (const key of Object.keys(values).toSorted()) {
    const text = asText(values[key]);
    if (text === undefined) continue;
    if (!keyPattern.test(key)) {
      return refused(
        secret,
        'the lease carries a key that a Secret cannot have: letters, digits, "-", "_" and "." make one, two dots do not begin it',
      );
    }
    data.set(key, text);
    bytes += Buffer.byteLength(text);
  }
  if (bytes > MOST_BYTES)
    return refused(secret, 'the values are larger than the 1 MiB that a Secret can hold');
  if (data.size === 0) return refused(secret, 'the lease carries no values');
  return { ok: true, data };
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
