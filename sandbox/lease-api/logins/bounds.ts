import { posix } from 'node:path';
import type { Profile } from '../refusal.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** `glob`: a value may also match by `*`, `?` and `{a,b}`. */
export type Matching = 'exact' | 'glob';

/** The values of a comma list, without the space around them. */
export function listed(list: string): readonly string[] {
  return list.split(',').map((value) => value.trim());
}

/** Whether a list allows a value, or one of several. An empty list allows everything, an absent value is in no list. */
export function permits(list: string, value: unknown, matching: Matching): boolean {
  if (list === '') return true;
  const values = textsOf(value);
  return listed(list).some((allowed) => values.some((one) => matches(one, allowed, matching)));
}

/** The same for a bound that is one value or pattern, commas included. */
export function permitsOne(bound: string, value: unknown): boolean {
  return bound === '' || textsOf(value).some((one) => matches(one, bound, 'glob'));
}

/** A claim by its name; the current server reads dots as a path, one of 2024 does not. */
export function claimAt(claims: Claims, name: string, profile: Profile): unknown {
  const path = profile === 'current' ? name.split('.') : [name];
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    claims,
  );
}

function matches(value: string, allowed: string, matching: Matching): boolean {
  return value === allowed || (matching === 'glob' && posix.matchesGlob(value, allowed));
}

/** A claim is one value or several. */
function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) =>
    typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean' ? [String(one)] : [],
  );
}
