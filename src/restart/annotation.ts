import { createHash } from 'node:crypto';

import { GROUP } from '../api/names.ts';

/** The prefix of the keys of the annotations by which pod templates are changed. */
export const RESTART_PREFIX = `restart.${GROUP}/`;

/** Kubernetes takes so many characters behind the prefix of a key. */
const LONGEST = 63;
const DIGEST = 12;

/**
 * The key of the annotation on a pod template that says for which lease of an object it was last restarted: each object has
 * its own, so that several never meet, and its value, the lease's id, makes the change idempotent.
 *
 * @param name of the DynamicSecretLease.
 */
export function restartKey(name: string): string {
  if (name.length <= LONGEST) return RESTART_PREFIX + name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST);
  return `${RESTART_PREFIX}${name.slice(0, LONGEST - DIGEST - 1).replace(/[-.]+$/, '')}-${digest}`;
}
