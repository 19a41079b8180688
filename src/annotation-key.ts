import { createHash } from 'node:crypto';

/** Kubernetes takes so many characters behind the prefix of a key. */
const LONGEST = 63;
const DIGEST = 12;

/**
 * The key of the annotation that speaks of one object: its name behind a prefix, and in place of the end of a long name a
 * digest of it.
 *
 * @param prefix with its slash.
 * @param name of an object, as Kubernetes takes it.
 */
export function annotationKey(prefix: string, name: string): string {
  if (name.length <= LONGEST) return prefix + name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST);
  return `${prefix}${name.slice(0, LONGEST - DIGEST - 1).replace(/[-.]+$/, '')}-${digest}`;
}
