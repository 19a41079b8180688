/** The key of an object within its resource type: `namespace/name`, or the name alone without a namespace. */
export function objectKey(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** The namespace of a key; empty for an object without one. */
export function namespaceOf(key: string): string {
  return key.slice(0, Math.max(key.indexOf('/'), 0));
}

/** The name in a key. */
export function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

/** The object that a key names, as requests name it. */
export function namedBy(key: string): { readonly namespace: string; readonly name: string } {
  return { namespace: namespaceOf(key), name: nameOf(key) };
}
