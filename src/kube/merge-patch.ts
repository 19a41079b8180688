/** A value as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The JSON merge patch (RFC 7386) that turns one value into another: objects are compared key by key, everything else
 * is replaced whole, and null takes a key away. A key whose value is undefined counts as absent.
 *
 * @param to must hold no null within an object: a merge patch cannot say that.
 * @returns undefined when the two are equal.
 */
export function mergePatch(from: unknown, to: unknown): Json | undefined {
  if (isObject(from) && isObject(to)) return objectPatch(from, to);
  return equal(from, to) ? undefined : (plain(to) as Json);
}

type Members = Readonly<Record<string, unknown>>;

function objectPatch(from: Members, to: Members): Json | undefined {
  const patch: [string, Json][] = [];
  for (const key of keys(from)) if (member(to, key) === undefined) patch.push([key, null]);
  for (const key of keys(to)) {
    const before = member(from, key);
    const change = before === undefined ? (plain(to[key]) as Json) : mergePatch(before, to[key]);
    if (change !== undefined) patch.push([key, change]);
  }
  // fromEntries defines keys rather than assigning them, so that "__proto__" is a key like any other.
  return patch.length === 0 ? undefined : Object.fromEntries(patch);
}

/** Whether two JSON values are the same, whatever the order of their keys. */
export function equal(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => equal(item, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return one === other;
  const names = keys(one);
  return (
    names.length === keys(other).length &&
    names.every((key) => member(other, key) !== undefined && equal(one[key], other[key]))
  );
}

/** The value without keys that are undefined. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(keys(value).map((key) => [key, plain(value[key])]));
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function keys(object: Members): readonly string[] {
  return Object.keys(object).filter((key) => object[key] !== undefined);
}

/** An own member: a key such as "constructor" must not find what every object inherits. */
function member(object: Members, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
